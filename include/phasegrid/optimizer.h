/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_OPTIMIZER_H
#define PHASEGRID_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/kernel.h"

struct pg_rates {
    double learning_rate, weight_decay;
    double beta1, beta2, epsilon; /* AdamW */
    double momentum;              /* SGD */
    double penalty;               /* weight in the loss of the mean |E| of matrix embeddings */
};

/* Steps are below 2^40. */
enum { PG_STEP_BITS = 40 };

/* Rates, and beta^(2^k) for powers without libm. */
struct pg_schedule {
    struct pg_rates rates;
    double beta1_squares[PG_STEP_BITS], beta2_squares[PG_STEP_BITS];
};

struct pg_schedule pg_schedule_make(const struct pg_rates *rates);

struct pg_optimizer_kind {
    const char *name; /* as in job files */
    /* The factors of step t = 1, 2, ... for the run in `lane`; powers in double, from t alone. */
    void (*prepare)(const struct pg_schedule *schedule, int64_t step, size_t lane,
                    struct pg_update *ret_update);
};

/* Indexed by enum pg_optimizer. */
extern const struct pg_optimizer_kind pg_optimizers[];
extern const char *const pg_optimizer_names[]; /* NULL-terminated */

/* What stands in lane 0 goes to all lanes, for a model with its samples in lanes. */
void pg_update_spread(struct pg_update *update);

#endif
