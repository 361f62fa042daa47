/* SPDX-License-Identifier: MIT */
/*
 * What is kept of runs in lanes: a point where the record has one, a snapshot where it asks for
 * one, both before the step is taken; at its end or where its loss is not finite, a run is
 * finished.
 */
#include <math.h>
#include <string.h>

#include "descent_seats.h"
#include "run_state.h"

static bool has_point(const struct pg_descent *descent, const struct pg_descent_seat *seat)
{
    const struct pg_record *record = descent->record;
    return seat->next_point < record->step_count &&
           (record->steps[seat->next_point] == seat->step || seat->step == descent->shape.steps);
}

static bool has_snapshot(const struct pg_descent *descent, const struct pg_descent_seat *seat)
{
    const struct pg_record *record = descent->record;
    return seat->next_snapshot < record->snapshot_count &&
           record->snapshots[seat->next_snapshot] == seat->step;
}

static void keep_snapshot(struct pg_descent *descent, size_t lane)
{
    struct pg_descent_seat *seat = &descent->seats[lane];
    double *to = seat->request.slots[descent->kind->obs_parameters];
    to += seat->next_snapshot * seat->request.lengths[descent->kind->dim_parameter];
    pg_lane_take(descent->w, lane, descent->shape.parameters, to);
    seat->next_snapshot++;
}

static void put_point(struct pg_descent *descent, size_t lane, const double *w)
{
    struct pg_descent_seat *seat = &descent->seats[lane];
    double loss = descent->loss[lane];
    double *losses = seat->request.slots[descent->kind->obs_train_loss];
    losses[seat->next_point] = isnan(loss) ? (double)NAN : loss;
    if (descent->kind->observe != NULL)
        descent->kind->observe(descent->hall, lane, &seat->request, seat->next_point, seat->step,
                               loss, w);
    seat->next_point++;
}

static void end_run(struct pg_descent *descent, size_t lane, bool diverged, const double *w)
{
    struct pg_descent_seat *seat = &descent->seats[lane];
    const struct pg_run_source *source = descent->source;
    int phase = diverged ? PG_DESCENT_DIVERGED : PG_DESCENT_AT_REST;
    if (descent->kind->end != NULL)
        phase = descent->kind->end(descent->hall, lane, &seat->request, seat->step, diverged,
                                   descent->loss[lane], w);
    const struct pg_run_result result = {
        .diverged = diverged, .last_step = seat->step, .phase = phase};
    *(uint8_t *)seat->request.slots[descent->kind->obs_phase] = (uint8_t)phase;
    if (!diverged)
        pg_run_repeat_last_point(descent->kind->experiment, &seat->request, seat->next_point);
    seat->is_taken = false;
    source->finish(source->context, seat->request.ticket, 0, &result, NULL);
}

/* Whether the step of a lane is to be looked at. */
static bool is_due(const struct pg_descent *descent, const struct pg_descent_seat *seat)
{
    return seat->is_taken && (has_point(descent, seat) || has_snapshot(descent, seat) ||
                              seat->step == descent->shape.steps);
}

static void watch(struct pg_descent *descent)
{
    const int64_t every = descent->shape.watch_every;
    bool is_watched[PG_LANES], any = false;
    int64_t steps[PG_LANES];
    for (size_t lane = 0; lane < PG_LANES && every > 0; lane++) {
        const struct pg_descent_seat *seat = &descent->seats[lane];
        steps[lane] = seat->step;
        is_watched[lane] = seat->is_taken && (seat->step % every == 0 || is_due(descent, seat));
        any = any || is_watched[lane];
    }
    if (any)
        descent->kind->watch(descent->hall, is_watched, steps, descent->w);
}

void pg_descent_observe(struct pg_descent *descent)
{
    bool any = false;
    watch(descent);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        any = any || is_due(descent, &descent->seats[lane]);
    if (!any)
        return;
    descent->landscape.full(descent->landscape.context, descent->w, descent->loss, NULL);
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        struct pg_descent_seat *seat = &descent->seats[lane];
        double *w = pg_descent_dense(descent, lane);
        if (!is_due(descent, seat))
            continue;
        bool diverged = !isfinite(descent->loss[lane]);
        pg_lane_take(descent->w, lane, descent->shape.parameters, w);
        if (!diverged && has_snapshot(descent, seat))
            keep_snapshot(descent, lane);
        if (!diverged && has_point(descent, seat))
            put_point(descent, lane, w);
        if (diverged || seat->step == descent->shape.steps)
            end_run(descent, lane, diverged, w);
    }
}
