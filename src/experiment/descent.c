/* SPDX-License-Identifier: MIT */
/*
 * A generation: up to PG_LANES runs take the lanes, are trained to their ends, and the next ones
 * follow; all of a shape have the same budget, so no lane waits long. Between two steps everything
 * is in the lanes' w and velocity, the row, and what the experiment keeps: that is the state.
 *
 * Estimates of the LLC come before the observation of their step, all lanes that are due at once.
 * An interruption in the middle throws away what was sampled, and nothing else: the state that is
 * saved is that before the step's observation.
 */
#include "descent_seats.h"

#include <assert.h>
#include <string.h>

#include "phasegrid/lane_kernel.h"
#include "run_state.h"

const char *const pg_descent_phase_names[] = {"at_rest", "diverged", NULL};

/* ---- states ---- */

static void pass(struct pg_descent *descent, size_t lane, int64_t step, struct pg_state *state)
{
    const struct pg_experiment *experiment = descent->kind->experiment;
    const size_t count = descent->shape.parameters;
    struct pg_descent_seat *seat = &descent->seats[lane];
    struct pg_run_head head = pg_run_head_make(experiment, &seat->request, descent->lengths, step);
    double *const rows[] = {descent->w, descent->velocity};
    pg_state_pass(state, &head, sizeof head);
    for (size_t i = 0; i < 2; i++) {
        double *dense = pg_descent_dense(descent, lane);
        if (state->mode == PG_STATE_SAVE)
            pg_lane_take(rows[i], lane, count, dense);
        pg_state_pass(state, dense, count * sizeof *dense);
        if (state->mode == PG_STATE_LOAD)
            pg_lane_put(rows[i], lane, count, dense);
    }
    if (descent->kind->pass != NULL)
        descent->kind->pass(descent->hall, lane, state);
    pg_run_row_pass(experiment, &seat->request, descent->lengths, step, state);
}

static size_t state_size(struct pg_descent *descent, size_t lane, int64_t step)
{
    struct pg_state state = pg_state_measure();
    pass(descent, lane, step, &state);
    return state.used;
}

static void save_all(struct pg_descent *descent)
{
    const struct pg_run_source *source = descent->source;
    for (size_t lane = 0; lane < PG_LANES && source->save != NULL; lane++) {
        const struct pg_descent_seat *seat = &descent->seats[lane];
        struct pg_state state = pg_state_save(descent->room, descent->room_size);
        if (!seat->is_taken)
            continue;
        pass(descent, lane, seat->step, &state);
        assert(!state.is_short);
        source->save(source->context, seat->request.ticket, seat->step, descent->room, state.used);
    }
}

/* Goes on from the request's state, if it is one of this run. */
static void resume(struct pg_descent *descent, size_t lane)
{
    struct pg_descent_seat *seat = &descent->seats[lane];
    const struct pg_run_request *request = &seat->request;
    struct pg_run_head head;
    if (request->state == NULL || request->state_size < sizeof head)
        return;
    memcpy(&head, request->state, sizeof head);
    const struct pg_run_head expected =
        pg_run_head_make(descent->kind->experiment, request, descent->lengths, head.step);
    if (memcmp(&head, &expected, sizeof head) != 0 || head.step < 0 ||
        head.step > descent->shape.steps ||
        state_size(descent, lane, head.step) != request->state_size)
        return;
    struct pg_state state = pg_state_load(request->state, request->state_size);
    pass(descent, lane, head.step, &state);
    seat->step = head.step;
}

/* Whether it is time to leave. States are those between two steps. */
static bool must_leave(void *context)
{
    struct pg_descent *descent = context;
    const struct pg_run_source *source = descent->source;
    enum pg_pause pause = source->pause != NULL ? source->pause(source->context) : PG_PAUSE_GO_ON;
    if (pg_pause_saves(pause))
        save_all(descent);
    return pg_pause_leaves(pause);
}

/* ---- runs take a lane ---- */

struct pg_descent_run pg_descent_run_read(const struct pg_values *values,
                                          const struct pg_llc_cell *llc)
{
    return (struct pg_descent_run){.learning_rate = pg_values_real(values, "learning_rate"),
                                   .momentum = pg_values_real(values, "momentum"),
                                   .llc = *llc,
                                   .schedule = pg_schedule_read(values)};
}

