/* SPDX-License-Identifier: MIT */
/* One line of `phasegrid bench`: a workload on one kernel in one layout, measured in rounds. */
#ifndef PHASEGRID_BENCH_CASE_H
#define PHASEGRID_BENCH_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "phasegrid/kernel.h"

enum { PG_BENCH_ROUNDS_MAX = 101 };

enum pg_bench_problem { PG_BENCH_TOY, PG_BENCH_MODULAR, PG_BENCH_RELATION };

/* What is measured. */
struct pg_bench_kind {
    const char *name, *summary;
    const size_t *widths;          /* ends with 0 */
    enum pg_bench_problem problem; /* of the bare loop (phasegrid/workload.h) */
    bool is_whole_run;             /* the experiment with its evaluations, or the bare loop */
    int w3; /* enum pg_bench_w3: the toy model of superposition; 0: another model */
};

struct pg_bench_case {
    const struct pg_bench_kind *kind;
    const struct pg_kernel *kernel;
    size_t width;
    size_t lanes;                      /* 1: samples in lanes; PG_LANES: runs in lanes */
    double rates[PG_BENCH_ROUNDS_MAX]; /* model-steps per CPU-second */
    double peaks[PG_BENCH_ROUNDS_MAX]; /* floating-point operations per CPU-second */
};

/* One round of one case: the peak before, the training for about so many CPU-seconds, the peak
   after. */
int pg_bench_measure(struct pg_bench_case *bench, size_t round, double seconds,
                     struct pg_error *error) PG_CHECK_RESULT;

/* Medians over the rounds. */
struct pg_bench_result {
    double steps_per_cpu_s; /* model-steps */
    double gflops, peak_gflops;
};

struct pg_bench_result pg_bench_summarise(const struct pg_bench_case *bench, size_t rounds);

/* How many times faster a pack of this shape should be, by the cost model that chooses layouts. */
double pg_bench_expected_gain(const struct pg_bench_case *bench);

#endif
