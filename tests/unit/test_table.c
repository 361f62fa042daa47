/* SPDX-License-Identifier: MIT */
/*
 * Models that compute their first layer once per symbol (table, affine, gather): gradients against
 * central differences in double, in both layouts; a pack's runs against each alone, byte for byte;
 * the initial values.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/experiment.h"
#include "phasegrid/model.h"
#include "phasegrid/optimizer.h"

enum { SYMBOLS = 11, SAMPLES = 37, SAMPLES_MAX = 592, WIDTH_MAX = 80, STEPS = 5 };

static const struct net {
    const char *name;
    size_t arity, dimension, depth, width;
    bool is_concatenated;
    enum pg_activation activation;
    enum pg_combine combine; /* differences: the embeddings' own, before the first affine layer */
    float total, shift;      /* a total layer behind them, of this scale; 0: none */
} nets[] = {
    {"summed, no hidden layer", 2, 5, 0, 0, false, PG_RELU, PG_SUM, 0.0f, 0.0f},
    {"summed, relu", 2, 6, 1, 19, false, PG_RELU, PG_SUM, 0.0f, 0.0f},
    {"concatenated, relu", 2, 6, 1, 19, true, PG_RELU, PG_SUM, 0.0f, 0.0f},
    {"summed, tanh, three symbols", 3, 4, 2, 17, false, PG_TANH, PG_SUM, 0.0f, 0.0f},
    {"concatenated, tanh, three symbols", 3, 4, 2, 33, true, PG_TANH, PG_SUM, 0.0f, 0.0f},
    {"concatenated, elu", 2, 6, 2, 19, true, PG_ELU, PG_SUM, 0.0f, 0.0f},
    {"summed, leaky relu", 2, 6, 1, 19, false, PG_LEAKY_RELU, PG_SUM, 0.0f, 0.0f},
    {"one symbol", 1, 20, 1, 8, true, PG_RELU, PG_SUM, 0.0f, 0.0f},
    {"difference, no hidden layer", 2, 1, 0, 0, false, PG_TANH, PG_DIFFERENCE, 0.0f, 0.0f},
    {"difference, tanh", 2, 2, 2, 17, false, PG_TANH, PG_DIFFERENCE, 0.0f, 0.0f},
    {"squared difference, tanh", 2, 2, 3, 10, false, PG_TANH, PG_SQUARED_DIFFERENCE, 0.0f, 0.0f},
    {"squared difference, relu, more rows than a vector", 2, 19, 1, 9, false, PG_RELU,
     PG_SQUARED_DIFFERENCE, 0.0f, 0.0f},
    {"total of squared differences", 2, 2, 0, 0, false, PG_RELU, PG_SQUARED_DIFFERENCE, -1.0f,
     0.8f},
    {"total of differences, and a hidden layer", 2, 3, 1, 9, false, PG_TANH, PG_DIFFERENCE, 2.0f,
     0.1f},
};
enum { NET_COUNT = sizeof nets / sizeof nets[0] };

/* So wide that with its samples in lanes it takes them in several windows, the last one cut short.
 */
static const struct net wide_nets[] = {
    {"summed, wide", 2, 6, 1, 250, false, PG_RELU, PG_SUM, 0.0f, 0.0f},
    {"concatenated, wide, two hidden layers", 2, 6, 2, 201, true, PG_TANH, PG_SUM, 0.0f, 0.0f},
};
enum { WIDE_COUNT = sizeof wide_nets / sizeof wide_nets[0], WIDE_SAMPLES = 587 };

static size_t tables_of(const struct net *net)
{
    return net->is_concatenated ? net->arity : 1;
}

static void swap_layers(struct pg_layer_spec *a, struct pg_layer_spec *b)
{
    const struct pg_layer_spec kept = *a;
    *a = *b;
    *b = kept;
}

static bool is_totalled(const struct net *net)
{
    return net->total < 0.0f || net->total > 0.0f;
}

/* Behind the differences; the first affine layer then has one input. */
static void insert_total(const struct net *net, struct pg_model_spec *spec)
{
    for (size_t l = spec->layer_count++; l > 2; l--)
        spec->layers[l] = spec->layers[l - 1];
    spec->layers[3].inputs = 1;
    spec->layers[2] = (struct pg_layer_spec){.kind = &pg_layer_total,
                                             .inputs = spec->layers[1].outputs,
                                             .outputs = 1,
                                             .activation = PG_RELU,
                                             .scale = net->total,
                                             .shift = net->shift};
}

