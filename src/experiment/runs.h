/* SPDX-License-Identifier: MIT */
/*
 * Trains the runs of a source, as many side by side as their shape suggests. The experiment says
 * what a run is; here are the seats, the memory, and the way from a request to its result, or to
 * the state from which another launch goes on.
 */
#ifndef PHASEGRID_RUNS_H
#define PHASEGRID_RUNS_H

#include "phasegrid/experiment.h"
#include "phasegrid/state.h"
#include "phasegrid/trainer.h"

/* What asks now and then whether it is time to leave; saves what is in training when it is time for
   that. */
struct pg_interruption {
    bool (*must_leave)(void *context);
    void *context;
};

/* An experiment's part. `hall` is its own: what it keeps of the run in each seat. */
struct pg_runs_kind {
    const struct pg_experiment *experiment;
    /* Once, with the first run: the shape of all of them. */
    int (*open)(void *hall, const struct pg_run_request *first, struct pg_trainer_spec *ret_spec,
                struct pg_error *error);
    /* Takes the memory of the first `seat_count` seats (when the arena measures and when it is
       filled). */
    void (*arrange)(void *hall, size_t seat_count, struct pg_arena *arena);
    /* A run takes a seat: its settings are read, and a row begins; then, where the trainer can
       train it, its data are drawn. What is refused here is a failed run; PG_ESTOPPED, where
       `interruption` said so, ends all. */
    int (*sit)(void *hall, size_t seat, const struct pg_run_request *request,
               struct pg_training *ret_training, struct pg_error *error);
    int (*draw)(void *hall, size_t seat, const struct pg_run_request *request,
                const struct pg_interruption *interruption, struct pg_error *error);
    /* The lengths of the first run, which are those of all (as in struct pg_shape). */
    void (*lengths)(const void *hall, size_t *ret_lengths);
    /* Passes over what the experiment keeps of the run in a seat between two steps, beside
       parameters, moments and row: as it is before the evaluation of `step`. Its size is that of
       every run. */
    void (*pass)(void *hall, size_t seat, int64_t step, struct pg_state *state);
    /* As in struct pg_trainer_client. */
    bool (*is_due)(void *hall, size_t seat, int64_t step);
    bool (*observe)(void *hall, const struct pg_trainer *trainer, size_t seat, int64_t step,
                    const struct pg_evaluation *train, const struct pg_evaluation *test);
    size_t obs_llc, dim_chain, dim_draw, dim_parameter; /* of LLC estimates */
    /* Completes the row. */
    void (*end)(void *hall, size_t seat, const struct pg_training_end *end,
                struct pg_run_result *ret_result);
};

/* An experiment's run(). */
int pg_runs_train(const struct pg_runs_kind *kind, void *hall, const struct pg_run_source *source,
                  struct pg_error *error) PG_CHECK_RESULT;

/* What the shape says of memory: of the runs that are trained side by side, and of the state of one
   of them but for its row; `hall` is arranged without being filled. And what it says of estimates:
   their memory and variant. */
void pg_runs_put_shape(const struct pg_runs_kind *kind, void *hall,
                       const struct pg_trainer_spec *spec, const struct pg_values *values,
                       struct pg_shape *ret_shape);

/* What LLC estimates of a cell of this shape refuse. */
int pg_runs_check_llc(const struct pg_values *values, const struct pg_trainer_spec *spec,
                      struct pg_error *error) PG_CHECK_RESULT;

#endif
