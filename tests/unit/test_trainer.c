/* SPDX-License-Identifier: MIT */
/*
 * What a run gives does not depend on its company: alone with its samples in lanes, in a pack of
 * sixteen, in a pack with lanes that end, diverge and are taken up by others, the same bytes at
 * every step, on every kernel. Nor on interruptions: what is saved in one layout goes on in
 * another.
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

#include "phasegrid/trainer.h"

enum { RUNS_MAX = 40, SYMBOLS = 7, TRAIN = 21, TEST = 6, COUNT = TRAIN + TEST, ROW = 32 };
enum { OUTPUTS = 5, READOUT_ROW = 16, PARAMETERS_MAX = 1000, NEVER = -1 };

struct net {
    const char *name;
    size_t dimension, depth, width, batch_size;
    enum pg_activation activation;
    enum pg_optimizer optimizer;
    bool is_regression;
    int64_t evaluate_every;
};

static const struct net nets[] = {
    {"tanh, regression, full batch", 1, 2, 8, 0, PG_TANH, PG_ADAMW, true, 1},
    {"relu, classes, mini-batches", 3, 1, 13, 8, PG_RELU, PG_ADAMW, false, 1},
    {"tanh, classes, full batch, sgd, seldom", 2, 2, 5, 0, PG_TANH, PG_SGD, false, 4},
    {"relu, regression, mini-batches, seldom", 2, 1, 20, 5, PG_RELU, PG_SGD, true, 3},
    {"linear", 4, 0, 0, 0, PG_TANH, PG_ADAMW, false, 1},
};
enum { NET_COUNT = sizeof nets / sizeof nets[0] };

/* A run between two steps. */
struct saved {
    unsigned char bytes[3 * PARAMETERS_MAX * sizeof(float)];
    size_t size;
    int64_t step, observed; /* step NEVER: it is not saved */
    uint64_t trace;
    float parameters[PARAMETERS_MAX];
};

/* What one run brings and what it leaves. */
struct run {
    struct pg_trainer_spec spec;
    uint32_t inputs[2 * COUNT], labels[ROW];
    float targets[OUTPUTS * ROW], readout[OUTPUTS * READOUT_ROW];
    uint64_t trace; /* hash over everything that was observed */
    int64_t observed, ended;
    bool diverged;
    float parameters[PARAMETERS_MAX]; /* as last observed */
};

struct theatre {
    const struct net *net;
    struct pg_trainer trainer;
    struct run runs[RUNS_MAX];
    size_t order[RUNS_MAX], count, taken;
    size_t seated[PG_LANES];     /* run of each seat */
    int64_t save_at;             /* the observation before which runs are saved; NEVER */
    struct saved *saved;         /* (RUNS_MAX) what is saved */
    const struct saved *resumed; /* (RUNS_MAX) where runs begin; NULL: at their beginning */
    struct pg_state state;       /* of the run that begins */
};

static void describe(const struct net *net, float scale, struct pg_model_spec *spec)
{
    memset(spec, 0, sizeof *spec);
    spec->loss = net->is_regression ? &pg_loss_squared_error : &pg_loss_cross_entropy;
    spec->layer_count = net->depth + 2;
    spec->layers[0] = (struct pg_layer_spec){.kind = &pg_layer_embedding_sum,
                                             .inputs = SYMBOLS,
                                             .outputs = net->dimension,
                                             .scale = scale};
    for (size_t l = 1; l < spec->layer_count; l++)
        spec->layers[l] =
            (struct pg_layer_spec){.kind = &pg_layer_affine,
                                   .inputs = l == 1 ? net->dimension : net->width,
                                   .outputs = l <= net->depth ? net->width : OUTPUTS,
                                   .activation = l <= net->depth ? net->activation : PG_IDENTITY,
                                   .group = PG_GROUP_DECODER,
                                   .scale = 1.0f};
}

