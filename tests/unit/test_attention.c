/* SPDX-License-Identifier: MIT */
/*
 * A one-layer transformer from its layers against one written down plainly in double: token by
 * token, no table, queries, keys and values of every sample anew (Vaswani et al. 2017). Its loss,
 * and its gradient by central differences; heads, places, dropout, both layouts, passes of several
 * windows, every kernel that this CPU has.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/model.h"
#include "phasegrid/optimizer.h"

enum { SYMBOLS = 5, SAMPLES_MAX = 1300, D_MAX = 32, HIDDEN = 9, STEP = 17 };

static const struct net {
    const char *name;
    size_t dimension, heads, places, samples;
    float drop_rate; /* 0: the model has no dropout layers */
} nets[] = {
    {"one head", 6, 1, 2, 19, 0.0f},
    {"one head, =", 8, 1, 3, 19, 0.0f},
    {"two heads", 8, 2, 2, 21, 0.0f},
    {"two heads, =, dropout", 6, 2, 3, 21, 0.3f},
    {"four heads, dropout", 16, 4, 2, 16, 0.2f},
    {"four heads, =", 12, 4, 3, 37, 0.0f},
    {"wide heads", 32, 2, 3, 17, 0.0f},
    /* More samples than a window (src/train/model.c): for the bytes, which those of a pack, a
       single window, are to be. */
    {"windows", 8, 2, 3, 1300, 0.0f},
    {"windows, dropout", 8, 4, 2, 1300, 0.5f},
};
enum { NET_COUNT = sizeof nets / sizeof nets[0], SMALL_NETS = NET_COUNT - 2 };

struct fixture {
    struct pg_model_spec spec;
    struct pg_model model;
    struct pg_pass pass;
    struct pg_noise noise[PG_LANES];
    struct pg_arena arena;
    struct pg_samples samples;
    uint32_t inputs[PG_LANES * 3 * SAMPLES_MAX], labels[PG_LANES * (SAMPLES_MAX + PG_LANES)];
    size_t parameters;
};

/* ---- the model of layers ---- */

static struct pg_layer_spec *add(struct pg_model_spec *spec, const struct pg_layer_kind *kind,
                                 size_t inputs, size_t outputs)
{
    struct pg_layer_spec *layer = &spec->layers[spec->layer_count++];
    *layer = (struct pg_layer_spec){.kind = kind,
                                    .inputs = inputs,
                                    .outputs = outputs,
                                    .group = PG_GROUP_DECODER,
                                    .scale = 1.5f};
    return layer;
}

static void add_residual(const struct net *net, struct pg_model_spec *spec, size_t skip)
{
    const size_t d = net->dimension;
    if (net->drop_rate > 0.0f)
        add(spec, &pg_layer_dropout, d, d)->drop_rate = net->drop_rate;
    struct pg_layer_spec *residual = add(spec, &pg_layer_residual, d, d);
    residual->skip = skip;
    residual->tables = skip == 0 ? net->places : 0;
    residual->symbols = SYMBOLS;
}

static void describe(const struct net *net, struct pg_model_spec *spec)
{
    const size_t d = net->dimension;
    memset(spec, 0, sizeof *spec);
    add(spec, &pg_layer_token_table, SYMBOLS, d)->tables = net->places;
    add(spec, &pg_layer_affine, d, 3 * d);
    struct pg_layer_spec *attention = add(spec, &pg_layer_attention, 3 * d, d);
    attention->tables = net->places;
    attention->symbols = SYMBOLS;
    attention->heads = net->heads;
    add(spec, &pg_layer_affine, d, d);
    add_residual(net, spec, 0);
    const size_t middle = spec->layer_count - 1;
    add(spec, &pg_layer_affine, d, HIDDEN)->activation = PG_RELU;
    add(spec, &pg_layer_affine, HIDDEN, d);
    add_residual(net, spec, middle);
    add(spec, &pg_layer_affine, d, SYMBOLS);
    spec->loss = &pg_loss_cross_entropy;
}

/* ---- the plain one ---- */

/* Takes matrices off the dense vector, in order. */
static const double *take(const double **at, size_t count)
{
    const double *taken = *at;
    *at += count;
    return taken;
}

/* y = W x + b, W and b taken. */
static void affine(const double **at, const double *x, size_t inputs, double *y, size_t outputs)
{
    const double *w = take(at, outputs * inputs), *b = take(at, outputs);
    for (size_t o = 0; o < outputs; o++) {
        y[o] = b[o];
        for (size_t i = 0; i < inputs; i++)
            y[o] += w[o * inputs + i] * x[i];
    }
}

