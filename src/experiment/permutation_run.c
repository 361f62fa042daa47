/* SPDX-License-Identifier: MIT */
/*
 * Permutation runs: beside the accuracies the representation quality index is checked at every
 * step, by the products of the matrices.
 */
#include <math.h>
#include <string.h>

#include "permutation.h"

static const struct pg_trajectory_slots slots = {TRAJECTORY_SLOTS};

static const struct pg_pair_slots pair_slots = {PAIR_SLOTS};

struct seat {
    struct permutation permutation;
    struct pg_pair_data data;
    struct pg_trajectory trajectory;
    struct pg_crossing rqi;
};

struct hall {
    struct permutation permutation; /* of the first run: the shape of all */
    struct seat seats[PG_LANES];
    struct pg_parallelograms *quadruples;
    float *embeddings; /* (PERMUTATION_COUNT, order^2) scratch: those of the run at hand */
    double *products;  /* (PERMUTATION_PAIRS, order^2) scratch: theirs */
};

/* ---- points of the record ---- */

/* What the present embeddings say; they and their products are in the hall. */
static void record_theory(const struct hall *hall, const struct seat *seat, double rqi,
                          bool is_scaled)
{
    const struct pg_trajectory *trajectory = &seat->trajectory;
    const size_t order = seat->permutation.order;
    pg_trajectory_put(trajectory, OBS_RQI, rqi);
    pg_trajectory_put(trajectory, OBS_PREDICTED_ACCURACY,
                      pg_permutation_predicted_accuracy(hall->quadruples, seat->data.train_mask,
                                                        hall->products, order, is_scaled));
    pg_trajectory_put_matrix(trajectory, OBS_EMBEDDINGS, hall->embeddings, PERMUTATION_COUNT,
                             order * order);
}

/* ---- runs ---- */

static int open(void *context, const struct pg_run_request *first, struct pg_trainer_spec *ret_spec,
                struct pg_error *error)
{
    struct hall *hall = context;
    int status = pg_permutation_read(&first->values, &hall->permutation, error);
    *ret_spec = hall->permutation.trainer;
    if (status != 0)
        return status;
    return pg_permutation_quadruples(&hall->quadruples, error);
}

static void arrange(void *context, size_t seat_count, struct pg_arena *arena)
{
    struct hall *hall = context;
    const size_t size = hall->permutation.order * hall->permutation.order;
    for (size_t i = 0; i < seat_count; i++)
        pg_pair_data_arrange(&hall->permutation.pairs, &hall->seats[i].data, arena);
    hall->embeddings = pg_arena_take(arena, PERMUTATION_COUNT * size * sizeof *hall->embeddings);
    hall->products = pg_arena_take(arena, PERMUTATION_PAIRS * size * sizeof *hall->products);
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_training *ret, struct pg_error *error)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    int status = pg_permutation_read(&request->values, &seat->permutation, error);
    if (status != 0)
        return status;
    seat->trajectory =
        pg_trajectory_make(&pg_experiment_permutation, &slots, &seat->permutation.rule, request);
    seat->rqi = pg_crossing_make(PG_HOLD_STEPS);
    *ret = (struct pg_training){
        .spec = &seat->permutation.trainer,
        .samples = seat->data.samples,
        .readout = seat->data.readout,
        .steps = seat->permutation.rule.steps,
        .seed = request->seed,
        .mix = request->mix,
    };
    memcpy(ret->rates, seat->permutation.rates, sizeof ret->rates);
    return 0;
}

static int draw(void *context, size_t index, const struct pg_run_request *request,
                const struct pg_interruption *interruption, struct pg_error *error)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    return pg_permutation_fill_data(&seat->permutation, hall->quadruples, request, interruption,
                                    &seat->data, error);
}

static void lengths(const void *context, size_t *ret_lengths)
{
    const struct hall *hall = context;
    pg_permutation_lengths(&hall->permutation, ret_lengths);
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
    const size_t order = seat->permutation.order;
    const bool is_scaled = pg_permutation_multiply(hall->embeddings, order, hall->products);
    double rqi = pg_permutation_quality(hall->quadruples, hall->products, order, is_scaled);
    pg_trajectory_cross(trajectory, step, train, test);
    pg_crossing_update(&seat->rqi, step, rqi > PERMUTATION_RQI);
    bool goes_on = pg_trajectory_goes_on(trajectory, seat->rqi.held >= 0);
    if (pg_trajectory_wants_point(trajectory, step, goes_on)) {
        record_theory(hall, seat, rqi, is_scaled);
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
    pg_pair_data_put(&seat->permutation.pairs, &seat->data, &pair_slots, &seat->trajectory.request);
    pg_trajectory_end(&seat->trajectory, end, ret_result);
}

static const struct pg_runs_kind kind = {
    .experiment = &pg_experiment_permutation,
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

void pg_permutation_put_memory(const struct permutation *permutation,
                               const struct pg_values *values, struct pg_shape *ret)
{
    struct hall hall = {.permutation = *permutation};
    pg_runs_put_shape(&kind, &hall, &permutation->trainer, values, ret);
}

int pg_permutation_run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {.quadruples = NULL};
    int status = pg_runs_train(&kind, &hall, source, error);
    pg_parallelograms_destroy(hall.quadruples);
    return status;
}
