/* SPDX-License-Identifier: MIT */
/* The optimisers' inner step on one vector of parameters. */
#ifndef PHASEGRID_KERNEL_OPTIMIZER_H
#define PHASEGRID_KERNEL_OPTIMIZER_H

#include "phasegrid/kernel.h"
#include VECTOR_HEADER

/* AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW orders it: decay first, epsilon outside
   the bias-corrected root. */
static inline void adamw(const struct pg_update *u, const struct pg_moments *at, size_t i, vector g)
{
    vector m = v_fma(v_set(u->beta1), v_load(at->m + i), v_mul(v_set(u->beta1_rest), g));
    vector v = v_fma(v_set(u->beta2), v_load(at->v + i), v_mul(v_set(u->beta2_rest), v_mul(g, g)));
    vector root = v_fma(v_sqrt(v), v_set(u->root_scale), v_set(u->epsilon));
    vector kept = v_mul(v_set(u->keep), v_load(at->value + i));
    v_store(at->m + i, m);
    v_store(at->v + i, v);
    v_store(at->value + i, v_sub(kept, v_div(v_mul(v_set(u->rate), m), root)));
}

/* Gradient descent with momentum: v = momentum v + g, theta = keep theta - lr v. */
static inline void sgd(const struct pg_update *u, const struct pg_moments *at, size_t i, vector g)
{
    vector velocity = v_fma(v_set(u->beta1), v_load(at->m + i), g);
    vector kept = v_mul(v_set(u->keep), v_load(at->value + i));
    v_store(at->m + i, velocity);
    v_store(at->value + i, v_sub(kept, v_mul(v_set(u->rate), velocity)));
}

#endif
