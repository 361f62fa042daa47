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
#include <stddef.h>
#include <stdint.h>

#define KERNEL_NAME "neon"
#define KERNEL_SYMBOL pg_kernel_neon
#define LANE_KERNEL_SYMBOL pg_lane_kernel_neon
enum { WIDTH = 4 };
enum { TILE_ROWS_3 = 8, TILE_ROWS_2 = 8, TILE_ROWS_1 = 8 };

/* Every aarch64 has it. */
static inline int is_supported(void)
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

/* ---- words of 32 bits, WIDTH of them ---- */

typedef uint32x4_t words;

static inline words u_load(const uint32_t *from)
{
    return vld1q_u32(from);
}
static inline void u_store(uint32_t *to, words a)
{
    vst1q_u32(to, a);
}
static inline words u_set(uint32_t a)
{
    return vdupq_n_u32(a);
}
static inline words u_add(words a, words b)
{
    return vaddq_u32(a, b);
}
static inline words u_xor(words a, words b)
{
    return veorq_u32(a, b);
}
/* The 64 bits of a times factor, in two words. */
static inline void u_multiply(words a, uint32_t factor, words *ret_low, words *ret_high)
{
    uint32x4_t first = vreinterpretq_u32_u64(vmull_n_u32(vget_low_u32(a), factor));
    uint32x4_t last = vreinterpretq_u32_u64(vmull_n_u32(vget_high_u32(a), factor));
    *ret_low = vuzp1q_u32(first, last);
    *ret_high = vuzp2q_u32(first, last);
}
/* The upper 24 bits, as a float. */
static inline vector u_upper(words a)
{
    return vcvtq_f32_u32(vshrq_n_u32(a, 8));
}

/* ---- doubles ---- */

enum { DOUBLES = 2 };
typedef float64x2_t doubles;

static inline doubles d_load(const double *from)
{
    return vld1q_f64(from);
}
static inline void d_store(double *to, doubles x)
{
    vst1q_f64(to, x);
}
static inline doubles d_set(double x)
{
    return vdupq_n_f64(x);
}
static inline doubles d_fma(doubles a, doubles b, doubles c)
{
    return vfmaq_f64(c, a, b);
}
static inline doubles d_add(doubles a, doubles b)
{
    return vaddq_f64(a, b);
}
static inline doubles d_sub(doubles a, doubles b)
{
    return vsubq_f64(a, b);
}
static inline doubles d_mul(doubles a, doubles b)
{
    return vmulq_f64(a, b);
}
static inline doubles d_div(doubles a, doubles b)
{
    return vdivq_f64(a, b);
}
static inline doubles d_sqrt(doubles a)
{
    return vsqrtq_f64(a);
}
/* a < b ? yes : no, per lane. */
static inline doubles d_less(doubles a, doubles b, doubles yes, doubles no)
{
    return vbslq_f64(vcltq_f64(a, b), yes, no);
}
/* a > b ? a : b, so that a NaN in b stays. */
static inline doubles d_max(doubles a, doubles b)
{
    return d_less(b, a, a, b);
}
/* Whether a < b in any lane. */
static inline int d_any_less(doubles a, doubles b)
{
    uint64x2_t less = vcltq_f64(a, b);
    return (vgetq_lane_u64(less, 0) | vgetq_lane_u64(less, 1)) != 0;
}
/* from[at], at integers below 2^31. */
static inline doubles d_gather(const double *from, doubles at)
{
    doubles x = vdupq_n_f64(from[(size_t)vgetq_lane_f64(at, 0)]);
    return vsetq_lane_f64(from[(size_t)vgetq_lane_f64(at, 1)], x, 1);
}
static inline doubles d_widen(const float *from)
{
    return vcvt_f64_f32(vld1_f32(from));
}

#endif
