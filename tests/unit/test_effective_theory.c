/* SPDX-License-Identifier: MIT */
/*
 * The known facts of the addition task of p = 10 (Liu et al. 2022); splits against singular values
 * and one appended row at a time; the effective flow.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lapacke.h>
#include <cmocka.h>

#include "phasegrid/parallelogram.h"
#include "phasegrid/random.h"

enum { P = 10, SAMPLES = 55, ROWS = 70, WIDE = 59 };

static struct pg_parallelograms *ten;

static int set_up(void **state)
{
    (void)state;
    return pg_parallelograms_create(P, &ten, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    pg_parallelograms_destroy(ten);
    return 0;
}

static void fill_row(const struct pg_parallelogram *at, double *row, size_t p)
{
    for (size_t k = 0; k < p; k++)
        row[k] = 0.0;
    row[at->i] += 1.0;
    row[at->j] += 1.0;
    row[at->m] -= 1.0;
    row[at->n] -= 1.0;
}

/* The first `count` samples of permutation `draw` as a training set. */
static void draw_split(uint32_t draw, size_t samples, size_t count, uint8_t *ret_mask)
{
    struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    uint32_t *order = malloc(samples * sizeof *order);
    assert_non_null(order);
    pg_random_permutation(&random, draw, 0, order, samples);
    memset(ret_mask, 0, samples);
    for (size_t k = 0; k < count; k++)
        ret_mask[order[k]] = 1;
    free(order);
}

/* a (rows, columns), row-major, is destroyed; LAPACK sees its transpose. */
static int rank_by_singular_values(double *a, int rows, int columns)
{
    int rank = 0, smaller = rows < columns ? rows : columns;
    double *values = malloc((size_t)(columns + rows) * sizeof *values), unused = 0.0;
    assert_non_null(values);
    if (rows > 0)
        assert_int_equal(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', columns, rows, a, columns, values,
                                        &unused, 1, &unused, 1),
                         0);
    else
        smaller = 0;
    for (int k = 0; k < smaller; k++)
        rank += values[k] > 1e-9;
    free(values);
    return rank;
}

/* Rows of the pairs of training pairs with equal sums, by a double loop over samples. */
static int fill_training_rows(size_t p, const uint8_t *mask, double *a)
{
    int rows = 0;
    size_t first = 0;
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i; j < p; j++, first++) {
            size_t second = 0;
            for (uint32_t m = 0; m < p; m++)
                for (uint32_t n = m; n < p; n++, second++) {
                    const struct pg_parallelogram at = {i, j, m, n};
                    if (first < second && i + j == m + n && mask[first] && mask[second])
                        fill_row(&at, a + p * (size_t)rows++, p);
                }
        }
    return rows;
}

/* Both parts, at representation learning rate 1e-3. */
static struct pg_split_theory theory_of(const struct pg_parallelograms *parallelograms,
                                        const uint8_t *mask)
{
    struct pg_split_theory theory;
    assert_int_equal(pg_split_theory(parallelograms, mask, &theory, NULL), 0);
    assert_int_equal(pg_split_rate(parallelograms, mask, 1e-3, &theory, NULL), 0);
    return theory;
}

/* A1: 55 pairs, 70 parallelograms, nullity 2, eigenvalues of A^T A. */
static void test_facts_of_ten_symbols(void **state)
{
    (void)state;
    double hessian[P * P] = {0}, eigenvalues[P], row[P];
    uint8_t everything[SAMPLES];
    struct pg_split_theory theory;
    memset(everything, 1, sizeof everything);
    assert_int_equal(ten->symbols, P);
    assert_int_equal(ten->count, ROWS);
    assert_int_equal(pg_pair_index(P, P - 1, P - 1) + 1, SAMPLES);
    for (size_t k = 0; k < ten->count; k++) {
        fill_row(&ten->at[k], row, P);
        for (size_t a = 0; a < P; a++)
            for (size_t b = 0; b < P; b++)
                hessian[a * P + b] += row[a] * row[b];
    }
    assert_int_equal(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', P, hessian, P, eigenvalues), 0);
    static const double expected[5] = {0.0, 0.0, 30.000, 31.272, 36.547};
    for (int k = 0; k < 5; k++)
        assert_true(fabs(eigenvalues[k] - expected[k]) < 5e-4);
    theory = theory_of(ten, everything);
    assert_int_equal(theory.nullity, 2);
    assert_true(theory.ideal_accuracy == 1.0);
    assert_true(isnan(theory.ideal_test_accuracy));
    assert_true(fabs(theory.lambda3 - 2.0 / 9.0 * 30.0) < 1e-9);
    assert_true(fabs(theory.predicted_steps - 150.0) < 1e-6); /* n_h = 1 / (lambda3 eta) */
}

/* The authors' example: 0 + 3 = 1 + 2 and 2 + 5 = 3 + 4 imply 0 + 5 = 1 + 4, but not 0 + 4 = 1 + 3,
   and the sum 6 is out of reach. */
static void test_implied_parallelogram(void **state)
{
    (void)state;
    static const uint32_t pairs[][2] = {{0, 3}, {1, 2}, {2, 5}, {3, 4}, {0, 5}, {0, 4}, {1, 5}};
    struct pg_parallelograms *six = NULL;
    struct pg_split_theory theory;
    uint8_t mask[21] = {0};
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++)
        mask[pg_pair_index(6, pairs[k][0], pairs[k][1])] = 1;
    assert_int_equal(pg_parallelograms_create(6, &six, NULL), 0);
    theory = theory_of(six, mask);
    assert_int_equal(theory.nullity, 4);
    assert_true(theory.ideal_accuracy == 8.0 / 21.0); /* seven seen, and 1 + 4 */
    assert_true(theory.ideal_test_accuracy == 1.0 / 14.0);
    assert_true(theory.lambda3 == 0.0 && isinf(theory.predicted_steps));
    pg_parallelograms_destroy(six);
}

