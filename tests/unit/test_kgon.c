/* SPDX-License-Identifier: MIT */
/*
 * The toy model of superposition in closed form: the population loss against Monte Carlo and
 * quadrature, its gradient against differences; k-gons, levels, ranks and critical n against the
 * published table (Chen et al. 2023, arXiv:2310.06301, and the volume exponents of its phases).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lapacke.h>
#include <math.h>

#include "autoencoder.h"
#include "phasegrid/kgon.h"
#include "phasegrid/random.h"

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.15g, expected %.15g within %g", found, expected, tolerance);
}

static void draw_point(const struct pg_autoencoder_shape *shape, uint32_t seed, double *ret_w)
{
    const struct pg_random random = pg_random_make(seed, PG_STREAM_TEST, 0);
    for (uint32_t p = 0; p < pg_autoencoder_parameters(shape); p++)
        ret_w[p] = 0.9 * (double)pg_random_normal(&random, p, 0, 0);
}

/* |x - f(x)|^2 at x = m e_j, as it is written. */
static double loss_at(const struct pg_autoencoder_shape *shape, const double *w, size_t j, double m)
{
    const size_t c = shape->features, r = shape->hidden;
    double sum = 0.0;
    for (size_t i = 0; i < c; i++) {
        double y = w[r * c + i];
        for (size_t k = 0; k < r; k++)
            y += w[k * c + i] * w[k * c + j] * m;
        double e = (y > 0.0 ? y : 0.0) - (i == j ? m : 0.0);
        sum += e * e;
    }
    return sum;
}

/* A million samples, 100 points: |z| < 4 in all. */
static void test_monte_carlo(void **state)
{
    enum { POINTS = 100, SAMPLES = 1000000 };
    const struct pg_autoencoder_shape shape = {6, 2};
    double w[18];
    (void)state;
    for (uint32_t point = 0; point < POINTS; point++) {
        const struct pg_random random = pg_random_make(1000 + point, PG_STREAM_TEST, 0);
        double sum = 0.0, squares = 0.0;
        draw_point(&shape, point, w);
        for (uint32_t n = 0; n < SAMPLES; n++) {
            uint32_t words[4];
            const uint32_t counter[4] = {n, 7, 0, 0};
            pg_philox(counter, random.key, words);
            double loss = loss_at(&shape, w, words[0] % 6, (words[1] + 0.5) / 4294967296.0);
            sum += loss;
            squares += loss * loss;
        }
        double count = SAMPLES, mean = sum / count;
        double error = sqrt((squares / count - mean * mean) / count);
        assert_near(pg_autoencoder_population(&shape, w, NULL), mean, 4.0 * error);
    }
}

/* Simpson's rule, exact between the kinks. */
static double quadrature(const struct pg_autoencoder_shape *shape, const double *w)
{
    const size_t c = shape->features, r = shape->hidden;
    double sum = 0.0;
    for (size_t j = 0; j < c; j++)
        for (double from = 0.0, to; from < 1.0; from = to) {
            to = 1.0;
            for (size_t i = 0; i < c; i++) {
                double g = 0.0;
                for (size_t k = 0; k < r; k++)
                    g += w[k * c + i] * w[k * c + j];
                double kink = -w[r * c + i] / g;
                to = kink > from + 1e-14 && kink < to ? kink : to;
            }
            sum += (to - from) / 6.0 *
                   (loss_at(shape, w, j, from) + 4.0 * loss_at(shape, w, j, 0.5 * (from + to)) +
                    loss_at(shape, w, j, to));
        }
    return sum / (double)c;
}

static void test_quadrature_and_gradient(void **state)
{
    static const struct pg_autoencoder_shape shapes[] = {{6, 2}, {4, 2}, {8, 2}, {5, 3}, {12, 4}};
    double w[16 * 17], gradient[16 * 17];
    (void)state;
    for (uint32_t point = 0; point < 100; point++) {
        const struct pg_autoencoder_shape *shape = &shapes[point % 5];
        draw_point(shape, point, w);
        assert_near(pg_autoencoder_population(shape, w, gradient), quadrature(shape, w), 1e-12);
        for (size_t p = 0; p < pg_autoencoder_parameters(shape); p++) {
            const double h = 1e-5, at = w[p];
            w[p] = at + h;
            double above = quadrature(shape, w);
            w[p] = at - h;
            double below = quadrature(shape, w);
            w[p] = at;
            assert_near(gradient[p], (above - below) / (2.0 * h), 1e-7);
        }
    }
}

