/* SPDX-License-Identifier: MIT */
/* bench --schedule: what scheduling costs at numbers of ranks that nobody has at hand. */
#ifndef PHASEGRID_BENCH_SCHEDULE_H
#define PHASEGRID_BENCH_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

enum { PG_BENCH_SCHEDULE_MAX = 16 };

struct pg_bench_schedule {
    uint64_t ranks[PG_BENCH_SCHEDULE_MAX], runs[PG_BENCH_SCHEDULE_MAX];
    size_t rank_count, run_count; /* 0: powers of ten, 10^2 to 10^5 and 10^4 to 10^7 */
    double shortest, longest;     /* seconds of a run */
    double message_seconds, latency;
};

/* 1 to 100 s, and the messages of four nodes over TCP. */
struct pg_bench_schedule pg_bench_schedule_default(void);

/* Every number of ranks with every number of runs that gives each rank one at least. */
int pg_bench_schedule_print(const struct pg_bench_schedule *wish, bool json,
                            struct pg_error *error) PG_CHECK_RESULT;

#endif