static void fill_run(const struct net *net, uint32_t which, struct run *run)
{
    struct pg_random random = pg_random_make(which, PG_STREAM_TEST, 0);
    memset(run, 0, sizeof *run);
    describe(net, 1.0f + (float)(which % 3), &run->spec.model);
    for (uint32_t n = 0; n < COUNT; n++) {
        run->inputs[2 * n] = pg_random_below(&random, SYMBOLS, n, 0, 0);
        run->inputs[2 * n + 1] = pg_random_below(&random, SYMBOLS, n, 1, 0);
        run->labels[n] = pg_random_below(&random, OUTPUTS, n, 2, 0);
        for (uint32_t o = 0; o < OUTPUTS; o++)
            run->targets[o * ROW + n] = pg_random_normal(&random, n, 3, o);
    }
    for (uint32_t i = 0; i < OUTPUTS * READOUT_ROW; i++)
        run->readout[i] = pg_random_normal(&random, i, 4, 0);
}

static struct pg_training training_of(const struct net *net, const struct run *run, size_t which)
{
    struct pg_training training = {
        .spec = &run->spec,
        .samples = {COUNT, 2, run->inputs, run->labels, net->is_regression ? run->targets : NULL,
                    NULL},
        .readout = {OUTPUTS, net->is_regression ? run->readout : NULL, READOUT_ROW},
        .steps = 20 + (int64_t)(7 * which % 60),
        .seed = (uint32_t)which,
    };
    for (size_t group = 0; group < PG_GROUP_COUNT; group++)
        training.rates[group] = (struct pg_rates){
            .learning_rate = which % 10 == 7 ? 1e30 : 0.002 * (double)(1 + (which + group) % 5),
            .weight_decay = 0.1 * (double)(which % 4),
            .beta1 = 0.9 - 0.01 * (double)(which % 2),
            .beta2 = 0.999,
            .epsilon = 1e-8,
            .momentum = 0.5,
        };
    return training;
}

static void hash(uint64_t *to, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++)
        *to = (*to ^ at[i]) * 1099511628211u; /* FNV-1a */
}

static void hash_evaluation(uint64_t *to, const struct pg_evaluation *evaluation)
{
    if (evaluation == NULL)
        return;
    hash(to, &evaluation->loss, sizeof evaluation->loss);
    hash(to, &evaluation->correct, sizeof evaluation->correct);
    hash(to, &evaluation->count, sizeof evaluation->count);
}

/* The run goes on from where it was saved. */
static void take_up(struct theatre *theatre, size_t which, struct pg_training *ret)
{
    const struct saved *saved = &theatre->resumed[which];
    theatre->state = pg_state_load(saved->bytes, saved->size);
    struct run *run = &theatre->runs[which];
    run->trace = saved->trace;
    run->observed = saved->observed;
    memcpy(run->parameters, saved->parameters, sizeof run->parameters);
    ret->begin = saved->step;
    ret->state = &theatre->state;
}

static bool next(void *context, size_t seat, struct pg_training *ret)
{
    struct theatre *theatre = context;
    if (theatre->taken == theatre->count)
        return false;
    size_t which = theatre->order[theatre->taken++];
    theatre->seated[seat] = which;
    fill_run(theatre->net, (uint32_t)which, &theatre->runs[which]);
    *ret = training_of(theatre->net, &theatre->runs[which], which);
    if (theatre->resumed != NULL && theatre->resumed[which].step != NEVER)
        take_up(theatre, which, ret);
    return true;
}

static bool is_due(void *context, size_t seat, int64_t step)
{
    const struct theatre *theatre = context;
    return step == (int64_t)theatre->seated[seat] % 7;
}

/* The parameters are those from which the step's evaluation was made. */
static void save(const struct theatre *theatre, size_t seat, int64_t step)
{
    const struct run *run = &theatre->runs[theatre->seated[seat]];
    struct saved *saved = &theatre->saved[theatre->seated[seat]];
    struct pg_state state = pg_state_save(saved->bytes, sizeof saved->bytes);
    pg_trainer_pass(&theatre->trainer, seat, &state);
    assert_false(state.is_short);
    saved->size = state.used;
    saved->step = step;
    saved->observed = run->observed;
    saved->trace = run->trace;
    memcpy(saved->parameters, run->parameters, sizeof run->parameters);
}