static void describe(const struct net *net, struct pg_model_spec *spec)
{
    const size_t hidden = net->depth > 0 ? net->width : SYMBOLS;
    const enum pg_activation first = net->depth > 0 ? net->activation : PG_IDENTITY;
    const size_t inputs = tables_of(net) * net->dimension;
    memset(spec, 0, sizeof *spec);
    spec->layers[0] = (struct pg_layer_spec){.kind = &pg_layer_embedding_table,
                                             .inputs = SYMBOLS,
                                             .outputs = inputs,
                                             .tables = tables_of(net),
                                             .group = PG_GROUP_REPRESENTATION,
                                             .scale = 0.7f};
    spec->layers[1] = (struct pg_layer_spec){.kind = &pg_layer_affine,
                                             .inputs = inputs,
                                             .outputs = hidden,
                                             .group = PG_GROUP_DECODER,
                                             .scale = 1.5f};
    spec->layers[2] = (struct pg_layer_spec){.kind = &pg_layer_gather,
                                             .inputs = hidden,
                                             .outputs = hidden,
                                             .tables = tables_of(net),
                                             .activation = first};
    spec->layer_count = 3 + net->depth;
    if (net->combine != PG_SUM) {
        swap_layers(&spec->layers[1], &spec->layers[2]);
        spec->layers[1].inputs = spec->layers[1].outputs = inputs;
        spec->layers[1].activation = PG_IDENTITY;
        spec->layers[1].combine = net->combine;
        spec->layers[2].activation = first;
    }
    for (size_t l = 3; l < spec->layer_count; l++) {
        bool is_last = l + 1 == spec->layer_count;
        spec->layers[l] =
            (struct pg_layer_spec){.kind = &pg_layer_affine,
                                   .inputs = net->width,
                                   .outputs = is_last ? SYMBOLS : net->width,
                                   .activation = is_last ? PG_IDENTITY : net->activation,
                                   .group = PG_GROUP_DECODER,
                                   .scale = 1.5f};
    }
    spec->loss = &pg_loss_cross_entropy;
    if (is_totalled(net))
        insert_total(net, spec);
}

/* A model in one layout; the run in lane i has symbols, labels and initial values of seed i. */
struct fixture {
    const struct net *net;
    struct pg_model_spec spec;
    struct pg_model model;
    struct pg_pass pass;
    struct pg_arena arena;
    struct pg_samples samples;
    uint32_t inputs[SAMPLES_MAX * 3 * PG_LANES], labels[SAMPLES_MAX * PG_LANES];
    size_t count; /* samples */
    float *dense; /* (parameters) */
    size_t parameters;
};

static uint32_t drawn(uint32_t seed, size_t n, size_t k)
{
    struct pg_random random = pg_random_make(seed, PG_STREAM_TEST, 0);
    return pg_random_below(&random, SYMBOLS, (uint32_t)n, (uint32_t)k, 0);
}

static void fill_lane(struct fixture *fixture, size_t lane, uint32_t seed)
{
    const size_t arity = fixture->net->arity, lanes = fixture->model.lanes;
    struct pg_random random = pg_random_make(seed, PG_STREAM_INITIAL, 0);
    for (size_t n = 0; n < fixture->count; n++) {
        fixture->labels[n * lanes + lane] = drawn(seed, n, 9);
        for (size_t k = 0; k < arity; k++)
            fixture->inputs[(n * arity + k) * lanes + lane] = drawn(seed, n, k);
    }
    pg_model_initialise(&fixture->model, lane, &fixture->spec, &random, fixture->dense);
}

