/* SPDX-License-Identifier: MIT */
/*
 * Diagonal linear networks: schedules, orders of samples and label noise against a plain program
 * that keeps a permutation and a velocity, the published identity of a step, and packing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "descent_schedule.h"
#include "phasegrid/random.h"
#include "row.h"

enum { SAMPLES = 7, DIMENSION = 12, PARAMETERS = 2 * DIMENSION, STEPS = 40 };
#define SHAPE "sample_count=7 dimension=12 nonzero=3 "

static const double *numbers(const struct row *row, const char *name)
{
    return row_slot(row, name);
}

/* The end of a run, and where it began. */
static const double *end_of(const struct row *row)
{
    return numbers(row, "parameters") + PARAMETERS;
}

/* ---- schedules ---- */

static void test_rates(void **state)
{
    const struct pg_schedule schedule = {true, 4.0, 0.5, 0.25}, constant = {0};
    (void)state;
    for (int64_t step = 0; step < 100; step++) {
        assert_true(pg_schedule_rate(&schedule, 0.2, step, 100) == (step < 50 ? 0.2 : 0.2 / 4.0));
        assert_true(pg_schedule_momentum(&schedule, 0.9, step, 100) == (step < 25 ? 0.9 : 0.0));
        assert_true(pg_schedule_rate(&constant, 0.2, step, 100) == 0.2);
        assert_true(pg_schedule_momentum(&constant, 0.9, step, 100) == 0.9);
    }
}

/* ---- a plain program ---- */

struct plain {
    double x[SAMPLES][DIMENSION], y[SAMPLES];
    double w[PARAMETERS], velocity[PARAMETERS];
};

static void draw_plain(struct plain *plain, uint32_t seed, const double *truth)
{
    const struct pg_random split = pg_random_make(seed, PG_STREAM_SPLIT, 0);
    memset(plain, 0, sizeof *plain);
    for (uint32_t i = 0; i < SAMPLES; i++)
        for (uint32_t j = 0; j < DIMENSION; j++) {
            plain->x[i][j] = (double)pg_random_normal(&split, j, i, 0);
            plain->y[i] += plain->x[i][j] * truth[j];
        }
    for (size_t j = 0; j < DIMENSION; j++)
        plain->w[j] = 0.1;
}

/* The residual of a sample, with `noise`, and its slope added. */
static double add_plain(const struct plain *plain, size_t i, double noise, double *gradient)
{
    const double *u = plain->w, *v = plain->w + DIMENSION;
    double residual = noise - plain->y[i];
    for (size_t j = 0; j < DIMENSION; j++)
        residual += plain->x[i][j] * u[j] * v[j];
    for (size_t j = 0; j < DIMENSION; j++) {
        gradient[j] += residual * plain->x[i][j] * v[j];
        gradient[DIMENSION + j] += residual * plain->x[i][j] * u[j];
    }
    return residual;
}

static void step_plain(struct plain *plain, const double *gradient, double rate, double momentum)
{
    for (size_t p = 0; p < PARAMETERS; p++) {
        plain->velocity[p] = momentum * plain->velocity[p] + gradient[p];
        plain->w[p] -= rate * plain->velocity[p];
    }
}

static void assert_ends_as(const struct row *row, const struct plain *plain)
{
    for (size_t p = 0; p < PARAMETERS; p++)
        assert_true(fabs(plain->w[p] - end_of(row)[p]) < 1e-12);
}

/* Pairs of samples in epochs of seven, so that batches lie across their ends. */
static void test_epochs(void **state)
{
    uint32_t order[SAMPLES];
    const struct pg_random orders = pg_random_make(4, PG_STREAM_ORDERS, 0);
    const struct pg_random coins = pg_random_make(4, PG_STREAM_LABEL_NOISE, 0);
    struct row row;
    struct plain plain;
    (void)state;
    row_run(&row, "diagonal_linear",
            SHAPE "steps=40 batch_size=2 sampling=epochs learning_rate=0.03 momentum=0.5 "
                  "lr_decay_at=0.5 lr_decay_factor=4 momentum_until=0.25 label_noise=0.3 "
                  "label_noise_until=0.7",
            4, false);
    draw_plain(&plain, 4, numbers(&row, "true_coefficients"));
    for (uint32_t step = 1, used = 0; step <= STEPS; step++) {
        double gradient[PARAMETERS] = {0.0};
        for (uint32_t place = 0; place < 2; place++, used++) {
            if (used % SAMPLES == 0)
                pg_random_permutation(&orders, used / SAMPLES, 0, order, SAMPLES);
            double sign = pg_random_word(&coins, place, step, 0) >> 31 != 0 ? 1.0 : -1.0;
            (void)add_plain(&plain, order[used % SAMPLES], step <= 28 ? 0.3 * sign : 0.0, gradient);
        }
        for (size_t p = 0; p < PARAMETERS; p++)
            gradient[p] /= 2.0;
        step_plain(&plain, gradient, step <= 20 ? 0.03 : 0.0075, step <= 10 ? 0.5 : 0.0);
    }
    assert_ends_as(&row, &plain);
    row_release(&row);
}