/* The factor of number `row` of sample n at the dropout layer whose segments begin at `segment`. */
static double kept(const struct net *net, const struct fixture *fixture, size_t lane, size_t n,
                   size_t row, uint32_t segment)
{
    float u = pg_random_uniform(&fixture->noise[lane].random, (uint32_t)n,
                                segment << 16 | (uint32_t)row, STEP);
    if (net->drop_rate <= 0.0f || fixture->pass.noise == NULL)
        return 1.0;
    return u < net->drop_rate ? 0.0 : 1.0 / (1.0 - (double)net->drop_rate);
}

static void attend(const struct net *net, double qkv[3][3 * D_MAX], double *ret)
{
    const size_t d = net->dimension, width = d / net->heads, last = net->places - 1;
    for (size_t h = 0; h < net->heads; h++) {
        double weights[3], sum = 0.0;
        for (size_t k = 0; k <= last; k++) {
            double score = 0.0;
            for (size_t i = h * width; i < (h + 1) * width; i++)
                score += qkv[last][i] * qkv[k][d + i];
            sum += weights[k] = exp(score / sqrt((double)width));
        }
        for (size_t i = h * width; i < (h + 1) * width; i++) {
            ret[i] = 0.0;
            for (size_t k = 0; k <= last; k++)
                ret[i] += weights[k] / sum * qkv[k][2 * d + i];
        }
    }
}

static double plain_sample(const struct net *net, const struct fixture *fixture, size_t lane,
                           size_t n, const double *at)
{
    const size_t d = net->dimension, lanes = fixture->model.lanes;
    const double *tokens = take(&at, (SYMBOLS + net->places - 2) * d);
    const double *places = take(&at, net->places * d), *projection = at;
    double x[3][D_MAX], qkv[3][3 * D_MAX], mix[D_MAX], out[D_MAX], hidden[HIDDEN], y[SYMBOLS];
    for (size_t k = 0; k < net->places; k++) {
        size_t symbol = fixture->inputs[(n * net->places + k) * lanes + lane];
        size_t token = k < 2 ? symbol : SYMBOLS;
        for (size_t i = 0; i < d; i++)
            x[k][i] = tokens[token * d + i] + places[k * d + i];
        at = projection;
        affine(&at, x[k], d, qkv[k], 3 * d);
    }
    double *stream = x[net->places - 1];
    attend(net, qkv, mix);
    affine(&at, mix, d, out, d);
    for (size_t i = 0; i < d; i++)
        stream[i] += kept(net, fixture, lane, n, i, 6) * out[i];
    affine(&at, stream, d, hidden, HIDDEN);
    for (size_t i = 0; i < HIDDEN; i++)
        hidden[i] = hidden[i] > 0.0 ? hidden[i] : 0.0;
    affine(&at, hidden, HIDDEN, out, d);
    for (size_t i = 0; i < d; i++)
        stream[i] += kept(net, fixture, lane, n, i, 10) * out[i];
    affine(&at, stream, d, y, SYMBOLS);
    double sum = 0.0;
    for (size_t c = 0; c < SYMBOLS; c++)
        sum += exp(y[c]);
    return log(sum) - y[fixture->labels[n * lanes + lane]];
}

static double plain_loss(const struct net *net, const struct fixture *fixture, size_t lane,
                         const double *parameters)
{
    double sum = 0.0;
    for (size_t n = 0; n < net->samples; n++)
        sum += plain_sample(net, fixture, lane, n, parameters);
    return sum / (double)net->samples;
}

/* ---- both ---- */

/* Every run of a pack has samples of its own. */
static void fill_samples(const struct net *net, size_t lanes, struct fixture *fixture)
{
    for (size_t lane = 0; lane < lanes; lane++) {
        struct pg_random random = pg_random_make(5 + (uint32_t)lane, PG_STREAM_TEST, 0);
        for (uint32_t n = 0; n < net->samples; n++) {
            uint32_t *to = &fixture->inputs[n * net->places * lanes + lane];
            for (uint32_t k = 0; k < net->places; k++)
                to[k * lanes] = k < 2 ? pg_random_below(&random, SYMBOLS, n, k, 0) : 0;
            fixture->labels[n * lanes + lane] = pg_random_below(&random, SYMBOLS, n, 2, 0);
        }
        fixture->noise[lane] =
            (struct pg_noise){pg_random_make((uint32_t)lane, PG_STREAM_DROPOUT, 0), STEP};
    }
    fixture->samples = (struct pg_samples){net->samples,    net->places, fixture->inputs,
                                           fixture->labels, NULL,        NULL};
}