static bool take_request(struct pg_descent *descent, struct pg_run_request *ret)
{
    if (!descent->has_first)
        return descent->source->next(descent->source->context, ret);
    *ret = descent->first;
    descent->has_first = false;
    return true;
}

static bool has_same_shape(const struct pg_descent_run *run, const struct pg_descent_shape *shape)
{
    int64_t own[PG_LLC_VARIANT], first[PG_LLC_VARIANT];
    pg_llc_cell_variant(&run->llc, own);
    pg_llc_cell_variant(&shape->llc, first);
    return memcmp(own, first, sizeof own) == 0;
}

static int sit(struct pg_descent *descent, size_t lane, struct pg_error *error)
{
    struct pg_descent_seat *seat = &descent->seats[lane];
    const struct pg_run_request *request = &seat->request;
    double *initial = pg_descent_dense(descent, lane);
    int status = descent->kind->sit(descent->hall, lane, request, &seat->run, initial, error);
    if (status != 0)
        return status;
    if (!has_same_shape(&seat->run, &descent->shape))
        return pg_error_set(error, PG_EINPUT,
                            "runs that are trained together must have one shape, but the llc_ "
                            "settings of this run are not those of the first one");
    const struct pg_random random = pg_random_make(request->seed, PG_STREAM_BATCHES, request->mix);
    descent->batches.key[0][lane] = random.key[0];
    descent->batches.key[1][lane] = random.key[1];
    descent->batches.counter[2][lane] = random.mix;
    for (size_t p = 0; p < descent->shape.parameters; p++)
        descent->velocity[p * PG_LANES + lane] = 0.0;
    pg_lane_put(descent->w, lane, descent->shape.parameters, initial);
    resume(descent, lane);
    descent->landscape.look_at(descent->landscape.context, lane, lane);
    seat->next_point =
        pg_steps_before(descent->record->steps, descent->record->step_count, seat->step);
    seat->next_snapshot =
        pg_steps_before(descent->record->snapshots, descent->record->snapshot_count, seat->step);
    return 0;
}

/* Fills all free lanes; returns how many are taken. */
static size_t fill_lanes(struct pg_descent *descent)
{
    const struct pg_run_source *source = descent->source;
    size_t taken = 0;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        struct pg_descent_seat *seat = &descent->seats[lane];
        struct pg_error error;
        int status = PG_EINPUT;
        *seat = (struct pg_descent_seat){0};
        while (status != 0 && take_request(descent, &seat->request)) {
            status = sit(descent, lane, &error);
            if (status != 0)
                source->finish(source->context, seat->request.ticket, status, NULL, &error);
        }
        seat->is_taken = status == 0;
        taken += seat->is_taken;
    }
    return taken;
}

/* Lanes without a run repeat one that has: what they compute is not looked at. */
static void fill_idle_lanes(struct pg_descent *descent)
{
    size_t source = 0;
    while (!descent->seats[source].is_taken)
        source++;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        if (descent->seats[lane].is_taken)
            continue;
        descent->landscape.look_at(descent->landscape.context, lane, source);
        for (size_t p = 0; p < descent->shape.parameters; p++) {
            descent->w[p * PG_LANES + lane] = descent->w[p * PG_LANES + source];
            descent->velocity[p * PG_LANES + lane] = 0.0;
        }
        for (size_t i = 0; i < 2; i++)
            descent->batches.key[i][lane] = descent->batches.key[i][source];
        descent->batches.counter[2][lane] = descent->batches.counter[2][source];
        descent->rate[lane] = descent->momentum[lane] = 0.0;
    }
}

/* ---- estimates ---- */

