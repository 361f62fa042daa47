/* SPDX-License-Identifier: MIT */
/*
 * The theory of two points: its conserved quantity and end, the logistic branch, gradient descent
 * on a linear network of two layers, and rates found again from curves that they made, with their
 * standard errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "phasegrid/random.h"
#include "two_point_theory.h"

enum { STARTS = 200, POINTS = 121, EPOCHS = 6000, WIDTH = 50, MANY = 1000000 };

static double uniform(uint32_t start, uint32_t number, double low, double high)
{
    const struct pg_random random = pg_random_make(0, PG_STREAM_TEST, 0);
    return low + (high - low) * (double)pg_random_uniform(&random, number, start, 0);
}

/* A start with dy not against d: w = y - |dy| |d| cos. */
static void draw(uint32_t i, struct pg_two_point *theory, struct pg_two_point_state *start)
{
    *theory = (struct pg_two_point){uniform(i, 0, 0.5, 1.5), uniform(i, 1, 0.3, 1.0),
                                    uniform(i, 2, 0.1, 2.0), uniform(i, 3, 0.1, 2.0)};
    start->h = uniform(i, 4, 0.05, 1.0);
    start->y = uniform(i, 5, 0.01, 1.0);
    start->w = start->y - sqrt(start->y) * theory->target * uniform(i, 6, 0.1, 1.0);
}

static void test_balance_is_kept_and_tells_the_end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < STARTS; i++) {
        const double times[3] = {1.0, 10.0, 5000.0};
        struct pg_two_point theory;
        struct pg_two_point_state start, states[3];
        draw(i, &theory, &start);
        double balance = pg_two_point_balance(&theory, &start);
        double scale = fmax(fabs(balance), start.h / (theory.input * theory.input));
        assert_true(pg_two_point_solve(&theory, &start, times, 3, MANY, states));
        for (size_t k = 0; k < 3; k++)
            assert_true(fabs(pg_two_point_balance(&theory, &states[k]) - balance) <= 1e-6 * scale);
        double end = pg_two_point_final_h(&theory, &start);
        assert_true(fabs(states[2].h / end - 1.0) <= 1e-5);
        assert_true(fabs(states[2].w) <= 1e-6);
    }
}

/* The paper's own form, by differences of the curves. */
static void test_equations_of_the_paper(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < STARTS; i++) {
        const double dt = 1e-4, times[3] = {1.0 - dt, 1.0, 1.0 + dt};
        struct pg_two_point at;
        struct pg_two_point_state start, s[3];
        draw(i, &at, &start);
        assert_true(pg_two_point_solve(&at, &start, times, 3, MANY, s));
        double h = s[1].h, y = s[1].y, w = s[1].w, x = at.input * at.input;
        double eh = at.encoder_rate, ey = at.decoder_rate, goal = at.target * at.target;
        double scale = 1e-5 * (1.0 + (eh + ey) * (x + h) * (1.0 + y / h));
        assert_true(fabs((s[2].h - s[0].h) / (2 * dt) + eh * x * w) <= scale);
        assert_true(fabs((s[2].y - s[0].y) / (2 * dt) + w * (ey * h + eh * x * y / h)) <= scale);
        assert_true(fabs((s[2].w - s[0].w) / (2 * dt) + 0.5 * ey * h * (3 * w - y + goal) +
                         0.5 * eh * x * (y + w) * w / h) <= scale);
    }
}

static void test_rich_branch_is_logistic(void **state)
{
    (void)state;
    const struct pg_two_point theory = {1.3, 0.7, 0.02, 0.3};
    const double first = 1e-3, scale = sqrt(0.02 / 0.3) * 1.3;
    const struct pg_two_point_state start = {scale * first, first * first,
                                             first * first - first * theory.target};
    const double rate = sqrt(0.02 * 0.3) * 1.3 * 0.7;
    struct pg_two_point_state states[POINTS];
    double times[POINTS];
    for (size_t i = 0; i < POINTS; i++)
        times[i] = 4.0 * (double)i;
    assert_true(pg_two_point_solve(&theory, &start, times, POINTS, MANY, states));
    for (size_t i = 0; i < POINTS; i++) {
        double curve = 0.7 / (1.0 + (0.7 / first - 1.0) * exp(-rate * times[i]));
        assert_true(fabs(pg_two_point_logistic(&theory, first, times[i]) - curve) <= 1e-12);
        assert_true(fabs(sqrt(states[i].y) - curve) <= 1e-6);
    }
    assert_true(fabs(states[POINTS - 1].h - scale * 0.7) <= 1e-6);
    assert_true(fabs(pg_two_point_final_h(&theory, &start) - scale * 0.7) <= 1e-12);
}

/* Gradient descent on 1 -> WIDTH -> 1 without biases, inputs and targets centred, weights aligned;
   states after each step. */
static void descend(double rate, double target, struct pg_two_point_state *ret)
{
    double encoder[WIDTH], decoder[WIDTH];
    for (size_t i = 0; i < WIDTH; i++) {
        encoder[i] = 0.05 / sqrt(WIDTH);
        decoder[i] = 0.02 / sqrt(WIDTH);
    }
    for (size_t t = 0; t <= EPOCHS; t++) {
        double h = 0.0, slope = 0.0;
        for (size_t i = 0; i < WIDTH; i++) {
            h += encoder[i] * encoder[i];
            slope += encoder[i] * decoder[i];
        }
        ret[t] = (struct pg_two_point_state){h, slope * slope, slope * slope - slope * target};
        for (size_t i = 0; i < WIDTH; i++) {
            double gradient = 0.25 * (slope - target), old = encoder[i];
            encoder[i] -= rate * gradient * decoder[i];
            decoder[i] -= rate * gradient * old;
        }
    }
}

