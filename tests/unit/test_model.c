/* SPDX-License-Identifier: MIT */
/*
 * Gradients of every layer and loss against central differences in double, by a forward pass of
 * the test's own; the optimisers against the formulas of their papers in double.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/experiment.h"
#include "phasegrid/model.h"
#include "phasegrid/optimizer.h"

enum { SYMBOLS = 7, SAMPLES = 21, OUTPUTS_MAX = 40, WIDTH_MAX = 40 };

#define PENALTY 0.5 /* of the layers that take one in */

struct fixture {
    struct pg_model_spec spec;
    struct pg_model model;
    struct pg_pass pass;
    struct pg_arena arena;
    struct pg_samples samples;
    uint32_t inputs[2 * 32], labels[32];
    float targets[OUTPUTS_MAX * 32];
    uint32_t pack_inputs[2 * SAMPLES * PG_LANES], pack_labels[SAMPLES * PG_LANES];
    float pack_targets[OUTPUTS_MAX * SAMPLES * PG_LANES];
    float *dense; /* (parameters) */
    size_t parameters;
};

static const struct net {
    const char *name;
    size_t dimension, depth, width, outputs;
    enum pg_activation activation;
    bool is_regression, is_binary;
    size_t order; /* of embeddings that are matrices and multiplied; 0: they are added */
} nets[] = {
    {"linear", 1, 0, 0, 3, PG_TANH, true, false, 0},
    {"tanh, squared error", 1, 2, 20, 30, PG_TANH, true, false, 0},
    {"tanh, cross-entropy", 2, 1, 17, 13, PG_TANH, false, false, 0},
    {"relu, squared error", 3, 2, 9, 5, PG_RELU, true, false, 0},
    {"relu, cross-entropy", 4, 3, 33, 13, PG_RELU, false, false, 0},
    {"tanh, logistic", 2, 3, 10, 1, PG_TANH, false, true, 0},
    {"product of numbers, linear", 1, 0, 0, 3, PG_TANH, true, false, 1},
    {"product of matrices, tanh", 9, 2, 20, 30, PG_TANH, true, false, 3},
    {"product of matrices, relu, cross-entropy", 25, 1, 17, 13, PG_RELU, false, false, 5},
    {"leaky relu, squared error", 3, 2, 9, 5, PG_LEAKY_RELU, true, false, 0},
    {"elu, squared error", 3, 3, 17, 5, PG_ELU, true, false, 0},
};
enum { NET_COUNT = sizeof nets / sizeof nets[0] };

static void describe(const struct net *net, struct pg_model_spec *spec)
{
    memset(spec, 0, sizeof *spec);
    spec->layers[0] = (struct pg_layer_spec){.kind = net->order > 0 ? &pg_layer_embedding_product
                                                                    : &pg_layer_embedding_sum,
                                             .inputs = SYMBOLS,
                                             .outputs = net->dimension,
                                             .group = PG_GROUP_REPRESENTATION,
                                             .scale = 2.0f};
    spec->layer_count = net->depth + 2;
    for (size_t l = 1; l < spec->layer_count; l++)
        spec->layers[l] =
            (struct pg_layer_spec){.kind = &pg_layer_affine,
                                   .inputs = l == 1 ? net->dimension : net->width,
                                   .outputs = l <= net->depth ? net->width : net->outputs,
                                   .activation = l <= net->depth ? net->activation : PG_IDENTITY,
                                   .group = PG_GROUP_DECODER,
                                   .scale = 1.5f};
    spec->loss = net->is_regression ? &pg_loss_squared_error : &pg_loss_cross_entropy;
    if (net->is_binary)
        spec->loss = &pg_loss_logistic;
}

