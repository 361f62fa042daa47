/* SPDX-License-Identifier: MIT */
/*
 * Learning coefficients that are known: deep linear networks against the published table, the case
 * formula for two layers (Aoyagi and Watanabe 2005), invariances, and the codimension of smooth
 * points by the rank of a Jacobian; normal crossings against an integral over one coordinate and a
 * published table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <lapacke.h>
#include <math.h>

#include "crossing_theory.h"
#include "dln_theory.h"
#include "phasegrid/random.h"
#include "quadratic_theory.h"

static void check_network(const int64_t *widths, size_t count, int64_t rank, int64_t numerator,
                          int64_t denominator, int64_t multiplicity)
{
    struct pg_rational lambda;
    int64_t found = 0;
    assert_int_equal(pg_deep_linear_lambda(widths, count, rank, &lambda, &found, NULL), 0);
    assert_int_equal(lambda.numerator, numerator);
    assert_int_equal(lambda.denominator, denominator);
    assert_int_equal(found, multiplicity);
}

#define NETWORK(rank, numerator, denominator, multiplicity, ...)                                   \
    check_network((const int64_t[]){__VA_ARGS__},                                                  \
                  sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), rank, numerator,       \
                  denominator, multiplicity)

static void test_table(void **state)
{
    (void)state;
    NETWORK(0, 3, 2, 1, 2, 2, 2);
    NETWORK(1, 2, 1, 2, 2, 2, 2);
    NETWORK(1, 4, 1, 1, 3, 3, 3);
    NETWORK(2, 19, 2, 2, 5, 3, 5);
    NETWORK(1, 17, 2, 1, 8, 3, 4);
    NETWORK(2, 29, 1, 2, 10, 5, 10);
    NETWORK(0, 3, 2, 3, 2, 2, 2, 2);
    NETWORK(0, 3, 1, 1, 3, 3, 3, 3);
    NETWORK(1, 13, 2, 2, 5, 4, 6, 3);
    NETWORK(2, 79, 2, 3, 10, 10, 10, 10);
    NETWORK(3, 33, 2, 4, 6, 6, 6, 6, 6);
    NETWORK(5, 50, 1, 1, 10, 20, 20, 10);
}

/* Eight lambda of two layers M -> H -> N, truth of rank r; *ret_multiplicity. */
static int64_t two_layers(int64_t m, int64_t h, int64_t n, int64_t r, int64_t *ret_multiplicity)
{
    *ret_multiplicity = 1;
    if (n + r <= m + h && m + r <= n + h && h + r <= m + n) {
        int64_t eight = 2 * (h + r) * (m + n) - (m - n) * (m - n) - (h + r) * (h + r);
        if ((m + n + h + r) % 2 == 0)
            return eight;
        *ret_multiplicity = 2;
        return eight + 1;
    }
    if (m + h < n + r)
        return 4 * (h * m - h * r + n * r);
    if (n + h < m + r)
        return 4 * (h * n - h * r + m * r);
    return 4 * m * n;
}

static void test_two_layers(void **state)
{
    size_t cases = 0;
    (void)state;
    for (int64_t m = 1; m <= 14; m++)
        for (int64_t h = 1; h <= 14; h++)
            for (int64_t n = 1; n <= 14; n++)
                for (int64_t r = 0; r <= m && r <= h && r <= n; r++, cases++) {
                    const int64_t widths[] = {m, h, n};
                    struct pg_rational lambda;
                    int64_t found = 0, expected = 0;
                    assert_int_equal(pg_deep_linear_lambda(widths, 3, r, &lambda, &found, NULL), 0);
                    assert_int_equal(8 * lambda.numerator,
                                     two_layers(m, h, n, r, &expected) * lambda.denominator);
                    assert_int_equal(found, expected);
                }
    assert_true(cases > 7812);
}