static void test_full_batch(void **state)
{
    struct row row;
    struct plain plain;
    double loss = 0.0, population = 0.0, norm = 0.0;
    (void)state;
    row_run(&row, "diagonal_linear", SHAPE "steps=40 batch_size=0 learning_rate=0.1", 5, false);
    const double *truth = numbers(&row, "true_coefficients");
    draw_plain(&plain, 5, truth);
    for (size_t step = 0; step <= STEPS; step++) {
        double gradient[PARAMETERS] = {0.0};
        loss = 0.0;
        for (size_t i = 0; i < SAMPLES; i++) {
            double residual = add_plain(&plain, i, 0.0, gradient);
            loss += residual * residual / (2.0 * SAMPLES);
        }
        for (size_t p = 0; p < PARAMETERS; p++)
            gradient[p] /= SAMPLES;
        if (step < STEPS)
            step_plain(&plain, gradient, 0.1, 0.0);
    }
    for (size_t j = 0; j < DIMENSION; j++) {
        double beta = plain.w[j] * plain.w[DIMENSION + j];
        population += 0.5 * (beta - truth[j]) * (beta - truth[j]);
        norm += truth[j] * truth[j];
        assert_true(j < 3 ? truth[j] > 0.0 : truth[j] == 0.0);
    }
    assert_ends_as(&row, &plain);
    assert_true(fabs(norm - 1.0) < 1e-14);
    assert_true(fabs(loss - numbers(&row, "train_loss")[ROW_POINTS - 1]) < 1e-13);
    assert_true(fabs(population - numbers(&row, "population_loss")[ROW_POINTS - 1]) < 1e-13);
    row_release(&row);
}

/* ---- the identity ---- */

/* Whether a step from w to `next` is one on sample i, and by how much the identity is missed. */
static bool is_step_of(const struct plain *plain, size_t i, const double *next, double rate,
                       double *ret_missed)
{
    double gradient[PARAMETERS] = {0.0};
    double residual = add_plain(plain, i, 0.0, gradient);
    *ret_missed = 0.0;
    for (size_t j = 0; j < DIMENSION; j++) {
        const double u = plain->w[j], v = plain->w[DIMENSION + j];
        double g = residual * plain->x[i][j], u1 = next[j], v1 = next[DIMENSION + j];
        double expected = (u * u - v * v) * (1.0 - rate * rate * g * g);
        if (fabs(u - rate * gradient[j] - u1) > 1e-12)
            return false;
        *ret_missed = fmax(*ret_missed, fabs(u1 * u1 - v1 * v1 - expected));
    }
    return true;
}

/* u'^2 - v'^2 = (u^2 - v^2)(1 - lr^2 g^2), at a step of exactly one sample. */
static void test_identity(void **state)
{
    (void)state;
    for (int steps = 1; steps < 30; steps++) {
        struct row before, after;
        struct plain plain;
        char text[128];
        size_t found = 0;
        (void)snprintf(text, sizeof text, SHAPE "steps=%d learning_rate=0.1", steps);
        row_run(&before, "diagonal_linear", text, 6, false);
        (void)snprintf(text, sizeof text, SHAPE "steps=%d learning_rate=0.1", steps + 1);
        row_run(&after, "diagonal_linear", text, 6, false);
        draw_plain(&plain, 6, numbers(&before, "true_coefficients"));
        memcpy(plain.w, end_of(&before), sizeof plain.w);
        for (size_t i = 0; i < SAMPLES; i++) {
            double missed = 0.0;
            if (!is_step_of(&plain, i, end_of(&after), 0.1, &missed))
                continue;
            found++;
            assert_true(missed < 1e-10);
        }
        assert_int_equal(found, 1);
        row_release(&before);
        row_release(&after);
    }
}

/* ---- packing ---- */

/* Within one epoch, so that a lane that is taken again must not keep the order of the run before.
 */
static void test_packing(void **state)
{
    static struct row rows[20];
    struct row alone;
    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        row_prepare(&rows[i], "diagonal_linear", SHAPE "sample_count=20 steps=12 sampling=epochs",
                    i / 2, false);
        row_set(&rows[i], "label_noise", i % 2 == 0 ? "0" : "0.5");
    }
    row_run_all(rows, 20);
    assert_int_equal(rows[0].allocations_first, rows[0].allocations_last);
    for (uint32_t i = 0; i < 20; i++) {
        row_run(&alone, "diagonal_linear",
                i % 2 == 0 ? SHAPE "sample_count=20 steps=12 sampling=epochs"
                           : SHAPE "sample_count=20 steps=12 sampling=epochs label_noise=0.5",
                i / 2, false);
        row_assert_all_same(&alone, &rows[i]);
        row_release(&alone);
        row_release(&rows[i]);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    row_assert_apart("diagonal_linear",
                     (const char *const[]){"steps=40", "steps=40 sampling=epochs"});
    row_assert_apart("diagonal_linear",
                     (const char *const[]){"steps=40", "steps=40 sample_count=40"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),      cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_full_batch), cmocka_unit_test(test_identity),
        cmocka_unit_test(test_packing),    cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
