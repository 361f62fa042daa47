/* SPDX-License-Identifier: MIT */
/*
 * Modular-addition runs. The data are one permutation of the p^2 ordered pairs per seed, of which
 * the first train_count train, so that splits are nested over the data fraction.
 */
#include <math.h>
#include <string.h>

#include "modular.h"

static const struct pg_trajectory_slots slots = {
    .phase = OBS_PHASE,
    .steps_to_train = OBS_STEPS_TO_TRAIN,
    .steps_to_test = OBS_STEPS_TO_TEST,
    .steps_to_train_held = OBS_STEPS_TO_TRAIN_HELD,
    .steps_to_test_held = OBS_STEPS_TO_TEST_HELD,
    .train_loss = OBS_TRAIN_LOSS,
    .test_loss = OBS_TEST_LOSS,
    .train_accuracy = OBS_TRAIN_ACCURACY,
    .test_accuracy = OBS_TEST_ACCURACY,
    .decoder_norm = OBS_DECODER_NORM,
    .embedding_norm = OBS_EMBEDDING_NORM,
    .parameters = OBS_PARAMETERS,
};

struct hall {
    struct modular modular; /* of the first run: the shape of all */
    struct seat {
        struct modular modular;
        struct modular_data data;
        struct pg_trajectory trajectory;
    } seats[PG_LANES];
};

/* ---- data ---- */

void pg_modular_arrange_data(const struct modular *modular, struct modular_data *data,
                             struct pg_arena *arena)
{
    size_t count = modular->sample_count;
    data->order = pg_arena_take(arena, count * sizeof *data->order);
    data->samples = (struct pg_samples){
        .count = count,
        .arity = 2,
        .inputs = pg_arena_take(arena, count * 2 * sizeof(uint32_t)),
        .labels = pg_arena_take(arena, pg_padded(count) * sizeof(uint32_t)),
    };
}

void pg_modular_fill_data(const struct modular *modular, const struct pg_run_request *request,
                          struct modular_data *data)
{
    struct pg_random random = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    uint32_t *inputs = (uint32_t *)(uintptr_t)data->samples.inputs;
    uint32_t *labels = (uint32_t *)(uintptr_t)data->samples.labels;
    uint32_t p = (uint32_t)modular->symbols;
    pg_random_permutation(&random, 0, 0, data->order, modular->sample_count);
    for (size_t n = 0; n < modular->sample_count; n++) {
        uint32_t a = data->order[n] / p, b = data->order[n] % p;
        inputs[2 * n] = a;
        inputs[2 * n + 1] = b;
        labels[n] = (a + b) % p;
    }
}

static void put_train_mask(const struct seat *seat)
{
    uint8_t *mask = seat->trajectory.request.slots[OBS_TRAIN_MASK];
    for (size_t n = 0; n < seat->modular.sample_count; n++)
        mask[seat->data.order[n]] = n < seat->modular.train_count;
}

/* ---- runs ---- */

static int open(void *context, const struct pg_run_request *first, struct pg_trainer_spec *ret_spec,
                struct pg_error *error)
{
    struct hall *hall = context;
    int status = pg_modular_read(&first->values, &hall->modular, error);
    *ret_spec = hall->modular.trainer;
    return status;
}

static void arrange(void *context, size_t seat_count, struct pg_arena *arena)
{
    struct hall *hall = context;
    for (size_t i = 0; i < seat_count; i++)
        pg_modular_arrange_data(&hall->modular, &hall->seats[i].data, arena);
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_training *ret, struct pg_error *error)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    int status = pg_modular_read(&request->values, &seat->modular, error);
    if (status != 0)
        return status;
    seat->trajectory =
        pg_trajectory_make(&pg_experiment_modular, &slots, &seat->modular.rule, request);
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
    pg_modular_fill_data(&seat->modular, request, &seat->data);
    return 0;
}

static void lengths(const void *context, size_t *ret_lengths)
{
    const struct hall *hall = context;
    pg_modular_lengths(&hall->modular, ret_lengths);
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
    bool goes_on = !(trajectory->request.record->stop_when_decided && trajectory->is_decided);
    if (pg_trajectory_wants_point(trajectory, step, goes_on))
        pg_trajectory_record(trajectory, trainer, index, train, test);
    pg_trajectory_keep_snapshot(trajectory, trainer, index, step);
    return goes_on;
}

static void end(void *context, size_t index, const struct pg_training_end *end,
                struct pg_run_result *ret_result)
{
    const struct seat *seat = &((struct hall *)context)->seats[index];
    put_train_mask(seat);
    pg_trajectory_end(&seat->trajectory, end, ret_result);
}

static const struct pg_runs_kind kind = {
    .experiment = &pg_experiment_modular,
    .open = open,
    .arrange = arrange,
    .sit = sit,
    .draw = draw,
    .lengths = lengths,
    .pass = pass,
    .is_due = is_due,
    .observe = observe,
    .end = end,
    .obs_llc = OBS_LLC,
    .dim_chain = DIM_CHAIN,
    .dim_draw = DIM_DRAW,
    .dim_parameter = DIM_PARAMETER,
};

void pg_modular_put_memory(const struct modular *modular, const struct pg_values *values,
                           struct pg_shape *ret)
{
    struct hall hall = {.modular = *modular};
    pg_runs_put_shape(&kind, &hall, &modular->trainer, values, ret);
}

int pg_modular_run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {.modular = {.symbols = 0}};
    return pg_runs_train(&kind, &hall, source, error);
}