/* Estimates where one is due. False: interrupted. */
static bool measure(struct pg_descent *descent)
{
    const struct pg_llc_slots slots = {descent->kind->obs_llc, descent->kind->dim_chain,
                                       descent->kind->dim_draw, descent->kind->dim_parameter};
    struct pg_llc_point points[PG_LANES];
    struct pg_llc_result results[PG_LANES];
    size_t lanes[PG_LANES], indices[PG_LANES], count = 0;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        struct pg_descent_seat *seat = &descent->seats[lane];
        size_t index = seat->is_taken && !seat->is_measured
                           ? pg_llc_due(descent->record, seat->step, descent->shape.steps)
                           : SIZE_MAX;
        if (index == SIZE_MAX)
            continue;
        const struct pg_llc_cell *cell = &seat->run.llc;
        double *anchor = descent->anchors + lane * descent->shape.parameters;
        pg_lane_take(descent->w, lane, descent->shape.parameters, anchor);
        lanes[count] = lane;
        indices[count] = index;
        points[count++] = (struct pg_llc_point){
            .set = lane,
            .anchor = anchor,
            .n_beta = cell->n_beta,
            .localization = cell->localization,
            .step_size = cell->step_size,
            .random = pg_random_make(seat->request.seed, PG_STREAM_CHAINS, seat->request.mix),
            .at = descent->record->llc_steps[index]};
    }
    if (count == 0)
        return true;
    bool goes_on = pg_llc_estimate(&descent->llc, points, count, results, must_leave, descent);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        if (descent->seats[lane].is_taken)
            descent->landscape.look_at(descent->landscape.context, lane, lane);
    for (size_t i = 0; i < count && goes_on; i++) {
        struct pg_descent_seat *seat = &descent->seats[lanes[i]];
        pg_llc_put(&slots, &seat->request, indices[i], &seat->run.llc, &points[i],
                   descent->shape.parameters, descent->landscape.scores_full, &results[i],
                   pg_llc_values(&descent->llc, i), pg_llc_traces(&descent->llc, i));
        if (descent->kind->put_truth != NULL)
            descent->kind->put_truth(descent->hall, lanes[i], &seat->request, indices[i],
                                     &points[i]);
        seat->is_measured = true;
    }
    if (goes_on)
        fill_idle_lanes(descent);
    return goes_on;
}

/* ---- steps ---- */

/* The rates of the lanes' next step. */
static void put_rates(struct pg_descent *descent)
{
    const int64_t steps = descent->shape.steps;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        const struct pg_descent_seat *seat = &descent->seats[lane];
        const struct pg_descent_run *run = &seat->run;
        if (!seat->is_taken)
            continue;
        descent->rate[lane] =
            pg_schedule_rate(&run->schedule, run->learning_rate, seat->step, steps);
        descent->momentum[lane] =
            pg_schedule_momentum(&run->schedule, run->momentum, seat->step, steps);
    }
}

static void step(struct pg_descent *descent)
{
    const struct pg_landscape *landscape = &descent->landscape;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        uint64_t next = (uint64_t)descent->seats[lane].step + 1;
        descent->batches.counter[0][lane] = (uint32_t)next;
        descent->batches.counter[1][lane] = (uint32_t)(next >> 32);
    }
    if (descent->shape.batch_size > 0)
        landscape->batch(landscape->context, &descent->batches, descent->shape.batch_size,
                         descent->w, NULL, descent->gradient);
    else
        landscape->full(landscape->context, descent->w, NULL, descent->gradient);
    put_rates(descent);
    descent->kernel->in_lanes->descend(descent->shape.parameters, descent->w, descent->velocity,
                                       descent->gradient, descent->rate, descent->momentum);
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        descent->seats[lane].step++;
        descent->seats[lane].is_measured = false;
    }
}

static size_t count_taken(const struct pg_descent *descent)
{
    size_t taken = 0;
    for (size_t lane = 0; lane < PG_LANES; lane++)
        taken += descent->seats[lane].is_taken;
    return taken;
}

/* One generation. False: interrupted. */
static bool train_generation(struct pg_descent *descent)
{
    enum { PAUSE_EVERY = 8 };
    fill_idle_lanes(descent);
    for (int64_t round = 0; count_taken(descent) > 0; round++) {
        if (round % PAUSE_EVERY == 0 && must_leave(descent))
            return false;
        if (!measure(descent))
            return false;
        pg_descent_observe(descent);
        step(descent);
    }
    return true;
}

/* ---- memory ---- */

static double *take_rows(struct pg_arena *arena, size_t rows)
{
    return pg_arena_take(arena, rows * PG_LANES * sizeof(double));
}

static void put_lengths(struct pg_descent *descent)
{
    const struct pg_descent_kind *kind = descent->kind;
    const struct pg_llc_cell *llc = &descent->shape.llc;
    memset(descent->lengths, 0, sizeof descent->lengths);
    descent->lengths[kind->dim_segment] = descent->shape.segment_count;
    descent->lengths[kind->dim_parameter] = descent->shape.parameters;
    descent->lengths[kind->dim_chain] = llc->plan.chains;
    descent->lengths[kind->dim_draw] = llc->keeps_traces ? (size_t)llc->plan.sampler.draws : 0;
    if (kind->lengths != NULL)
        kind->lengths(descent->hall, descent->lengths);
}

