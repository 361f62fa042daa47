/* SPDX-License-Identifier: MIT */
/*
 * Runs of the relation experiment. The data are one permutation of the n^2 ordered pairs per seed,
 * of which the first train_count train, so that splits are nested over the data fraction.
 */
#include <math.h>
#include <string.h>

#include "relation.h"

static const struct pg_trajectory_slots slots = {TRAJECTORY_SLOTS};

struct hall {
    struct relation_cell cell; /* of the first run: the shape of all */
    struct seat {
        struct relation_cell cell;
        struct relation_data data;
        struct pg_trajectory trajectory;
    } seats[PG_LANES];
    float *embeddings; /* (n, dimension) scratch: those of the run at hand */
};

/* ---- data ---- */

void pg_relation_arrange_data(const struct relation_cell *cell, struct relation_data *data,
                              struct pg_arena *arena)
{
    size_t count = cell->sample_count;
    data->order = pg_arena_take(arena, count * sizeof *data->order);
    data->readout_stride = pg_padded(2);
    data->readout = pg_arena_take(arena, 2 * data->readout_stride * sizeof *data->readout);
    data->samples = (struct pg_samples){
        .count = count,
        .arity = 2,
        .inputs = pg_arena_take(arena, count * 2 * sizeof(uint32_t)),
        .labels = pg_arena_take(arena, pg_padded(count) * sizeof(uint32_t)),
    };
}

void pg_relation_fill_data(const struct relation_cell *cell, const struct pg_run_request *request,
                           struct relation_data *data)
{
    struct pg_random random = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    uint32_t *inputs = (uint32_t *)(uintptr_t)data->samples.inputs;
    uint32_t *labels = (uint32_t *)(uintptr_t)data->samples.labels;
    uint32_t count = (uint32_t)cell->relation.n;
    pg_random_permutation(&random, 0, 0, data->order, cell->sample_count);
    pg_relation_classes(&cell->relation, data->classes);
    for (size_t n = 0; n < cell->sample_count; n++) {
        inputs[2 * n] = data->order[n] / count;
        inputs[2 * n + 1] = data->order[n] % count;
        labels[n] = pg_relation_label(&cell->relation, inputs[2 * n], inputs[2 * n + 1]);
    }
    memset(data->readout, 0, 2 * data->readout_stride * sizeof *data->readout);
    data->readout[data->readout_stride] = 1.0f;
}

/* What theory says of the relation and of the split. */
static void put_theory(const struct seat *seat)
{
    const struct relation_cell *cell = &seat->cell;
    const struct relation *relation = &cell->relation;
    void *const *to = seat->trajectory.request.slots;
    *(double *)to[OBS_DESCRIPTION_LENGTH] = pg_relation_description_length(relation);
    *(double *)to[OBS_CRITICAL_FRACTION] =
        pg_relation_critical_fraction(relation, RELATION_CRITICAL_SHARE);
    const double eta_enc = cell->rates[PG_GROUP_REPRESENTATION].learning_rate;
    const double eta_dec = cell->rates[PG_GROUP_DECODER].learning_rate;
    *(double *)to[OBS_COLLISION] = pg_repon_collision(cell->slope_ratio, 1.0, eta_dec, eta_enc);
    *(double *)to[OBS_BOUNDARY] = pg_repon_boundary(cell->slope_ratio, 1.0, eta_enc);
    *(double *)to[OBS_BOUND] = pg_relation_bound(relation, cell->train_count);
    *(double *)to[OBS_CLOSURE_ACCURACY] =
        pg_relation_closure_accuracy(relation, seat->data.order, cell->train_count);
}

/* ---- runs ---- */

static int open(void *context, const struct pg_run_request *first, struct pg_trainer_spec *ret_spec,
                struct pg_error *error)
{
    struct hall *hall = context;
    int status = pg_relation_read(&first->values, &hall->cell, error);
    *ret_spec = hall->cell.trainer;
    return status;
}

static void arrange(void *context, size_t seat_count, struct pg_arena *arena)
{
    struct hall *hall = context;
    for (size_t i = 0; i < seat_count; i++)
        pg_relation_arrange_data(&hall->cell, &hall->seats[i].data, arena);
    hall->embeddings = pg_arena_take(arena, hall->cell.relation.n * hall->cell.dimension *
                                                sizeof *hall->embeddings);
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_training *ret, struct pg_error *error)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    int status = pg_relation_read(&request->values, &seat->cell, error);
    if (status != 0)
        return status;
    seat->trajectory =
        pg_trajectory_make(&pg_experiment_relation, &slots, &seat->cell.rule, request);
    *ret = (struct pg_training){
        .spec = &seat->cell.trainer,
        .samples = seat->data.samples,
        .readout = {.classes = 2,
                    .matrix = seat->data.readout,
                    .stride = seat->data.readout_stride},
        .steps = seat->cell.rule.steps,
        .seed = request->seed,
        .mix = request->mix,
    };
    memcpy(ret->rates, seat->cell.rates, sizeof ret->rates);
    return 0;
}

static int draw(void *context, size_t index, const struct pg_run_request *request,
                const struct pg_interruption *interruption, struct pg_error *error)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    (void)interruption;
    (void)error;
    pg_relation_fill_data(&seat->cell, request, &seat->data);
    return 0;
}

static void lengths(const void *context, size_t *ret_lengths)
{
    const struct hall *hall = context;
    pg_relation_lengths(&hall->cell, ret_lengths);
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
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    struct pg_trajectory *trajectory = &seat->trajectory;
    if (!isfinite(train->loss))
        return false;
    pg_trajectory_cross(trajectory, step, train, test);
    bool goes_on = pg_trajectory_goes_on(trajectory, true);
    if (pg_trajectory_wants_point(trajectory, step, goes_on)) {
        pg_trainer_layer(trainer, index, 0, hall->embeddings);
        pg_trajectory_put(trajectory, OBS_SILHOUETTE,
                          pg_relation_silhouette(seat->cell.relation.n, seat->data.classes,
                                                 hall->embeddings, seat->cell.dimension));
        pg_trajectory_record(trajectory, trainer, index, train, test);
    }
    pg_trajectory_keep_snapshot(trajectory, trainer, index, step);
    return goes_on;
}

static void end(void *context, size_t index, const struct pg_training_end *end,
                struct pg_run_result *ret_result)
{
    const struct seat *seat = &((struct hall *)context)->seats[index];
    pg_trajectory_put_mask(&seat->trajectory, OBS_TRAIN_MASK, seat->data.order,
                           seat->cell.sample_count, seat->cell.train_count);
    put_theory(seat);
    pg_trajectory_end(&seat->trajectory, end, ret_result);
}

static const struct pg_runs_kind kind = {
    .experiment = &pg_experiment_relation,
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

void pg_relation_put_memory(const struct relation_cell *cell, const struct pg_values *values,
                            struct pg_shape *ret)
{
    struct hall hall = {.cell = *cell};
    pg_runs_put_shape(&kind, &hall, &cell->trainer, values, ret);
}

int pg_relation_run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {.cell = {.sample_count = 0}};
    return pg_runs_train(&kind, &hall, source, error);
}