/* Some runs end of their own accord. */
static bool observe(void *context, size_t seat, int64_t step, const struct pg_evaluation *train,
                    const struct pg_evaluation *test)
{
    struct theatre *theatre = context;
    size_t which = theatre->seated[seat];
    struct run *run = &theatre->runs[which];
    if (theatre->save_at != NEVER && run->observed == theatre->save_at + (int64_t)(which % 3))
        save(theatre, seat, step);
    hash(&run->trace, &step, sizeof step);
    if (isfinite(train->loss)) {
        hash_evaluation(&run->trace, train);
        hash_evaluation(&run->trace, test);
        pg_trainer_parameters(&theatre->trainer, seat, run->parameters);
    }
    run->observed++;
    return !(which % 6 == 5 && step >= 12);
}

static void end(void *context, size_t seat, const struct pg_training_end *end)
{
    struct theatre *theatre = context;
    struct run *run = &theatre->runs[theatre->seated[seat]];
    assert_int_equal(run->ended, 0);
    run->ended = end->step + 1;
    run->diverged = end->diverged;
}

static void play(const struct net *net, enum pg_lane_layout layout, const struct pg_kernel *kernel,
                 struct theatre *theatre)
{
    struct pg_trainer_spec spec = {.optimizer = net->optimizer,
                                   .arity = 2,
                                   .classes = OUTPUTS,
                                   .train_count = TRAIN,
                                   .test_count = TEST,
                                   .batch_size = net->batch_size,
                                   .has_readout = net->is_regression,
                                   .evaluate_every = net->evaluate_every,
                                   .layout = layout};
    const struct pg_trainer_client client = {
        .next = next, .is_due = is_due, .observe = observe, .end = end, .context = theatre};
    struct pg_arena arena;
    struct pg_error error;
    describe(net, 1.0f, &spec.model);
    theatre->net = net;
    theatre->taken = 0;
    pg_arena_measure(&arena);
    pg_trainer_arrange(&theatre->trainer, &spec, kernel, &arena);
    assert_int_equal(pg_arena_init(&arena, arena.used, &error), 0);
    pg_trainer_arrange(&theatre->trainer, &spec, kernel, &arena);
    assert_int_equal(pg_trainer_run(&theatre->trainer, &client, &error), 0);
    assert_int_equal(theatre->taken, theatre->count);
    pg_arena_release(&arena);
}

static struct theatre alone = {.save_at = NEVER}, together = {.save_at = NEVER};

static void assert_same_runs(const struct net *net)
{
    for (size_t i = 0; i < together.count; i++) {
        size_t which = together.order[i];
        const struct run *a = &alone.runs[which], *b = &together.runs[which];
        if (a->trace != b->trace || a->ended != b->ended || a->observed != b->observed ||
            a->diverged != b->diverged ||
            memcmp(a->parameters, b->parameters, sizeof a->parameters) != 0)
            fail_msg("%s: run %zu of %zu differs: %lld and %lld steps", net->name, which,
                     together.count, (long long)a->ended - 1, (long long)b->ended - 1);
    }
}

/* Packs of one run, fewer than go alone, sixteen, and more than there are lanes, in another order.
 */
static void compare(const struct net *net, const struct pg_kernel *kernel)
{
    static const size_t counts[] = {1, 5, 16, 19, RUNS_MAX};
    for (size_t i = 0; i < RUNS_MAX; i++)
        alone.order[i] = i;
    alone.count = RUNS_MAX;
    play(net, PG_LAYOUT_SAMPLES, pg_kernels[0], &alone);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        together.count = counts[c];
        for (size_t i = 0; i < counts[c]; i++)
            together.order[i] = (i * 11 + c) % RUNS_MAX;
        play(net, PG_LAYOUT_RUNS, kernel, &together);
        assert_same_runs(net);
    }
}

static void test_company_cannot_be_seen(void **state)
{
    (void)state;
    for (size_t k = 0; pg_kernels[k] != NULL; k++)
        for (size_t i = 0; i < NET_COUNT && pg_kernel_is_supported(pg_kernels[k]); i++)
            compare(&nets[i], pg_kernels[k]);
}

