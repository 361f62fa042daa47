/* SPDX-License-Identifier: MIT */
/* The vector vocabulary in plain C with fmaf: one lane, the judge of the others. */
#ifndef PHASEGRID_VECTOR_H
#define PHASEGRID_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define KERNEL_NAME "scalar"
#define KERNEL_SYMBOL pg_kernel_scalar
enum { WIDTH = 1 };
enum { TILE_ROWS_3 = 4, TILE_ROWS_2 = 6, TILE_ROWS_1 = 8 };

#if defined(__x86_64__)
/* Runs on CPUs that have not these instructions, and so may hold none. */
__attribute__((target("no-avx"))) static int is_supported(void)
{
    return __builtin_cpu_supports("fma");
}
#else
static int is_supported(void)
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

#endif