static void fill_samples(const struct net *net, struct fixture *fixture)
{
    struct pg_random random = pg_random_make(5, PG_STREAM_TEST, 0);
    for (uint32_t n = 0; n < SAMPLES; n++) {
        fixture->inputs[2 * n] = pg_random_below(&random, SYMBOLS, n, 0, 0);
        fixture->inputs[2 * n + 1] = pg_random_below(&random, SYMBOLS, n, 1, 0);
        fixture->labels[n] =
            pg_random_below(&random, net->is_binary ? 2 : (uint32_t)net->outputs, n, 2, 0);
        for (uint32_t o = 0; o < net->outputs; o++)
            fixture->targets[o * 32 + n] = pg_random_normal(&random, n, 3, o);
    }
    fixture->samples = (struct pg_samples){
        SAMPLES, 2, fixture->inputs, fixture->labels, net->is_regression ? fixture->targets : NULL,
        NULL};
}

/* Every lane of a pack sees the same samples. */
static void interleave(struct fixture *fixture)
{
    for (size_t i = 0; i < 2 * SAMPLES * PG_LANES; i++)
        fixture->pack_inputs[i] = fixture->inputs[i / PG_LANES];
    for (size_t i = 0; i < SAMPLES * PG_LANES; i++)
        fixture->pack_labels[i] = fixture->labels[i / PG_LANES];
    for (size_t o = 0; o < OUTPUTS_MAX; o++)
        for (size_t i = 0; i < SAMPLES * PG_LANES; i++)
            fixture->pack_targets[o * SAMPLES * PG_LANES + i] =
                fixture->targets[o * 32 + i / PG_LANES];
    fixture->samples.inputs = fixture->pack_inputs;
    fixture->samples.labels = fixture->pack_labels;
    if (fixture->samples.targets != NULL)
        fixture->samples.targets = fixture->pack_targets;
}

static void set_up(const struct net *net, size_t lanes, struct fixture *fixture)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    const struct pg_kernel *kernel = NULL;
    struct pg_error error;
    memset(fixture, 0, sizeof *fixture);
    describe(net, &fixture->spec);
    fill_samples(net, fixture);
    assert_int_equal(pg_kernel_choose(&kernel, &error), 0);
    pg_arena_measure(&fixture->arena);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            assert_int_equal(pg_arena_init(&fixture->arena, fixture->arena.used, &error), 0);
        pg_model_arrange(&fixture->model, &fixture->spec, lanes, kernel, &fixture->arena);
        pg_pass_arrange(&fixture->pass, &fixture->spec, lanes, SAMPLES, true, &fixture->arena);
    }
    (void)pg_model_segments(&fixture->spec, segments, &fixture->parameters);
    fixture->dense = malloc(fixture->parameters * sizeof *fixture->dense);
    assert_non_null(fixture->dense);
    for (size_t lane = 0; lane < lanes; lane++) {
        struct pg_random random = pg_random_make(3 + (uint32_t)lane, PG_STREAM_INITIAL, 0);
        pg_model_initialise(&fixture->model, lane, &fixture->spec, &random, fixture->dense);
    }
    pg_pass_prepare(&fixture->pass, &fixture->model);
    pg_model_store(&fixture->model, 0, PG_VALUE, fixture->dense);
    if (lanes > 1)
        interleave(fixture);
}

static void tear_down(struct fixture *fixture)
{
    free(fixture->dense);
    pg_arena_release(&fixture->arena);
}

static double activate(enum pg_activation activation, double x)
{
    if (activation == PG_TANH)
        return tanh(x);
    if (activation == PG_LEAKY_RELU)
        return x < 0.0 ? 0.01 * x : x;
    if (activation == PG_ELU)
        return x < 0.0 ? expm1(x) : x;
    return activation == PG_RELU && x < 0.0 ? 0.0 : x;
}

static double sample_loss(const struct net *net, const struct fixture *fixture, size_t n,
                          const double *y)
{
    double sum = 0.0;
    if (net->is_binary)
        return log1p(exp(fixture->labels[n] == 1 ? -y[0] : y[0]));
    for (size_t o = 0; o < net->outputs; o++) {
        double error = y[o] - (double)fixture->targets[o * 32 + n];
        sum += net->is_regression ? error * error : exp(y[o]);
    }
    return net->is_regression ? sum / (double)net->outputs : log(sum) - y[fixture->labels[n]];
}

