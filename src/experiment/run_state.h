/* SPDX-License-Identifier: MIT */
/* What the state of any run says of itself and of its row. */
#ifndef PHASEGRID_RUN_STATE_H
#define PHASEGRID_RUN_STATE_H

#include "phasegrid/experiment.h"
#include "phasegrid/state.h"

/* The first bytes of a state: whose it is, and how far the run has come. */
struct pg_run_head {
    char experiment[24];
    uint32_t format, seed, mix, unused;
    int64_t step;                             /* the next one to be evaluated */
    uint64_t lengths[PG_EXPERIMENT_DIMS_MAX]; /* the run's own, with those of the record */
};

/* lengths: the run's own, as in struct pg_shape. */
struct pg_run_head pg_run_head_make(const struct pg_experiment *experiment,
                                    const struct pg_run_request *request, const size_t *lengths,
                                    int64_t step);

/* Steps of an ascending list that lie before `step`. */
size_t pg_steps_before(const int64_t *steps, size_t count, int64_t step);

/* What is over steps from point `next` > 0 of the record on, behind a run's end: its last point. */
void pg_run_repeat_last_point(const struct pg_experiment *experiment,
                              const struct pg_run_request *request, size_t next);

/* Passes over the row as it is before the evaluation of `step`, in the run's own lengths: points
   and snapshots of earlier steps, and all that is not over steps. */
void pg_run_row_pass(const struct pg_experiment *experiment, const struct pg_run_request *request,
                     const size_t *lengths, int64_t step, struct pg_state *state);

#endif
