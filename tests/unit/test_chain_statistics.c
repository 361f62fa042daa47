/* SPDX-License-Identifier: MIT */
/*
 * R-hat and effective sample size: against figures that a separate implementation (numpy, ranks by
 * scipy, autocovariances by FFT) gave for the same numbers; against theory for independent draws
 * and for an autoregression; and what has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "phasegrid/chain_statistics.h"
#include "phasegrid/random.h"
#include "phasegrid/special.h"

enum { CHAINS = 4, DRAWS = 500 };

static struct pg_chain_statistics statistics_of(const double *draws, size_t chains, size_t count)
{
    double *scratch = malloc(pg_chain_statistics_scratch(chains, count) * sizeof *scratch);
    assert_non_null(scratch);
    struct pg_chain_statistics found = pg_chain_statistics(draws, chains, count, scratch);
    free(scratch);
    return found;
}

/* An autoregression with coefficient .7 on Knuth's generator, the last chain shifted by .5. */
static void test_against_another_implementation(void **state)
{
    static double draws[CHAINS * DRAWS];
    uint64_t x = 12345;
    (void)state;
    for (size_t i = 0; i < CHAINS * DRAWS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        double u = ((double)(x >> 33) + 0.5) / 2147483648.0;
        draws[i] = pg_normal_quantile(u) + (i % DRAWS > 0 ? 0.7 * draws[i - 1] : 0.0);
    }
    for (size_t i = 3 * DRAWS; i < CHAINS * DRAWS; i++)
        draws[i] += 0.5;
    struct pg_chain_statistics found = statistics_of(draws, CHAINS, DRAWS);
    assert_true(fabs(found.rhat - 1.0234838825165582) < 1e-9);
    assert_true(fabs(found.ess - 233.74120131398234) < 1e-6);
}

/* An autoregression with coefficient a has ESS (1 - a) / (1 + a) of its draws. */
static void check_autoregression(double a, double share)
{
    enum { MANY = 20000 };
    const struct pg_random random = pg_random_make(3, PG_STREAM_TEST, 0);
    double *draws = malloc(CHAINS * MANY * sizeof *draws);
    assert_non_null(draws);
    for (uint32_t i = 0; i < CHAINS * MANY; i++) {
        double noise = (double)pg_random_normal(&random, i, 0, 0);
        draws[i] = i % MANY == 0 ? noise / sqrt(1.0 - a * a) : a * draws[i - 1] + noise;
    }
    struct pg_chain_statistics found = statistics_of(draws, CHAINS, MANY);
    assert_true(fabs(found.ess / (CHAINS * MANY) / share - 1.0) < 0.1);
    assert_true(found.rhat < 1.005);
    free(draws);
}

static void test_theory(void **state)
{
    (void)state;
    check_autoregression(0.0, 1.0);
    check_autoregression(0.5, 1.0 / 3.0);
    check_autoregression(0.9, 0.1 / 1.9);
}

static void test_chains_apart(void **state)
{
    static double draws[CHAINS * DRAWS];
    const struct pg_random random = pg_random_make(4, PG_STREAM_TEST, 0);
    (void)state;
    for (uint32_t i = 0; i < CHAINS * DRAWS; i++) /* equal means, one chain three times as wide */
        draws[i] = (i < DRAWS ? 3.0 : 1.0) * (double)pg_random_normal(&random, i, 0, 0);
    assert_true(statistics_of(draws, CHAINS, DRAWS).rhat > 1.05);
    for (uint32_t i = 0; i < DRAWS; i++)
        draws[i] += 20.0;
    assert_true(statistics_of(draws, CHAINS, DRAWS).rhat > 1.5);
}

static void test_none(void **state)
{
    double draws[8] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0};
    (void)state;
    assert_true(isnan(statistics_of(draws, 2, 4).rhat));
    draws[3] = (double)NAN;
    assert_true(isnan(statistics_of(draws, 2, 4).ess));
    draws[3] = 2.0;
    assert_true(isnan(statistics_of(draws, 4, 2).rhat));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_another_implementation), cmocka_unit_test(test_theory),
        cmocka_unit_test(test_chains_apart), cmocka_unit_test(test_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