static void set_up(const struct net *net, const struct pg_kernel *kernel, size_t lanes,
                   struct fixture *fixture)
{
    struct pg_segment segments[PG_LAYERS_MAX * PG_LAYER_SEGMENTS_MAX];
    struct pg_error error;
    memset(fixture, 0, sizeof *fixture);
    describe(net, &fixture->spec);
    fill_samples(net, lanes, fixture);
    pg_arena_measure(&fixture->arena);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            assert_int_equal(pg_arena_init(&fixture->arena, fixture->arena.used, &error), 0);
        pg_model_arrange(&fixture->model, &fixture->spec, lanes, kernel, &fixture->arena);
        pg_pass_arrange(&fixture->pass, &fixture->spec, lanes, net->samples, true, &fixture->arena);
    }
    (void)pg_model_segments(&fixture->spec, segments, &fixture->parameters);
    float *dense = malloc(fixture->parameters * sizeof *dense);
    assert_non_null(dense);
    for (size_t lane = 0; lane < lanes; lane++) {
        struct pg_random random = pg_random_make(3 + (uint32_t)lane, PG_STREAM_INITIAL, 0);
        pg_model_initialise(&fixture->model, lane, &fixture->spec, &random, dense);
    }
    free(dense);
    pg_pass_prepare(&fixture->pass, &fixture->model);
    fixture->pass.noise = fixture->noise;
}

/* With rate 0 and no momentum, SGD's velocity is the gradient itself. */
static double read_gradient(struct fixture *fixture, size_t lane, float *ret_gradient)
{
    const size_t count = fixture->samples.count;
    struct pg_update update = {.optimizer = PG_SGD, .keep = {1.0f}};
    pg_update_spread(&update);
    const struct pg_update updates[PG_GROUP_COUNT] = {update, update};
    double loss[PG_LANES];
    unsigned before = pg_kernel_enter();
    (void)pg_model_forward(&fixture->model, &fixture->samples, count, &fixture->pass);
    pg_model_loss(&fixture->model, &fixture->samples, 0, count, true, &fixture->pass, loss);
    pg_model_backward(&fixture->model, &fixture->samples, count, &fixture->pass, updates);
    pg_kernel_leave(before);
    pg_model_store(&fixture->model, lane, PG_FIRST_MOMENT, ret_gradient);
    return loss[lane];
}

static double central_difference(const struct net *net, const struct fixture *fixture, size_t lane,
                                 double *parameters, size_t i)
{
    const double step = 1e-5, kept_value = parameters[i];
    parameters[i] = kept_value + step;
    double above = plain_loss(net, fixture, lane, parameters);
    parameters[i] = kept_value - step;
    double below = plain_loss(net, fixture, lane, parameters);
    parameters[i] = kept_value;
    return (above - below) / (2.0 * step);
}

static void check(const struct net *net, size_t lanes, size_t lane)
{
    static struct fixture fixture;
    const struct pg_kernel *kernel = NULL;
    struct pg_error error;
    assert_int_equal(pg_kernel_choose(&kernel, &error), 0);
    set_up(net, kernel, lanes, &fixture);
    double *parameters = malloc(fixture.parameters * sizeof *parameters), largest = 0.0;
    float *gradient = malloc(fixture.parameters * sizeof *gradient);
    assert_true(parameters != NULL && gradient != NULL);
    pg_model_store(&fixture.model, lane, PG_VALUE, gradient);
    for (size_t i = 0; i < fixture.parameters; i++)
        parameters[i] = (double)gradient[i];
    double loss = read_gradient(&fixture, lane, gradient);
    assert_true(fabs(loss - plain_loss(net, &fixture, lane, parameters)) < 1e-5 * loss);
    for (size_t i = 0; i < fixture.parameters; i++)
        largest = fmax(largest, fabs((double)gradient[i]));
    assert_true(largest > 1e-3);
    for (size_t i = 0; i < fixture.parameters; i++) {
        double numeric = central_difference(net, &fixture, lane, parameters, i);
        if (fabs(numeric - (double)gradient[i]) > 1e-5 * largest + 1e-4 * fabs(numeric))
            fail_msg("%s: parameter %zu: gradient %g, central difference %g", net->name, i,
                     (double)gradient[i], numeric);
    }
    free(gradient);
    free(parameters);
    pg_arena_release(&fixture.arena);
}

