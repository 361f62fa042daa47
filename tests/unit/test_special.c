/* SPDX-License-Identifier: MIT */
/* Functions without libm against libm, and quantiles against published digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "phasegrid/special.h"

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.17g, expected %.17g within %g", found, expected, tolerance);
}

static void test_log_and_angles(void **state)
{
    (void)state;
    for (int i = 1; i < 4000; i++) {
        double x = exp(0.17 * (i - 2000)), u = i / 4000.0, cosine, sine;
        assert_near(pg_log(x), log(x), 4e-16 * fmax(1.0, fabs(log(x))));
        pg_turn(u, &cosine, &sine);
        assert_near(cosine, cos(2.0 * M_PI * u), 1e-15);
        assert_near(sine, sin(2.0 * M_PI * u), 1e-15);
        if (i != 2000) /* where the sign of a rounded sine decides */
            assert_near(pg_direction(cosine, sine), atan2(sine, cosine), 1e-14);
    }
    assert_true(pg_direction(0.0, 0.0) == 0.0);
    assert_near(pg_direction(-2.0, 0.0), M_PI, 1e-15);
    assert_near(pg_direction(0.0, -3.0), -M_PI / 2.0, 1e-15);
}

static void test_exp(void **state)
{
    (void)state;
    for (int i = -7000; i <= 7000; i++) {
        double x = 0.1 * i * 0.99999;
        assert_near(pg_exp(x) / exp(x), 1.0, 1e-15);
    }
    assert_true(pg_exp(0.0) == 1.0 && pg_exp(-1e9) == 0.0 && isinf(pg_exp(1e9)));
    assert_true(isnan(pg_exp((double)NAN)));
}

/* Quantiles whose probability is erfc of them; three of tables (Abramowitz and Stegun 26.5). */
static void test_normal_quantile(void **state)
{
    (void)state;
    for (int i = 1; i < 1000; i++) {
        double p = i < 500 ? exp(-0.05 * (500 - i)) * 0.4 : i / 1000.0;
        double x = pg_normal_quantile(p);
        assert_near(0.5 * erfc(-x / sqrt(2.0)) / p, 1.0, 1e-12);
    }
    assert_near(pg_normal_quantile(0.975), 1.959963984540054, 1e-14);
    assert_near(pg_normal_quantile(0.001), -3.090232306167813, 1e-14);
    assert_true(pg_normal_quantile(0.5) == 0.0);
}

/* Student 1908 to three decimals, and the normal limit. */
static void test_student_quantile(void **state)
{
    static const struct {
        size_t freedom;
        double expected;
    } table[] = {{1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},  {7, 2.365},   {9, 2.262},
                 {19, 2.093}, {30, 2.042}, {40, 2.021}, {60, 2.000}, {120, 1.980}, {1000, 1.962}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_near(pg_student_quantile_975(table[i].freedom), table[i].expected, 6e-4);
    assert_near(pg_student_quantile_975(100000000), 1.959963984540054, 1e-7);
    assert_true(pg_student_quantile_975(30) > pg_student_quantile_975(31));
    assert_true(isnan(pg_student_quantile_975(0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_and_angles), cmocka_unit_test(test_exp),
        cmocka_unit_test(test_normal_quantile), cmocka_unit_test(test_student_quantile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
