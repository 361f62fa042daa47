/* SPDX-License-Identifier: MIT */
/* The vector vocabulary in plain C with fmaf: one lane, the judge of the others. */
#ifndef PHASEGRID_VECTOR_H
#define PHASEGRID_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define KERNEL_NAME "scalar"
#define KERNEL_SYMBOL pg_kernel_scalar
#define LANE_KERNEL_SYMBOL pg_lane_kernel_scalar
enum { WIDTH = 1 };
enum { TILE_ROWS_3 = 4, TILE_ROWS_2 = 6, TILE_ROWS_1 = 8 };

#if defined(__x86_64__)
/* Runs on CPUs that have not these instructions, and so may hold none. */
__attribute__((target("no-avx"))) static inline int is_supported(void)
{
    return __builtin_cpu_supports("fma");
}
#else
static inline int is_supported(void)
{
    return 1;
}
#endif

typedef float vector;

static inline vector v_load(const float *from)
{
    return *from;
}
static inline void v_store(float *to, vector x)
{
    *to = x;
}
static inline vector v_set(float x)
{
    return x;
}
static inline vector v_fma(vector a, vector b, vector c)
{
    return fmaf(a, b, c);
}
static inline vector v_add(vector a, vector b)
{
    return a + b;
}
static inline vector v_sub(vector a, vector b)
{
    return a - b;
}
static inline vector v_mul(vector a, vector b)
{
    return a * b;
}
static inline vector v_div(vector a, vector b)
{
    return a / b;
}
static inline vector v_sqrt(vector a)
{
    return sqrtf(a);
}
/* A NaN in b stays; v_max likewise. */
static inline vector v_min(vector a, vector b)
{
    return a < b ? a : b;
}
static inline vector v_max(vector a, vector b)
{
    return a > b ? a : b;
}
static inline vector v_less(vector a, vector b, vector yes, vector no)
{
    return a < b ? yes : no;
}
static inline uint32_t bits_of(vector a)
{
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}
static inline vector from_bits(uint32_t bits)
{
    vector a;
    memcpy(&a, &bits, sizeof a);
    return a;
}
static inline vector v_bits_and(vector a, uint32_t bits)
{
    return from_bits(bits_of(a) & bits);
}
static inline vector v_bits_or(vector a, vector b)
{
    return from_bits(bits_of(a) | bits_of(b));
}
/* Adds `count` (an integer in float) to the exponent of x; a NaN count converts as on x86. */
static inline vector v_scale(vector x, vector count)
{
    int32_t shift = count == count ? (int32_t)count : INT32_MIN;
    return from_bits(bits_of(x) + ((uint32_t)shift << 23));
}
/* The biased exponent field of positive x, as a float. */
static inline vector v_exponent(vector x)
{
    return (float)(bits_of(x) >> 23);
}

/* ---- words of 32 bits ---- */

typedef uint32_t words;

static inline words u_load(const uint32_t *from)
{
    return *from;
}
static inline void u_store(uint32_t *to, words a)
{
    *to = a;
}
static inline words u_set(uint32_t a)
{
    return a;
}
static inline words u_add(words a, words b)
{
    return a + b;
}
static inline words u_xor(words a, words b)
{
    return a ^ b;
}
/* The 64 bits of a times factor, in two words. */
static inline void u_multiply(words a, uint32_t factor, words *ret_low, words *ret_high)
{
    uint64_t product = (uint64_t)a * factor;
    *ret_low = (uint32_t)product;
    *ret_high = (uint32_t)(product >> 32);
}
/* The upper 24 bits, as a float. */
static inline vector u_upper(words a)
{
    return (float)(a >> 8);
}

/* ---- doubles ---- */

enum { DOUBLES = 1 };
typedef double doubles;

static inline doubles d_load(const double *from)
{
    return *from;
}
static inline void d_store(double *to, doubles x)
{
    *to = x;
}
static inline doubles d_set(double x)
{
    return x;
}
static inline doubles d_fma(doubles a, doubles b, doubles c)
{
    return fma(a, b, c);
}
static inline doubles d_add(doubles a, doubles b)
{
    return a + b;
}
static inline doubles d_sub(doubles a, doubles b)
{
    return a - b;
}
static inline doubles d_mul(doubles a, doubles b)
{
    return a * b;
}
static inline doubles d_div(doubles a, doubles b)
{
    return a / b;
}
static inline doubles d_sqrt(doubles a)
{
    return sqrt(a);
}
/* A NaN in b stays. */
static inline doubles d_max(doubles a, doubles b)
{
    return a > b ? a : b;
}
static inline doubles d_less(doubles a, doubles b, doubles yes, doubles no)
{
    return a < b ? yes : no;
}
static inline int d_any_less(doubles a, doubles b)
{
    return a < b;
}
static inline doubles d_gather(const double *from, doubles at)
{
    return from[(size_t)at];
}
static inline doubles d_widen(const float *from)
{
    return (double)*from;
}

#endif