static struct pg_kgon kgon_of(size_t k)
{
    struct pg_kgon kgon;
    assert_int_equal(pg_kgon_solve(k, &kgon, NULL), 0);
    return kgon;
}

static void test_coordinates(void **state)
{
    static const struct pg_kgon table[] = {{4, 1.0, 0.0, 0.0},
                                           {5, 1.170460, -0.282297, 0.237384},
                                           {6, 1.320526, -0.618135, 0.867463},
                                           {7, 1.448394, -0.966906, 1.748695},
                                           {8, 1.550450, -1.291193, 2.773102}};
    struct pg_error error;
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct pg_kgon found = kgon_of(table[i].k);
        assert_near(found.length, table[i].length, 1e-5);
        assert_near(found.bias, table[i].bias, 1e-5);
        assert_near(found.level, table[i].level, 1e-5);
    }
    assert_near(kgon_of(12).length, 1.03322, 1e-5);
    assert_near(kgon_of(12).bias, -0.46654, 1e-5);
    for (size_t k = 9; k < 12; k++)
        assert_int_equal(pg_kgon_solve(k, &(struct pg_kgon){0}, &error), PG_EINPUT);
    assert_int_equal(pg_kgon_solve(3, &(struct pg_kgon){0}, &error), PG_EINPUT);
}

/* The loss at the point, and that of the formula, are those of the table; k >= 5 are critical. */
static void test_levels(void **state)
{
    static const struct {
        size_t k, sigma, phi, features;
        double loss;
    } table[] = {{4, 0, 3, 6, 0.277778}, {4, 0, 2, 6, 0.222222}, {4, 0, 1, 6, 0.166667},
                 {4, 1, 1, 6, 0.159722}, {4, 2, 1, 6, 0.152778}, {4, 0, 0, 6, 0.111111},
                 {4, 1, 0, 6, 0.104167}, {4, 2, 0, 6, 0.097222}, {5, 0, 0, 6, 0.068744},
                 {5, 1, 0, 6, 0.061799}, {6, 0, 0, 6, 0.048192}, {4, 0, 0, 5, 0.066667},
                 {4, 1, 0, 5, 0.056667}, {5, 0, 0, 5, 0.015826}, {5, 2, 0, 7, 0.096338},
                 {6, 1, 0, 7, 0.083825}, {7, 0, 0, 7, 0.083271}, {4, 0, 0, 4, 0.0},
                 {7, 0, 0, 8, 0.11453},  {8, 0, 0, 8, 0.11555}};
    double w[24], gradient[24];
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct pg_autoencoder_shape shape = {table[i].features, 2};
        const struct pg_kgon kgon = kgon_of(table[i].k);
        double digits = table[i].features == 8 ? 6e-6 : 1e-6;
        pg_kgon_point(&kgon, table[i].sigma, table[i].phi, table[i].features, -3.0, 0.137, w);
        assert_near(pg_autoencoder_population(&shape, w, gradient), table[i].loss, digits);
        assert_near(pg_kgon_loss(&kgon, table[i].sigma, table[i].phi, table[i].features),
                    table[i].loss, digits);
        for (size_t p = 0; p < 3 * table[i].features && table[i].k >= 5; p++)
            assert_near(gradient[p], 0.0, 1e-8);
    }
}

/* A dead output takes its own share of the level away, whatever k: the loss of the formula is that
   of the point. */
static void test_dead_outputs(void **state)
{
    double w[36];
    (void)state;
    for (size_t k = 4; k <= 8; k++)
        for (size_t c = k; c <= 12; c++)
            for (size_t phi = 0; phi <= k; phi++) {
                const struct pg_autoencoder_shape shape = {c, 2};
                const struct pg_kgon kgon = kgon_of(k);
                size_t sigma = (c - k) / 2;
                pg_kgon_point(&kgon, sigma, phi, c, -3.0, 0.137, w);
                assert_near(pg_kgon_loss(&kgon, sigma, phi, c), quadrature(&shape, w), 1e-12);
            }
}

