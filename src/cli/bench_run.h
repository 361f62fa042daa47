/* SPDX-License-Identifier: MIT */
/* The speed of whole runs, through the interface that a sweep uses. */
#ifndef PHASEGRID_BENCH_RUN_H
#define PHASEGRID_BENCH_RUN_H

#include <stddef.h>

#include "phasegrid/kernel.h"

/* Model-steps per CPU-second of `lanes` runs of the addition experiment at its defaults, side by
   side, evaluated at every step; what comes before the first step is left out. Kernel and layout
   are asked for in the environment, as a user would. */
int pg_bench_run(const struct pg_kernel *kernel, size_t lanes, double seconds, double *ret_rate,
                 struct pg_error *error) PG_CHECK_RESULT;

#endif
