/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_OPTIMIZER_H
#define PHASEGRID_OPTIMIZER_H

#include <stdint.h>

#include "phasegrid/kernel.h"

struct pg_rates {
    double learning_rate, weight_decay;
    double beta1, beta2, epsilon; /* AdamW */
    double momentum;              /* SGD */
};

struct pg_optimizer_kind {
    const char *name; /* as in job files */
    /* The factors of step t = 1, 2, ...; powers in double, from t alone. */
    void (*prepare)(const struct pg_rates *rates, int64_t step, struct pg_update *ret_update);
};

/* Indexed by enum pg_optimizer. */
extern const struct pg_optimizer_kind pg_optimizers[];
extern const char *const pg_optimizer_names[]; /* NULL-terminated */

#endif
