/* SPDX-License-Identifier: MIT */
/*
 * LLC estimates on quadratics against the closed form of what each sampler gives there; their
 * independence of what is sampled beside them; what is flagged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "row.h"

static const int64_t at_once[] = {0};

static double number(const struct row *row, const char *name)
{
    return *(const double *)row_slot(row, name);
}

static const double *numbers(const struct row *row, const char *name)
{
    return row_slot(row, name);
}

static void estimate(struct row *row, const char *assignments, uint32_t seed)
{
    row_prepare(row, "quadratic", assignments, seed, false);
    row_ask_llc(row, at_once, 1);
    row_run_all(row, 1);
    assert_int_equal(row->status, 0);
}

/* The mean of 20 chains lies within four standard errors of the exact value, and these are small.
 */
static void check_against_truth(const char *assignments, double truth, double tolerance)
{
    struct row row;
    estimate(&row, assignments, 1);
    double found = number(&row, "llc"), se = number(&row, "llc_se");
    if (!(fabs(found - truth) < 4.0 * se && se < tolerance * truth))
        fail_msg("%s: %g +- %g, expected %g", assignments, found, se, truth);
    assert_true(fabs(number(&row, "llc_truth") - truth) < 1e-12 * truth);
    assert_true(number(&row, "llc_rhat") < 1.1);
    row_release(&row);
}

#define CHAINS " llc_chains=20 llc_burn_in=2000 llc_draws=4000 llc_n_beta=100 llc_localization=5"

/* h = 1, 2, 3, 4; a = 105, 205, 305, 405: half the sum of 100 h / a. */
static const double exact = 0.5 * (100.0 / 105 + 200.0 / 205 + 300.0 / 305 + 400.0 / 405);

static double with_euler(double step_size)
{
    double sum = 0.0;
    for (int h = 1; h <= 4; h++)
        sum += 50.0 * h / (100.0 * h + 5.0) / (1.0 - step_size * (100.0 * h + 5.0) / 4.0);
    return sum;
}

static void test_sgld(void **state)
{
    (void)state;
    check_against_truth("curvature_max=4 llc_step_size=1e-3" CHAINS, with_euler(1e-3), 0.01);
    check_against_truth("curvature_max=4 llc_step_size=5e-3" CHAINS, with_euler(5e-3), 0.01);
    check_against_truth("curvature_max=4 flat=3 llc_step_size=2e-3" CHAINS, with_euler(2e-3), 0.01);
}

/* Noise of variance 4 / 16 = 1/4 in the gradient. */
static void test_sgld_with_gradient_noise(void **state)
{
    (void)state;
    check_against_truth(
        "curvature_max=4 gradient_noise=2 llc_batch_size=16 llc_step_size=1e-3" CHAINS,
        with_euler(1e-3) * (1.0 + 1e-3 * 1e4 * 0.25 / 4.0), 0.01);
}

static void test_adjusted_samplers(void **state)
{
    (void)state;
    check_against_truth("curvature_max=4 llc_sampler=mala llc_step_size=5e-3" CHAINS, exact, 0.01);
    check_against_truth("curvature_max=4 llc_sampler=hmc llc_step_size=2e-3" CHAINS, exact, 0.01);
}

/* SGHMC has SGLD's Euler term, the thermostat none; both within 1 % at this step. */
static void test_momentum_samplers(void **state)
{
    static const char *const samplers[] = {"sghmc", "sgnht"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct row row;
        char assignments[256];
        (void)snprintf(assignments, sizeof assignments,
                       "curvature_max=4 llc_sampler=%s llc_step_size=1e-4 llc_chains=20 "
                       "llc_burn_in=5000 llc_draws=10000 llc_n_beta=100 llc_localization=5",
                       samplers[i]);
        estimate(&row, assignments, 1);
        assert_true(fabs(number(&row, "llc") - exact) <
                    0.01 * exact + 4.0 * number(&row, "llc_se"));
        assert_true(number(&row, "llc_se") < 0.02 * exact);
        row_release(&row);
    }
}

/* The preconditioner is about 1 / .1 near the minimum: the Euler term of ten times the step. */
static void test_preconditioned(void **state)
{
    struct row row;
    (void)state;
    estimate(&row, "curvature_max=4 llc_sampler=psgld llc_step_size=1e-4" CHAINS, 1);
    double found = number(&row, "llc");
    assert_true(found > with_euler(1e-4) && found < 1.15 * with_euler(1e-3));
    row_release(&row);
}