/* The order of the layers does not matter beyond the ends' part; a wide layer adds nothing. */
static void test_invariance(void **state)
{
    const struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    (void)state;
    for (uint32_t trial = 0; trial < 2000; trial++) {
        int64_t widths[6], turned[6], wider[7];
        size_t count = 3 + trial % 4;
        for (uint32_t i = 0; i < count; i++)
            widths[i] = 2 + pg_random_below(&random, 9, trial, i, 0);
        int64_t rank = pg_random_below(&random, 3, trial, 9, 0);
        for (size_t i = 0; i < count; i++)
            turned[i] = wider[i] = widths[count - 1 - i];
        wider[count] = wider[count - 1];
        wider[count - 1] = 1000;
        struct pg_rational a, b, c;
        int64_t of_a, of_b, of_c;
        assert_int_equal(pg_deep_linear_lambda(widths, count, rank, &a, &of_a, NULL), 0);
        assert_int_equal(pg_deep_linear_lambda(turned, count, rank, &b, &of_b, NULL), 0);
        assert_int_equal(pg_deep_linear_lambda(wider, count + 1, rank, &c, &of_c, NULL), 0);
        assert_true(a.numerator == b.numerator && a.denominator == b.denominator && of_a == of_b);
        assert_true(a.numerator == c.numerator && a.denominator == c.denominator && of_a == of_c);
    }
}

static void test_refused_networks(void **state)
{
    struct pg_rational lambda;
    int64_t multiplicity;
    (void)state;
    assert_int_equal(
        pg_deep_linear_lambda((const int64_t[]){3, 2, 3}, 3, 3, &lambda, &multiplicity, NULL),
        PG_EINPUT);
    assert_int_equal(
        pg_deep_linear_lambda((const int64_t[]){3}, 1, 1, &lambda, &multiplicity, NULL), PG_EINPUT);
}

/* Half the rank of d(W_2 W_1) at W_1 = diag(1_r, random), W_2 = diag(1_r, 0), by singular values.
 */
static double half_rank(size_t m, size_t h, size_t n, size_t r)
{
    const struct pg_random random = pg_random_make(8, PG_STREAM_TEST, 0);
    enum { MOST = 8 * 8 * 2 };
    static double w1[64], jacobian[64 * MOST], values[64], scratch[64];
    size_t columns = h * m + n * h, rank = 0;
    for (size_t i = 0; i < h; i++)
        for (size_t j = 0; j < m; j++)
            w1[i * m + j] = i >= r && j >= r
                                ? (double)pg_random_normal(&random, (uint32_t)i, (uint32_t)j, 0)
                                : (double)(i == j && i < r);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < m; b++) {
            double *row = jacobian + (a * m + b) * columns;
            for (size_t p = 0; p < columns; p++)
                row[p] = 0.0;
            for (size_t k = 0; k < h; k++) {
                row[k * m + b] = (double)(a == k && a < r); /* dW_1 through W_2 */
                row[h * m + a * h + k] = w1[k * m + b];     /* dW_2 through W_1 */
            }
        }
    assert_int_equal(LAPACKE_dgesvd(LAPACK_ROW_MAJOR, 'N', 'N', (lapack_int)(n * m),
                                    (lapack_int)columns, jacobian, (lapack_int)columns, values,
                                    NULL, 1, NULL, 1, scratch),
                     0);
    for (size_t i = 0; i < n * m && i < columns; i++)
        rank += values[i] > 1e-9;
    return 0.5 * (double)rank;
}

static void test_smooth_points(void **state)
{
    (void)state;
    for (size_t m = 1; m <= 5; m++)
        for (size_t h = 1; h <= 5; h++)
            for (size_t n = 1; n <= 5; n++)
                for (size_t r = 0; r <= m && r <= h && r <= n; r++) {
                    const int64_t widths[] = {(int64_t)m, (int64_t)h, (int64_t)n};
                    assert_true(pg_deep_linear_generic_lambda(widths, 3, (int64_t)r) ==
                                half_rank(m, h, n, r));
                }
}

/* ---- normal crossings ---- */

/* One coordinate by Simpson's rule, the other in closed form where it is a Gaussian: k = (1, 1) has
   n_beta E[K] = E[a / (2 a + gamma)], a = n_beta x^2, over the marginal of x. */
static double crossing_of_ones(double n_beta, double gamma)
{
    enum { PIECES = 2000000 };
    double weights = 0.0, sum = 0.0;
    for (int i = 0; i <= PIECES; i++) {
        double x = 12.0 * i / PIECES, a = n_beta * x * x;
        double weight = (i == 0 || i == PIECES ? 1.0
                         : i % 2 == 1          ? 4.0
                                               : 2.0) *
                        exp(-0.5 * gamma * x * x) / sqrt(2.0 * a + gamma);
        weights += weight;
        sum += weight * a / (2.0 * a + gamma);
    }
    return sum / weights;
}

