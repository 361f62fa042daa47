/* SPDX-License-Identifier: MIT */
/*
 * Nets of dense points: features, Xavier's initial values, activations of their own place, skips,
 * half the squared error. Values and gradients against a forward pass of the test's own in double
 * and central differences, in both layouts, with weights that are walked over and weights that are
 * not.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/model.h"
#include "phasegrid/optimizer.h"

enum { POINTS = 4, INPUTS = 2, OUTPUTS = 3, DEPTH_MAX = 5, WIDTH_MAX = 140 };

static const struct net {
    const char *name;
    size_t depth, width, points;
    enum pg_activation function;
    bool has_skip, is_apart; /* is_apart: the function is a layer */
} nets[] = {
    {"silu", 3, 9, 4, PG_SILU, false, true},
    {"silu, wide", 3, 140, 2, PG_SILU, false, true},
    {"leaky, skip", 5, 9, 4, PG_LEAKY_RELU, true, true},
    {"tanh, skip, wide", 4, 140, 3, PG_TANH, true, true},
    {"elu in the product, wide", 3, 140, 4, PG_ELU, false, false},
    {"identity, wide, one point", 2, 140, 1, PG_IDENTITY, false, false},
};
enum { NET_COUNT = sizeof nets / sizeof nets[0] };

struct fixture {
    const struct net *net;
    struct pg_model_spec spec;
    struct pg_model model;
    struct pg_pass pass;
    struct pg_arena arena;
    struct pg_samples samples, run;
    float x[INPUTS * PG_LANES], y[OUTPUTS * PG_LANES];
    uint32_t labels[PG_LANES];
    size_t parameters;
    float *dense, *after;
};

static struct pg_layer_spec *add(struct pg_model_spec *spec, const struct pg_layer_kind *kind,
                                 size_t inputs, size_t outputs)
{
    struct pg_layer_spec *layer = &spec->layers[spec->layer_count++];
    *layer = (struct pg_layer_spec){.kind = kind,
                                    .inputs = inputs,
                                    .outputs = outputs,
                                    .group = PG_GROUP_DECODER,
                                    .init = PG_INIT_XAVIER_NORMAL,
                                    .scale = 1.4f};
    return layer;
}

static void describe(const struct net *net, struct pg_model_spec *spec)
{
    size_t held[DEPTH_MAX], inputs = INPUTS;
    memset(spec, 0, sizeof *spec);
    spec->loss = &pg_loss_half_squared_error;
    (void)add(spec, &pg_layer_features, INPUTS, INPUTS);
    for (size_t n = 0; n < net->depth; n++, inputs = net->width) {
        struct pg_layer_spec *affine = add(spec, &pg_layer_affine, inputs, net->width);
        affine->activation = net->is_apart ? PG_IDENTITY : net->function;
        if (net->is_apart)
            add(spec, &pg_layer_activation, net->width, net->width)->function = net->function;
        if (net->has_skip && n > 1)
            add(spec, &pg_layer_residual, net->width, net->width)->skip = held[n - 2];
        held[n] = spec->layer_count - 1;
    }
    (void)add(spec, &pg_layer_affine, inputs, OUTPUTS);
}

/* The run's own samples, and those of the layout. */
static void fill_samples(struct fixture *fixture, size_t lanes)
{
    const struct pg_random random = pg_random_make(7, PG_STREAM_TEST, 0);
    const size_t points = fixture->net->points;
    for (uint32_t i = 0; i < INPUTS * PG_LANES; i++)
        fixture->x[i] = pg_random_normal(&random, i, 0, 0);
    for (uint32_t i = 0; i < OUTPUTS * PG_LANES; i++)
        fixture->y[i] = pg_random_normal(&random, i, 1, 0);
    fixture->run = (struct pg_samples){
        .count = points, .labels = fixture->labels, .targets = fixture->y, .features = fixture->x};
    for (size_t lane = 0; lane < lanes; lane++) {
        const struct pg_samples_lane to = {&fixture->samples, lanes, lane};
        for (size_t n = 0; n < points; n++)
            pg_samples_copy(&fixture->spec, &fixture->run, n, &to, n);
    }
}

