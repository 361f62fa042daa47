/* SPDX-License-Identifier: MIT */
/*
 * Runs of the toy model of superposition: descent against plain gradient descent of the published
 * loss, data that nest, estimates of a w* whose features are permuted with its data, what is
 * flagged, and states between two steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "autoencoder.h"
#include "llc_cell.h"
#include "row.h"
#include "tms.h"

enum { FEATURES = 6, PARAMETERS = 18, SAMPLES = 300 };

static const struct pg_autoencoder_shape model = {FEATURES, 2};

static const double *numbers(const struct row *row, const char *name)
{
    return row_slot(row, name);
}

/* The row's own data and start; then its last snapshot after full-batch descent with momentum. */
static void test_descent(void **state)
{
    struct row row;
    double w[PARAMETERS], v[PARAMETERS] = {0.0}, gradient[PARAMETERS];
    (void)state;
    row_run(&row, "tms",
            "sample_count=300 batch_size=0 steps=50 learning_rate=0.02 momentum=0.5 start=random",
            3, false);
    const uint8_t *features = row_slot(&row, "data_feature");
    const double *magnitudes = numbers(&row, "data_magnitude");
    memcpy(w, numbers(&row, "parameters"), sizeof w);
    for (int step = 0; step < 50; step++) {
        (void)pg_autoencoder_direct(&model, features, magnitudes, SAMPLES, w, gradient);
        for (size_t p = 0; p < PARAMETERS; p++) {
            v[p] = 0.5 * v[p] + gradient[p];
            w[p] -= 0.02 * v[p];
        }
    }
    for (size_t p = 0; p < PARAMETERS; p++)
        assert_true(fabs(w[p] - numbers(&row, "parameters")[PARAMETERS + p]) < 1e-12);
    assert_true(fabs(pg_autoencoder_direct(&model, features, magnitudes, SAMPLES, w, NULL) -
                     numbers(&row, "train_loss")[ROW_POINTS - 1]) < 1e-12);
    assert_true(fabs(pg_autoencoder_population(&model, w, NULL) -
                     numbers(&row, "population_loss")[ROW_POINTS - 1]) < 1e-12);
    row_release(&row);
}

/* The first samples of a larger set are the smaller one; the whole has every feature in its share.
 */
static void test_data(void **state)
{
    struct row small, large;
    size_t counts[FEATURES] = {0};
    double sum = 0.0;
    (void)state;
    row_run(&small, "tms", "sample_count=100 steps=1", 5, false);
    row_run(&large, "tms", "sample_count=60000 steps=1", 5, false);
    assert_memory_equal(row_slot(&small, "data_feature"), row_slot(&large, "data_feature"), 100);
    assert_memory_equal(row_slot(&small, "data_magnitude"), row_slot(&large, "data_magnitude"),
                        100 * sizeof(double));
    const uint8_t *features = row_slot(&large, "data_feature");
    for (size_t n = 0; n < 60000; n++) {
        counts[features[n]]++;
        sum += numbers(&large, "data_magnitude")[n];
    }
    for (size_t j = 0; j < FEATURES; j++) /* five standard errors */
        assert_true(fabs((double)counts[j] - 10000.0) < 5.0 * sqrt(60000.0 * 5.0 / 36.0));
    assert_true(fabs(sum / 60000.0 - 0.5) < 5.0 / sqrt(12.0 * 60000.0));
    row_release(&small);
    row_release(&large);
}

/* ---- features in another order ---- */

struct bench {
    struct tms tms;
    struct tms_data data;
    struct pg_landscape landscape;
    struct pg_llc llc;
    struct pg_arena arena;
};

static void arrange_bench(struct bench *bench)
{
    const struct pg_kernel *kernel = NULL;
    const struct pg_llc_plan plan = {
        .sampler = {.sampler = PG_SGLD, .burn_in = 500, .draws = 4000, .thin = 1}, .chains = 20};
    assert_int_equal(pg_kernel_choose(&kernel, NULL), 0);
    memset(bench, 0, sizeof *bench);
    bench->tms = (struct tms){.model = model, .samples = 1000};
    pg_arena_measure(&bench->arena);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            assert_int_equal(pg_arena_init(&bench->arena, bench->arena.used, NULL), 0);
        pg_tms_arrange(&bench->tms, 0, kernel, &bench->data, &bench->arena);
        bench->landscape = pg_tms_landscape(&bench->data);
        pg_llc_arrange(&bench->llc, kernel, &bench->landscape, &plan, NULL, 2, &bench->arena);
    }
}

/* Set 1 is set 0 with feature j named order[j]. */
static void permute_set(struct tms_data *data, const uint8_t *order)
{
    const size_t size = pg_autoencoder_sorted_size(FEATURES, data->view.room);
    const size_t room = data->view.room;
    for (size_t j = 0; j < FEATURES; j++) {
        const double *from = data->sorted;
        double *to = data->sorted + size;
        data->counts[order[j]][1] = data->counts[j][0];
        memcpy(to + order[j] * room, from + j * room, room * sizeof *to);
        for (size_t part = 0; part < 2; part++) {
            size_t base = FEATURES * (room + part * (room + 1));
            memcpy(to + base + order[j] * (room + 1), from + base + j * (room + 1),
                   (room + 1) * sizeof *to);
        }
    }
}

