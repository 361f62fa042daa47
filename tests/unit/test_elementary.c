/* SPDX-License-Identifier: MIT */
/* The elementary functions against libm in double, and their limits, under every kernel. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/kernel.h"

static double ulps(float x, double exact)
{
    int exponent = 0;
    (void)frexp(exact, &exponent);
    if (exponent < -125)
        exponent = -125;
    return fabs((double)x - exact) / ldexp(1.0, exponent - 24);
}

static void check_function(const char *name, double (*exact)(double), float low, float high)
{
    float in[PG_LANES], out[PG_LANES];
    double worst = 0.0;
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 997 * PG_LANES)
        for (uint32_t sign = 0; sign < 2; sign++) {
            for (uint32_t i = 0; i < PG_LANES; i++) {
                uint32_t pattern = (bits + 997 * i < 0x7f800000u ? bits + 997 * i : bits);
                pattern |= sign << 31;
                memcpy(&in[i], &pattern, sizeof pattern);
            }
            pg_kernels[0]->map(name, in, out, PG_LANES);
            for (uint32_t i = 0; i < PG_LANES; i++) {
                if (!(in[i] >= low && in[i] <= high) || fabsf(in[i]) < FLT_MIN)
                    continue;
                double error = ulps(out[i], exact((double)in[i]));
                if (error > 4.0)
                    fail_msg("%s(%a) = %a: %g ulp", name, (double)in[i], (double)out[i], error);
                worst = error > worst ? error : worst;
            }
        }
    print_message("%s: largest error %.2f ulp\n", name, worst);
}

static void test_elementary_functions(void **state)
{
    (void)state;
    check_function("tanh", tanh, -FLT_MAX, FLT_MAX);
    check_function("exp", exp, -87.0f, 88.7f);
    check_function("log", log, FLT_MIN, FLT_MAX);
}

static void test_elementary_limits(void **state)
{
    (void)state;
    float in[PG_LANES] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f}, out[PG_LANES];
    for (size_t k = 0; pg_kernels[k] != NULL; k++) {
        if (!pg_kernel_is_supported(pg_kernels[k]))
            continue;
        pg_kernels[k]->map("tanh", in, out, PG_LANES);
        assert_true(out[0] == 1.0f && out[1] == -1.0f && isnan(out[2]));
        assert_true(out[3] == 0.0f && !signbit(out[3]) && out[4] == 0.0f && signbit(out[4]));
        pg_kernels[k]->map("exp", in, out, PG_LANES);
        assert_true(isinf(out[0]) && out[1] == 0.0f && isnan(out[2]) && out[3] == 1.0f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elementary_functions),
        cmocka_unit_test(test_elementary_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