static void set_up(const struct net *net, size_t lanes, struct fixture *fixture)
{
    struct pg_segment segments[PG_LAYERS_MAX];
    const struct pg_random random = pg_random_make(3, PG_STREAM_INITIAL, 0);
    const struct pg_kernel *kernel = NULL;
    struct pg_error error;
    memset(fixture, 0, sizeof *fixture);
    fixture->net = net;
    describe(net, &fixture->spec);
    (void)pg_model_segments(&fixture->spec, segments, &fixture->parameters);
    assert_int_equal(pg_kernel_choose(&kernel, &error), 0);
    pg_arena_measure(&fixture->arena);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            assert_int_equal(pg_arena_init(&fixture->arena, fixture->arena.used, &error), 0);
        pg_model_arrange(&fixture->model, &fixture->spec, lanes, kernel, &fixture->arena);
        pg_pass_arrange(&fixture->pass, &fixture->spec, lanes, net->points, true, &fixture->arena);
        pg_samples_arrange(&fixture->samples, &fixture->spec, 0, net->points, lanes,
                           &fixture->arena);
    }
    fixture->dense = malloc(fixture->parameters * sizeof *fixture->dense);
    fixture->after = malloc(fixture->parameters * sizeof *fixture->after);
    assert_true(fixture->dense != NULL && fixture->after != NULL);
    for (size_t lane = 0; lane < lanes; lane++)
        pg_model_initialise(&fixture->model, lane, &fixture->spec, &random, fixture->dense);
    pg_pass_prepare(&fixture->pass, &fixture->model);
    fill_samples(fixture, lanes);
}

static void tear_down(struct fixture *fixture)
{
    free(fixture->dense);
    free(fixture->after);
    pg_arena_release(&fixture->arena);
}

static double apply(enum pg_activation function, double x)
{
    if (function == PG_SILU)
        return x / (1.0 + exp(-x));
    if (function == PG_LEAKY_RELU)
        return x < 0.0 ? 0.01 * x : x;
    if (function == PG_ELU)
        return x < 0.0 ? exp(x) - 1.0 : x;
    return function == PG_TANH ? tanh(x) : x;
}

/* f(W in + b) of a dense layer; returns what stands behind its parameters. */
static const double *affine(const double *w, size_t inputs, size_t outputs,
                            enum pg_activation function, const double *in, double *out)
{
    const double *bias = w + outputs * inputs;
    for (size_t o = 0; o < outputs; o++) {
        double sum = bias[o];
        for (size_t i = 0; i < inputs; i++)
            sum += w[o * inputs + i] * in[i];
        out[o] = apply(function, sum);
    }
    return bias + outputs;
}

/* 0.5 mean (f - y)^2 over points and outputs: van Rossem and Saxe's loss, of a plain net. */
static double loss_of(const struct fixture *fixture, const double *w)
{
    const struct net *net = fixture->net;
    double values[DEPTH_MAX][WIDTH_MAX], out[OUTPUTS], sum = 0.0;
    for (size_t p = 0; p < net->points; p++) {
        double in[INPUTS] = {(double)fixture->x[p], (double)fixture->x[PG_LANES + p]};
        const double *at = affine(w, INPUTS, net->width, net->function, in, values[0]);
        for (size_t n = 1; n < net->depth; n++) {
            at = affine(at, net->width, net->width, net->function, values[n - 1], values[n]);
            for (size_t i = 0; i < net->width && net->has_skip && n > 1; i++)
                values[n][i] += values[n - 2][i];
        }
        (void)affine(at, net->width, OUTPUTS, PG_IDENTITY, values[net->depth - 1], out);
        for (size_t o = 0; o < OUTPUTS; o++)
            sum += pow(out[o] - (double)fixture->y[o * PG_LANES + p], 2.0);
    }
    return 0.5 * sum / (double)(net->points * OUTPUTS);
}

