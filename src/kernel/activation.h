/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_ACTIVATION_H
#define PHASEGRID_ACTIVATION_H

#include "phasegrid/kernel.h"

#include "elementary.h"
#include "tile.h"

INLINE vector activate(enum pg_activation activation, vector x)
{
    if (activation == PG_TANH)
        return v_tanh(x);
    if (activation == PG_RELU)
        return v_less(x, v_set(0.0f), v_set(0.0f), x);
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
    return one;
}

#endif