/* ret (d): eigenvalues of the Hessian by differences of the gradient, ascending. */
static void find_eigenvalues(size_t k, size_t sigma, size_t features, double *ret)
{
    const struct pg_autoencoder_shape shape = {features, 2};
    const struct pg_kgon kgon = kgon_of(k);
    const size_t d = 3 * features;
    double w[36], above[36], below[36], hessian[36 * 36];
    pg_kgon_point(&kgon, sigma, 0, features, -0.7, 0.2, w);
    for (size_t p = 0; p < d; p++) {
        const double h = 1e-6, at = w[p];
        w[p] = at + h;
        (void)pg_autoencoder_population(&shape, w, above);
        w[p] = at - h;
        (void)pg_autoencoder_population(&shape, w, below);
        w[p] = at;
        for (size_t q = 0; q < d; q++)
            hessian[p * d + q] = (above[q] - below[q]) / (2.0 * h);
    }
    assert_int_equal(
        LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', (lapack_int)d, hessian, (lapack_int)d, ret), 0);
}

static void check_hessian(size_t k, size_t sigma, size_t features, size_t negative, size_t rank,
                          double smallest)
{
    const double nothing = 1e-6;
    const struct pg_kgon kgon = kgon_of(k);
    struct pg_kgon_hessian found;
    double values[24], least = 1.0;
    find_eigenvalues(k, sigma, features, values);
    for (size_t i = 0; i < 3 * features; i++)
        least = values[i] > nothing && values[i] < least ? values[i] : least;
    assert_int_equal(pg_kgon_hessian(&kgon, sigma, features, &found, NULL), 0);
    assert_int_equal(found.negative, negative);
    assert_int_equal(found.rank, rank);
    assert_near(least, smallest, 1e-4);
}

static void test_hessians(void **state)
{
    double values[24];
    (void)state;
    check_hessian(5, 0, 6, 0, 14, 0.0575);
    check_hessian(5, 1, 6, 0, 17, 0.0575);
    check_hessian(6, 0, 6, 0, 17, 0.0206);
    find_eigenvalues(5, 1, 7, values); /* 0 < sigma < c - k: a saddle */
    assert_true(values[0] < -1e-4 && values[1] < -1e-4 && values[2] > -1e-6);
}

/* Where the exponent is given, the point is a minimum and twice the exponent the rank of its
   Hessian; elsewhere it is a saddle. */
static void test_exponents_and_ranks(void **state)
{
    static const size_t polygons[] = {5, 6, 7, 8, 12};
    struct pg_kgon_hessian found;
    (void)state;
    for (size_t c = 5; c <= 12; c++)
        for (size_t i = 0; i < 5 && polygons[i] <= c; i++)
            for (size_t sigma = 0; sigma <= c - polygons[i]; sigma++) {
                const struct pg_kgon kgon = kgon_of(polygons[i]);
                double exponent = pg_kgon_volume_exponent(polygons[i], sigma, c);
                assert_int_equal(pg_kgon_hessian(&kgon, sigma, c, &found, NULL), 0);
                assert_int_equal(found.negative > 0, isnan(exponent));
                if (!isnan(exponent))
                    assert_near((double)found.rank, 2.0 * exponent, 0.0);
            }
    struct pg_error error;
    const struct pg_kgon square = kgon_of(4), pentagon = kgon_of(5);
    assert_int_equal(pg_kgon_hessian(&square, 0, 6, &found, &error), PG_EINPUT);
    assert_int_equal(pg_kgon_hessian(&pentagon, 0, 17, &found, &error), PG_EINPUT);
}

static void test_exponents(void **state)
{
    (void)state;
    assert_near(pg_kgon_volume_exponent(4, 0, 6), 7.5, 0.0);
    assert_near(pg_kgon_volume_exponent(4, 1, 6), 8.0, 0.0);
    assert_near(pg_kgon_volume_exponent(4, 2, 6), 8.5, 0.0);
    assert_near(pg_kgon_volume_exponent(4, 0, 4), 5.5, 0.0);
    assert_near(pg_kgon_volume_exponent(5, 0, 6), 7.0, 0.0);
    assert_near(pg_kgon_volume_exponent(5, 0, 9), 7.0, 0.0);
    assert_near(pg_kgon_volume_exponent(5, 1, 6), 8.5, 0.0);
    assert_near(pg_kgon_volume_exponent(6, 0, 6), 8.5, 0.0);
    assert_true(isnan(pg_kgon_volume_exponent(5, 1, 7)));
    assert_true(isnan(pg_kgon_volume_exponent(4, 0, 3))); /* there are no such phases */
    assert_true(isnan(pg_kgon_volume_exponent(4, 3, 6)));
}

static double critical(size_t k, size_t sigma, double lambda, size_t k2, size_t sigma2,
                       double lambda2)
{
    const struct pg_kgon a = kgon_of(k), b = kgon_of(k2);
    return pg_critical_sample_count(
        (struct pg_free_energy){pg_kgon_loss(&a, sigma, 0, 6), lambda, pg_kgon_prior(&a, sigma, 6)},
        (struct pg_free_energy){pg_kgon_loss(&b, sigma2, 0, 6), lambda2,
                                pg_kgon_prior(&b, sigma2, 6)});
}

/* The exponents are the paper's own choices. */
static void test_critical_sample_counts(void **state)
{
    (void)state;
    assert_near(critical(5, 0, 7.0, 6, 0, 8.5), 601.0, 0.5);
    assert_near(critical(4, 1, 5.0, 5, 0, 7.0), 381.0, 0.5);
    assert_near(critical(4, 0, 4.5, 5, 0, 7.0), 390.0, 0.5);
    assert_near(critical(5, 1, 8.5, 6, 0, 8.5), 202.0, 0.5);
    assert_near(critical(5, 0, 7.0, 5, 1, 8.5), 1593.0, 0.5);
    assert_true(isnan(critical(5, 0, 7.0, 5, 0, 7.0))); /* nothing to tell them apart */
}

/* Every phase is itself after a rotation, a permutation of the features and a little noise. */
static void test_classification(void **state)
{
    const struct pg_random random = pg_random_make(2, PG_STREAM_TEST, 0);
    (void)state;
    for (uint32_t trial = 0; trial < 400; trial++) {
        size_t c = 4 + trial % 5, k = 4 + (size_t)(trial / 5) % (c - 3);
        size_t sigma = (size_t)(trial / 7) % (c - k + 1), phi = (size_t)(trial / 11) % 3;
        double w[24], mixed[24];
        uint32_t order[8];
        const struct pg_kgon kgon = kgon_of(k);
        pg_kgon_point(&kgon, sigma, phi, c, -3.0, (double)pg_random_uniform(&random, trial, 0, 0),
                      w);
        pg_random_permutation(&random, trial, 1, order, c);
        for (size_t row = 0; row < 3; row++)
            for (size_t i = 0; i < c; i++)
                mixed[row * c + i] =
                    w[row * c + order[i]] +
                    0.005 * (double)pg_random_normal(&random, (uint32_t)(row * c + i), trial, 2);
        const struct pg_superposition_phase found = pg_superposition_classify(c, mixed);
        assert_int_equal(found.k, k);
        assert_int_equal(found.sigma, sigma);
        assert_int_equal(found.phi, phi);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_monte_carlo),
                                       cmocka_unit_test(test_quadrature_and_gradient),
                                       cmocka_unit_test(test_coordinates),
                                       cmocka_unit_test(test_levels),
                                       cmocka_unit_test(test_dead_outputs),
                                       cmocka_unit_test(test_hessians),
                                       cmocka_unit_test(test_exponents),
                                       cmocka_unit_test(test_exponents_and_ranks),
                                       cmocka_unit_test(test_critical_sample_counts),
                                       cmocka_unit_test(test_classification)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