/* ---- states ---- */

static const int64_t twice[] = {0, 20};

/* A source of one row that is told to leave once it has trained beyond a step. */
struct interrupted {
    struct row *row;
    bool is_given, must_save;
    int64_t beyond; /* INT64_MAX: it goes on to its end */
    unsigned char state[1 << 16];
    size_t size;
    int64_t saved_at;
};

static bool give(void *context, struct pg_run_request *ret)
{
    struct interrupted *source = context;
    if (source->is_given)
        return false;
    source->is_given = true;
    *ret = source->row->request;
    return true;
}

static void take(void *context, uint64_t ticket, int status, const struct pg_run_result *result,
                 const struct pg_error *error)
{
    struct interrupted *source = context;
    (void)ticket;
    (void)error;
    source->row->status = status;
    source->row->result = *result;
}

static enum pg_pause pause_run(void *context)
{
    const struct interrupted *source = context;
    if (source->saved_at > source->beyond)
        return PG_PAUSE_LEAVE;
    return source->beyond < INT64_MAX ? PG_PAUSE_SAVE : PG_PAUSE_GO_ON;
}

static void save(void *context, uint64_t ticket, int64_t progress, const void *state, size_t size)
{
    struct interrupted *source = context;
    (void)ticket;
    assert_true(size <= sizeof source->state);
    memcpy(source->state, state, size);
    source->size = size;
    source->saved_at = progress;
}

static int train(struct interrupted *source, struct row *row, int64_t beyond)
{
    const struct pg_run_source of = {
        .next = give, .finish = take, .pause = pause_run, .save = save, .context = source};
    source->row = row;
    source->is_given = false;
    source->beyond = beyond;
    source->saved_at = -1;
    return row->experiment->run(&of, NULL);
}

/* An estimate that was made before the state is in it. */
static void check_state(const char *experiment, const char *assignments)
{
    static struct interrupted source;
    struct row whole, before, after;
    struct row *const rows[] = {&whole, &before, &after};
    for (size_t i = 0; i < 3; i++) {
        row_prepare(rows[i], experiment, assignments, 2, false);
        row_ask_llc(rows[i], twice, 2);
    }
    row_run_all(&whole, 1);
    assert_int_equal(train(&source, &before, 5), PG_ESTOPPED);
    assert_true(source.saved_at > 5 && source.saved_at < 20);
    after.request.state = source.state;
    after.request.state_size = source.size;
    assert_int_equal(train(&source, &after, INT64_MAX), 0);
    assert_true(isfinite(numbers(&whole, "llc")[0]) && isfinite(numbers(&whole, "llc")[1]));
    row_assert_all_same(&whole, &after);
    for (size_t i = 0; i < 3; i++)
        row_release(rows[i]);
}

static void test_states(void **state)
{
    (void)state;
    check_state("tms", "steps=20 sample_count=60 llc_chains=3 llc_burn_in=10 llc_draws=20");
    check_state("diagonal_linear",
                "steps=20 sample_count=6 dimension=9 nonzero=2 momentum=0.5 momentum_until=0.8 "
                "lr_decay_at=0.6 lr_decay_factor=3 sampling=epochs label_noise=0.1 llc_chains=3 "
                "llc_burn_in=10 llc_draws=20");
    check_state("least_squares", "steps=20 sample_count=5 dimension=50 sampling=epochs "
                                 "crossing_loss=0.5 llc_chains=3 llc_burn_in=10 llc_draws=20");
    check_state("addition", "steps=20 decoder_width=8 train_count=45 llc_chains=3 llc_burn_in=10 "
                            "llc_draws=20 llc_step_size=1e-6");
    /* Crossings before and behind the state. */
    check_state("parity", "n=8 k=2 width=6 sample_count=40 batch_size=10 test_count=50 steps=20 "
                          "evaluate_test_every=1 solved_accuracy=0.5 llc_chains=3 llc_burn_in=10 "
                          "llc_draws=20");
    check_state("parity", "n=2 k=1 width=9 learning_rate=0.05 test_count=50 steps=20 "
                          "evaluate_test_every=1 llc_chains=3 llc_burn_in=10 llc_draws=20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sgld),
                                       cmocka_unit_test(test_sgld_with_gradient_noise),
                                       cmocka_unit_test(test_adjusted_samplers),
                                       cmocka_unit_test(test_momentum_samplers),
                                       cmocka_unit_test(test_preconditioned),
                                       cmocka_unit_test(test_states)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