/* What the first affine layer sees of a sample. */
static void embed(const struct net *net, const struct fixture *fixture, const double *table,
                  size_t n, double *ret)
{
    const double *a = table + fixture->inputs[2 * n] * net->dimension;
    const double *b = table + fixture->inputs[2 * n + 1] * net->dimension;
    for (size_t d = 0; d < net->dimension && net->order == 0; d++)
        ret[d] = a[d] + b[d];
    for (size_t i = 0; i < net->order; i++)
        for (size_t j = 0; j < net->order; j++) {
            ret[i * net->order + j] = 0.0;
            for (size_t l = 0; l < net->order; l++)
                ret[i * net->order + j] += a[i * net->order + l] * b[l * net->order + j];
        }
}

/* PENALTY x mean |E|. */
static double reference_penalty(const struct net *net, const double *table)
{
    const size_t count = SYMBOLS * net->dimension;
    double sum = 0.0;
    for (size_t i = 0; i < count && net->order > 0; i++)
        sum += fabs(table[i]);
    return PENALTY * sum / (double)count;
}

/* The model in plain double loops: dense parameters in, mean loss out. */
static double reference_loss(const struct net *net, const struct fixture *fixture,
                             const double *parameters)
{
    double total = 0.0;
    for (size_t n = 0; n < SAMPLES; n++) {
        double x[WIDTH_MAX] = {0}, y[WIDTH_MAX];
        const double *at = parameters + SYMBOLS * net->dimension;
        embed(net, fixture, parameters, n, x);
        for (size_t l = 1; l < fixture->spec.layer_count; l++) {
            const struct pg_layer_spec *layer = &fixture->spec.layers[l];
            const double *bias = at + layer->outputs * layer->inputs;
            for (size_t o = 0; o < layer->outputs; o++) {
                y[o] = bias[o];
                for (size_t i = 0; i < layer->inputs; i++)
                    y[o] += at[o * layer->inputs + i] * x[i];
                y[o] = activate(layer->activation, y[o]);
            }
            memcpy(x, y, sizeof x);
            at = bias + layer->outputs;
        }
        total += sample_loss(net, fixture, n, x);
    }
    return total / SAMPLES;
}

static double central_difference(const struct net *net, const struct fixture *fixture,
                                 double *parameters, size_t i)
{
    const double step = 1e-5;
    double kept = parameters[i];
    parameters[i] = kept + step;
    double above = reference_loss(net, fixture, parameters) + reference_penalty(net, parameters);
    parameters[i] = kept - step;
    double below = reference_loss(net, fixture, parameters) + reference_penalty(net, parameters);
    parameters[i] = kept;
    return (above - below) / (2.0 * step);
}

/* With rate 0 and no momentum, SGD's velocity is the gradient itself. */
static void read_gradient(struct fixture *fixture, size_t lane, float *ret_gradient)
{
    struct pg_update update = {.optimizer = PG_SGD, .keep = {1.0f}, .penalty = {(float)PENALTY}};
    pg_update_spread(&update);
    const struct pg_update updates[PG_GROUP_COUNT] = {update, update};
    double loss[PG_LANES];
    (void)pg_model_forward(&fixture->model, &fixture->samples, SAMPLES, &fixture->pass);
    pg_model_loss(&fixture->model, &fixture->samples, 0, SAMPLES, true, &fixture->pass, loss);
    pg_model_backward(&fixture->model, &fixture->samples, SAMPLES, &fixture->pass, updates);
    pg_model_store(&fixture->model, lane, PG_FIRST_MOMENT, ret_gradient);
}

