/* SPDX-License-Identifier: MIT */
/*
 * Elementary functions over the vector vocabulary: polynomials with exact sqrt and division only,
 * so that every instruction set and compiler gives the same bits. Denormals are zero, as operands
 * and as results (pg_kernel_enter); a NaN gives a NaN. Largest errors over all floats: tanh 1.33,
 * exp 2.86, log 1.97, sin 0.97 and cos 0.88 ulp (tests/unit/test_elementary.c, exhaustively).
 */
#ifndef PHASEGRID_ELEMENTARY_H
#define PHASEGRID_ELEMENTARY_H

#include <float.h>

#include VECTOR_HEADER

/* exp(x) for |x| <= 87: x = n ln 2 + r, exp(r) = 1 + r + r^2 p(r) (minimax on |r| <= ln(2) / 2). */
static inline vector exp_in_range(vector x)
{
    const vector magic = v_set(0x1.8p23f); /* adding it rounds to an integer */
    vector n = v_sub(v_fma(x, v_set(0x1.715476p0f), magic), magic);
    vector r = v_fma(n, v_set(-0x1.62e4p-1f), x);
    r = v_fma(n, v_set(-1.42860677e-6f), r);
    vector p = v_set(1.3814539415761828e-3f);
    p = v_fma(p, r, v_set(8.36874544620514e-3f));
    p = v_fma(p, r, v_set(4.166838899254799e-2f));
    p = v_fma(p, r, v_set(1.666652113199234e-1f));
    p = v_fma(p, r, v_set(4.999999403953552e-1f));
    p = v_add(v_fma(v_mul(r, r), p, r), v_set(1.0f));
    return v_scale(p, n);
}

/* exp(x): 0 below ln 2^-126 (where the result would be denormal), infinity above 88.72. */
static inline vector v_exp(vector x)
{
    const vector low = v_set(-0x1.5d589ep6f), high = v_set(88.72283f);
    vector half = v_mul(v_set(0.5f), v_max(low, v_min(high, x)));
    vector root = exp_in_range(half);
    vector y = v_less(x, low, v_set(0.0f), v_mul(root, root));
    y = v_less(high, x, v_set(__builtin_inff()), y);
    return y;
}

/* tanh: |x| < 0.625: x + x^3 p(x^2) (minimax); else 1 - 2 / (exp(2 |x|) + 1). */
static inline vector v_tanh(vector x)
{
    vector sign = v_bits_and(x, 0x80000000u);
    vector a = v_min(v_set(10.0f), v_bits_and(x, 0x7fffffffu));
    vector e = exp_in_range(v_add(a, a));
    vector large = v_sub(v_set(1.0f), v_div(v_set(2.0f), v_add(e, v_set(1.0f))));
    vector s = v_mul(a, a);
    vector p = v_set(-5.666976794600487e-3f);
    p = v_fma(p, s, v_set(2.0606176927685738e-2f));
    p = v_fma(p, s, v_set(-5.373000726103783e-2f));
    p = v_fma(p, s, v_set(1.3331331312656403e-1f));
    p = v_fma(p, s, v_set(-3.3333277702331543e-1f));
    vector small = v_fma(v_mul(a, s), p, a);
    return v_bits_or(sign, v_less(v_set(0.625f), a, large, small));
}

/* log(x), normal x > 0: x = 2^e m, m in [0.71, 1.42); log m = 2 atanh(s), s = (m - 1) / (m + 1). */
static inline vector log_of_normal(vector x)
{
    const vector root_half = v_set(0.70710678f), one = v_set(1.0f);
    vector e = v_sub(v_exponent(x), v_set(126.0f));
    vector m = v_bits_or(v_bits_and(x, 0x007fffffu), v_set(0.5f));
    vector is_small = v_less(m, root_half, one, v_set(0.0f));
    e = v_sub(e, is_small);
    m = v_fma(is_small, m, m);
    vector s = v_div(v_sub(m, one), v_add(m, one)), s2 = v_mul(s, s);
    vector p = v_set(1.0f / 9.0f);
    p = v_fma(p, s2, v_set(1.0f / 7.0f));
    p = v_fma(p, s2, v_set(1.0f / 5.0f));
    p = v_fma(p, s2, v_set(1.0f / 3.0f));
    vector twice = v_add(s, s);
    vector tail = v_fma(e, v_set(1.42860677e-6f), v_mul(v_mul(twice, s2), p));
    return v_fma(e, v_set(0x1.62e4p-1f), v_add(twice, tail));
}

/* log(x): -infinity of zeros and denormals, NaN of what is negative. */
static inline vector v_log(vector x)
{
    const vector tiny = v_set(FLT_MIN), huge = v_set(FLT_MAX);
    vector y = v_less(huge, x, x, log_of_normal(x));
    y = v_less(x, tiny, v_set(-__builtin_inff()), y);
    return v_less(v_set(-FLT_MIN), x, y, v_set(__builtin_nanf("")));
}

/* sin and cos of 2 pi r, |r| <= 1/8, odd and even to the bit: 2 pi r + r^3 p(r^2), with 2 pi in two
   parts, and 1 + r^2 q(r^2). Minimax of the relative error, q then changed by some units in its
   last places so that both are the same number at 1/8. */
static inline vector sine_near_zero(vector r, vector s)
{
    vector p = v_set(-75.4534f);
    p = v_fma(p, s, v_set(81.59394f));
    p = v_fma(p, s, v_set(-41.341675f));
    vector tail = v_fma(v_mul(r, s), p, v_mul(r, v_set(-1.7484555e-7f)));
    return v_fma(r, v_set(0x1.921fb6p2f), tail);
}

static inline vector cosine_near_zero(vector s)
{
    vector q = v_set(59.2464638f);
    q = v_fma(q, s, v_set(-85.4460373f));
    q = v_fma(q, s, v_set(64.9393311f));
    q = v_fma(q, s, v_set(-19.7392082f));
    return v_fma(q, s, v_set(1.0f));
}

/* |x - centre| < 1 ? yes : no */
static inline vector if_near(vector x, float centre, vector yes, vector no)
{
    vector distance = v_bits_and(v_sub(x, v_set(centre)), 0x7fffffffu);
    return v_less(distance, v_set(1.0f), yes, no);
}

/* sin and cos of 2 pi u, u in [0, 1]. The nearest quarter turn is taken off exactly; so multiples
   of 1/4 give -1, 0 (positive) and 1, and the symmetries about them hold to the bit. */
static inline void v_sincos_turn(vector u, vector *ret_sin, vector *ret_cos)
{
    const vector magic = v_set(0x1.8p23f), zero = v_set(0.0f); /* rounds to an integer */
    vector quarter = v_sub(v_fma(u, v_set(4.0f), magic), magic);
    vector r = v_fma(quarter, v_set(-0.25f), u), s = v_mul(r, r);
    vector sine = sine_near_zero(r, s), cosine = cosine_near_zero(s);
    vector from_half = v_bits_and(v_sub(quarter, v_set(2.0f)), 0x7fffffffu);
    vector swapped_sine = if_near(from_half, 1.0f, cosine, sine); /* of odd quarters */
    vector swapped_cosine = if_near(from_half, 1.0f, sine, cosine);
    *ret_sin = if_near(quarter, 2.5f, v_sub(zero, swapped_sine), swapped_sine);
    *ret_cos = if_near(quarter, 1.5f, v_sub(zero, swapped_cosine), swapped_cosine);
}

#endif
