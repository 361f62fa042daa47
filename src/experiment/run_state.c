/* SPDX-License-Identifier: MIT */
/*
 * A row is written in the cube's lengths, which may be others when a run goes on: in a state it
 * stands in the run's own. How many points and snapshots it holds follows from the record and the
 * step, so that a state's size is known before anything of it is believed.
 */
#include "run_state.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "phasegrid/lengths.h"

enum { FORMAT = 1 }; /* of the bytes; whatever changes them raises it */

/* lengths, with `points` for the dimension "step", `snapshots` for "snapshot", and the record's own
   for "llc_step". */
static void complete_lengths(const struct pg_experiment *experiment, const struct pg_record *record,
                             const size_t *lengths, size_t points, size_t snapshots,
                             size_t *ret_lengths)
{
    for (size_t d = 0; d < experiment->dimension_count; d++) {
        const char *name = experiment->dimensions[d].name;
        ret_lengths[d] = strcmp(name, "step") == 0       ? points
                         : strcmp(name, "snapshot") == 0 ? snapshots
                         : strcmp(name, "llc_step") == 0 ? record->llc_step_count
                                                         : lengths[d];
    }
}

struct pg_run_head pg_run_head_make(const struct pg_experiment *experiment,
                                    const struct pg_run_request *request, const size_t *lengths,
                                    int64_t step)
{
    const struct pg_record *record = request->record;
    size_t own[PG_EXPERIMENT_DIMS_MAX];
    struct pg_run_head head;
    memset(&head, 0, sizeof head);
    (void)snprintf(head.experiment, sizeof head.experiment, "%s", experiment->name);
    head.format = FORMAT;
    head.seed = request->seed;
    head.mix = request->mix;
    head.step = step;
    complete_lengths(experiment, record, lengths, record->step_count, record->snapshot_count, own);
    for (size_t d = 0; d < experiment->dimension_count; d++)
        head.lengths[d] = own[d];
    return head;
}

size_t pg_steps_before(const int64_t *steps, size_t count, int64_t step)
{
    size_t before = 0;
    while (before < count && steps[before] < step)
        before++;
    return before;
}

/* Bytes of one point of an observable over steps; 0: it is none. */
static size_t point_bytes(const struct pg_experiment *experiment,
                          const struct pg_observable *observable, const size_t *lengths)
{
    size_t bytes = pg_data_type_size(observable->type);
    if (observable->dim_count == 0 ||
        strcmp(experiment->dimensions[observable->dims[0]].name, "step") != 0)
        return 0;
    for (size_t d = 1; d < observable->dim_count; d++)
        bytes *= lengths[observable->dims[d]];
    return bytes;
}

void pg_run_repeat_last_point(const struct pg_experiment *experiment,
                              const struct pg_run_request *request, size_t next)
{
    for (size_t i = 0; i < experiment->observable_count; i++) {
        size_t bytes = point_bytes(experiment, &experiment->observables[i], request->lengths);
        unsigned char *row = request->slots[i];
        for (size_t point = next; bytes > 0 && point < request->record->step_count; point++)
            memcpy(row + point * bytes, row + (point - 1) * bytes, bytes);
    }
}

/* own: the run's lengths as far as the row is written */
static void pass_observable(const struct pg_observable *observable,
                            const struct pg_run_request *request, const size_t *own, void *slot,
                            struct pg_state *state)
{
    size_t type_size = pg_data_type_size(observable->type);
    size_t packed[PG_VARIABLE_DIMS_MAX], spread[PG_VARIABLE_DIMS_MAX];
    for (size_t d = 0; d < observable->dim_count; d++)
        packed[d] = own[observable->dims[d]];
    size_t size = pg_lengths_elements(observable->dim_count, packed) * type_size;
    void *at = pg_state_take(state, size);
    if (at == NULL || size == 0)
        return;
    assert(slot != NULL);
    for (size_t d = 0; d < observable->dim_count; d++)
        spread[d] = request->lengths[observable->dims[d]];
    if (state->mode == PG_STATE_SAVE)
        pg_lengths_copy(type_size, observable->dim_count, spread, slot, packed, at);
    else
        pg_lengths_copy(type_size, observable->dim_count, packed, at, spread, slot);
}

void pg_run_row_pass(const struct pg_experiment *experiment, const struct pg_run_request *request,
                     const size_t *lengths, int64_t step, struct pg_state *state)
{
    const struct pg_record *record = request->record;
    size_t points = pg_steps_before(record->steps, record->step_count, step);
    size_t snapshots = pg_steps_before(record->snapshots, record->snapshot_count, step);
    size_t own[PG_EXPERIMENT_DIMS_MAX];
    complete_lengths(experiment, record, lengths, points, snapshots, own);
    for (size_t i = 0; i < experiment->observable_count; i++)
        pass_observable(&experiment->observables[i], request, own,
                        state->mode == PG_STATE_MEASURE ? NULL : request->slots[i], state);
}
