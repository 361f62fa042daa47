/* SPDX-License-Identifier: MIT */
/*
 * What speed is measured on is what is described, and the bare loop over it trains: the same bytes
 * alone and in a pack, and under every kernel.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/bare_loop.h"

enum { STEPS = 2, LONG = 300, LANE = 3 };

static size_t parameter_count(const struct pg_workload *workload)
{
    struct pg_segment segments[PG_LAYERS_MAX * PG_LAYER_SEGMENTS_MAX];
    size_t count = 0;
    (void)pg_model_segments(&workload->model, segments, &count);
    return count;
}

/* Distinct pairs of symbols below `symbols`; `is_ordered`: (a, b) and (b, a) are two. */
static void assert_pairs(const struct pg_workload *workload, uint32_t symbols, bool is_ordered)
{
    bool seen[59 * 59] = {false};
    for (size_t n = 0; n < workload->count; n++) {
        uint32_t a = workload->pairs[n][0], b = workload->pairs[n][1];
        assert_true(a < symbols && b < symbols);
        assert_true(is_ordered || a <= b);
        assert_false(seen[a * symbols + b]);
        seen[a * symbols + b] = true;
    }
}

static void test_toy_addition(void **state)
{
    static struct pg_workload workload;
    (void)state;
    pg_workload_toy_addition(200, &workload);
    assert_int_equal(workload.count, 44);
    assert_int_equal(parameter_count(&workload),
                     10 + (200 + 200) + (200 * 200 + 200) + (200 * 30 + 30));
    assert_true(workload.flops == 6.0 * 44 * (200 + 200 * 200 + 200 * 30));
    assert_pairs(&workload, 10, false);
    for (size_t n = 0; n < workload.count; n++) /* equal sums, equal targets */
        for (size_t k = 0; k < n; k++)
            if (pg_workload_label(&workload, n) == pg_workload_label(&workload, k))
                assert_true(pg_workload_target(&workload, n, 7) ==
                            pg_workload_target(&workload, k, 7));
}

static void test_modular_addition(void **state)
{
    static struct pg_workload workload;
    (void)state;
    pg_workload_modular_addition(&workload);
    assert_int_equal(workload.count, 1740);
    assert_int_equal(parameter_count(&workload), 59 * 64 + (64 * 256 + 256) + (256 * 59 + 59));
    assert_true(workload.flops == 6.0 * (59.0 * 64 * 256 + 1740.0 * 256 * 59));
    assert_pairs(&workload, 59, true);
    for (size_t n = 0; n < workload.count; n++)
        assert_int_equal(pg_workload_label(&workload, n),
                         (workload.pairs[n][0] + workload.pairs[n][1]) % 59);
}

static void test_relation(void **state)
{
    static struct pg_workload workload;
    (void)state;
    pg_workload_relation(&workload);
    assert_int_equal(workload.count, 675);
    assert_int_equal(parameter_count(&workload),
                     60 + (4 * 50 + 50) + 2 * (50 * 50 + 50) + (50 + 1));
    assert_true(workload.flops == 6.0 * (30.0 * 4 * 50 + 675.0 * (2 * 50 * 50 + 50)));
    assert_pairs(&workload, 30, true);
    for (size_t n = 0; n < workload.count; n++)
        assert_int_equal(pg_workload_label(&workload, n),
                         abs((int)workload.pairs[n][0] - (int)workload.pairs[n][1]) % 3 == 0);
}

/* Parameters of a lane after some steps; the caller frees them. */
static float *train(const struct pg_workload *workload, const struct pg_kernel *kernel,
                    size_t lanes, size_t lane, int64_t steps, double ret_loss[PG_LANES])
{
    struct pg_bare_loop *loop = NULL;
    struct pg_error error;
    float *parameters = calloc(parameter_count(workload), sizeof *parameters);
    assert_non_null(parameters);
    assert_int_equal(pg_bare_loop_create(workload, kernel, lanes, &loop, &error), 0);
    pg_bare_loop_train(loop, steps, ret_loss);
    pg_bare_loop_parameters(loop, lane, parameters);
    pg_bare_loop_destroy(loop);
    return parameters;
}

/* One model is that of lane 0. */
static void assert_same_bytes(const struct pg_workload *workload)
{
    size_t bytes = parameter_count(workload) * sizeof(float);
    double loss[PG_LANES];
    float *expected = train(workload, pg_kernels[0], 1, 0, STEPS, loss);
    for (size_t k = 0; pg_kernels[k] != NULL; k++)
        for (size_t lanes = 1; lanes <= PG_LANES; lanes += PG_LANES - 1) {
            if (!pg_kernel_is_supported(pg_kernels[k]))
                continue;
            float *parameters = train(workload, pg_kernels[k], lanes, 0, STEPS, loss);
            assert_memory_equal(parameters, expected, bytes);
            free(parameters);
        }
    free(expected);
}

static void test_same_bytes_in_both_layouts(void **state)
{
    static struct pg_workload workload;
    (void)state;
    pg_workload_toy_addition(33, &workload);
    assert_same_bytes(&workload);
    pg_workload_modular_addition(&workload);
    assert_same_bytes(&workload);
    pg_workload_relation(&workload);
    assert_same_bytes(&workload);
}

static void test_lanes_are_models_of_their_own(void **state)
{
    static struct pg_workload workload;
    double loss[PG_LANES];
    (void)state;
    pg_workload_toy_addition(33, &workload);
    free(train(&workload, pg_kernels[0], PG_LANES, LANE, 1, loss));
    for (size_t lane = 1; lane < PG_LANES; lane++)
        assert_true(loss[lane] != loss[0]);
}

/* A fresh classifier of 59 classes knows little (log 59); training makes both better. */
static void test_it_learns(void **state)
{
    static struct pg_workload workload;
    double fresh[PG_LANES], trained[PG_LANES];
    (void)state;
    pg_workload_modular_addition(&workload);
    free(train(&workload, pg_kernels[0], 1, 0, 1, fresh));
    assert_true(fabs(fresh[0] - log(59.0)) < 0.3);
    pg_workload_toy_addition(200, &workload);
    free(train(&workload, pg_kernels[0], 1, 0, 1, fresh));
    free(train(&workload, pg_kernels[0], 1, 0, LONG, trained));
    assert_true(trained[0] < fresh[0] / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_toy_addition),
        cmocka_unit_test(test_modular_addition),
        cmocka_unit_test(test_relation),
        cmocka_unit_test(test_same_bytes_in_both_layouts),
        cmocka_unit_test(test_lanes_are_models_of_their_own),
        cmocka_unit_test(test_it_learns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
