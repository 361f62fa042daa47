/* SPDX-License-Identifier: MIT */
/* What an optimiser's inner loop needs at step t. Stateless: a step's factors depend on t alone. */
#include "phasegrid/optimizer.h"

#include <math.h>

/* base^exponent by squaring, so that no libm function enters a run's bytes. */
static double power(double base, int64_t exponent)
{
    double result = 1.0;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result *= base;
        base *= base;
    }
    return result;
}

/* Kingma & Ba (2015) with the decoupled decay of Loshchilov & Hutter (2019). */
static void prepare_adamw(const struct pg_rates *rates, int64_t step, struct pg_update *ret)
{
    *ret = (struct pg_update){
        .optimizer = PG_ADAMW,
        .keep = (float)(1.0 - rates->learning_rate * rates->weight_decay),
        .rate = (float)(rates->learning_rate / (1.0 - power(rates->beta1, step))),
        .beta1 = (float)rates->beta1,
        .beta1_rest = (float)(1.0 - rates->beta1),
        .beta2 = (float)rates->beta2,
        .beta2_rest = (float)(1.0 - rates->beta2),
        .root_scale = (float)(1.0 / sqrt(1.0 - power(rates->beta2, step))),
        .epsilon = (float)rates->epsilon,
    };
}

static void prepare_sgd(const struct pg_rates *rates, int64_t step, struct pg_update *ret)
{
    (void)step;
    *ret = (struct pg_update){
        .optimizer = PG_SGD,
        .keep = (float)(1.0 - rates->learning_rate * rates->weight_decay),
        .rate = (float)rates->learning_rate,
        .beta1 = (float)rates->momentum,
    };
}

const struct pg_optimizer_kind pg_optimizers[] = {
    [PG_ADAMW] = {"adamw", prepare_adamw},
    [PG_SGD] = {"sgd", prepare_sgd},
};

const char *const pg_optimizer_names[] = {"adamw", "sgd", NULL};