/* The gradient of the run in `lane`, whose parameters are read first. */
static void check_gradient(const struct net *net, size_t lanes, size_t lane)
{
    static struct fixture fixture;
    double loss[PG_LANES];
    set_up(net, lanes, &fixture);
    pg_model_store(&fixture.model, lane, PG_VALUE, fixture.dense);
    double *parameters = malloc(fixture.parameters * sizeof *parameters);
    float *gradient = malloc(fixture.parameters * sizeof *gradient);
    double largest = 0.0;
    assert_true(parameters != NULL && gradient != NULL);
    for (size_t i = 0; i < fixture.parameters; i++)
        parameters[i] = (double)fixture.dense[i];
    read_gradient(&fixture, lane, gradient);
    for (size_t i = 0; i < fixture.parameters; i++)
        largest = fmax(largest, fabs((double)gradient[i]));
    assert_true(largest > 1e-3);
    for (size_t i = 0; i < fixture.parameters; i++) {
        double numeric = central_difference(net, &fixture, parameters, i);
        if (fabs(numeric - (double)gradient[i]) > 1e-5 * largest + 1e-4 * fabs(numeric))
            fail_msg("%s: parameter %zu: gradient %g, central difference %g", net->name, i,
                     (double)gradient[i], numeric);
    }
    pg_model_loss(&fixture.model, &fixture.samples, 0, SAMPLES, false, &fixture.pass, loss);
    assert_true(fabs(loss[lane] - reference_loss(net, &fixture, parameters)) < 1e-5 * loss[lane]);
    free(gradient);
    free(parameters);
    tear_down(&fixture);
}

static void test_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < NET_COUNT; i++)
        check_gradient(&nets[i], 1, 0);
}

static void test_gradients_of_packs(void **state)
{
    (void)state;
    for (size_t i = 0; i < NET_COUNT; i++)
        check_gradient(&nets[i], PG_LANES, (5 * i + 3) % PG_LANES);
}

/* Each block of each lane comes back as it was put. */
static void test_store_and_load(void **state)
{
    (void)state;
    static struct fixture fixture;
    set_up(&nets[3], PG_LANES, &fixture);
    float *copy = malloc(fixture.parameters * sizeof *copy);
    assert_non_null(copy);
    for (int turn = 0; turn < 2; turn++)
        for (size_t lane = 0; lane < PG_LANES; lane++)
            for (int which = 0; which < PG_BLOCK_COUNT; which++) {
                for (size_t i = 0; i < fixture.parameters; i++)
                    fixture.dense[i] = (float)(i * PG_LANES * 3 + lane * 3 + (size_t)which);
                if (turn == 0)
                    pg_model_load(&fixture.model, lane, (enum pg_block_kind)which, fixture.dense);
                pg_model_store(&fixture.model, lane, (enum pg_block_kind)which, copy);
                assert_memory_equal(copy, fixture.dense, fixture.parameters * sizeof *copy);
            }
    free(copy);
    tear_down(&fixture);
}

/* torch.nn.Linear's default: uniform in +-1/sqrt(inputs), here times 1.5; embeddings in +-1. */
static void test_initial_values(void **state)
{
    (void)state;
    static struct fixture fixture;
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0;
    set_up(&nets[4], 1, &fixture);
    size_t count = pg_model_segments(&fixture.spec, segments, &parameters);
    assert_int_equal(count, 1 + 2 * 4);
    for (size_t s = 0; s < count; s++) {
        size_t layer = (s + 1) / 2, floats = (size_t)(segments[s].rows * segments[s].columns);
        double bound = s == 0 ? 1.0 : 1.5 / sqrt((double)fixture.spec.layers[layer].inputs);
        double mean = 0.0, square = 0.0;
        for (size_t i = 0; i < floats; i++) {
            double x = (double)fixture.dense[(size_t)segments[s].offset + i];
            assert_true(fabs(x) <= bound);
            mean += x / (double)floats;
            square += x * x / (double)floats;
        }
        double error = bound / sqrt(3.0 * (double)floats);
        assert_true(fabs(mean) < 5.0 * error);
        assert_true(fabs(square - bound * bound / 3.0) < 5.0 * bound * error);
    }
    tear_down(&fixture);
}

