/* SPDX-License-Identifier: MIT */
/* The vector vocabulary in AVX-512: 16 lanes. */
#ifndef PHASEGRID_VECTOR_H
#define PHASEGRID_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#include "phasegrid/kernel.h"

#define KERNEL_NAME "avx512"
#define KERNEL_SYMBOL pg_kernel_avx512
enum { WIDTH = 16 };
enum { TILE_ROWS_3 = 8, TILE_ROWS_2 = 8, TILE_ROWS_1 = 8 };

/* Columns that fill half a vector are multiplied in AVX2, which every CPU with AVX-512 has. */
#define HALF_KERNEL pg_kernel_avx2
extern const struct pg_kernel HALF_KERNEL;

/* Runs on CPUs that have not these instructions, and so may hold none. */
__attribute__((target("no-avx"))) static int is_supported(void)
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

#endif
