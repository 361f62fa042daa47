/* SPDX-License-Identifier: MIT */
/*
 * Addition runs: beside the accuracies the representation quality index is checked at every step,
 * and the points of the record hold what theory says of the embeddings.
 */
#include <math.h>
#include <string.h>

#include "addition.h"

static const struct pg_trajectory_slots slots = {TRAJECTORY_SLOTS};

static const struct pg_pair_slots pair_slots = {PAIR_SLOTS};

struct seat {
    struct addition addition;
    struct pg_pair_data data;
    struct pg_trajectory trajectory;
    struct pg_crossing rqi;
};

struct hall {
    struct addition addition; /* of the first run: the shape of all */
    struct seat seats[PG_LANES];
    struct pg_parallelograms *parallelograms;
    float *embeddings;  /* (symbols, dimension) scratch: those of the run at hand */
    double *normalised; /* (symbols, dimension) scratch */
};

/* ---- points of the record ---- */

/* What the present embeddings say; they are in hall->embeddings. */
static void record_theory(const struct hall *hall, const struct seat *seat, double rqi)
{
    const struct pg_trajectory *trajectory = &seat->trajectory;
    size_t dimension = seat->addition.dimension;
    pg_trajectory_put(trajectory, OBS_RQI, rqi);
    pg_trajectory_put(
        trajectory, OBS_EFFECTIVE_LOSS,
        pg_effective_loss(hall->parallelograms, hall->embeddings, dimension, hall->normalised));
    pg_trajectory_put(trajectory, OBS_PREDICTED_ACCURACY,
                      pg_predicted_accuracy(hall->parallelograms, seat->data.train_mask,
                                            hall->embeddings, dimension, hall->normalised));
    pg_trajectory_put_matrix(trajectory, OBS_EMBEDDINGS, hall->embeddings, seat->addition.symbols,
                             dimension);
}

static void put_split(const struct seat *seat)
{
    const struct pg_split_theory *theory = &seat->data.theory;
    const struct pg_run_request *request = &seat->trajectory.request;
    pg_pair_data_put(&seat->addition.pairs, &seat->data, &pair_slots, request);
    *(double *)request->slots[OBS_LAMBDA3] = theory->lambda3;
    *(double *)request->slots[OBS_PREDICTED_STEPS] = theory->predicted_steps;
}

/* ---- runs ---- */

static int open(void *context, const struct pg_run_request *first, struct pg_trainer_spec *ret_spec,
                struct pg_error *error)
{
    struct hall *hall = context;
    int status = pg_addition_read(&first->values, &hall->addition, error);
    *ret_spec = hall->addition.trainer;
    if (status != 0)
        return status;
    return pg_parallelograms_create((uint32_t)hall->addition.symbols, &hall->parallelograms, error);
}

static void arrange(void *context, size_t seat_count, struct pg_arena *arena)
{
    struct hall *hall = context;
    size_t embedding = hall->addition.symbols * hall->addition.dimension;
    for (size_t i = 0; i < seat_count; i++)
        pg_pair_data_arrange(&hall->addition.pairs, &hall->seats[i].data, arena);
    hall->embeddings = pg_arena_take(arena, embedding * sizeof *hall->embeddings);
    hall->normalised = pg_arena_take(arena, embedding * sizeof *hall->normalised);
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_training *ret, struct pg_error *error)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    int status = pg_addition_read(&request->values, &seat->addition, error);
    if (status != 0)
        return status;
    seat->trajectory =
        pg_trajectory_make(&pg_experiment_addition, &slots, &seat->addition.rule, request);
    seat->rqi = pg_crossing_make(PG_HOLD_STEPS);
    *ret = (struct pg_training){
        .spec = &seat->addition.trainer,
        .samples = seat->data.samples,
        .readout = seat->data.readout,
        .steps = seat->addition.rule.steps,
        .seed = request->seed,
        .mix = request->mix,
    };
    memcpy(ret->rates, seat->addition.rates, sizeof ret->rates);
    return 0;
}

static int draw(void *context, size_t index, const struct pg_run_request *request,
                const struct pg_interruption *interruption, struct pg_error *error)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    return pg_addition_fill_data(&seat->addition, hall->parallelograms, request, interruption,
                                 &seat->data, error);
}

static void lengths(const void *context, size_t *ret_lengths)
{
    const struct hall *hall = context;
    pg_addition_lengths(&hall->addition, ret_lengths);
}

static void pass(void *context, size_t index, int64_t step, struct pg_state *state)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    pg_trajectory_pass(&seat->trajectory, step, state);
    pg_crossing_pass(&seat->rqi, state);
}

static bool is_due(void *context, size_t index, int64_t step)
{
    const struct hall *hall = context;
    return pg_trajectory_is_due(&hall->seats[index].trajectory, step);
}

static bool observe(void *context, const struct pg_trainer *trainer, size_t index, int64_t step,
                    const struct pg_evaluation *train, const struct pg_evaluation *test)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    struct pg_trajectory *trajectory = &seat->trajectory;
    if (!isfinite(train->loss))
        return false;
    pg_trainer_layer(trainer, index, 0, hall->embeddings);
    double rqi = pg_representation_quality(hall->parallelograms, hall->embeddings,
                                           seat->addition.dimension, hall->normalised);
    pg_trajectory_cross(trajectory, step, train, test);
    pg_crossing_update(&seat->rqi, step, rqi > ADDITION_RQI);
    bool goes_on = pg_trajectory_goes_on(trajectory, seat->rqi.held >= 0);
    if (pg_trajectory_wants_point(trajectory, step, goes_on)) {
        record_theory(hall, seat, rqi);
        pg_trajectory_record(trajectory, trainer, index, train, test);
    }
    pg_trajectory_keep_snapshot(trajectory, trainer, index, step);
    return goes_on;
}

static void end(void *context, size_t index, const struct pg_training_end *end,
                struct pg_run_result *ret_result)
{
    const struct seat *seat = &((struct hall *)context)->seats[index];
    void *const *to = seat->trajectory.request.slots;
    *(int64_t *)to[OBS_STEPS_TO_RQI] = seat->rqi.first;
    *(int64_t *)to[OBS_STEPS_TO_RQI_HELD] = seat->rqi.held;
    put_split(seat);
    pg_trajectory_end(&seat->trajectory, end, ret_result);
}

static const struct pg_runs_kind kind = {
    .experiment = &pg_experiment_addition,
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

void pg_addition_put_memory(const struct addition *addition, const struct pg_values *values,
                            struct pg_shape *ret)
{
    struct hall hall = {.addition = *addition};
    pg_runs_put_shape(&kind, &hall, &addition->trainer, values, ret);
}

int pg_addition_run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {.parallelograms = NULL};
    int status = pg_runs_train(&kind, &hall, source, error);
    pg_parallelograms_destroy(hall.parallelograms);
    return status;
}
