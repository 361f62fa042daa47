/* SPDX-License-Identifier: MIT */
/*
 * The launches of a results file, judged: which were killed, what each brought, how fast runs were
 * finished. A pure function of the file's provenance and of what stands now.
 */
#ifndef PHASEGRID_HISTORY_H
#define PHASEGRID_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/store.h"

/* What is known of the process that owns the file, if there is one. */
enum pg_history_owner { PG_HISTORY_NO_OWNER, PG_HISTORY_MAY_LIVE, PG_HISTORY_LIVES };

struct pg_history_now {
    double time;          /* unix seconds */
    int64_t finished;     /* runs with a result */
    int64_t steps_kept;   /* model-steps in checkpoints; below 0: not known */
    const double *result; /* (result_count) unix seconds at which runs ended; NAN: none */
    size_t result_count;
    enum pg_history_owner owner;
    double owner_since; /* unix seconds, whole ones */
};

enum pg_history_state {
    PG_HISTORY_ENDED,  /* it says why */
    PG_HISTORY_KILLED, /* had no time to */
    PG_HISTORY_RUNS,
    PG_HISTORY_KILLED_OR_RUNS
};

struct pg_history_entry {
    enum pg_history_state state;
    int64_t finished; /* runs that it gave a result; below 0: not known */
    bool knows_steps;
    int64_t steps_kept; /* model-steps that it added to the checkpoints, or took from them */
    double
        seconds; /* that it took so far: of a killed one, until its last result; NAN: not known */
};

/* entries (count), as the launches. */
void pg_history_judge(const struct pg_launch_record *launches, size_t count,
                      const struct pg_history_now *now, struct pg_history_entry *ret_entries);

/* How many launches in succession, the last ones but for a living one, brought neither a result nor
   a step in the checkpoints. */
size_t pg_history_stalled(const struct pg_history_entry *entries, size_t count);

/* The launch that tells how fast runs are finished: the last one that finished any in a known time.
   `count`: none did. */
size_t pg_history_pace(const struct pg_history_entry *entries, size_t count);

#endif