/* Runs of seeds first_seed, first_seed + 1, ... */
static void set_up(const struct net *net, size_t count, const struct pg_kernel *kernel,
                   size_t lanes, uint32_t first_seed, struct fixture *fixture)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    struct pg_error error;
    memset(fixture, 0, sizeof *fixture);
    fixture->net = net;
    fixture->count = count;
    describe(net, &fixture->spec);
    fixture->samples =
        (struct pg_samples){count, net->arity, fixture->inputs, fixture->labels, NULL, NULL};
    pg_arena_measure(&fixture->arena);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            assert_int_equal(pg_arena_init(&fixture->arena, fixture->arena.used, &error), 0);
        pg_model_arrange(&fixture->model, &fixture->spec, lanes, kernel, &fixture->arena);
        pg_pass_arrange(&fixture->pass, &fixture->spec, lanes, count, true, &fixture->arena);
    }
    (void)pg_model_segments(&fixture->spec, segments, &fixture->parameters);
    fixture->dense = calloc(fixture->parameters, sizeof *fixture->dense);
    assert_non_null(fixture->dense);
    for (size_t lane = 0; lane < lanes; lane++)
        fill_lane(fixture, lane, first_seed + (uint32_t)lane);
    pg_pass_prepare(&fixture->pass, &fixture->model);
}

static void tear_down(struct fixture *fixture)
{
    free(fixture->dense);
    pg_arena_release(&fixture->arena);
}

static const struct pg_kernel *chosen_kernel(void)
{
    const struct pg_kernel *kernel = NULL;
    struct pg_error error;
    assert_int_equal(pg_kernel_choose(&kernel, &error), 0);
    return kernel;
}

/* ---- gradients ---- */

/* Embeddings of a sample, combined or end to end. */
static void embed(const struct fixture *fixture, const double *table, size_t n, size_t lane,
                  double *ret)
{
    const struct net *net = fixture->net;
    memset(ret, 0, WIDTH_MAX * sizeof *ret);
    for (size_t k = 0; k < net->arity; k++) {
        size_t symbol = fixture->inputs[(n * net->arity + k) * fixture->model.lanes + lane];
        double *at = ret + (net->is_concatenated ? k * net->dimension : 0);
        for (size_t d = 0; d < net->dimension; d++)
            at[d] +=
                (k > 0 && net->combine != PG_SUM ? -1.0 : 1.0) * table[symbol * net->dimension + d];
    }
    for (size_t d = 0; d < net->dimension && net->combine == PG_SQUARED_DIFFERENCE; d++)
        ret[d] *= ret[d];
}

/* One affine layer in place, weight (outputs, inputs) and bias; returns what follows them. */
static const double *apply_layer(const double *weight, size_t inputs, size_t outputs,
                                 enum pg_activation activation, double *x)
{
    double y[WIDTH_MAX] = {0};
    const double *bias = weight + outputs * inputs;
    for (size_t o = 0; o < outputs; o++) {
        y[o] = bias[o];
        for (size_t i = 0; i < inputs; i++)
            y[o] += weight[o * inputs + i] * x[i];
        if (activation == PG_TANH)
            y[o] = tanh(y[o]);
        else if (activation == PG_ELU)
            y[o] = y[o] > 0.0 ? y[o] : expm1(y[o]);
        else if (activation != PG_IDENTITY && y[o] < 0.0)
            y[o] *= activation == PG_RELU ? 0.0 : (double)0.01f;
    }
    memcpy(x, y, sizeof y);
    return bias + outputs;
}

/* The model sample by sample, in double, without tables: dense parameters in, mean loss out. */
static double reference_loss(const struct fixture *fixture, const double *parameters, size_t lane)
{
    const struct net *net = fixture->net;
    double total = 0.0;
    for (size_t n = 0; n < SAMPLES; n++) {
        double x[WIDTH_MAX], sum = 0.0;
        const double *at = parameters + SYMBOLS * net->dimension;
        size_t inputs = tables_of(net) * net->dimension;
        embed(fixture, parameters, n, lane, x);
        if (is_totalled(net)) {
            for (size_t d = 0; d < inputs; d++)
                sum += x[d];
            x[0] = fmax((double)net->shift + (double)net->total * sum, 0.0);
            inputs = 1;
            sum = 0.0;
        }
        for (size_t l = 0; l < net->depth; l++, inputs = net->width)
            at = apply_layer(at, inputs, net->width, net->activation, x);
        (void)apply_layer(at, inputs, SYMBOLS, PG_IDENTITY, x);
        for (size_t o = 0; o < SYMBOLS; o++)
            sum += exp(x[o]);
        total += log(sum) - x[fixture->labels[n * fixture->model.lanes + lane]];
    }
    return total / SAMPLES;
}

static double central_difference(const struct fixture *fixture, double *parameters, size_t lane,
                                 size_t i)
{
    const double step = 1e-5, kept = parameters[i];
    parameters[i] = kept + step;
    double above = reference_loss(fixture, parameters, lane);
    parameters[i] = kept - step;
    double below = reference_loss(fixture, parameters, lane);
    parameters[i] = kept;
    return (above - below) / (2.0 * step);
}