static void test_permutation(void **state)
{
    static const uint8_t order[FEATURES] = {3, 0, 5, 1, 4, 2};
    static struct bench bench;
    double w[2][PARAMETERS];
    struct pg_kgon kgon;
    struct pg_llc_point points[2];
    struct pg_llc_result results[2];
    (void)state;
    arrange_bench(&bench);
    assert_int_equal(pg_tms_draw(&bench.data, 0, 4, 0, NULL), 0);
    permute_set(&bench.data, order);
    assert_int_equal(pg_kgon_solve(5, &kgon, NULL), 0);
    pg_kgon_point(&kgon, 0, 0, FEATURES, -0.5, 0.1, w[0]);
    for (size_t row = 0; row < 3; row++)
        for (size_t j = 0; j < FEATURES; j++)
            w[1][row * FEATURES + order[j]] = w[0][row * FEATURES + j];
    for (size_t i = 0; i < 2; i++)
        points[i] = (struct pg_llc_point){
            .set = i,
            .anchor = w[i],
            .n_beta = 144.8,
            .localization = 10.0,
            .step_size = 5e-4,
            .random = pg_random_make((uint32_t)(10 + i), PG_STREAM_CHAINS, 0)};
    unsigned before = pg_kernel_enter();
    assert_true(pg_llc_estimate(&bench.llc, points, 2, results, NULL, NULL));
    pg_kernel_leave(before);
    assert_true(fabs(results[0].loss - results[1].loss) < 1e-14);
    assert_true(results[0].llc != results[1].llc);
    assert_true(fabs(results[0].llc - results[1].llc) <
                3.0 * sqrt(results[0].se * results[0].se + results[1].se * results[1].se));
    pg_arena_release(&bench.arena);
}

/* ---- flags ---- */

static const int64_t at_once[] = {0};

static void check_flag(const char *experiment, const char *assignments, enum pg_llc_flag least)
{
    struct row row;
    row_prepare(&row, experiment, assignments, 1, false);
    row_ask_llc(&row, at_once, 1);
    row_run_all(&row, 1);
    assert_int_equal(row.status, 0);
    uint8_t flag = *(const uint8_t *)row_slot(&row, "llc_flag");
    if (flag < least || (least == PG_LLC_OK && flag != PG_LLC_OK))
        fail_msg("%s: flag %u, expected %u", assignments, (unsigned)flag, (unsigned)least);
    row_release(&row);
}

/* a = 105 .. 405: SGLD diverges from 4 / 405 on, and far from a minimum the loss falls. */
static void test_flags(void **state)
{
    (void)state;
    check_flag("quadratic", "curvature_max=4 llc_n_beta=100 llc_localization=5 llc_step_size=5e-3",
               PG_LLC_OK);
    check_flag("quadratic",
               "curvature_max=4 llc_n_beta=100 llc_localization=5 llc_step_size=1.05e-2",
               PG_LLC_ESCAPED);
    check_flag("tms",
               "steps=0 start_sigma=2 start_phi=1 weight_noise=0 bias_noise=0 dead_bias=-0.5 "
               "llc_step_size=5e-4",
               PG_LLC_NEGATIVE);
}

/* Two epochs of 300 samples in batches of 20, the last one of an odd batch rounded up, are the runs
   of as many steps; more than there are steps are refused. */
static void test_epochs(void **state)
{
    static const char *const pairs[][2] = {
        {"batch_size=20 steps=40 epochs=2", "batch_size=20 steps=30"},
        {"batch_size=70 steps=40 epochs=2", "batch_size=70 steps=10"},
        {"batch_size=0 steps=40 epochs=2", "batch_size=0 steps=2"}};
    struct row epochs, steps;
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        (void)snprintf(text, sizeof text, "sample_count=300 %s", pairs[i][0]);
        row_run(&epochs, "tms", text, 3, false);
        (void)snprintf(text, sizeof text, "sample_count=300 %s", pairs[i][1]);
        row_run(&steps, "tms", text, 3, false);
        assert_int_equal(epochs.result.last_step, steps.result.last_step);
        row_assert_same(&epochs, &steps, "parameters");
        row_release(&epochs);
        row_release(&steps);
    }
    row_prepare(&epochs, "tms", "sample_count=300 batch_size=20 steps=29 epochs=2", 3, false);
    const struct pg_values values = {epochs.experiment->schema, epochs.values};
    assert_int_equal(epochs.experiment->check(&values, &epochs.error), PG_EINPUT);
    assert_non_null(strstr(epochs.error.text, "epochs 2 are 30 steps, more than steps 29"));
    row_release(&epochs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descent), cmocka_unit_test(test_data), cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_permutation), cmocka_unit_test(test_flags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
