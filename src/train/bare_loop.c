/* SPDX-License-Identifier: MIT */
/*
 * The bare loop over a workload. All memory is one arena, arranged twice as everywhere: measured,
 * then filled. In a pack every lane holds the same samples.
 */
#include "phasegrid/bare_loop.h"

#include <stdlib.h>

#include "phasegrid/arena.h"

struct pg_bare_loop {
    const struct pg_workload *workload;
    struct pg_arena arena;
    struct pg_model model;
    struct pg_pass pass;
    struct pg_samples samples;
    /* What `samples` points at. */
    uint32_t *inputs, *labels;
    float *targets, *dense;
    struct pg_schedule schedules[PG_GROUP_COUNT]; /* the same for every lane */
    int64_t step;
};

static size_t output_count(const struct pg_model_spec *spec)
{
    return spec->layers[spec->layer_count - 1].outputs;
}

/* Elements of a row of samples. */
static size_t row_elements(const struct pg_bare_loop *loop)
{
    return loop->model.lanes == 1 ? pg_padded(loop->workload->count) : loop->workload->count;
}

static void arrange(struct pg_bare_loop *loop, const struct pg_kernel *kernel, size_t lanes)
{
    const struct pg_model_spec *spec = &loop->workload->model;
    struct pg_segment segments[PG_LAYERS_MAX * PG_LAYER_SEGMENTS_MAX];
    size_t parameters, numbers;
    pg_model_arrange(&loop->model, spec, lanes, kernel, &loop->arena);
    pg_pass_arrange(&loop->pass, spec, lanes, loop->workload->count, true, &loop->arena);
    numbers = row_elements(loop) * lanes;
    loop->inputs = pg_arena_take(&loop->arena, 2 * numbers * sizeof *loop->inputs);
    loop->labels = pg_arena_take(&loop->arena, numbers * sizeof *loop->labels);
    loop->targets = pg_arena_take(&loop->arena, output_count(spec) * numbers * sizeof(float));
    (void)pg_model_segments(spec, segments, &parameters);
    loop->dense = pg_arena_take(&loop->arena, parameters * sizeof *loop->dense);
}

/* One sample into every lane. */
static void fill_sample(struct pg_bare_loop *loop, size_t sample)
{
    const struct pg_workload *workload = loop->workload;
    const size_t lanes = loop->model.lanes, row = row_elements(loop);
    for (size_t lane = 0; lane < lanes; lane++) {
        for (size_t k = 0; k < 2; k++)
            loop->inputs[(2 * sample + k) * lanes + lane] = workload->pairs[sample][k];
        loop->labels[sample * lanes + lane] = pg_workload_label(workload, sample);
        for (uint32_t o = 0; o < output_count(&workload->model); o++)
            loop->targets[(o * row + sample) * lanes + lane] =
                pg_workload_target(workload, sample, o);
    }
}

static void fill(struct pg_bare_loop *loop)
{
    const struct pg_workload *workload = loop->workload;
    for (size_t n = 0; n < workload->count; n++)
        fill_sample(loop, n);
    loop->samples = (struct pg_samples){workload->count,
                                        2,
                                        loop->inputs,
                                        loop->labels,
                                        workload->model.loss->takes_targets ? loop->targets : NULL,
                                        NULL};
    for (size_t lane = 0; lane < loop->model.lanes; lane++) {
        const struct pg_random random = pg_random_make((uint32_t)lane, PG_STREAM_INITIAL, 0);
        pg_model_initialise(&loop->model, lane, &workload->model, &random, loop->dense);
    }
    for (int group = 0; group < PG_GROUP_COUNT; group++)
        loop->schedules[group] = pg_schedule_make(&workload->rates[group]);
    pg_pass_prepare(&loop->pass, &loop->model);
}

int pg_bare_loop_create(const struct pg_workload *workload, const struct pg_kernel *kernel,
                        size_t lanes, struct pg_bare_loop **ret_loop, struct pg_error *error)
{
    struct pg_bare_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu bytes for a training loop",
                            sizeof *loop);
    loop->workload = workload;
    pg_arena_measure(&loop->arena);
    arrange(loop, kernel, lanes);
    int status = pg_arena_init(&loop->arena, loop->arena.used, error);
    if (status != 0) {
        free(loop);
        return status;
    }
    arrange(loop, kernel, lanes);
    fill(loop);
    *ret_loop = loop;
    return 0;
}

void pg_bare_loop_destroy(struct pg_bare_loop *loop)
{
    if (loop == NULL)
        return;
    pg_arena_release(&loop->arena);
    free(loop);
}

static void prepare_updates(struct pg_bare_loop *loop, struct pg_update updates[PG_GROUP_COUNT])
{
    for (int group = 0; group < PG_GROUP_COUNT; group++) {
        for (size_t lane = 0; lane < loop->model.lanes; lane++)
            pg_optimizers[PG_ADAMW].prepare(&loop->schedules[group], loop->step, lane,
                                            &updates[group]);
        if (loop->model.lanes == 1)
            pg_update_spread(&updates[group]);
    }
}

void pg_bare_loop_train(struct pg_bare_loop *loop, int64_t steps, double *ret_loss)
{
    const size_t count = loop->workload->count;
    const unsigned before = pg_kernel_enter();
    for (int64_t i = 0; i < steps; i++) {
        struct pg_update updates[PG_GROUP_COUNT];
        loop->step++;
        prepare_updates(loop, updates);
        (void)pg_model_forward(&loop->model, &loop->samples, count, &loop->pass);
        pg_model_loss(&loop->model, &loop->samples, 0, count, true, &loop->pass, ret_loss);
        pg_model_backward(&loop->model, &loop->samples, count, &loop->pass, updates);
    }
    pg_kernel_leave(before);
}

void pg_bare_loop_parameters(const struct pg_bare_loop *loop, size_t lane, float *ret_dense)
{
    pg_model_store(&loop->model, lane, PG_VALUE, ret_dense);
}