/* With rate 0 and no momentum, SGD's velocity is the gradient itself. */
static void make_gradient(struct fixture *fixture, double *ret_loss)
{
    struct pg_update update = {.optimizer = PG_SGD};
    for (size_t lane = 0; lane < PG_LANES; lane++)
        update.keep[lane] = 1.0f;
    const struct pg_update updates[PG_GROUP_COUNT] = {update, update};
    (void)pg_model_forward(&fixture->model, &fixture->samples, SAMPLES, &fixture->pass);
    pg_model_loss(&fixture->model, &fixture->samples, 0, SAMPLES, true, &fixture->pass, ret_loss);
    pg_model_backward(&fixture->model, &fixture->samples, SAMPLES, &fixture->pass, updates);
}

static void check_lane(struct fixture *fixture, size_t lane, double loss)
{
    double *parameters = malloc(fixture->parameters * sizeof *parameters);
    float *gradient = malloc(fixture->parameters * sizeof *gradient);
    double largest = 0.0;
    assert_true(parameters != NULL && gradient != NULL);
    pg_model_store(&fixture->model, lane, PG_VALUE, fixture->dense);
    pg_model_store(&fixture->model, lane, PG_FIRST_MOMENT, gradient);
    for (size_t i = 0; i < fixture->parameters; i++) {
        parameters[i] = (double)fixture->dense[i];
        largest = fmax(largest, fabs((double)gradient[i]));
    }
    assert_true(largest > 1e-3);
    for (size_t i = 0; i < fixture->parameters; i++) {
        double numeric = central_difference(fixture, parameters, lane, i);
        if (fabs(numeric - (double)gradient[i]) > 1e-5 * largest + 1e-4 * fabs(numeric))
            fail_msg("%s: lane %zu, parameter %zu: gradient %g, central difference %g",
                     fixture->net->name, lane, i, (double)gradient[i], numeric);
    }
    assert_true(fabs(loss - reference_loss(fixture, parameters, lane)) < 1e-5 * loss);
    free(gradient);
    free(parameters);
}

static void test_gradients(void **state)
{
    (void)state;
    static const size_t layouts[] = {1, PG_LANES};
    for (size_t i = 0; i < NET_COUNT; i++)
        for (size_t j = 0; j < 2; j++) {
            static struct fixture fixture;
            double loss[PG_LANES];
            set_up(&nets[i], SAMPLES, chosen_kernel(), layouts[j], 3, &fixture);
            make_gradient(&fixture, loss);
            for (size_t lane = 0; lane < layouts[j]; lane += 5)
                check_lane(&fixture, lane, loss[lane]);
            tear_down(&fixture);
        }
}

/* ---- layouts ---- */

/* The run of each lane has rates of its own. */
static struct pg_rates rates_of(uint32_t seed)
{
    return (struct pg_rates){.learning_rate = 1e-3 * (1 + seed % 5),
                             .weight_decay = 0.1 * (seed % 3),
                             .beta1 = 0.9,
                             .beta2 = 0.999,
                             .epsilon = 1e-8};
}

static void train(struct fixture *fixture, uint32_t first_seed)
{
    for (int64_t step = 1; step <= STEPS; step++) {
        struct pg_update updates[PG_GROUP_COUNT];
        double loss[PG_LANES];
        for (size_t lane = 0; lane < fixture->model.lanes; lane++) {
            struct pg_rates rates = rates_of(first_seed + (uint32_t)lane);
            struct pg_schedule schedule = pg_schedule_make(&rates);
            pg_optimizers[PG_ADAMW].prepare(&schedule, step, lane, &updates[0]);
        }
        if (fixture->model.lanes == 1)
            pg_update_spread(&updates[0]);
        updates[1] = updates[0];
        (void)pg_model_forward(&fixture->model, &fixture->samples, fixture->count, &fixture->pass);
        pg_model_loss(&fixture->model, &fixture->samples, 0, fixture->count, true, &fixture->pass,
                      loss);
        pg_model_backward(&fixture->model, &fixture->samples, fixture->count, &fixture->pass,
                          updates);
    }
}

