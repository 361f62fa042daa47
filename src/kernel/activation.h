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
    return x;
}

/* f'(x) from h = f(x). */
INLINE vector derivative(enum pg_activation activation, vector h)
{
    const vector one = v_set(1.0f);
    if (activation == PG_TANH)
        return v_fma(v_sub(v_set(0.0f), h), h, one);
    if (activation == PG_RELU)
        return v_less(v_set(0.0f), h, one, v_set(0.0f));
    if (activation == PG_LEAKY_RELU)
        return v_less(h, v_set(0.0f), v_set(0.01f), one);
    if (activation == PG_ELU)
        return v_less(h, v_set(0.0f), v_add(h, one), one);
    return one;
}

#endif