static double worst_over_range(const double *a, const double *b, size_t count)
{
    double low = a[0], high = a[0], worst = 0.0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, a[3 * i]);
        high = fmax(high, a[3 * i]);
        worst = fmax(worst, fabs(a[3 * i] - b[3 * i]));
    }
    return worst / (high - low);
}

/* The largest deviation of h, y or w from the equations with rates of half the learning rate. */
static double deviation(double rate)
{
    static struct pg_two_point_state found[EPOCHS + 1], expected[EPOCHS + 1];
    static double times[EPOCHS + 1];
    const struct pg_two_point theory = {1.0, sqrt(0.5), 0.5 * rate, 0.5 * rate};
    double worst = 0.0;
    for (size_t t = 0; t <= EPOCHS; t++)
        times[t] = (double)t;
    descend(rate, theory.target, found);
    assert_true(pg_two_point_solve(&theory, &found[0], times, EPOCHS + 1, MANY, expected));
    for (size_t k = 0; k < 3; k++)
        worst = fmax(worst, worst_over_range((const double *)found + k,
                                             (const double *)expected + k, EPOCHS + 1));
    return worst;
}

static void test_gradient_descent_on_two_linear_layers(void **state)
{
    (void)state;
    double slow = deviation(0.01), fast = deviation(0.05);
    assert_true(slow <= 3e-3);
    assert_true(fabs(fast / slow - 5.0) <= 0.5);
}

static void test_fit_finds_the_rates(void **state)
{
    static const double rates[][2] = {{7e-4, 0.04}, {0.0025, 0.0025}, {0.004, 0.0077}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct pg_two_point theory = {1.0, sqrt(0.5), rates[i][0], rates[i][1]};
        const struct pg_two_point_state start = {0.02, 0.003, 0.003 - 0.03};
        struct pg_two_point_state states[POINTS], work[3 * POINTS];
        struct pg_two_point_fit fit;
        double times[POINTS];
        for (size_t k = 0; k < POINTS; k++)
            times[k] = 50.0 * (double)k;
        assert_true(pg_two_point_solve(&theory, &start, times, POINTS, MANY, states));
        assert_true(pg_two_point_fit(1.0, sqrt(0.5), times, states, POINTS, work, &fit));
        assert_true(fabs(fit.encoder_rate / rates[i][0] - 1.0) <= 1e-5);
        assert_true(fabs(fit.decoder_rate / rates[i][1] - 1.0) <= 1e-5);
        assert_true(fit.nrmse.h <= 1e-6 && fit.nrmse.y <= 1e-6 && fit.nrmse.w <= 1e-6);
        assert_true(fit.encoder_error <= 1e-5 * fit.encoder_rate);
    }
}

/* Scatter of fits to noisy curves against the standard errors that they tell: 100 fits know a
   standard deviation to 7 %, a third of it is allowed. */
static void test_fit_knows_its_errors(void **state)
{
    enum { FITS = 100 };
    const struct pg_two_point theory = {1.0, sqrt(0.5), 0.004, 0.0077};
    const struct pg_two_point_state start = {0.02, 0.003, 0.003 - 0.03};
    const struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    struct pg_two_point_state states[POINTS], noisy[POINTS], work[3 * POINTS];
    double times[POINTS], scatter[2] = {0}, told[2] = {0};
    (void)state;
    for (size_t k = 0; k < POINTS; k++)
        times[k] = 25.0 * (double)k;
    assert_true(pg_two_point_solve(&theory, &start, times, POINTS, MANY, states));
    for (uint32_t i = 0; i < FITS; i++) {
        struct pg_two_point_fit fit;
        noisy[0] = states[0];
        for (uint32_t k = 1; k < POINTS; k++) {
            noisy[k].h = states[k].h + 0.002 * (double)pg_random_normal(&random, 0, k, i);
            noisy[k].y = states[k].y + 0.002 * (double)pg_random_normal(&random, 1, k, i);
            noisy[k].w = states[k].w + 0.002 * (double)pg_random_normal(&random, 2, k, i);
        }
        assert_true(pg_two_point_fit(1.0, sqrt(0.5), times, noisy, POINTS, work, &fit));
        scatter[0] += pow(fit.encoder_rate - theory.encoder_rate, 2.0) / FITS;
        scatter[1] += pow(fit.decoder_rate - theory.decoder_rate, 2.0) / FITS;
        told[0] += pow(fit.encoder_error, 2.0) / FITS;
        told[1] += pow(fit.decoder_error, 2.0) / FITS;
    }
    for (size_t r = 0; r < 2; r++)
        assert_true(fabs(sqrt(scatter[r] / told[r]) - 1.0) <= 0.33);
    print_message("scatter over told %.3f %.3f\n", sqrt(scatter[0] / told[0]),
                  sqrt(scatter[1] / told[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_balance_is_kept_and_tells_the_end),
        cmocka_unit_test(test_equations_of_the_paper),
        cmocka_unit_test(test_rich_branch_is_logistic),
        cmocka_unit_test(test_gradient_descent_on_two_linear_layers),
        cmocka_unit_test(test_fit_finds_the_rates),
        cmocka_unit_test(test_fit_knows_its_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