static void check_layouts(const struct net *net, size_t count, const struct pg_kernel *kernel)
{
    static struct fixture pack, alone;
    set_up(net, count, kernel, PG_LANES, 20, &pack);
    train(&pack, 20);
    for (uint32_t lane = 0; lane < PG_LANES; lane++) {
        set_up(net, count, kernel, 1, 20 + lane, &alone);
        train(&alone, 20 + lane);
        for (int which = 0; which < PG_BLOCK_COUNT; which++) {
            pg_model_store(&pack.model, lane, (enum pg_block_kind)which, pack.dense);
            pg_model_store(&alone.model, 0, (enum pg_block_kind)which, alone.dense);
            if (memcmp(pack.dense, alone.dense, alone.parameters * sizeof *alone.dense) != 0)
                fail_msg("%s, kernel %s: lane %u of a pack differs from the run alone", net->name,
                         kernel->name, lane);
        }
        tear_down(&alone);
    }
    tear_down(&pack);
}

static void test_layouts_give_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < NET_COUNT; i++)
        for (size_t k = 0; pg_kernels[k] != NULL; k++)
            if (pg_kernel_is_supported(pg_kernels[k]))
                check_layouts(&nets[i], SAMPLES, pg_kernels[k]);
}

static void test_windows_give_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIDE_COUNT; i++)
        check_layouts(&wide_nets[i], WIDE_SAMPLES, chosen_kernel());
}

static void test_kernels_give_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < NET_COUNT; i++) {
        static struct fixture judge, other;
        set_up(&nets[i], SAMPLES, pg_kernels[0], 1, 2, &judge);
        train(&judge, 2);
        pg_model_store(&judge.model, 0, PG_VALUE, judge.dense);
        for (size_t k = 1; pg_kernels[k] != NULL; k++) {
            if (!pg_kernel_is_supported(pg_kernels[k]))
                continue;
            set_up(&nets[i], SAMPLES, pg_kernels[k], 1, 2, &other);
            train(&other, 2);
            pg_model_store(&other.model, 0, PG_VALUE, other.dense);
            assert_memory_equal(judge.dense, other.dense, judge.parameters * sizeof *judge.dense);
            tear_down(&other);
        }
        tear_down(&judge);
    }
}

/* ---- parameters ---- */

/* The dense vector is that of the model without tables: embedding (symbols, dimension), then
   torch's weight (outputs, inputs) and bias of each layer. */
static void test_segments(void **state)
{
    (void)state;
    struct pg_model_spec spec;
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0;
    describe(&nets[2], &spec);
    assert_int_equal(pg_model_segments(&spec, segments, &parameters), 5);
    assert_int_equal(segments[0].rows, SYMBOLS);
    assert_int_equal(segments[0].columns, 6);
    assert_int_equal(segments[1].rows, 19);
    assert_int_equal(segments[1].columns, 12);
    assert_int_equal(segments[3].columns, 19);
    assert_int_equal(parameters, 11 * 6 + 19 * 13 + 11 * 20);
}

/* Normal with the standard deviation `scale`; a larger dimension holds the smaller one's values. */
static void test_initial_embeddings(void **state)
{
    (void)state;
    struct pg_layer_spec spec = {.inputs = 97, .outputs = 64, .tables = 1, .scale = 0.5f};
    struct pg_random random = pg_random_make(1, PG_STREAM_INITIAL, 0);
    static float wide[97 * 64], narrow[97 * 16];
    double mean = 0.0, square = 0.0, count = 97 * 64;
    pg_layer_embedding_table.initialise(&spec, 0, &random, wide);
    spec.outputs = 16;
    pg_layer_embedding_table.initialise(&spec, 0, &random, narrow);
    for (size_t row = 0; row < 97; row++)
        assert_memory_equal(wide + row * 64, narrow + row * 16, 16 * sizeof *wide);
    for (size_t i = 0; i < 97 * 64; i++) {
        mean += (double)wide[i] / count;
        square += (double)wide[i] * (double)wide[i] / count;
    }
    assert_true(fabs(mean) < 5.0 * 0.5 / sqrt(count));
    assert_true(fabs(square - 0.25) < 5.0 * 0.25 * sqrt(2.0 / count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_layouts_give_the_same_bytes),
        cmocka_unit_test(test_windows_give_the_same_bytes),
        cmocka_unit_test(test_kernels_give_the_same_bytes),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_initial_embeddings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
