/* SPDX-License-Identifier: MIT */
/* Which cases a call of `phasegrid bench` measures. */
#ifndef PHASEGRID_BENCH_PLAN_H
#define PHASEGRID_BENCH_PLAN_H

#include "bench_case.h"

enum pg_bench_index {
    PG_BENCH_W1,
    PG_BENCH_W1_RUN,
    PG_BENCH_W2,
    PG_BENCH_W4,
    PG_BENCH_WIDTHS,
    PG_BENCH_W3,
    PG_BENCH_W3_OWN,
    PG_BENCH_W3_SGLD,
    PG_BENCH_W3_SGLD_OWN,
    PG_BENCH_KINDS
};

extern const struct pg_bench_kind pg_bench_kinds[PG_BENCH_KINDS];

enum { PG_BENCH_WIDTHS_MAX = 32 };

/* What is asked for; nothing said means all. */
struct pg_bench_wish {
    const char *workloads[PG_BENCH_KINDS];
    size_t workload_count;
    size_t widths[PG_BENCH_WIDTHS_MAX + 1]; /* ends with 0 */
    size_t width_count;
    const char *kernel; /* NULL: what PHASEGRID_KERNEL names, or all of this CPU */
    const char *layout;
};

struct pg_bench_plan {
    struct pg_bench_case *cases;
    size_t count;
};

/* A name that is not there is an error that lists those that are. */
int pg_bench_plan_make(const struct pg_bench_wish *wish, struct pg_bench_plan *ret_plan,
                       struct pg_error *error) PG_CHECK_RESULT;
void pg_bench_plan_release(struct pg_bench_plan *plan);

/* Whether the workload is among those wished for. */
bool pg_bench_is_wanted(const struct pg_bench_wish *wish, enum pg_bench_index kind);

/* "samples" or "runs" in lanes. */
const char *pg_bench_layout_name(const struct pg_bench_case *bench);

#endif