/* k = (0, k) is n_beta E[w^(2 k)] of one coordinate: Simpson's rule, finer towards 0. */
static double crossing_of_one(int64_t k, double n_beta, double gamma)
{
    enum { PIECES = 2000000 };
    double weights = 0.0, sum = 0.0;
    for (int i = 0; i <= PIECES; i++) {
        double x = 12.0 / sqrt(gamma) * i / PIECES, power = 1.0;
        for (int64_t j = 0; j < 2 * k; j++)
            power *= x;
        double energy = n_beta * power;
        double weight = (i == 0 || i == PIECES ? 1.0
                         : i % 2 == 1          ? 4.0
                                               : 2.0) *
                        exp(-0.5 * gamma * x * x - energy);
        weights += weight;
        sum += weight > 0.0 ? weight * energy : 0.0;
    }
    return sum / weights;
}

/* The precision that is promised, up to the highest power of the experiment, far prior or near. */
static void test_high_powers(void **state)
{
    (void)state;
    for (int64_t k = 1; k <= 8; k++)
        for (int i = 0; i < 3; i++) {
            const double gamma = (const double[]){1e-4, 1.0, 100.0}[i];
            double expected = crossing_of_one(k, 1e4, gamma);
            assert_true(fabs(pg_normal_crossing_llc(0, k, 1e4, gamma) - expected) < 1e-6);
            assert_true(fabs(pg_normal_crossing_llc(k, 0, 1e4, gamma) - expected) < 1e-6);
        }
    assert_true(fabs(pg_normal_crossing_llc(0, 8, 1e4, 1e-20) - 1.0 / 16.0) < 1e-6);
    assert_true(isfinite(pg_normal_crossing_llc(8, 8, 1e4, 1e-20)));
}

static void test_normal_crossings(void **state)
{
    static const struct {
        int64_t k1, k2;
        double at_thousand, at_million;
    } table[] = {{0, 1, .498, .500}, {1, 1, .361, .425}, {0, 2, .243, .250},
                 {1, 2, .210, .241}, {2, 2, .150, .187}, {0, 3, .157, .165},
                 {1, 3, .142, .161}, {2, 3, .112, .139}, {3, 3, .089, .113}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const int64_t k1 = table[i].k1, k2 = table[i].k2;
        int64_t multiplicity;
        assert_true(fabs(pg_normal_crossing_llc(k1, k2, 1e3 / log(1e3), 1.0) -
                         table[i].at_thousand) < 6e-4);
        assert_true(
            fabs(pg_normal_crossing_llc(k1, k2, 1e6 / log(1e6), 1.0) - table[i].at_million) < 6e-4);
        assert_true(fabs(pg_normal_crossing_lambda(k1, k2, &multiplicity) - 0.5 / (double)k2) <
                    1e-15);
        assert_int_equal(multiplicity, k1 == k2 ? 2 : 1);
    }
    assert_true(fabs(pg_normal_crossing_llc(0, 1, 50.0, 3.0) - 50.0 / 103.0) < 1e-8);
    assert_true(fabs(pg_normal_crossing_llc(1, 1, 100.0, 2.0) - crossing_of_ones(100.0, 2.0)) <
                1e-6);
}

/* The chain w' = (1 - e a / 2) w - e n s N / 2 + sqrt(e) N', iterated in its variance. */
static void test_quadratic(void **state)
{
    const double h = 3.0, n_beta = 20.0, gamma = 4.0, step = 0.01, noise = 0.3;
    const double a = n_beta * h + gamma;
    double variance = 0.0;
    (void)state;
    for (int i = 0; i < 10000; i++)
        variance = (1.0 - step * a / 2.0) * (1.0 - step * a / 2.0) * variance +
                   step * step * n_beta * n_beta * noise / 4.0 + step;
    assert_true(fabs(pg_quadratic_llc(&h, 1, n_beta, gamma, step, noise) -
                     0.5 * n_beta * h * variance) < 1e-12);
    assert_true(fabs(pg_quadratic_llc(&h, 1, n_beta, gamma, 0.0, 0.0) - 30.0 / 64.0) < 1e-15);
    assert_true(isinf(pg_quadratic_llc(&h, 1, n_beta, gamma, 4.0 / a, 0.0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),         cmocka_unit_test(test_two_layers),
        cmocka_unit_test(test_invariance),    cmocka_unit_test(test_refused_networks),
        cmocka_unit_test(test_smooth_points), cmocka_unit_test(test_normal_crossings),
        cmocka_unit_test(test_high_powers),   cmocka_unit_test(test_quadratic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
