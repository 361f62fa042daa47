/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_ACTIVATION_H
#define PHASEGRID_ACTIVATION_H

#include "phasegrid/kernel.h"

#include "elementary.h"
#include "tile.h"

/* exp(x) - 1, x <= 0, without cancellation: 2 t / (1 - t), t = tanh(x / 2). */
INLINE vector expm1_of_negative(vector x)
{
    vector t = v_tanh(v_mul(v_set(0.5f), x));
    return v_div(v_add(t, t), v_sub(v_set(1.0f), t));
}

/* 1 / (1 + exp(-x)). */
INLINE vector sigmoid(vector x)
{
    const vector half = v_set(0.5f);
    return v_fma(half, v_tanh(v_mul(half, x)), half);
}

/* s (1 + x (1 - s)), s = sigmoid(x). */
INLINE vector silu_slope(vector x)
{
    const vector one = v_set(1.0f), s = sigmoid(x);
    return v_mul(s, v_fma(x, v_sub(one, s), one));
}

INLINE vector activate(enum pg_activation activation, vector x)
{
    if (activation == PG_TANH)
        return v_tanh(x);
    if (activation == PG_RELU)
        return v_less(x, v_set(0.0f), v_set(0.0f), x);
    if (activation == PG_LEAKY_RELU)
        return v_less(x, v_set(0.0f), v_mul(x, v_set(0.01f)), x);
    if (activation == PG_ELU)
        return v_less(x, v_set(0.0f), expm1_of_negative(x), x);
    if (activation == PG_SILU)
        return v_mul(x, sigmoid(x));
    return x;
}

/* f'(x) from h = f(x), of PG_SILU from h = x. */
INLINE vector derivative(enum pg_activation activation, vector h)
{
    const vector one = v_set(1.0f);
    if (activation == PG_TANH)
        return v_fma(v_sub(v_set(0.0f), h), h, one);
    if (activation == PG_RELU)
        return v_less(v_set(0.0f), h, one, v_set(0.0f));
    if (activation == PG_LEAKY_RELU)
        return v_less(v_set(0.0f), h, one, v_set(0.01f)); /* at 0 as torch has it */
    if (activation == PG_ELU)
        return v_less(h, v_set(0.0f), v_add(h, one), one);
    if (activation == PG_SILU)
        return silu_slope(h);
    return one;
}

#endif