static void test_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < SMALL_NETS; i++)
        check(&nets[i], 1, 0);
}

static void test_gradients_of_packs(void **state)
{
    (void)state;
    for (size_t i = 0; i < SMALL_NETS; i++)
        check(&nets[i], PG_LANES, (5 * i + 3) % PG_LANES);
}

/* Without noise nothing is dropped. */
static void test_evaluation_drops_nothing(void **state)
{
    (void)state;
    static struct fixture fixture;
    const struct net *net = &nets[3];
    double with[PG_LANES], without[PG_LANES], parameters[2000];
    float dense[2000];
    set_up(net, pg_kernels[0], 1, &fixture);
    assert_true(fixture.parameters <= 2000);
    pg_model_store(&fixture.model, 0, PG_VALUE, dense);
    for (size_t i = 0; i < fixture.parameters; i++)
        parameters[i] = (double)dense[i];
    (void)pg_model_forward(&fixture.model, &fixture.samples, net->samples, &fixture.pass);
    pg_model_loss(&fixture.model, &fixture.samples, 0, net->samples, false, &fixture.pass, with);
    fixture.pass.noise = NULL;
    (void)pg_model_forward(&fixture.model, &fixture.samples, net->samples, &fixture.pass);
    pg_model_loss(&fixture.model, &fixture.samples, 0, net->samples, false, &fixture.pass, without);
    assert_true(fabs(with[0] - without[0]) > 1e-3);
    assert_true(fabs(without[0] - plain_loss(net, &fixture, 0, parameters)) < 1e-5 * without[0]);
    pg_arena_release(&fixture.arena);
}

/* The gradient of the run in `lane` of a pack, or alone with that run's samples and values. */
static void gradient_of_run(const struct net *net, const struct pg_kernel *kernel, bool is_alone,
                            size_t lane, float *ret_gradient)
{
    static struct fixture pack, alone;
    set_up(net, kernel, PG_LANES, &pack);
    if (!is_alone) {
        (void)read_gradient(&pack, lane, ret_gradient);
        pg_arena_release(&pack.arena);
        return;
    }
    set_up(net, kernel, 1, &alone);
    pg_model_store(&pack.model, lane, PG_VALUE, ret_gradient);
    pg_model_load(&alone.model, 0, PG_VALUE, ret_gradient);
    alone.noise[0] = pack.noise[lane];
    for (size_t i = 0; i < net->samples * net->places; i++)
        alone.inputs[i] = pack.inputs[i * PG_LANES + lane];
    for (size_t i = 0; i < net->samples; i++)
        alone.labels[i] = pack.labels[i * PG_LANES + lane];
    (void)read_gradient(&alone, 0, ret_gradient);
    pg_arena_release(&pack.arena);
    pg_arena_release(&alone.arena);
}

/* Same bytes in every kernel and layout. */
static void test_bytes(void **state)
{
    (void)state;
    static float expected[20000], found[20000];
    for (size_t i = 0; i < NET_COUNT; i++) {
        const size_t lane = (3 * i + 1) % PG_LANES;
        gradient_of_run(&nets[i], pg_kernels[0], true, lane, expected);
        for (size_t k = 0; pg_kernels[k] != NULL; k++) {
            if (!pg_kernel_is_supported(pg_kernels[k]))
                continue;
            for (int is_alone = 0; is_alone < 2; is_alone++) {
                memset(found, 0xff, sizeof found);
                gradient_of_run(&nets[i], pg_kernels[k], is_alone != 0, lane, found);
                struct pg_segment segments[PG_LAYERS_MAX * PG_LAYER_SEGMENTS_MAX];
                struct pg_model_spec spec;
                size_t parameters = 0;
                describe(&nets[i], &spec);
                (void)pg_model_segments(&spec, segments, &parameters);
                assert_true(parameters <= 20000);
                if (memcmp(found, expected, parameters * sizeof *found) != 0)
                    fail_msg("%s: kernel %s, %s", nets[i].name, pg_kernels[k]->name,
                             is_alone != 0 ? "alone" : "pack");
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_gradients_of_packs),
        cmocka_unit_test(test_evaluation_drops_nothing),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
