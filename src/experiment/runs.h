/* SPDX-License-Identifier: MIT */
/*
 * Trains the runs of a source, as many side by side as their shape suggests. The experiment says
 * what a run is; here are the seats, the memory, and the way from a request to its result.
 */
#ifndef PHASEGRID_RUNS_H
#define PHASEGRID_RUNS_H

#include "phasegrid/experiment.h"
#include "phasegrid/trainer.h"

/* An experiment's part. `hall` is its own: what it keeps of the run in each seat. */
struct pg_runs_kind {
    /* Once, with the first run: the shape of all of them. */
    int (*open)(void *hall, const struct pg_run_request *first, struct pg_trainer_spec *ret_spec,
                struct pg_error *error);
    /* Takes the memory of the first `seat_count` seats (when the arena measures and when it is
       filled). */
    void (*arrange)(void *hall, size_t seat_count, struct pg_arena *arena);
    /* A run takes a seat: its settings are read, its data drawn. What is refused here is a failed
       run; PG_ESTOPPED ends all. */
    int (*sit)(void *hall, size_t seat, const struct pg_run_request *request,
               struct pg_training *ret_training, struct pg_error *error);
    /* As in struct pg_trainer_client. */
    bool (*is_due)(void *hall, size_t seat, int64_t step);
    bool (*observe)(void *hall, const struct pg_trainer *trainer, size_t seat, int64_t step,
                    const struct pg_evaluation *train, const struct pg_evaluation *test);
    /* Completes the row. */
    void (*end)(void *hall, size_t seat, const struct pg_training_end *end,
                struct pg_run_result *ret_result);
};

/* An experiment's run(). */
int pg_runs_train(const struct pg_runs_kind *kind, void *hall, const struct pg_run_source *source,
                  struct pg_error *error) PG_CHECK_RESULT;

/* Memory of the runs that are trained side by side; `hall` is arranged without being filled. */
size_t pg_runs_bytes(const struct pg_runs_kind *kind, void *hall,
                     const struct pg_trainer_spec *spec);

#endif