static void arrange(struct pg_descent *descent, struct pg_arena *arena)
{
    const struct pg_descent_shape *shape = &descent->shape;
    descent->kind->arrange(descent->hall, descent->kernel, arena, &descent->landscape);
    descent->w = take_rows(arena, shape->parameters);
    descent->velocity = take_rows(arena, shape->parameters);
    descent->gradient = take_rows(arena, shape->parameters);
    descent->dense = take_rows(arena, shape->parameters);
    descent->anchors = take_rows(arena, shape->parameters);
    descent->loss = take_rows(arena, 1);
    descent->rate = take_rows(arena, 1);
    descent->momentum = take_rows(arena, 1);
    put_lengths(descent);
    if (descent->record->llc_step_count > 0)
        pg_llc_arrange(&descent->llc, descent->kernel, &descent->landscape, &shape->llc.plan,
                       descent->is_free, PG_LANES, arena);
    descent->room_size = state_size(descent, 0, INT64_MAX);
    descent->room = pg_arena_take(arena, descent->room_size);
}

static int train_all(struct pg_descent *descent, struct pg_error *error)
{
    struct pg_arena arena;
    int status = 0;
    bool goes_on = true;
    pg_arena_measure(&arena);
    arrange(descent, &arena);
    status = pg_arena_init(&arena, arena.used, error);
    if (status != 0)
        return status;
    arrange(descent, &arena);
    unsigned before = pg_kernel_enter();
    while (goes_on && fill_lanes(descent) > 0)
        goes_on = train_generation(descent);
    pg_kernel_leave(before);
    pg_arena_release(&arena);
    if (!goes_on)
        return pg_error_set(error, PG_ESTOPPED, "stopped with %zu runs in training",
                            count_taken(descent));
    return 0;
}

int pg_descent_train(const struct pg_descent_kind *kind, void *hall,
                     const struct pg_run_source *source, struct pg_error *error)
{
    struct pg_descent descent = {.kind = kind, .hall = hall, .source = source};
    struct pg_arena arena;
    descent.has_first = source->next(source->context, &descent.first);
    if (!descent.has_first)
        return 0;
    descent.record = descent.first.record;
    descent.seats[0].request = descent.first;
    int status = kind->open(hall, &descent.first, &descent.shape, error);
    if (status == 0)
        status = pg_kernel_choose(&descent.kernel, error);
    if (status == 0)
        status = pg_arena_init(&arena, descent.shape.parameters * sizeof(bool) + 1, error);
    if (status != 0)
        return status;
    descent.is_free = pg_arena_take(&arena, descent.shape.parameters * sizeof(bool));
    (void)pg_llc_cell_mask(&descent.shape.llc, descent.shape.segments, descent.shape.segment_count,
                           descent.shape.parameters, descent.is_free);
    status = train_all(&descent, error);
    pg_arena_release(&arena);
    return status;
}

void pg_descent_put_shape(const struct pg_descent_kind *kind, void *hall,
                          const struct pg_descent_shape *descent_shape, double flops_per_step,
                          struct pg_shape *ret)
{
    static const int64_t some_step = 0;
    const struct pg_record record = {.llc_steps = &some_step, .llc_step_count = 1};
    struct pg_descent descent = {.kind = kind, .hall = hall, .shape = *descent_shape};
    struct pg_arena arena;
    descent.record = &record;
    descent.seats[0].request.record = &record;
    pg_arena_measure(&arena);
    arrange(&descent, &arena);
    memcpy(ret->segments, descent_shape->segments,
           descent_shape->segment_count * sizeof *ret->segments);
    ret->segment_count = descent_shape->segment_count;
    memcpy(ret->lengths, descent.lengths, sizeof ret->lengths);
    ret->steps = descent_shape->steps;
    ret->lanes = PG_LANES;
    ret->flops_per_step = flops_per_step;
    ret->bytes = arena.used;
    pg_llc_cell_variant(&descent_shape->llc, ret->variant);
    ret->variant[PG_LLC_VARIANT] = (int64_t)descent_shape->batch_size;
}
