/* SPDX-License-Identifier: MIT */
/* The vector vocabulary in AVX-512: 16 lanes. */
#ifndef PHASEGRID_VECTOR_H
#define PHASEGRID_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#include "phasegrid/kernel.h"

#define KERNEL_NAME "avx512"
#define KERNEL_SYMBOL pg_kernel_avx512
#define LANE_KERNEL_SYMBOL pg_lane_kernel_avx512
enum { WIDTH = 16 };
enum { TILE_ROWS_3 = 8, TILE_ROWS_2 = 8, TILE_ROWS_1 = 8 };

/* Columns that fill half a vector are multiplied in AVX2, which every CPU with AVX-512 has. */
#define HALF_KERNEL pg_kernel_avx2
extern const struct pg_kernel HALF_KERNEL;

/* Runs on CPUs that have not these instructions, and so may hold none. */
__attribute__((target("no-avx"))) static inline int is_supported(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

typedef __m512 vector;

static inline vector v_load(const float *from)
{
    return _mm512_loadu_ps(from);
}
static inline void v_store(float *to, vector x)
{
    _mm512_storeu_ps(to, x);
}
static inline vector v_set(float x)
{
    return _mm512_set1_ps(x);
}
static inline vector v_fma(vector a, vector b, vector c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vector v_add(vector a, vector b)
{
    return _mm512_add_ps(a, b);
}
static inline vector v_sub(vector a, vector b)
{
    return _mm512_sub_ps(a, b);
}
static inline vector v_mul(vector a, vector b)
{
    return _mm512_mul_ps(a, b);
}
static inline vector v_div(vector a, vector b)
{
    return _mm512_div_ps(a, b);
}
static inline vector v_sqrt(vector a)
{
    return _mm512_sqrt_ps(a);
}
/* a < b ? a : b, so that a NaN in b stays; v_max likewise. */
static inline vector v_min(vector a, vector b)
{
    return _mm512_min_ps(a, b);
}
static inline vector v_max(vector a, vector b)
{
    return _mm512_max_ps(a, b);
}
/* a < b ? yes : no, per lane. */
static inline vector v_less(vector a, vector b, vector yes, vector no)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
static inline vector v_bits_and(vector a, uint32_t bits)
{
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32((int)bits)));
}
static inline vector v_bits_or(vector a, vector b)
{
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
/* Adds `count` (an integer in float, |count| < 2^22) to the exponent of x. */
static inline vector v_scale(vector x, vector count)
{
    __m512i shift = _mm512_slli_epi32(_mm512_cvtps_epi32(count), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), shift));
}
/* The biased exponent field of positive x, as a float. */
static inline vector v_exponent(vector x)
{
    return _mm512_cvtepi32_ps(_mm512_srli_epi32(_mm512_castps_si512(x), 23));
}

/* ---- words of 32 bits, WIDTH of them ---- */

typedef __m512i words;

static inline words u_load(const uint32_t *from)
{
    return _mm512_loadu_si512((const void *)from);
}
static inline void u_store(uint32_t *to, words a)
{
    _mm512_storeu_si512((void *)to, a);
}
static inline words u_set(uint32_t a)
{
    return _mm512_set1_epi32((int)a);
}
static inline words u_add(words a, words b)
{
    return _mm512_add_epi32(a, b);
}
static inline words u_xor(words a, words b)
{
    return _mm512_xor_si512(a, b);
}
/* The 64 bits of a times factor, in two words. */
static inline void u_multiply(words a, uint32_t factor, words *ret_low, words *ret_high)
{
    const words by = _mm512_set1_epi64((long long)factor);
    words even = _mm512_mul_epu32(a, by), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), by);
    *ret_low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
    *ret_high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}
/* The upper 24 bits, as a float. */
static inline vector u_upper(words a)
{
    return _mm512_cvtepi32_ps(_mm512_srli_epi32(a, 8));
}

/* ---- doubles ---- */

enum { DOUBLES = 8 };
typedef __m512d doubles;

static inline doubles d_load(const double *from)
{
    return _mm512_loadu_pd(from);
}
static inline void d_store(double *to, doubles x)
{
    _mm512_storeu_pd(to, x);
}
static inline doubles d_set(double x)
{
    return _mm512_set1_pd(x);
}
static inline doubles d_fma(doubles a, doubles b, doubles c)
{
    return _mm512_fmadd_pd(a, b, c);
}
static inline doubles d_add(doubles a, doubles b)
{
    return _mm512_add_pd(a, b);
}
static inline doubles d_sub(doubles a, doubles b)
{
    return _mm512_sub_pd(a, b);
}
static inline doubles d_mul(doubles a, doubles b)
{
    return _mm512_mul_pd(a, b);
}
static inline doubles d_div(doubles a, doubles b)
{
    return _mm512_div_pd(a, b);
}
static inline doubles d_sqrt(doubles a)
{
    return _mm512_sqrt_pd(a);
}
/* a > b ? a : b, so that a NaN in b stays. */
static inline doubles d_max(doubles a, doubles b)
{
    return _mm512_max_pd(a, b);
}
/* a < b ? yes : no, per lane. */
static inline doubles d_less(doubles a, doubles b, doubles yes, doubles no)
{
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_LT_OQ), no, yes);
}
/* Whether a < b in any lane. */
static inline int d_any_less(doubles a, doubles b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ) != 0;
}
/* from[at], at integers below 2^31. */
static inline doubles d_gather(const double *from, doubles at)
{
    return _mm512_i32gather_pd(_mm512_cvtpd_epi32(at), from, 8);
}
static inline doubles d_widen(const float *from)
{
    return _mm512_cvtps_pd(_mm256_loadu_ps(from));
}

#endif