/* The loss, and in `after` the gradient: a step of rate 1 is what it takes away. */
static double step(struct fixture *fixture, size_t lane)
{
    struct pg_update updates[PG_GROUP_COUNT];
    double loss[PG_LANES];
    memset(updates, 0, sizeof updates);
    for (int g = 0; g < PG_GROUP_COUNT; g++) {
        updates[g].optimizer = PG_SGD;
        updates[g].is_plain = true;
        for (size_t k = 0; k < PG_LANES; k++)
            updates[g].keep[k] = updates[g].rate[k] = 1.0f;
    }
    pg_model_store(&fixture->model, lane, PG_VALUE, fixture->dense);
    (void)pg_model_forward(&fixture->model, &fixture->samples, fixture->net->points,
                           &fixture->pass);
    pg_model_loss(&fixture->model, &fixture->samples, 0, fixture->net->points, true, &fixture->pass,
                  loss);
    pg_model_backward(&fixture->model, &fixture->samples, fixture->net->points, &fixture->pass,
                      updates);
    pg_model_store(&fixture->model, lane, PG_VALUE, fixture->after);
    return loss[lane];
}

static void check_gradient(const struct net *net, size_t lanes, size_t lane)
{
    struct fixture fixture;
    set_up(net, lanes, &fixture);
    double loss = step(&fixture, lane), largest = 0.0;
    double *w = malloc(fixture.parameters * sizeof *w);
    assert_non_null(w);
    for (size_t i = 0; i < fixture.parameters; i++) {
        w[i] = (double)fixture.dense[i];
        largest = fmax(largest, fabs((double)fixture.dense[i] - (double)fixture.after[i]));
    }
    assert_true(fabs(loss - loss_of(&fixture, w)) <= 1e-5 * loss);
    /* every parameter of small nets, every 97th of wide ones */
    for (size_t i = 0; i<fixture.parameters; i += net->width> 50 ? 97 : 1) {
        const double h = 1e-6, kept = w[i];
        w[i] = kept + h;
        double up = loss_of(&fixture, w);
        w[i] = kept - h;
        double down = loss_of(&fixture, w);
        w[i] = kept;
        double found = (double)fixture.dense[i] - (double)fixture.after[i];
        if (fabs(found - (up - down) / (2.0 * h)) > 1e-4 * largest + 1e-6)
            fail_msg("%s, parameter %zu: gradient %g, expected %g", net->name, i, found,
                     (up - down) / (2.0 * h));
    }
    assert_true(largest > 1e-3);
    free(w);
    tear_down(&fixture);
}

static void test_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < NET_COUNT; i++) {
        check_gradient(&nets[i], 1, 0);
        check_gradient(&nets[i], PG_LANES, 5);
    }
}

static void test_layouts_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < NET_COUNT; i++) {
        struct fixture alone, pack;
        set_up(&nets[i], 1, &alone);
        set_up(&nets[i], PG_LANES, &pack);
        for (int t = 0; t < 3; t++)
            assert_true(!isnan(step(&alone, 0)) && !isnan(step(&pack, 9)));
        assert_memory_equal(alone.after, pack.after, alone.parameters * sizeof *alone.after);
        tear_down(&alone);
        tear_down(&pack);
    }
}

/* Glorot and Bengio (2010): variance 2 / (inputs + outputs), here times 1.4^2; 19,600 values know a
   variance to 1 % (standard error), five of which are allowed. */
static void test_initial_values(void **state)
{
    struct fixture fixture;
    const size_t width = nets[1].width, first = INPUTS * width + width;
    double sum = 0.0, squares = 0.0;
    (void)state;
    set_up(&nets[1], 1, &fixture);
    pg_model_store(&fixture.model, 0, PG_VALUE, fixture.dense);
    for (size_t i = 0; i < width * width; i++) {
        sum += (double)fixture.dense[first + i];
        squares += pow((double)fixture.dense[first + i], 2.0);
    }
    const double count = (double)(width * width), variance = 1.4 * 1.4 * 2.0 / (2.0 * 140.0);
    assert_true(fabs(squares / count / variance - 1.0) <= 0.05);
    assert_true(fabs(sum / count) <= 5.0 * sqrt(variance / count));
    for (size_t i = 0; i < width; i++)
        assert_true(fixture.dense[first + width * width + i] == 0.0f);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_layouts_agree),
        cmocka_unit_test(test_initial_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
