/* SPDX-License-Identifier: MIT */
/*
 * Parallel tempering on a mixture of two valleys whose shares and evidence are integrals, and on a
 * quadratic whose evidence is known: shares, energies along the ladder, the free energy; and a
 * state between two steps from which the chains go on to the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "phasegrid/tempering.h"

enum { STEPS = 40000, BURN_IN = 4000 };
static const double n = 60.0;

/* L(x) = (x^2 - 1)^2 / 4 + 0.02 x: two valleys, a barrier of 15 between them at n. */
static double valleys(double x)
{
    return 0.25 * (x * x - 1.0) * (x * x - 1.0) + 0.02 * x;
}

static void look_at(void *context, size_t lane, size_t set)
{
    (void)context, (void)lane, (void)set;
}

static void of_valleys(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    (void)context;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        double x = w[lane];
        if (ret_loss != NULL)
            ret_loss[lane] = valleys(x);
        if (ret_gradient != NULL)
            ret_gradient[lane] = x * (x * x - 1.0) + 0.02;
    }
}

static const struct pg_landscape landscape = {
    .parameters = 1, .look_at = look_at, .full = of_valleys};

/* Over x in [-6, 6]: of exp(-t n L - x^2 / 2) times one, n L, or whether x > 0. */
static void integrate(double t, double ret[3])
{
    enum { PIECES = 120000 };
    memset(ret, 0, 3 * sizeof *ret);
    for (int i = 0; i <= PIECES; i++) {
        double x = -6.0 + 12.0 * i / PIECES;
        double weight = exp(-t * n * valleys(x) - 0.5 * x * x) * 12.0 / PIECES;
        ret[0] += weight;
        ret[1] += weight * n * valleys(x);
        ret[2] += x > 0.0 ? weight : 0.0;
    }
}

static void arrange(struct pg_tempering *tempering, uint32_t seed, struct pg_arena *arena)
{
    const struct pg_kernel *kernel = NULL;
    const struct pg_tempering_plan plan = {.temperatures = 32,
                                           .n = n,
                                           .prior_scale = 1.0,
                                           .leapfrog_steps = 10,
                                           .burn_in = BURN_IN,
                                           .random = pg_random_make(seed, PG_STREAM_CHAINS, 0)};
    assert_int_equal(pg_kernel_choose(&kernel, NULL), 0);
    pg_arena_measure(arena);
    pg_tempering_arrange(tempering, kernel, &landscape, &plan, arena);
    assert_int_equal(pg_arena_init(arena, arena->used, NULL), 0);
    pg_tempering_arrange(tempering, kernel, &landscape, &plan, arena);
    pg_tempering_begin(tempering);
}

static void test_two_valleys(void **state)
{
    static struct pg_tempering tempering;
    struct pg_arena arena;
    double right = 0.0, x = 0.0, expected[3], prior[3];
    (void)state;
    arrange(&tempering, 3, &arena);
    for (int step = 0; step < STEPS; step++) {
        pg_tempering_step(&tempering);
        (void)pg_tempering_point(&tempering, &x);
        right += step >= BURN_IN && x > 0.0;
    }
    integrate(1.0, expected);
    assert_true(fabs(right / (STEPS - BURN_IN) - expected[2] / expected[0]) < 0.03);
    for (size_t i = 0; i < 32; i++) {
        double of_rung[3], found = tempering.energy[i] / (STEPS - BURN_IN);
        integrate(tempering.inverse[i], of_rung);
        assert_true(fabs(found - of_rung[1] / of_rung[0]) < 0.05 * (1.0 + of_rung[1] / of_rung[0]));
        assert_true(fabs(tempering.accepted[i] / (STEPS - BURN_IN) - 0.8) < 0.1);
    }
    integrate(0.0, prior);
    assert_true(fabs(pg_tempering_free_energy(&tempering) + log(expected[0] / prior[0])) < 0.1);
    pg_arena_release(&arena);
}

static void test_state(void **state)
{
    static struct pg_tempering whole, parts;
    static unsigned char room[1 << 20];
    struct pg_arena arena, other;
    double a = 0.0, b = 0.0;
    (void)state;
    arrange(&whole, 7, &arena);
    for (int step = 0; step < 300; step++)
        pg_tempering_step(&whole);
    struct pg_state save = pg_state_save(room, sizeof room);
    pg_tempering_pass(&whole, &save);
    assert_false(save.is_short);
    arrange(&parts, 7, &other);
    struct pg_state load = pg_state_load(room, save.used);
    pg_tempering_pass(&parts, &load);
    for (int step = 0; step < 200; step++) {
        pg_tempering_step(&whole);
        pg_tempering_step(&parts);
        assert_true(pg_tempering_point(&whole, &a) == pg_tempering_point(&parts, &b));
        assert_true(a == b);
    }
    pg_arena_release(&arena);
    pg_arena_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_valleys),
                                       cmocka_unit_test(test_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
