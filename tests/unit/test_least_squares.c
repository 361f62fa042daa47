/* SPDX-License-Identifier: MIT */
/* Least squares in the span of the rows against descent in all d dimensions. Every other step is a
   point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "phasegrid/random.h"
#include "row.h"

enum { SAMPLES = 4, DIMENSION = 30, STEPS = 22 };
#define SHAPE "sample_count=4 dimension=30 crossing_loss=0.05 steps=22 learning_rate=0.4 "

static const double *numbers(const struct row *row, const char *name)
{
    return row_slot(row, name);
}

/* Rows with squared norms 1, 4/3, 5/3, 2. */
static void draw(uint32_t seed, double x[SAMPLES][DIMENSION])
{
    const struct pg_random split = pg_random_make(seed, PG_STREAM_SPLIT, 0);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        double squares = 0.0;
        for (uint32_t j = 0; j < DIMENSION; j++) {
            x[i][j] = (double)pg_random_normal(&split, j, i, 0);
            squares += x[i][j] * x[i][j];
        }
        for (uint32_t j = 0; j < DIMENSION; j++)
            x[i][j] *= sqrt((1.0 + (double)i / 3.0) / squares);
    }
}

static double product(const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t j = 0; j < DIMENSION; j++)
        sum += a[j] * b[j];
    return sum;
}

/* An orthonormal basis of the rows by Gram and Schmidt, whose k-th vector has a positive product
   with row k: the Q of the Cholesky factor. e = Q z. */
static void start_from(double x[SAMPLES][DIMENSION], const double *z, double *ret_e)
{
    double basis[SAMPLES][DIMENSION];
    memset(ret_e, 0, DIMENSION * sizeof *ret_e);
    for (size_t i = 0; i < SAMPLES; i++) {
        memcpy(basis[i], x[i], sizeof basis[i]);
        for (size_t k = 0; k < i; k++) {
            double along = product(basis[i], basis[k]);
            for (size_t j = 0; j < DIMENSION; j++)
                basis[i][j] -= along * basis[k][j];
        }
        double norm = sqrt(product(basis[i], basis[i]));
        for (size_t j = 0; j < DIMENSION; j++) {
            basis[i][j] /= norm;
            ret_e[j] += z[i] * basis[i][j];
        }
    }
}

static double loss_of(double x[SAMPLES][DIMENSION], const double *e)
{
    double sum = 0.0;
    for (size_t i = 0; i < SAMPLES; i++)
        sum += product(x[i], e) * product(x[i], e) / (2.0 * SAMPLES);
    return sum;
}

static void assert_observed(const struct row *row, size_t point, double x[SAMPLES][DIMENSION],
                            const double *e)
{
    double loss = loss_of(x, e);
    assert_true(fabs(numbers(row, "train_loss")[point] - loss) < 1e-12);
    assert_true(fabs(numbers(row, "rayleigh_quotient")[point] -
                     2.0 * SAMPLES * loss / product(e, e)) < 1e-11);
}

static void check(const char *assignments, bool has_batches, uint32_t seed)
{
    const struct pg_random orders = pg_random_make(seed, PG_STREAM_ORDERS, 0);
    double x[SAMPLES][DIMENSION], e[DIMENSION];
    int64_t crossing = -1;
    uint32_t order[SAMPLES];
    struct row row;
    row_run(&row, "least_squares", assignments, seed, false);
    draw(seed, x);
    start_from(x, numbers(&row, "parameters"), e);
    for (uint32_t step = 0; step < STEPS; step++) {
        double moved[DIMENSION] = {0.0};
        if (step % 2 == 0) {
            assert_observed(&row, step / 2, x, e);
            crossing = crossing < 0 && loss_of(x, e) < 0.05 ? (int64_t)step : crossing;
        }
        if (step % SAMPLES == 0)
            pg_random_permutation(&orders, step / SAMPLES, 0, order, SAMPLES);
        for (size_t i = 0; i < SAMPLES; i++)
            for (size_t j = 0; j < DIMENSION && (!has_batches || i == order[step % SAMPLES]); j++)
                moved[j] += product(x[i], e) * x[i][j] / (has_batches ? 1.0 : SAMPLES);
        for (size_t j = 0; j < DIMENSION; j++)
            e[j] -= 0.4 * moved[j];
    }
    assert_observed(&row, ROW_POINTS - 1, x, e);
    assert_true(crossing > 0);
    assert_int_equal(row_steps_to(&row, "steps_to_crossing"), crossing);
    assert_true(*numbers(&row, "crossing_rayleigh") ==
                numbers(&row, "rayleigh_quotient")[crossing / 2]);
    row_release(&row);
}

static void test_descent(void **state)
{
    (void)state;
    check(SHAPE "batch_size=0", false, 3);
    check(SHAPE "batch_size=1 sampling=epochs", true, 3);
}

static void test_packing(void **state)
{
    static struct row rows[5];
    struct row alone;
    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        row_prepare(&rows[i], "least_squares", SHAPE "sampling=epochs", i, false);
    row_run_all(rows, 5);
    for (uint32_t i = 0; i < 5; i++) {
        row_run(&alone, "least_squares", SHAPE "sampling=epochs", i, false);
        row_assert_all_same(&alone, &rows[i]);
        row_release(&alone);
        row_release(&rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_descent),
                                       cmocka_unit_test(test_packing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
