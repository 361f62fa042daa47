/* SPDX-License-Identifier: MIT */
/*
 * Modular-addition runs, whatever the model. The data are one permutation of the p^2 ordered pairs
 * per seed, of which the first train_count train, so that splits are nested over the data fraction.
 */
#include <math.h>
#include <string.h>

#include "cell.h"
#include "modular.h"

static const struct pg_trajectory_slots slots = {TRAJECTORY_SLOTS};

/* The data of one run: its split. Arrays are the arena's. */
struct modular_data {
    uint32_t *order;           /* (sample_count) samples, those of the training set first */
    struct pg_samples samples; /* in that order */
};

struct hall {
    const struct modular_kind *kind;
    struct modular modular; /* of the first run: the shape of all */
    struct seat {
        struct modular modular;
        struct modular_data data;
        struct pg_trajectory trajectory;
    } seats[PG_LANES];
};

/* ---- data ---- */

static void arrange_data(const struct modular *modular, struct modular_data *data,
                         struct pg_arena *arena)
{
    size_t count = modular->sample_count;
    data->order = pg_arena_take(arena, count * sizeof *data->order);
    data->samples = (struct pg_samples){
        .count = count,
        .arity = modular->trainer.arity,
        .inputs = pg_arena_take(arena, count * modular->trainer.arity * sizeof(uint32_t)),
        .labels = pg_arena_take(arena, pg_padded(count) * sizeof(uint32_t)),
    };
}

static void fill_data(const struct modular *modular, const struct pg_run_request *request,
                      struct modular_data *data)
{
    struct pg_random random = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    uint32_t *inputs = (uint32_t *)(uintptr_t)data->samples.inputs;
    uint32_t *labels = (uint32_t *)(uintptr_t)data->samples.labels;
    uint32_t p = (uint32_t)modular->symbols;
    const size_t arity = modular->trainer.arity;
    pg_random_permutation(&random, 0, 0, data->order, modular->sample_count);
    for (size_t n = 0; n < modular->sample_count; n++) {
        uint32_t a = data->order[n] / p, b = data->order[n] % p;
        for (size_t k = 0; k < arity; k++) /* behind the pair "=", the symbol 0 of its place */
            inputs[arity * n + k] = k == 0 ? a : k == 1 ? b : 0;
        labels[n] = (a + b) % p;
    }
}

/* ---- runs ---- */

static void put_lengths(const struct modular *modular, size_t *ret)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0;
    memset(ret, 0, DIM_COUNT * sizeof *ret);
    ret[DIM_SAMPLE] = modular->sample_count;
    ret[DIM_SEGMENT] = pg_model_segments(&modular->trainer.model, segments, &parameters);
    ret[DIM_PARAMETER] = parameters;
}

static int open(void *context, const struct pg_run_request *first, struct pg_trainer_spec *ret_spec,
                struct pg_error *error)
{
    struct hall *hall = context;
    int status = hall->kind->read(&first->values, &hall->modular, error);
    *ret_spec = hall->modular.trainer;
    return status;
}

static void arrange(void *context, size_t seat_count, struct pg_arena *arena)
{
    struct hall *hall = context;
    for (size_t i = 0; i < seat_count; i++)
        arrange_data(&hall->modular, &hall->seats[i].data, arena);
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_training *ret, struct pg_error *error)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    int status = hall->kind->read(&request->values, &seat->modular, error);
    if (status != 0)
        return status;
    seat->trajectory =
        pg_trajectory_make(hall->kind->experiment, &slots, &seat->modular.rule, request);
    *ret = (struct pg_training){
        .spec = &seat->modular.trainer,
        .samples = seat->data.samples,
        .readout = {.classes = seat->modular.symbols},
        .steps = seat->modular.rule.steps,
        .seed = request->seed,
        .mix = request->mix,
    };
    memcpy(ret->rates, seat->modular.rates, sizeof ret->rates);
    return 0;
}

static int draw(void *context, size_t index, const struct pg_run_request *request,
                const struct pg_interruption *interruption, struct pg_error *error)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    (void)interruption;
    (void)error;
    fill_data(&seat->modular, request, &seat->data);
    return 0;
}

static void lengths(const void *context, size_t *ret_lengths)
{
    const struct hall *hall = context;
    put_lengths(&hall->modular, ret_lengths);
}

static void pass(void *context, size_t index, int64_t step, struct pg_state *state)
{
    struct hall *hall = context;
    pg_trajectory_pass(&hall->seats[index].trajectory, step, state);
}

