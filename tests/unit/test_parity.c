/* SPDX-License-Identifier: MIT */
/*
 * The parity experiment: its training against a plain loop written here, its penalty, the Fourier
 * coefficients of the majority function by enumeration, its data, and what tells its cells apart.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parity.h"
#include "row.h"

enum { BITS = 7, ORDER = 2, WIDTH = 5, BATCH = 70, STEPS = 12 };
enum { PARAMETERS = WIDTH * (BITS + 2) + 1 };

static const double *numbers(const struct row *row, const char *name)
{
    return row_slot(row, name);
}

/* ---- a plain loop ---- */

/* The slopes of the mean hinge loss plus L2; returns the loss. x (samples, BITS). */
static double slopes(const double (*x)[BITS], size_t count, double decay, const double *w,
                     double *ret)
{
    const double *b1 = w + WIDTH * BITS, *w2 = b1 + WIDTH;
    double loss = 0.0;
    for (size_t p = 0; p < PARAMETERS; p++) {
        ret[p] = decay * w[p];
        loss += 0.5 * decay * w[p] * w[p];
    }
    for (size_t s = 0; s < count; s++) {
        double h[WIDTH], f = w[PARAMETERS - 1], y = 1.0;
        for (size_t i = 0; i < ORDER; i++)
            y *= x[s][i];
        for (size_t j = 0; j < WIDTH; j++) {
            h[j] = b1[j];
            for (size_t i = 0; i < BITS; i++)
                h[j] += w[j * BITS + i] * x[s][i];
            h[j] = fmax(h[j], 0.0);
            f += w2[j] * h[j];
        }
        loss += fmax(1.0 - y * f, 0.0) / (double)count;
        double df = y * f < 1.0 ? -y / (double)count : 0.0;
        ret[PARAMETERS - 1] += df;
        for (size_t j = 0; j < WIDTH; j++) {
            ret[WIDTH * (BITS + 1) + j] += df * h[j];
            ret[WIDTH * BITS + j] += h[j] > 0.0 ? df * w2[j] : 0.0;
            for (size_t i = 0; i < BITS; i++)
                ret[j * BITS + i] += h[j] > 0.0 ? df * w2[j] * x[s][i] : 0.0;
        }
    }
    return loss;
}

static double drawn(const struct pg_random *random, size_t sample, size_t bit, uint32_t step)
{
    return (pg_random_word(random, (uint32_t)(2 * sample), step, 0) >> bit & 1) != 0 ? -1.0 : 1.0;
}

/* The row's own start, fresh samples at every step, in more windows than one. */
static void test_training(void **state)
{
    const struct pg_random random = pg_random_make(3, PG_STREAM_BATCHES, 0);
    static double x[BATCH][BITS];
    struct row row;
    double w[PARAMETERS], v[PARAMETERS] = {0.0}, gradient[PARAMETERS];
    (void)state;
    row_run(&row, "parity",
            "n=7 k=2 width=5 batch_size=70 steps=12 learning_rate=0.2 momentum=0.5 "
            "weight_decay=0.03",
            3, false);
    memcpy(w, numbers(&row, "parameters"), sizeof w);
    for (uint32_t step = 1; step <= STEPS; step++) {
        for (size_t s = 0; s < BATCH; s++)
            for (size_t i = 0; i < BITS; i++)
                x[s][i] = drawn(&random, s, i, step);
        (void)slopes((const double(*)[BITS])x, BATCH, 0.03, w, gradient);
        for (size_t p = 0; p < PARAMETERS; p++) {
            v[p] = 0.5 * v[p] + gradient[p];
            w[p] -= 0.2 * v[p];
        }
    }
    for (size_t p = 0; p < PARAMETERS; p++)
        assert_true(fabs(w[p] - numbers(&row, "parameters")[PARAMETERS + p]) < 1e-12);
    double squares = 0.0;
    for (size_t j = 0; j < WIDTH; j++)
        for (size_t i = 0; i < ORDER; i++)
            squares += pow(w[j * BITS + i] - numbers(&row, "parameters")[j * BITS + i], 2.0);
    assert_true(fabs(numbers(&row, "movement_relevant")[ROW_POINTS - 1] -
                     sqrt(squares / (WIDTH * ORDER))) < 1e-12);
    row_release(&row);
}

/* A training set as large as it may be told by heart: both losses and accuracies of one start are
   means over their own samples, and full batches are the whole set. */
