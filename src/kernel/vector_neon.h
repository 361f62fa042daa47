/* SPDX-License-Identifier: MIT */
/*
 * The vector vocabulary in Arm's Advanced SIMD (NEON) of aarch64: 4 lanes. Minimum and maximum are
 * compared and selected, since Arm's own prefer a NaN of either operand. What is promised of a NaN
 * is that it is one, here and on x86: its sign and payload are the CPU's (Arm makes positive ones
 * where x86 makes negative ones).
 */
#ifndef PHASEGRID_VECTOR_H
#define PHASEGRID_VECTOR_H

#include <arm_neon.h>
#include <stdint.h>

#define KERNEL_NAME "neon"
#define KERNEL_SYMBOL pg_kernel_neon
enum { WIDTH = 4 };
enum { TILE_ROWS_3 = 8, TILE_ROWS_2 = 8, TILE_ROWS_1 = 8 };

/* Every aarch64 has it. */
static int is_supported(void)
{
    return 1;
}

typedef float32x4_t vector;

static inline vector v_load(const float *from)
{
    return vld1q_f32(from);
}
static inline void v_store(float *to, vector x)
{
    vst1q_f32(to, x);
}
static inline vector v_set(float x)
{
    return vdupq_n_f32(x);
}
static inline vector v_fma(vector a, vector b, vector c)
{
    return vfmaq_f32(c, a, b);
}
static inline vector v_add(vector a, vector b)
{
    return vaddq_f32(a, b);
}
static inline vector v_sub(vector a, vector b)
{
    return vsubq_f32(a, b);
}
static inline vector v_mul(vector a, vector b)
{
    return vmulq_f32(a, b);
}
static inline vector v_div(vector a, vector b)
{
    return vdivq_f32(a, b);
}
static inline vector v_sqrt(vector a)
{
    return vsqrtq_f32(a);
}
/* a < b ? yes : no, per lane. */
static inline vector v_less(vector a, vector b, vector yes, vector no)
{
    return vbslq_f32(vcltq_f32(a, b), yes, no);
}
/* a < b ? a : b, so that a NaN in b stays; v_max likewise. */
static inline vector v_min(vector a, vector b)
{
    return v_less(a, b, a, b);
}
static inline vector v_max(vector a, vector b)
{
    return v_less(b, a, a, b);
}
static inline vector v_bits_and(vector a, uint32_t bits)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(bits)));
}
static inline vector v_bits_or(vector a, vector b)
{
    return vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)));
}
/* Adds `count` (an integer in float, |count| < 2^22) to the exponent of x; nothing for a NaN. */
static inline vector v_scale(vector x, vector count)
{
    uint32x4_t shift = vreinterpretq_u32_s32(vshlq_n_s32(vcvtnq_s32_f32(count), 23));
    return vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(x), shift));
}
/* The biased exponent field of positive x, as a float. */
static inline vector v_exponent(vector x)
{
    return vcvtq_f32_u32(vshrq_n_u32(vreinterpretq_u32_f32(x), 23));
}

#endif
