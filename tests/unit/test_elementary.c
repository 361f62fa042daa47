/* SPDX-License-Identifier: MIT */
/*
 * The elementary functions against libm in double, over all floats, NaNs of any payload included:
 * every 997th bit pattern, and all within 64 of a boundary. PHASEGRID_TEST_EVERY=n takes every n-th
 * instead; 1 is an exhaustive test, of minutes. Every kernel gives the scalar one's bytes.
 *
 * Denormals are zero, as operands and as results: a denormal operand must give the value at zero,
 * and zero is right where the exact value is denormal.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"
#include "phasegrid/kernel.h"

enum { BATCH = 256 * PG_LANES, EVERY = 997, NEIGHBOURS = 64 };

/* sin(2 pi (u + turns / 4)), u in [0, 1]: the nearest quarter turn is taken off exactly. */
static double sine_of_turn(double u, int turns)
{
    const double two_pi = 6.28318530717958648;
    int quarter = (int)lrint(4.0 * u);
    double r = u - 0.25 * (double)quarter;
    switch ((quarter + turns) % 4) {
    case 0:
        return sin(two_pi * r);
    case 1:
        return cos(two_pi * r);
    case 2:
        return 0.0 - sin(two_pi * r);
    default:
        return -cos(two_pi * r);
    }
}

static double sin_turn(double u)
{
    return sine_of_turn(u, 0);
}

/* A zero is positive (IEEE 754-2019, 9.2.1: cosPi). */
static double cos_turn(double u)
{
    return sine_of_turn(u, 1) + 0.0;
}

static const struct function {
    const char *name;
    double (*exact)(double x);
    float low, high;     /* the domain; NaN belongs to it if it is unbounded */
    float boundaries[8]; /* where our polynomials or exponents change */
} functions[] = {
    {"tanh", tanh, -INFINITY, INFINITY, {0.625f, -0.625f, 5.0f, 9.01f, 10.0f, -10.0f}},
    {"exp",
     exp,
     -INFINITY,
     INFINITY,
     {-87.33654f, -103.972f, 88.72283f, 0.34657f, -0.34657f, 128.0f}},
    {"log", log, -INFINITY, INFINITY, {0.5f, 0.70710678f, 1.41421356f, 2.0f, -1.0f}},
    {"sin_turn", sin_turn, 0.0f, 1.0f, {0.125f, 0.25f, 0.375f, 0.5f, 0.625f, 0.75f, 0.875f, 1.0f}},
    {"cos_turn", cos_turn, 0.0f, 1.0f, {0.125f, 0.25f, 0.375f, 0.5f, 0.625f, 0.75f, 0.875f, 1.0f}},
};
enum { FUNCTION_COUNT = sizeof functions / sizeof functions[0] };
static const float everywhere[] = {0.0f, -0.0f, FLT_MIN, -FLT_MIN, 1.0f, FLT_MAX, -FLT_MAX};

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double ulps(double found, double exact)
{
    int exponent = 0;
    (void)frexp(exact, &exponent);
    if (exponent < -125)
        exponent = -125;
    return fabs(found - exact) / ldexp(1.0, exponent - 24);
}

/* Error of y = f(x), in ulp of the exact value; what cannot be counted so is none or infinite. An
   exact value beyond the floats counts as 2^128, and so does infinity in its place. */
static double error_of(const struct function *function, float x, float y)
{
    double exact = function->exact(fabsf(x) < FLT_MIN ? copysign(0.0, (double)x) : (double)x);
    if (isnan(exact))
        return isnan(y) ? 0.0 : (double)INFINITY;
    if (isinf(exact) || exact == 0.0)
        return (double)y == exact && !signbit(y) == !signbit(exact) ? 0.0 : (double)INFINITY;
    if (fabs(exact) < (double)FLT_MIN && y == 0.0f)
        return 0.0;
    double found = isinf(y) ? copysign(0x1p128, (double)y) : (double)y;
    return isnan(y) ? (double)INFINITY : ulps(found, copysign(fmin(fabs(exact), 0x1p128), exact));
}

struct worst {
    double error;
    float at;
    uint32_t digest;
};

static void map_with_flush(const struct pg_kernel *kernel, const char *name, const float *in,
                           float *out)
{
    unsigned before = pg_kernel_enter();
    kernel->map(name, in, out, BATCH);
    pg_kernel_leave(before);
}

static void check_batch(const struct function *function, const float *in, struct worst *worst)
{
    static float expected[BATCH], found[BATCH];
    map_with_flush(pg_kernels[0], function->name, in, expected);
    worst->digest = digest_floats(worst->digest, expected, BATCH);
    for (size_t i = 0; i < BATCH; i++) {
        double error = error_of(function, in[i], expected[i]);
        if (!(error <= 4.0))
            fail_msg("%s(%a) = %a: %g ulp", function->name, (double)in[i], (double)expected[i],
                     error);
        if (error > worst->error) {
            worst->error = error;
            worst->at = in[i];
        }
    }
    for (size_t k = 1; pg_kernels[k] != NULL; k++) {
        if (!pg_kernel_is_supported(pg_kernels[k]))
            continue;
        map_with_flush(pg_kernels[k], function->name, in, found);
        for (size_t i = 0; i < BATCH; i++)
            if (bits_of(found[i]) != bits_of(expected[i]) &&
                !(isnan(found[i]) && isnan(expected[i])))
                fail_msg("%s: %s(%a) = %a, expected %a", pg_kernels[k]->name, function->name,
                         (double)in[i], (double)found[i], (double)expected[i]);
    }
}

static bool is_in_domain(const struct function *function, float x)
{
    if (function->low == 0.0f && signbit(x))
        return false;
    return (x >= function->low && x <= function->high) || (isnan(x) && isinf(function->high));
}