/* Twice the width holds the narrower layer's values, rescaled by its fan-in. */
static void test_widths_are_nested(void **state)
{
    (void)state;
    struct net wide = nets[1];
    static struct fixture small, large;
    set_up(&nets[1], 1, &small);
    wide.width = 2 * nets[1].width;
    set_up(&wide, 1, &large);
    const struct pg_moments *a = &small.model.layers[2].moments,
                            *b = &large.model.layers[2].moments;
    for (size_t row = 0; row < nets[1].width; row++)
        for (size_t column = 0; column < nets[1].width; column++)
            assert_true(fabs((double)a->value[row * a->stride + column] -
                             sqrt(2.0) * (double)b->value[row * b->stride + column]) < 1e-6);
    tear_down(&small);
    tear_down(&large);
}

static const struct pg_rates rates = {.learning_rate = 0.01,
                                      .weight_decay = 0.5,
                                      .beta1 = 0.9,
                                      .beta2 = 0.999,
                                      .epsilon = 1e-8,
                                      .momentum = 0.8};

static float gradient_of(int64_t t, size_t i)
{
    struct pg_random random = pg_random_make((uint32_t)t, PG_STREAM_TEST, 0);
    return pg_random_normal(&random, (uint32_t)i, 0, 0);
}

/* Loshchilov & Hutter (2019), algorithm 2, as torch.optim.AdamW writes it; Polyak momentum. */
static double reference_step(enum pg_optimizer kind, double theta, double g, int64_t t, double *m,
                             double *v)
{
    theta *= 1.0 - rates.learning_rate * rates.weight_decay;
    if (kind == PG_SGD) {
        *m = rates.momentum * *m + g;
        return theta - rates.learning_rate * *m;
    }
    *m = rates.beta1 * *m + (1.0 - rates.beta1) * g;
    *v = rates.beta2 * *v + (1.0 - rates.beta2) * g * g;
    double corrected = *m / (1.0 - pow(rates.beta1, (double)t));
    double root = sqrt(*v / (1.0 - pow(rates.beta2, (double)t)));
    return theta - rates.learning_rate * corrected / (root + rates.epsilon);
}

static void check_optimizer(enum pg_optimizer kind)
{
    float value[PG_LANES], m[PG_LANES] = {0}, v[PG_LANES] = {0}, gradient[PG_LANES];
    double reference[PG_LANES], rm[PG_LANES] = {0}, rv[PG_LANES] = {0};
    struct pg_moments moments = {value, m, v, PG_LANES};
    const struct pg_kernel *kernel = NULL;
    struct pg_error error;
    assert_int_equal(pg_kernel_choose(&kernel, &error), 0);
    for (size_t i = 0; i < PG_LANES; i++)
        reference[i] = (double)(value[i] = gradient_of(0, i));
    const struct pg_schedule schedule = pg_schedule_make(&rates);
    for (int64_t t = 1; t <= 200; t++) {
        struct pg_update update = {.optimizer = kind};
        for (size_t i = 0; i < PG_LANES; i++) {
            gradient[i] = gradient_of(t, i);
            reference[i] =
                reference_step(kind, reference[i], (double)gradient[i], t, &rm[i], &rv[i]);
        }
        pg_optimizers[kind].prepare(&schedule, t, 0, &update);
        pg_update_spread(&update);
        kernel->apply(&update, &moments, gradient, PG_LANES);
        for (size_t i = 0; i < PG_LANES; i++)
            assert_true(fabs((double)value[i] - reference[i]) < 2e-6);
    }
}

static void test_optimizers(void **state)
{
    (void)state;
    check_optimizer(PG_ADAMW);
    check_optimizer(PG_SGD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),         cmocka_unit_test(test_gradients_of_packs),
        cmocka_unit_test(test_store_and_load),    cmocka_unit_test(test_initial_values),
        cmocka_unit_test(test_widths_are_nested), cmocka_unit_test(test_optimizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
