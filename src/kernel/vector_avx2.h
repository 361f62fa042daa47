/* SPDX-License-Identifier: MIT */
/* The vector vocabulary in AVX2 with FMA: 8 lanes. */
#ifndef PHASEGRID_VECTOR_H
#define PHASEGRID_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#define KERNEL_NAME "avx2"
#define KERNEL_SYMBOL pg_kernel_avx2
enum { WIDTH = 8 };
enum { TILE_ROWS_3 = 4, TILE_ROWS_2 = 6, TILE_ROWS_1 = 8 };

/* Runs on CPUs that have not these instructions, and so may hold none. */
__attribute__((target("no-avx"))) static int is_supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

typedef __m256 vector;

static inline vector v_load(const float *from)
{
    return _mm256_loadu_ps(from);
}
static inline void v_store(float *to, vector x)
{
    _mm256_storeu_ps(to, x);
}
static inline vector v_set(float x)
{
    return _mm256_set1_ps(x);
}
static inline vector v_fma(vector a, vector b, vector c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline vector v_add(vector a, vector b)
{
    return _mm256_add_ps(a, b);
}
static inline vector v_sub(vector a, vector b)
{
    return _mm256_sub_ps(a, b);
}
static inline vector v_mul(vector a, vector b)
{
    return _mm256_mul_ps(a, b);
}
static inline vector v_div(vector a, vector b)
{
    return _mm256_div_ps(a, b);
}
static inline vector v_sqrt(vector a)
{
    return _mm256_sqrt_ps(a);
}
/* a < b ? a : b, so that a NaN in b stays; v_max likewise. */
static inline vector v_min(vector a, vector b)
{
    return _mm256_min_ps(a, b);
}
static inline vector v_max(vector a, vector b)
{
    return _mm256_max_ps(a, b);
}
/* a < b ? yes : no, per lane. */
static inline vector v_less(vector a, vector b, vector yes, vector no)
{
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
static inline vector v_bits_and(vector a, uint32_t bits)
{
    return _mm256_castsi256_ps(
        _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32((int)bits)));
}
static inline vector v_bits_or(vector a, vector b)
{
    return _mm256_castsi256_ps(_mm256_or_si256(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
/* Adds `count` (an integer in float, |count| < 2^22) to the exponent of x. */
static inline vector v_scale(vector x, vector count)
{
    __m256i shift = _mm256_slli_epi32(_mm256_cvtps_epi32(count), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), shift));
}
/* The biased exponent field of positive x, as a float. */
static inline vector v_exponent(vector x)
{
    return _mm256_cvtepi32_ps(_mm256_srli_epi32(_mm256_castps_si256(x), 23));
}

#endif
