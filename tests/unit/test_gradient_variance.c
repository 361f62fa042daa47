/* SPDX-License-Identifier: MIT */
/* Moments of gradients against enumerations of every sequence of batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "gradient_theory.h"

enum { SAMPLES = 4 };

static const double inputs[SAMPLES][2] = {{0.7, -1.2}, {-0.3, 0.4}, {1.9, 0.8}, {-0.6, 1.1}};
static const double targets[SAMPLES] = {0.2, -1.0, 0.5, 2.1};
static const double start[2] = {0.6, -0.9};
static const double rate = 0.13;

struct sums {
    double square, full_square, mean[2], count;
};

static double variance_of(const struct sums *sums)
{
    double variance = sums->square / sums->count;
    for (size_t k = 0; k < 2; k++)
        variance -= sums->mean[k] * sums->mean[k] / (sums->count * sums->count);
    return variance;
}

static void add(struct sums *sums, const double g[2], const double full[2])
{
    sums->square += g[0] * g[0] + g[1] * g[1];
    sums->full_square += full[0] * full[0] + full[1] * full[1];
    sums->mean[0] += g[0];
    sums->mean[1] += g[1];
    sums->count += 1.0;
}

static void assert_moments(const struct pg_gradient_moments *found, const struct sums *sums)
{
    double full = sums->full_square / sums->count;
    assert_true(fabs(found->variance - variance_of(sums)) < 1e-12 * sums->square / sums->count);
    assert_true(fabs(found->full_square - full) < 1e-12 * full);
}

/* ---- linear regression: pairs of samples ---- */

static const size_t pairs[6][2] = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};

static void linear_slope(const double w[2], const size_t *batch, size_t size, double ret[2])
{
    ret[0] = ret[1] = 0.0;
    for (size_t s = 0; s < size; s++) {
        const double *x = inputs[batch[s]];
        double residual = x[0] * w[0] + x[1] * w[1] - targets[batch[s]];
        for (size_t k = 0; k < 2; k++)
            ret[k] += residual * x[k] / (double)size;
    }
}

/* Sums over all sequences of `updates` pairs, and one more for the gradient. */
static struct sums walk_pairs(size_t updates)
{
    static const size_t all[SAMPLES] = {0, 1, 2, 3};
    struct sums sums = {0};
    size_t walks = 6;
    for (size_t t = 0; t < updates; t++)
        walks *= 6;
    for (size_t walk = 0; walk < walks; walk++) {
        double w[2] = {start[0], start[1]}, g[2], full[2];
        size_t digits = walk;
        for (size_t t = 0; t < updates; t++, digits /= 6) {
            linear_slope(w, pairs[digits % 6], 2, g);
            for (size_t k = 0; k < 2; k++)
                w[k] -= rate * g[k];
        }
        linear_slope(w, pairs[digits], 2, g);
        linear_slope(w, all, SAMPLES, full);
        add(&sums, g, full);
    }
    return sums;
}

static void test_linear(void **state)
{
    const struct pg_gradient_problem problem = {SAMPLES, 2, inputs[0], targets, start, rate};
    struct pg_gradient_moments found[4];
    (void)state;
    pg_gradient_linear(&problem, 2, 3, found);
    for (size_t t = 0; t <= 3; t++) {
        const struct sums sums = walk_pairs(t);
        assert_moments(&found[t], &sums);
    }
    pg_gradient_linear(&problem, SAMPLES, 3, found); /* nothing is random */
    for (size_t t = 0; t <= 3; t++)
        assert_true(fabs(found[t].variance) < 1e-12);
}

/* At the start: (n - b) / (b (n - 1)) of the variance of one sample. */
static void test_law_at_the_start(void **state)
{
    const struct pg_gradient_problem problem = {SAMPLES, 2, inputs[0], targets, start, rate};
    struct pg_gradient_moments one, found;
    (void)state;
    pg_gradient_linear(&problem, 1, 0, &one);
    for (size_t b = 1; b <= SAMPLES; b++) {
        double law = (double)(SAMPLES - b) / (double)(b * (SAMPLES - 1));
        pg_gradient_linear(&problem, b, 0, &found);
        assert_true(fabs(found.variance / one.variance - law) < 1e-12);
    }
}

/* ---- two layers: three samples with replacement ---- */

static void net_slope(const double w[2], const size_t *batch, size_t size, double ret[2])
{
    ret[0] = ret[1] = 0.0;
    for (size_t s = 0; s < size; s++) {
        double x = inputs[batch[s]][0], residual = w[1] * w[0] * x - targets[batch[s]];
        ret[0] += residual * w[1] * x / (double)size;
        ret[1] += residual * w[0] * x / (double)size;
    }
}

static void test_two_layer(void **state)
{
    static const size_t all[SAMPLES] = {0, 1, 2, 3};
    double column[SAMPLES];
    struct pg_gradient_moments found[2];
    struct sums sums[2] = {{0}};
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++)
        column[i] = inputs[i][0];
    const struct pg_gradient_problem problem = {SAMPLES, 1, column, targets, start, rate};
    pg_gradient_two_layer(&problem, 3, found);
    for (size_t walk = 0; walk < 4096; walk++) { /* six samples: two batches */
        size_t batch[6];
        double w[2], g[2], full[2];
        for (size_t s = 0, digits = walk; s < 6; s++, digits /= SAMPLES)
            batch[s] = digits % SAMPLES;
        net_slope(start, batch, 3, g);
        net_slope(start, all, SAMPLES, full);
        add(&sums[0], g, full);
        for (size_t k = 0; k < 2; k++)
            w[k] = start[k] - rate * g[k];
        net_slope(w, batch + 3, 3, g);
        net_slope(w, all, SAMPLES, full);
        add(&sums[1], g, full);
    }
    for (size_t t = 0; t < 2; t++)
        assert_moments(&found[t], &sums[t]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_linear),
                                       cmocka_unit_test(test_law_at_the_start),
                                       cmocka_unit_test(test_two_layer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
