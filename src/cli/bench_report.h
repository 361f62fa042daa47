/* SPDX-License-Identifier: MIT */
/* What `phasegrid bench` prints. */
#ifndef PHASEGRID_BENCH_REPORT_H
#define PHASEGRID_BENCH_REPORT_H

#include <jansson.h>

#include "bench_plan.h"

/* One object for every case; NULL: out of memory. */
json_t *pg_bench_as_json(const struct pg_bench_plan *plan, size_t rounds);

/* The table for people, with what a pack gains and what evaluation costs. */
void pg_bench_print(const struct pg_bench_plan *plan, const struct pg_bench_wish *wish,
                    size_t rounds);

#endif