/* Number of test pairs with a training partner whose row, appended, leaves the rank alone. */
static size_t count_implied_by_ranks(const uint8_t *mask, const double *a, int rows, int rank)
{
    double b[(ROWS + 1) * P];
    bool implied[SAMPLES] = {false};
    size_t count = 0;
    for (size_t k = 0; k < ten->count; k++) {
        size_t first = pg_pair_index(P, ten->at[k].i, ten->at[k].j);
        size_t second = pg_pair_index(P, ten->at[k].m, ten->at[k].n);
        if (mask[first] == mask[second])
            continue;
        memcpy(b, a, (size_t)rows * P * sizeof *b);
        fill_row(&ten->at[k], b + rows * P, P);
        if (rank_by_singular_values(b, rows + 1, P) == rank)
            implied[mask[first] ? second : first] = true;
    }
    for (size_t k = 0; k < SAMPLES; k++)
        count += implied[k];
    return count;
}

static double lambda3_by_singular_values(double *a, int rows)
{
    double values[ROWS + P], unused = 0.0; /* descending; sigma^2 are the eigenvalues of A^T A */
    assert_int_equal(
        LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', P, rows, a, P, values, &unused, 1, &unused, 1), 0);
    return 2.0 / (P - 1) * values[P - 3] * values[P - 3];
}

static void test_splits_against_singular_values(void **state)
{
    (void)state;
    for (uint32_t draw = 0; draw < 110; draw++) {
        uint8_t mask[SAMPLES];
        double a[ROWS * P], copy[ROWS * P];
        struct pg_split_theory theory;
        size_t train = draw % SAMPLES, test = SAMPLES - train;
        draw_split(draw, SAMPLES, train, mask);
        int rows = fill_training_rows(P, mask, a);
        memcpy(copy, a, sizeof a);
        int rank = rank_by_singular_values(copy, rows, P);
        size_t implied = count_implied_by_ranks(mask, a, rows, rank);
        theory = theory_of(ten, mask);
        assert_int_equal(theory.nullity, P - rank);
        assert_true(theory.ideal_accuracy == (double)(train + implied) / SAMPLES);
        assert_true(theory.ideal_test_accuracy == (double)implied / (double)test);
        double lambda3 = theory.nullity == 2 ? lambda3_by_singular_values(a, rows) : 0.0;
        assert_true(fabs(theory.lambda3 - lambda3) < 1e-9);
        assert_true(lambda3 == 0.0 ? isinf(theory.predicted_steps)
                                   : fabs(theory.predicted_steps * lambda3 * 1e-3 - 1.0) < 1e-9);
    }
}

/* p = 59, where one prime is not enough to be sure; the sizes lie around the critical one. */
static void test_many_symbols(void **state)
{
    (void)state;
    enum { PAIRS = WIDE * (WIDE + 1) / 2 };
    struct pg_parallelograms *wide = NULL;
    assert_int_equal(pg_parallelograms_create(WIDE, &wide, NULL), 0);
    double *a = malloc(wide->count * WIDE * sizeof *a);
    uint8_t *mask = malloc(PAIRS);
    assert_non_null(a);
    assert_non_null(mask);
    for (uint32_t draw = 0; draw < 8; draw++) {
        struct pg_split_theory theory;
        draw_split(draw, PAIRS, 100 + 25 * draw, mask);
        int rows = fill_training_rows(WIDE, mask, a);
        theory = theory_of(wide, mask);
        assert_int_equal(theory.nullity, WIDE - rank_by_singular_values(a, rows, WIDE));
    }
    free(mask);
    free(a);
    pg_parallelograms_destroy(wide);
}

/* A2: the share of splits whose only solution is the number line; the authors' 10,000 splits. */
static void test_critical_fraction(void **state)
{
    (void)state;
    enum { SPLITS = 4000 };
    static const struct {
        size_t train;
        double expected;
    } cases[] = {{20, .175}, {22, .427}, {23, .580}, {25, .803}, {30, .981}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        size_t unique = 0;
        for (uint32_t draw = 0; draw < SPLITS; draw++) {
            uint8_t mask[SAMPLES];
            struct pg_split_theory theory;
            draw_split(draw, SAMPLES, cases[c].train, mask);
            theory = theory_of(ten, mask);
            unique += theory.nullity == 2;
        }
        double share = (double)unique / SPLITS;
        assert_true(fabs(share - cases[c].expected) <= 0.03);
        assert_true(cases[c].train <= 22 ? share < 0.5 : share > 0.5);
    }
}

/* dE/dt = -(2 / Z0) A^T A E + (2 l0 / Z0^2) E; returns l0. */
static double flow(const double *e, double *ret_rate)
{
    double l0 = 0.0, z0 = 0.0, pull[P] = {0};
    for (size_t k = 0; k < ten->count; k++) {
        const struct pg_parallelogram *at = &ten->at[k];
        double gap = e[at->i] + e[at->j] - e[at->m] - e[at->n];
        l0 += gap * gap;
        pull[at->i] += gap;
        pull[at->j] += gap;
        pull[at->m] -= gap;
        pull[at->n] -= gap;
    }
    for (size_t k = 0; k < P; k++)
        z0 += e[k] * e[k];
    for (size_t k = 0; k < P; k++)
        ret_rate[k] = -2.0 / z0 * pull[k] + 2.0 * l0 / (z0 * z0) * e[k];
    return l0;
}

/* One step of the classical Runge-Kutta method. */
static void runge_kutta(double *e, double eta)
{
    static const double ahead[4] = {0.0, 0.5, 0.5, 1.0}, weight[4] = {1.0, 2.0, 2.0, 1.0};
    double rate[P] = {0}, sum[P] = {0}, probe[P];
    for (int stage = 0; stage < 4; stage++) {
        for (size_t k = 0; k < P; k++)
            probe[k] = e[k] + eta * ahead[stage] * rate[k];
        (void)flow(probe, rate);
        for (size_t k = 0; k < P; k++)
            sum[k] += weight[stage] * rate[k] / 6.0;
    }
    for (size_t k = 0; k < P; k++)
        e[k] += eta * sum[k];
}

/* Normalised start; draws its own numbers. */
static void draw_start(uint32_t draw, double *e)
{
    struct pg_random random = pg_random_make(3, PG_STREAM_TEST, 0);
    double mean = 0.0, squares = 0.0;
    for (uint32_t k = 0; k < P; k++) {
        e[k] = (double)pg_random_uniform(&random, k, draw, 0);
        mean += e[k] / P;
    }
    for (size_t k = 0; k < P; k++)
        squares += (e[k] - mean) * (e[k] - mean);
    for (size_t k = 0; k < P; k++)
        e[k] = (e[k] - mean) * sqrt((P - 1) / squares);
}

/* A3, first half: the flow keeps sum E = 0 and Z0 = 9 (Euler itself drifts by about eta / 0.3). */
static void test_flow_conserves(void **state)
{
    (void)state;
    for (uint32_t draw = 0; draw < 10; draw++) {
        double e[P];
        draw_start(draw, e);
        for (int step = 0; step < 4000; step++) {
            double sum = 0.0, z0 = 0.0;
            runge_kutta(e, 1e-3);
            for (size_t k = 0; k < P; k++) {
                sum += e[k];
                z0 += e[k] * e[k];
            }
            assert_true(fabs(sum) < 1e-3 && fabs(z0 - (P - 1)) < 1e-3);
        }
    }
}

/* Slope of log l0 per step by Euler from step 600 on, while l0 > 1e-20; least squares. */
static double decay_by_euler(double *e, double eta)
{
    double count = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
    for (int step = 0;; step++) {
        double rate[P], l0 = flow(e, rate);
        if (l0 <= 1e-20)
            break;
        for (size_t k = 0; k < P; k++)
            e[k] += eta * rate[k];
        if (step < 600)
            continue;
        count += 1.0;
        x += step;
        y += log(l0);
        xx += (double)step * step;
        xy += step * log(l0);
    }
    return (count * xy - x * y) / (count * xx - x * x);
}

/* A3, second half: log l0 falls by 2 lambda3 eta a step. */
static void test_flow_decays_at_lambda3(void **state)
{
    (void)state;
    uint8_t everything[SAMPLES];
    struct pg_split_theory theory;
    memset(everything, 1, sizeof everything);
    theory = theory_of(ten, everything);
    double expected = 2.0 * theory.lambda3 * 1e-3;
    assert_true(fabs(expected - 13.333e-3) < 1e-6);
    for (uint32_t draw = 0; draw < 10; draw++) {
        double e[P];
        draw_start(draw, e);
        assert_true(fabs(-decay_by_euler(e, 1e-3) / expected - 1.0) < 0.05);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts_of_ten_symbols),
        cmocka_unit_test(test_implied_parallelogram),
        cmocka_unit_test(test_splits_against_singular_values),
        cmocka_unit_test(test_many_symbols),
        cmocka_unit_test(test_critical_fraction),
        cmocka_unit_test(test_flow_conserves),
        cmocka_unit_test(test_flow_decays_at_lambda3),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
