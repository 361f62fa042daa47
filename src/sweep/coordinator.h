/* SPDX-License-Identifier: MIT */
/*
 * The coordinator on rank 0: a thin shell of messages around the plan, and the sweep's figures. Up
 * to PG_SHARED_RANKS_MAX ranks it shares its process with a worker, which reaches it by a link of
 * function calls and whose pauses are its moments to serve.
 */
#ifndef PHASEGRID_SWEEP_COORDINATOR_H
#define PHASEGRID_SWEEP_COORDINATOR_H

#include "begin.h"
#include "message.h"
#include "time_limit.h"
#include "warnings.h"

struct pg_coordinator {
    MPI_Comm comm; /* borrowed */
    const struct pg_sweep_options *options;
    struct pg_plan *plan;
    const struct pg_beginning *beginning; /* borrowed */
    bool trains;                          /* a worker in this process */
    int worker_count, present;
    struct pg_time_limit limit;
    uint64_t held;                   /* rows that workers have been dealt and not reported */
    bool is_ended, is_short_of_time; /* the end came since no run could end before the limit */
    bool own_may_get, own_is_told;   /* this process's worker: rows, as it has reported; the end */
    struct pg_progress progress;
    struct pg_warnings warnings; /* told to the user */
    int64_t steps;
    double seconds; /* in training, over all workers */
    double began, reported;
};

/* Whether rank 0 of `rank_count` trains, too. */
bool pg_coordinator_trains(enum pg_coordination coordination, int rank_count);

/* Plan, options and beginning are borrowed. */
void pg_coordinator_init(struct pg_coordinator *coordinator, MPI_Comm comm,
                         const struct pg_sweep_options *options, const struct pg_time_limit *limit,
                         struct pg_plan *plan, const struct pg_beginning *beginning);

/* Answers what has come; true: something had. */
bool pg_coordinator_serve(struct pg_coordinator *coordinator);

/* Serves until every worker has left. */
void pg_coordinator_finish(struct pg_coordinator *coordinator);

/* The link of the worker in this process. */
struct pg_link pg_link_within(struct pg_coordinator *coordinator);

/* Worker w sits on rank w + pg_first_worker. */
static inline int pg_first_worker(bool trains)
{
    return trains ? 0 : 1;
}

#endif