static void test_training_set(void **state)
{
    enum { COUNT = 90 };
    const struct pg_random random = pg_random_make(4, PG_STREAM_SPLIT, 0);
    static double x[COUNT][BITS];
    struct row row;
    double gradient[PARAMETERS];
    (void)state;
    row_run(&row, "parity",
            "n=7 k=2 width=5 sample_count=90 test_count=90 batch_size=0 steps=1 weight_decay=0", 4,
            false);
    const double *w = numbers(&row, "parameters"), *at_end = w + PARAMETERS;
    for (uint32_t set = 0; set < 2; set++) {
        for (size_t s = 0; s < COUNT; s++)
            for (size_t i = 0; i < BITS; i++)
                x[s][i] = drawn(&random, s, i, set);
        double loss = slopes((const double(*)[BITS])x, COUNT, 0.0, w, gradient);
        const char *name = set == 0 ? "train_loss" : "test_loss";
        assert_true(fabs(loss - numbers(&row, name)[0]) < 1e-12);
        for (size_t p = 0; p < PARAMETERS && set == 0; p++)
            assert_true(fabs(w[p] - 0.1 * gradient[p] - at_end[p]) < 1e-12);
    }
    row_release(&row);
}

/* ---- theory ---- */

/* The mean of majority times the product of the first `order` coordinates, over all 2^9 inputs. */
static double majority_coefficient(unsigned order)
{
    double sum = 0.0;
    for (unsigned x = 0; x < 512; x++) {
        double majority = __builtin_popcount(x) > 4 ? -1.0 : 1.0;
        sum += __builtin_parity(x & ((1u << order) - 1)) != 0 ? -majority : majority;
    }
    return sum / 512.0;
}

static void test_fourier_ratio(void **state)
{
    (void)state;
    for (unsigned k = 2; k < 9; k += 2) {
        double ratio = fabs(majority_coefficient(k + 1) / majority_coefficient(k - 1));
        assert_true(fabs(ratio - pg_parity_fourier_ratio(9, k)) < 1e-12);
    }
}

/* ---- runs ---- */

static void test_packs_give_the_same_rows(void **state)
{
    enum { RUNS = 19 };
    static const char assignments[] =
        "n=12 k=2 width=20 steps=700 evaluate_test_every=20 batch_size=16 test_count=300";
    static struct row together[RUNS], alone;
    int64_t found = -1;
    (void)state;
    for (uint32_t i = 0; i < RUNS; i++)
        row_prepare(&together[i], "parity", assignments, i, false);
    row_run_all(together, RUNS);
    for (uint32_t i = 0; i < RUNS; i++) {
        row_run(&alone, "parity", assignments, i, false);
        row_assert_all_same(&together[i], &alone);
        found = row_steps_to(&alone, "steps_to_test") > found
                    ? row_steps_to(&alone, "steps_to_test")
                    : found;
        row_release(&alone);
        row_release(&together[i]);
    }
    assert_true(found > 0 && found % 20 == 0);
}

static void test_cells_apart(void **state)
{
    static const char *const cells[][2] = {
        {"sample_count=0", "sample_count=100"},
        {"test_count=100", "test_count=200"},
        {"batch_size=16", "batch_size=32"},
        {"evaluate_test_every=10", "evaluate_test_every=5"},
        {"n=20", "n=21"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        row_assert_apart("parity", cells[i]);
}

static void test_wrong_cells(void **state)
{
    static const struct {
        const char *assignments, *name, *value, *message;
    } cases[] = {
        {"n=8", "k", "9", "k is 9; with n 8 allowed: up to 8"},
        {"sample_count=0", "batch_size", "0",
         "batch_size 0 is all training samples, but sample_count 0 draws fresh ones at every step; "
         "expected one of them above 0"},
        {"sample_count=20 batch_size=20", "batch_size", "21",
         "batch_size 21 is more than the 20 training samples; allowed: 1 to 20, or 0 for all"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "parity", cases[i].assignments, 0, false);
        row_set(&row, cases[i].name, cases[i].value);
        assert_int_equal(row.experiment->check(&row.request.values, &row.error), PG_EINPUT);
        assert_string_equal(row.error.text, cases[i].message);
        row_release(&row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training),      cmocka_unit_test(test_training_set),
        cmocka_unit_test(test_fourier_ratio), cmocka_unit_test(test_packs_give_the_same_rows),
        cmocka_unit_test(test_cells_apart),   cmocka_unit_test(test_wrong_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
