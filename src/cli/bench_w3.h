/* SPDX-License-Identifier: MIT */
/* The speed of the toy model of superposition, in training and in sampling, as a sweep runs it. */
#ifndef PHASEGRID_BENCH_W3_H
#define PHASEGRID_BENCH_W3_H

#include "phasegrid/kernel.h"

/* Six features, two hidden dimensions, 1,000 samples; PG_LANES runs side by side, which share one
   seed and so their batches, as grid points do, or have their own. */
enum pg_bench_w3 {
    PG_BENCH_W3_SHARED = 1,       /* SGD, batches of 64; model-steps per CPU-second */
    PG_BENCH_W3_INDEPENDENT,      /* the same, every run its own batches */
    PG_BENCH_W3_SGLD_SHARED,      /* SGLD chains, batches of 500, a draw scored every 100 steps by
                                     the full batch; chain-steps per CPU-second */
    PG_BENCH_W3_SGLD_INDEPENDENT, /* the same, every chain its own batches */
};

int pg_bench_w3(enum pg_bench_w3 which, const struct pg_kernel *kernel, double seconds,
                double *ret_rate, struct pg_error *error) PG_CHECK_RESULT;

/* Useful operations of a step: G, ten for each sample and output, and the way back. */
double pg_bench_w3_flops(enum pg_bench_w3 which);

#endif
