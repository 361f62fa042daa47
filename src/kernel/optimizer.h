/* SPDX-License-Identifier: MIT */
/* The optimisers' inner step on one vector of parameters. */
#ifndef PHASEGRID_KERNEL_OPTIMIZER_H
#define PHASEGRID_KERNEL_OPTIMIZER_H

#include "phasegrid/kernel.h"
#include VECTOR_HEADER

/* The factors of a vector of lanes. */
struct factors {
    vector keep, rate, beta1, beta1_rest, beta2, beta2_rest, root_scale, epsilon;
};

static inline struct factors factors_at(const struct pg_update *u, size_t lane)
{
    return (struct factors){
        .keep = v_load(u->keep + lane),
        .rate = v_load(u->rate + lane),
        .beta1 = v_load(u->beta1 + lane),
        .beta1_rest = v_load(u->beta1_rest + lane),
        .beta2 = v_load(u->beta2 + lane),
        .beta2_rest = v_load(u->beta2_rest + lane),
        .root_scale = v_load(u->root_scale + lane),
        .epsilon = v_load(u->epsilon + lane),
    };
}

/* AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW orders it: decay first, epsilon outside
   the bias-corrected root. */
static inline void adamw(const struct factors *u, const struct pg_moments *at, size_t i, vector g)
{
    vector m = v_fma(u->beta1, v_load(at->m + i), v_mul(u->beta1_rest, g));
    vector v = v_fma(u->beta2, v_load(at->v + i), v_mul(u->beta2_rest, v_mul(g, g)));
    vector root = v_fma(v_sqrt(v), u->root_scale, u->epsilon);
    vector kept = v_mul(u->keep, v_load(at->value + i));
    v_store(at->m + i, m);
    v_store(at->v + i, v);
    v_store(at->value + i, v_sub(kept, v_div(v_mul(u->rate, m), root)));
}

/* Gradient descent with momentum: v = momentum v + g, theta = keep theta - lr v. */
static inline void sgd(const struct factors *u, const struct pg_moments *at, size_t i, vector g)
{
    vector velocity = v_fma(u->beta1, v_load(at->m + i), g);
    vector kept = v_mul(u->keep, v_load(at->value + i));
    v_store(at->m + i, velocity);
    v_store(at->value + i, v_sub(kept, v_mul(u->rate, velocity)));
}

/* The same without momentum. */
static inline void plain_sgd(const struct factors *u, const struct pg_moments *at, size_t i,
                             vector g)
{
    v_store(at->value + i, v_sub(v_mul(u->keep, v_load(at->value + i)), v_mul(u->rate, g)));
}

/* How parameters step: a constant where loops call for speed. */
enum step_kind { STEP_ADAMW, STEP_SGD, STEP_PLAIN_SGD };

static inline enum step_kind step_kind_of(const struct pg_update *update)
{
    if (update->optimizer == PG_ADAMW)
        return STEP_ADAMW;
    return update->is_plain ? STEP_PLAIN_SGD : STEP_SGD;
}

static inline __attribute__((always_inline)) void take_step(const enum step_kind kind,
                                                            const struct factors *u,
                                                            const struct pg_moments *at, size_t i,
                                                            vector g)
{
    if (kind == STEP_ADAMW)
        adamw(u, at, i, g);
    else if (kind == STEP_SGD)
        sgd(u, at, i, g);
    else
        plain_sgd(u, at, i, g);
}

#endif
