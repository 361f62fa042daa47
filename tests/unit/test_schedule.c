/* SPDX-License-Identifier: MIT */
/* The simulated schedule against what can be said without one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "phasegrid/schedule.h"

static struct pg_schedule_outcome simulate(const struct pg_schedule *schedule)
{
    struct pg_schedule_outcome outcome;
    struct pg_error error;
    assert_int_equal(pg_schedule_simulate(schedule, &outcome, &error), 0);
    return outcome;
}

static double total_seconds(const struct pg_schedule *schedule)
{
    double sum = 0.0;
    for (uint64_t run = 0; run < schedule->runs; run++)
        sum += pg_schedule_run_seconds(schedule, run);
    return sum;
}

/* Log-uniform: the logarithms' mean and the ends. */
static void test_run_seconds(void **state)
{
    (void)state;
    const struct pg_schedule schedule = {
        .workers = 1, .runs = 100000, .shortest = 1.0, .longest = 100.0, .seed = 7};
    double sum = 0.0;
    for (uint64_t run = 0; run < schedule.runs; run++) {
        double seconds = pg_schedule_run_seconds(&schedule, run);
        assert_true(seconds >= 1.0 && seconds <= 100.0);
        sum += log10(seconds);
    }
    /* mean 1, standard deviation 2/sqrt(12), of 1e5 draws: 4 sigma is 0.0073 */
    assert_true(fabs(sum / (double)schedule.runs - 1.0) < 0.0073);
}

/* One worker, free messages: it works all the time. */
static void test_one_worker(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        const struct pg_schedule schedule = {.workers = 1,
                                             .runs = 1000,
                                             .shortest = 1e-3,
                                             .longest = 1.0,
                                             .costs_known = known != 0};
        struct pg_schedule_outcome outcome = simulate(&schedule);
        assert_true(fabs(outcome.work - total_seconds(&schedule)) < 1e-9 * outcome.work);
        assert_true(fabs(outcome.makespan - outcome.work) < 1e-9 * outcome.work);
    }
}

/* Equal runs, free messages: as many rounds as the fullest worker has runs. */
static void test_equal_runs(void **state)
{
    (void)state;
    static const uint64_t runs[] = {1, 7, 8, 9, 100, 801};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const struct pg_schedule schedule = {
            .workers = 8, .runs = runs[i], .shortest = 2.0, .longest = 2.0, .costs_known = true};
        double rounds = ceil((double)runs[i] / 8.0);
        assert_true(fabs(simulate(&schedule).makespan - 2.0 * rounds) < 1e-9 * rounds);
    }
}

/* A list schedule is never longer than the bound of Graham (1966): work / workers + (1 - 1 /
 * workers) longest run. */
static void test_bound_of_list_schedules(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 20; seed++) {
        const struct pg_schedule schedule = {.workers = 16,
                                             .runs = 500,
                                             .shortest = 1.0,
                                             .longest = 100.0,
                                             .costs_known = seed % 2 == 0,
                                             .seed = seed};
        struct pg_schedule_outcome outcome = simulate(&schedule);
        assert_true(outcome.makespan >= outcome.work / 16.0);
        assert_true(outcome.makespan <= outcome.work / 16.0 + 15.0 / 16.0 * 100.0);
    }
}

/* A coordinator that cannot follow: it serves without pause, so nothing is faster than its
 * messages. */
static void test_saturated(void **state)
{
    (void)state;
    const struct pg_schedule schedule = {.workers = 1000,
                                         .runs = 20000,
                                         .shortest = 1e-6,
                                         .longest = 1e-6,
                                         .costs_known = true,
                                         .message_seconds = 1e-3};
    struct pg_schedule_outcome outcome = simulate(&schedule);
    double messages = (double)(outcome.reports + outcome.orders);
    assert_true(outcome.busy > 0.99);
    /* what comes after the last run are reports of the others */
    assert_true(outcome.makespan <= messages * 1e-3 + 1e-3);
    assert_true(outcome.makespan >= 0.5 * messages * 1e-3);
}

/* The way of messages is hidden behind work: there is a reserve. */
static void test_latency_is_hidden(void **state)
{
    (void)state;
    struct pg_schedule schedule = {.workers = 10,
                                   .runs = 10000,
                                   .shortest = 0.1,
                                   .longest = 0.1,
                                   .costs_known = true,
                                   .latency = 0.02};
    struct pg_schedule_outcome outcome = simulate(&schedule);
    /* 1000 runs each; without a reserve every piece would cost two ways */
    assert_true(outcome.makespan < 1.005 * outcome.work / 10.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_seconds), cmocka_unit_test(test_one_worker),
        cmocka_unit_test(test_equal_runs),  cmocka_unit_test(test_bound_of_list_schedules),
        cmocka_unit_test(test_saturated),   cmocka_unit_test(test_latency_is_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