static bool is_due(void *context, size_t index, int64_t step)
{
    const struct hall *hall = context;
    return pg_trajectory_is_due(&hall->seats[index].trajectory, step);
}

static bool observe(void *context, const struct pg_trainer *trainer, size_t index, int64_t step,
                    const struct pg_evaluation *train, const struct pg_evaluation *test)
{
    struct pg_trajectory *trajectory = &((struct hall *)context)->seats[index].trajectory;
    if (!isfinite(train->loss))
        return false;
    pg_trajectory_cross(trajectory, step, train, test);
    bool goes_on = pg_trajectory_goes_on(trajectory, true);
    if (pg_trajectory_wants_point(trajectory, step, goes_on))
        pg_trajectory_record(trajectory, trainer, index, train, test);
    pg_trajectory_keep_snapshot(trajectory, trainer, index, step);
    return goes_on;
}

static void end(void *context, size_t index, const struct pg_training_end *end,
                struct pg_run_result *ret_result)
{
    const struct seat *seat = &((struct hall *)context)->seats[index];
    pg_trajectory_put_mask(&seat->trajectory, OBS_TRAIN_MASK, seat->data.order,
                           seat->modular.sample_count, seat->modular.train_count);
    pg_trajectory_end(&seat->trajectory, end, ret_result);
}

static struct pg_runs_kind runs_of(const struct modular_kind *kind)
{
    return (struct pg_runs_kind){
        .experiment = kind->experiment,
        .open = open,
        .arrange = arrange,
        .sit = sit,
        .draw = draw,
        .lengths = lengths,
        .pass = pass,
        .is_due = is_due,
        .observe = observe,
        .end = end,
        LLC_PLACES,
    };
}

int pg_modular_run(const struct modular_kind *kind, const struct pg_run_source *source,
                   struct pg_error *error)
{
    const struct pg_runs_kind runs = runs_of(kind);
    struct hall hall = {.kind = kind};
    return pg_runs_train(&runs, &hall, source, error);
}

/* ---- without a run ---- */

int pg_modular_check(const struct modular_kind *kind, const struct pg_values *values,
                     struct pg_error *error)
{
    struct modular modular;
    return kind->read(values, &modular, error);
}

int pg_modular_check_llc(const struct modular_kind *kind, const struct pg_values *values,
                         struct pg_error *error)
{
    struct modular modular;
    int status = kind->read(values, &modular, error);
    return status != 0 ? status : pg_runs_check_llc(values, &modular.trainer, error);
}

static void put_memory(const struct modular_kind *kind, const struct modular *modular,
                       const struct pg_values *values, struct pg_shape *ret)
{
    const struct pg_runs_kind runs = runs_of(kind);
    struct hall hall = {.kind = kind, .modular = *modular};
    pg_runs_put_shape(&runs, &hall, &modular->trainer, values, ret);
}

int pg_modular_shape(const struct modular_kind *kind, const struct pg_values *values,
                     struct pg_shape *ret, struct pg_error *error)
{
    struct modular modular;
    size_t parameters = 0;
    int status = kind->read(values, &modular, error);
    if (status != 0)
        return status;
    memset(ret, 0, sizeof *ret);
    ret->segment_count = pg_model_segments(&modular.trainer.model, ret->segments, &parameters);
    put_lengths(&modular, ret->lengths);
    ret->steps = modular.rule.steps;
    pg_cell_put_trainer(&modular.trainer, ret);
    put_memory(kind, &modular, values, ret);
    return 0;
}

/* What the batch order needs of a run: its split, without a model. */
int pg_modular_batches(const struct modular_kind *kind, const struct pg_run_request *request,
                       int64_t first, int64_t last, const struct pg_batch_sink *sink,
                       struct pg_error *error)
{
    struct modular modular;
    struct modular_data data;
    struct pg_arena arena;
    int status = kind->read(&request->values, &modular, error);
    if (status != 0)
        return status;
    pg_arena_measure(&arena);
    arrange_data(&modular, &data, &arena);
    status = pg_arena_init(&arena, arena.used, error);
    if (status != 0)
        return status;
    arrange_data(&modular, &data, &arena);
    fill_data(&modular, request, &data);
    status = pg_cell_put_batches(request, &modular.trainer, data.order, first, last, sink, error);
    pg_arena_release(&arena);
    return status;
}
