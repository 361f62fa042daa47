/* SPDX-License-Identifier: MIT */
/* The vector vocabulary in AVX2 with FMA: 8 lanes. */
#ifndef PHASEGRID_VECTOR_H
#define PHASEGRID_VECTOR_H

#include <immintrin.h>
#include <stdint.h>

#define KERNEL_NAME "avx2"
#define KERNEL_SYMBOL pg_kernel_avx2
#define LANE_KERNEL_SYMBOL pg_lane_kernel_avx2
enum { WIDTH = 8 };
enum { TILE_ROWS_3 = 4, TILE_ROWS_2 = 6, TILE_ROWS_1 = 8 };

/* Runs on CPUs that have not these instructions, and so may hold none. */
__attribute__((target("no-avx"))) static inline int is_supported(void)
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

/* ---- words of 32 bits, WIDTH of them ---- */

typedef __m256i words;

static inline words u_load(const uint32_t *from)
{
    return _mm256_loadu_si256((const void *)from);
}
static inline void u_store(uint32_t *to, words a)
{
    _mm256_storeu_si256((void *)to, a);
}
static inline words u_set(uint32_t a)
{
    return _mm256_set1_epi32((int)a);
}
static inline words u_add(words a, words b)
{
    return _mm256_add_epi32(a, b);
}
static inline words u_xor(words a, words b)
{
    return _mm256_xor_si256(a, b);
}
/* The 64 bits of a times factor, in two words. */
static inline void u_multiply(words a, uint32_t factor, words *ret_low, words *ret_high)
{
    const words by = _mm256_set1_epi64x((long long)factor);
    words even = _mm256_mul_epu32(a, by), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), by);
    *ret_low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
    *ret_high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
/* The upper 24 bits, as a float. */
static inline vector u_upper(words a)
{
    return _mm256_cvtepi32_ps(_mm256_srli_epi32(a, 8));
}

/* ---- doubles ---- */

enum { DOUBLES = 4 };
typedef __m256d doubles;

static inline doubles d_load(const double *from)
{
    return _mm256_loadu_pd(from);
}
static inline void d_store(double *to, doubles x)
{
    _mm256_storeu_pd(to, x);
}
static inline doubles d_set(double x)
{
    return _mm256_set1_pd(x);
}
static inline doubles d_fma(doubles a, doubles b, doubles c)
{
    return _mm256_fmadd_pd(a, b, c);
}
static inline doubles d_add(doubles a, doubles b)
{
    return _mm256_add_pd(a, b);
}
static inline doubles d_sub(doubles a, doubles b)
{
    return _mm256_sub_pd(a, b);
}
static inline doubles d_mul(doubles a, doubles b)
{
    return _mm256_mul_pd(a, b);
}
static inline doubles d_div(doubles a, doubles b)
{
    return _mm256_div_pd(a, b);
}
static inline doubles d_sqrt(doubles a)
{
    return _mm256_sqrt_pd(a);
}
/* a > b ? a : b, so that a NaN in b stays. */
static inline doubles d_max(doubles a, doubles b)
{
    return _mm256_max_pd(a, b);
}
/* a < b ? yes : no, per lane. */
static inline doubles d_less(doubles a, doubles b, doubles yes, doubles no)
{
    return _mm256_blendv_pd(no, yes, _mm256_cmp_pd(a, b, _CMP_LT_OQ));
}
/* Whether a < b in any lane. */
static inline int d_any_less(doubles a, doubles b)
{
    return _mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LT_OQ)) != 0;
}
/* from[at], at integers below 2^31. */
static inline doubles d_gather(const double *from, doubles at)
{
    return _mm256_i32gather_pd(from, _mm256_cvtpd_epi32(at), 8);
}
static inline doubles d_widen(const float *from)
{
    return _mm256_cvtps_pd(_mm_loadu_ps(from));
}

#endif
