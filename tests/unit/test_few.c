/* SPDX-License-Identifier: MIT */
/*
 * Few samples through large weights, in one walk each way, beside the products that do the same in
 * two, byte for byte, by every kernel of this CPU; and SGD that keeps no velocity.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"
#include "kernel_numbers.h"
#include "phasegrid/kernel.h"

static float a[FLOATS_MAX], b[FLOATS_MAX], h[FLOATS_MAX];
static float expected[FLOATS_MAX], found[FLOATS_MAX];

enum { FEW_ROWS_MAX = 40, FEW_WIDTH_MAX = 80 };

static const struct {
    size_t rows, depth;
} few_sizes[] = {{16, 1}, {17, 8}, {24, 7}, {31, 33}, {40, 61}, {32, 80}};

/* Forward of few columns against the product of eight, of which they are the first. */
static void compare_few_forward(const struct pg_kernel *kernel, size_t i, size_t samples,
                                enum pg_activation activation)
{
    struct pg_product product = {.a = a,
                                 .a_row = pg_padded(few_sizes[i].depth),
                                 .a_depth = 1,
                                 .b = b,
                                 .b_depth = PG_LANES,
                                 .b_column = 1,
                                 .out = expected,
                                 .out_row = PG_LANES,
                                 .rows = few_sizes[i].rows,
                                 .columns = PG_COLUMNS,
                                 .depth = few_sizes[i].depth,
                                 .lanes = 1};
    kernel->forward(&product, activation);
    product.out = found;
    product.columns = samples;
    kernel->forward(&product, activation);
    for (size_t row = 0; row < product.rows; row++)
        assert_same_bytes(expected + row * PG_LANES, found + row * PG_LANES, samples, "few");
}

/* Backward of few columns against the two products, one after the other. */
static void compare_few_backward(const struct pg_kernel *kernel, size_t i, size_t samples,
                                 const struct pg_update *update)
{
    static float value[2][FEW_ROWS_MAX * FEW_WIDTH_MAX], m[2][FEW_ROWS_MAX * FEW_WIDTH_MAX];
    static float v[2][FEW_ROWS_MAX * FEW_WIDTH_MAX], sums[PG_FEW_MAX * FEW_WIDTH_MAX];
    const size_t rows = few_sizes[i].rows, width = pg_padded(few_sizes[i].depth);
    for (size_t k = 0; k < rows * width; k++) {
        value[0][k] = value[1][k] = a[k];
        m[0][k] = m[1][k] = h[k];
        v[0][k] = v[1][k] = b[k] * b[k];
    }
    const struct pg_product back = {.a = value[0],
                                    .a_row = 1,
                                    .a_depth = width,
                                    .b = b,
                                    .b_depth = PG_LANES,
                                    .b_column = 1,
                                    .out = expected,
                                    .out_row = PG_LANES,
                                    .rows = width,
                                    .columns = PG_COLUMNS,
                                    .depth = rows,
                                    .lanes = 1};
    const struct pg_product gradient = {.a = b,
                                        .a_row = PG_LANES,
                                        .a_depth = 1,
                                        .b = h,
                                        .b_depth = width,
                                        .b_column = 1,
                                        .rows = rows,
                                        .columns = width,
                                        .depth = samples,
                                        .lanes = 1};
    const struct pg_few few = {samples, rows, width, b, PG_LANES, h, sums};
    struct pg_moments moments = {value[0], m[0], v[0], width};
    kernel->backward(&back, PG_IDENTITY, NULL);
    kernel->update(&gradient, update, &moments);
    moments = (struct pg_moments){value[1], m[1], v[1], width};
    memset(sums, 0, sizeof sums);
    kernel->back_and_step(&few, update, &moments);
    for (size_t n = 0; n < samples; n++)
        for (size_t k = 0; k < width; k++)
            assert_same_bytes(&expected[k * PG_LANES + n], &sums[n * width + k], 1, "few, back");
    assert_same_bytes(value[0], value[1], rows * width, "few, values");
    assert_same_bytes(m[0], m[1], rows * width, "few, first moments");
    assert_same_bytes(v[0], v[1], rows * width, "few, second moments");
}

static void test_few(void **state)
{
    struct pg_update updates[] = {update_of(PG_ADAMW), update_of(PG_SGD), update_of(PG_SGD)};
    (void)state;
    updates[2].is_plain = true;
    fill(a, FLOATS_MAX, 1, 0);
    fill(b, FLOATS_MAX, 2, 0);
    fill(h, FLOATS_MAX, 3, 0);
    for (size_t k = 0; pg_kernels[k] != NULL; k++)
        for (size_t i = 0; i < sizeof few_sizes / sizeof few_sizes[0]; i++)
            for (size_t samples = 1; samples <= PG_FEW_MAX && pg_kernel_is_supported(pg_kernels[k]);
                 samples++) {
                for (int f = 0; f < PG_ACTIVATION_COUNT; f++)
                    compare_few_forward(pg_kernels[k], i, samples, (enum pg_activation)f);
                for (size_t u = 0; u < 3; u++) {
                    spread(&updates[u]);
                    compare_few_backward(pg_kernels[k], i, samples, &updates[u]);
                }
            }
}

/* SGD without momentum is SGD with a momentum of 0 that keeps no velocity. */
static void test_plain_sgd(void **state)
{
    enum { COUNT = 4 * PG_LANES };
    static float value[2][COUNT], m[COUNT];
    struct pg_update update = update_of(PG_SGD);
    (void)state;
    memset(update.beta1, 0, sizeof update.beta1);
    fill(value[0], COUNT, 1, 0);
    memcpy(value[1], value[0], sizeof value[0]);
    fill(b, FLOATS_MAX, 2, 0);
    const struct pg_moments kept = {value[0], m, NULL, COUNT};
    const struct pg_moments plain = {value[1], NULL, NULL, COUNT};
    for (size_t k = 0; pg_kernels[k] != NULL; k++) {
        if (!pg_kernel_is_supported(pg_kernels[k]))
            continue;
        update.is_plain = false;
        pg_kernels[k]->apply(&update, &kept, b, COUNT);
        update.is_plain = true;
        pg_kernels[k]->apply(&update, &plain, b, COUNT);
        assert_same_bytes(value[0], value[1], COUNT, "plain SGD");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_plain_sgd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