/* Some runs go on from where they were in one layout, in another layout with other neighbours, the
   rest begins. */
static void interrupt(const struct net *net, const struct pg_kernel *kernel, bool is_packed,
                      int64_t observation)
{
    static struct saved saved[RUNS_MAX];
    const enum pg_lane_layout layouts[] = {PG_LAYOUT_SAMPLES, PG_LAYOUT_RUNS};
    for (size_t i = 0; i < RUNS_MAX; i++)
        saved[i].step = NEVER;
    together.count = RUNS_MAX;
    together.saved = saved;
    together.save_at = observation;
    play(net, layouts[is_packed], kernel, &together);
    assert_same_runs(net);
    together.save_at = NEVER;
    together.resumed = saved;
    together.count = 18 + (size_t)observation;
    for (size_t i = 0; i < RUNS_MAX; i++)
        together.order[i] = (i * 7 + (size_t)observation) % RUNS_MAX;
    play(net, layouts[!is_packed], kernel, &together);
    assert_same_runs(net);
    together.resumed = NULL;
}

static void test_interruptions_cannot_be_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < RUNS_MAX; i++)
        alone.order[i] = together.order[i] = i;
    alone.count = RUNS_MAX;
    for (size_t i = 0; i < NET_COUNT; i++) {
        play(&nets[i], PG_LAYOUT_SAMPLES, pg_kernels[0], &alone);
        for (size_t k = 0; pg_kernels[k] != NULL; k++)
            for (int64_t at = 0; at < 8 && pg_kernel_is_supported(pg_kernels[k]); at += 2)
                interrupt(&nets[i], pg_kernels[k], at % 4 == 0, at);
    }
}

/* Runs that one trainer cannot train differ in something that it names. */
static void test_difference(void **state)
{
    (void)state;
    struct pg_trainer_spec spec = {.train_count = TRAIN, .classes = OUTPUTS}, other;
    describe(&nets[0], 1.0f, &spec.model);
    other = spec;
    other.model.layers[0].scale = 3.0f;
    assert_null(pg_trainer_difference(&spec, &other));
    other.model.layers[1].outputs++;
    assert_string_equal(pg_trainer_difference(&spec, &other), "model");
    other = spec;
    other.train_count++;
    assert_string_equal(pg_trainer_difference(&spec, &other), "number of training samples");
    other = spec;
    other.model.loss = &pg_loss_cross_entropy;
    assert_string_equal(pg_trainer_difference(&spec, &other), "loss");
}

/* The comparison would not mean much otherwise. */
static void test_runs_differ_and_some_diverge(void **state)
{
    (void)state;
    size_t diverged = 0, early = 0;
    for (size_t i = 0; i < RUNS_MAX; i++)
        alone.order[i] = i;
    alone.count = RUNS_MAX;
    play(&nets[0], PG_LAYOUT_SAMPLES, pg_kernels[0], &alone);
    for (size_t i = 0; i < RUNS_MAX; i++) {
        diverged += alone.runs[i].diverged;
        early += alone.runs[i].ended == 13;
        for (size_t j = 0; j < i; j++)
            assert_true(alone.runs[i].trace != alone.runs[j].trace);
    }
    assert_in_range(diverged, 3, 5);
    assert_in_range(early, 5, 7);
}

/* Evaluations come at multiples, at the end, and where they are asked for. */
static void test_evaluation_is_seldom(void **state)
{
    (void)state;
    alone.order[0] = 1;
    alone.count = 1;
    play(&nets[3], PG_LAYOUT_SAMPLES, pg_kernels[0], &alone);
    int64_t steps = alone.runs[1].ended - 1;
    assert_int_equal(steps, 27);
    assert_int_equal(alone.runs[1].observed, 1 + steps / 3 + 1); /* 0, 3, ..., 27, and 1 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_company_cannot_be_seen),
        cmocka_unit_test(test_interruptions_cannot_be_seen),
        cmocka_unit_test(test_difference),
        cmocka_unit_test(test_runs_differ_and_some_diverge),
        cmocka_unit_test(test_evaluation_is_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
