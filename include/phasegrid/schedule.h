/* SPDX-License-Identifier: MIT */
/*
 * A sweep without runs: the plan that a real one uses (phasegrid/plan.h), driven by virtual workers
 * under a virtual clock. It shows what scheduling costs at numbers of ranks that nobody has at
 * hand.
 *
 * The workers do as worker.c has it, with one run at a time: they report when the last run of a
 * piece has begun, when nothing is left to begin, and every half second, and take what they are
 * dealt while they train. The coordinator serves reports in the order in which they arrive, one
 * after the other.
 */
#ifndef PHASEGRID_SCHEDULE_H
#define PHASEGRID_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

struct pg_schedule {
    size_t workers;
    uint64_t runs;
    double shortest, longest; /* seconds of a run: log-uniform between them */
    /* The plan knows what each run costs, to within 7 % for spreads up to 100; otherwise it takes
       them all for alike. */
    bool costs_known;
    double message_seconds; /* of the coordinator, for a message that it receives or sends */
    double latency;         /* seconds, of a message on its way */
    uint32_t seed;
};

struct pg_schedule_outcome {
    double work;     /* seconds of all runs */
    double makespan; /* seconds until the last run has ended */
    double tail;     /* of these, after the first worker had nothing left to do */
    uint64_t reports, orders;
    double busy;         /* share of the makespan that the coordinator served */
    uint64_t plan_bytes; /* memory of the plan */
};

/* Efficiency is work / (workers x makespan). PG_EMACHINE: no memory. */
int pg_schedule_simulate(const struct pg_schedule *schedule,
                         struct pg_schedule_outcome *ret_outcome,
                         struct pg_error *error) PG_CHECK_RESULT;

/* Seconds of a run. */
double pg_schedule_run_seconds(const struct pg_schedule *schedule, uint64_t run);

#endif