/* Bit patterns `every` apart; the rest of the last batch is ones, a number of every domain. */
static void check_patterns(const struct function *function, uint64_t every, struct worst *worst)
{
    static float in[BATCH];
    size_t used = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += every) {
        float x = from_bits((uint32_t)bits);
        if (!is_in_domain(function, x))
            continue;
        in[used++] = x;
        if (used == BATCH)
            check_batch(function, in, worst);
        used %= BATCH;
    }
    for (; used < BATCH; used++)
        in[used] = 1.0f;
    check_batch(function, in, worst);
}

static void check_boundaries(const struct function *function, const float *boundaries, size_t count,
                             struct worst *worst)
{
    static float in[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        in[i] = 1.0f;
    for (size_t b = 0; b < count; b++) {
        uint32_t first = bits_of(boundaries[b]) - NEIGHBOURS;
        for (uint32_t i = 0; i <= 2 * NEIGHBOURS; i++)
            if (is_in_domain(function, from_bits(first + i)))
                in[i] = from_bits(first + i);
        check_batch(function, in, worst);
    }
}

static void test_errors(void **state)
{
    const char *wanted = getenv("PHASEGRID_TEST_EVERY");
    uint64_t every = wanted != NULL ? strtoul(wanted, NULL, 10) : EVERY;
    (void)state;
    assert_true(every > 0);
    for (size_t f = 0; f < FUNCTION_COUNT; f++) {
        struct worst worst = {.digest = digest_start};
        check_boundaries(&functions[f], everywhere, sizeof everywhere / sizeof everywhere[0],
                         &worst);
        check_boundaries(&functions[f], functions[f].boundaries, 8, &worst);
        check_patterns(&functions[f], every, &worst);
        print_message("%s: largest error %.3f ulp, at %a\n", functions[f].name, worst.error,
                      (double)worst.at);
        print_message("digest %s %08x\n", functions[f].name, (unsigned)worst.digest);
    }
}

/* f at `in` and at the end of the batch, where other vectors stand. */
static float value(const struct pg_kernel *kernel, const char *function, float x)
{
    static float in[BATCH], out[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        in[i] = x;
    map_with_flush(kernel, function, in, out);
    return out[BATCH - 1];
}

/* f(x) = y to the bit, the sign of a zero included; any NaN is as good as another. */
static void test_known_values(void **state)
{
    static const struct {
        const char *function;
        float x, y;
    } known[] = {
        {"tanh", 0.0f, 0.0f},       {"tanh", -0.0f, -0.0f},      {"tanh", INFINITY, 1.0f},
        {"tanh", -INFINITY, -1.0f}, {"tanh", NAN, NAN},          {"exp", 0.0f, 1.0f},
        {"exp", -0.0f, 1.0f},       {"exp", INFINITY, INFINITY}, {"exp", -INFINITY, 0.0f},
        {"exp", NAN, NAN},          {"log", 1.0f, 0.0f},         {"log", 0.0f, -INFINITY},
        {"log", -0.0f, -INFINITY},  {"log", 1e-40f, -INFINITY},  {"log", INFINITY, INFINITY},
        {"log", -1.0f, NAN},        {"log", -INFINITY, NAN},     {"log", NAN, NAN},
        {"sin_turn", 0.0f, 0.0f},   {"cos_turn", 0.0f, 1.0f},    {"sin_turn", 0.25f, 1.0f},
        {"cos_turn", 0.25f, 0.0f},  {"sin_turn", 0.5f, 0.0f},    {"cos_turn", 0.5f, -1.0f},
        {"sin_turn", 0.75f, -1.0f}, {"cos_turn", 0.75f, 0.0f},   {"sin_turn", NAN, NAN},
        {"cos_turn", NAN, NAN},
    };
    (void)state;
    for (size_t k = 0; pg_kernels[k] != NULL; k++)
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (!pg_kernel_is_supported(pg_kernels[k]))
                continue;
            float y = value(pg_kernels[k], known[i].function, known[i].x);
            if (bits_of(y) != bits_of(known[i].y) && !(isnan(y) && isnan(known[i].y)))
                fail_msg("%s: %s(%a) = %a, expected %a", pg_kernels[k]->name, known[i].function,
                         (double)known[i].x, (double)y, (double)known[i].y);
        }
}

static void map_turns(const float *u, float *ret_sines, float *ret_cosines)
{
    map_with_flush(pg_kernels[0], "sin_turn", u, ret_sines);
    map_with_flush(pg_kernels[0], "cos_turn", u, ret_cosines);
}

/* u, 1/2 - u, 1 - u and u + 1/4 are exact for multiples of 2^-24 up to 1/2. */
static void test_symmetries(void **state)
{
    static float u[4][BATCH], sines[4][BATCH], cosines[4][BATCH];
    (void)state;
    for (uint32_t first = 0; first < 1u << 23; first += 509 * BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) {
            uint32_t k = first + 509 * i < 1u << 23 ? first + 509 * i : 1u << 21; /* 1/8 */
            u[0][i] = (float)k * 0x1p-24f;
            u[1][i] = 0.5f - u[0][i];
            u[2][i] = 1.0f - u[0][i];
            u[3][i] = u[0][i] + 0.25f;
        }
        for (size_t j = 0; j < 4; j++)
            map_turns(u[j], sines[j], cosines[j]);
        for (size_t i = 0; i < BATCH; i++) {
            assert_true(sines[1][i] == sines[0][i] && cosines[1][i] == -cosines[0][i]);
            assert_true(sines[2][i] == -sines[0][i] && cosines[2][i] == cosines[0][i]);
            assert_true(sines[3][i] == cosines[0][i] && cosines[3][i] == -sines[0][i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_symmetries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
