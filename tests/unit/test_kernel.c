/* SPDX-License-Identifier: MIT */
/*
 * Every kernel of this CPU beside the scalar one, byte for byte, on random and extreme inputs and
 * on sizes around the tiles', in both layouts; the products and losses against plain loops in
 * double. The elementary functions have a test of their own.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"
#include "kernel_numbers.h"
#include "phasegrid/kernel.h"

static float a[FLOATS_MAX], b[FLOATS_MAX], h[FLOATS_MAX];
static float expected[FLOATS_MAX], found[FLOATS_MAX];

static const struct {
    size_t rows, columns, depth, lanes;
} sizes[] = {{1, 16, 1, 1},   {2, 32, 3, 1},   {3, 48, 2, 1},  {4, 16, 45, 1},  {5, 64, 7, 1},
             {7, 48, 31, 1},  {8, 48, 20, 1},  {9, 80, 13, 1}, {15, 112, 5, 1}, {17, 48, 64, 1},
             {30, 16, 33, 1}, {1, 8, 2, 1},    {9, 24, 5, 1},  {6, 40, 11, 1},  {13, 56, 6, 1},
             {1, 1, 1, 16},   {2, 3, 3, 16},   {3, 5, 2, 16},  {5, 4, 9, 16},   {8, 7, 5, 16},
             {9, 6, 13, 16},  {12, 13, 4, 16}, {17, 2, 20, 16}};
enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0] };

/* b is read along either index by a pack. */
static struct pg_product product_of(size_t i, float *out, int is_transposed)
{
    bool b_is_transposed = is_transposed && sizes[i].lanes > 1;
    return (struct pg_product){
        .a = a,
        .a_row = is_transposed ? 1 : sizes[i].depth,
        .a_depth = is_transposed ? sizes[i].rows : 1,
        .b = b,
        .b_depth = b_is_transposed ? 1 : sizes[i].columns,
        .b_column = b_is_transposed ? sizes[i].depth : 1,
        .out = out,
        .out_row = sizes[i].columns,
        .rows = sizes[i].rows,
        .columns = sizes[i].columns,
        .depth = sizes[i].depth,
        .lanes = sizes[i].lanes,
    };
}

enum { VARIANTS = 2 * PG_ACTIVATION_COUNT };

typedef void kernel_case(const struct pg_kernel *kernel, size_t i, int variant, float *out);

static void run_forward(const struct pg_kernel *kernel, size_t i, int variant, float *out)
{
    struct pg_product product = product_of(i, out, variant >= PG_ACTIVATION_COUNT);
    kernel->forward(&product, (enum pg_activation)(variant % PG_ACTIVATION_COUNT));
}

static void run_backward(const struct pg_kernel *kernel, size_t i, int variant, float *out)
{
    struct pg_product product = product_of(i, out, variant >= PG_ACTIVATION_COUNT);
    kernel->backward(&product, (enum pg_activation)(variant % PG_ACTIVATION_COUNT), h);
}

static void run_update(const struct pg_kernel *kernel, size_t i, int variant, float *out)
{
    static float m[FLOATS_MAX], v[FLOATS_MAX];
    size_t floats = pg_padded(sizes[i].rows * sizes[i].columns * sizes[i].lanes);
    struct pg_product product = product_of(i, NULL, variant & 1);
    struct pg_update update = update_of(variant % 2 == 0 ? PG_ADAMW : PG_SGD);
    if (sizes[i].lanes == 1)
        spread(&update);
    struct pg_moments moments = {out, m, v, sizes[i].columns};
    memcpy(out, h, floats * sizeof *out);
    fill(m, floats, 4, 0);
    for (size_t k = 0; k < floats; k++)
        v[k] = h[k] * h[k];
    if (variant < 4)
        kernel->update(&product, &update, &moments);
    else
        kernel->apply(&update, &moments, b, floats);
}

static void run_transpose(const struct pg_kernel *kernel, size_t i, int variant, float *out)
{
    (void)variant;
    size_t rows = pg_padded(sizes[i].rows), columns = (sizes[i].columns + 7) / 8 * 8;
    kernel->transpose(b, columns, out, rows, rows, columns);
}

static void run_losses(const struct pg_kernel *kernel, size_t i, int variant, float *out)
{
    uint32_t labels[PG_LANES * 16], classes[PG_LANES * 16];
    size_t numbers = pg_padded(sizes[i].columns * sizes[i].lanes), row = numbers + 3;
    const struct pg_plane plane = {sizes[i].rows, row, numbers};
    for (uint32_t n = 0; n < numbers; n++)
        labels[n] = (uint32_t)((7 * n) % plane.rows);
    if (variant % 3 == 0)
        kernel->squared_error(b, h, out + row, out, &plane, 0.125f);
    else if (variant % 3 == 1)
        kernel->cross_entropy(b, labels, out + row, out, &plane, 0.125f);
    else
        kernel->argmax(b, classes, &plane);
    for (size_t n = 0; n < numbers && variant % 3 == 2; n++)
        out[n] = (float)classes[n];
}

static void run_logistic(const struct pg_kernel *kernel, size_t i, int variant, float *out)
{
    uint32_t labels[PG_LANES * 16];
    size_t numbers = pg_padded(sizes[i].columns * sizes[i].lanes);
    const struct pg_plane plane = {1, numbers, numbers};
    for (uint32_t n = 0; n < numbers; n++)
        labels[n] = n % 3 == 0;
    kernel->logistic(b, labels, variant % 2 == 0 ? out + numbers : NULL, out, &plane, 0.125f);
}

static void run_with_flush(kernel_case *run, const struct pg_kernel *kernel, size_t i, int variant,
                           float *out)
{
    memset(out, 0, FLOATS_MAX * sizeof *out);
    unsigned before = pg_kernel_enter();
    run(kernel, i, variant, out);
    pg_kernel_leave(before);
}

/* Every activation with either layout of the product; then all of it with extreme numbers. */
static void compare(kernel_case *run, const char *what)
{
    uint32_t digest = digest_start;
    for (size_t i = 0; i < SIZE_COUNT; i++)
        for (int variant = 0; variant < 2 * VARIANTS; variant++) {
            fill(a, FLOATS_MAX, 1, variant >= VARIANTS);
            fill(b, FLOATS_MAX, 2, variant >= VARIANTS);
            fill(h, FLOATS_MAX, 3, 0);
            run_with_flush(run, pg_kernels[0], i, variant % VARIANTS, expected);
            digest = digest_floats(digest, expected, FLOATS_MAX);
            for (size_t k = 1; pg_kernels[k] != NULL; k++)
                if (pg_kernel_is_supported(pg_kernels[k])) {
                    run_with_flush(run, pg_kernels[k], i, variant % VARIANTS, found);
                    assert_same_bytes(expected, found, FLOATS_MAX, what);
                }
        }
    print_message("digest %s %08x\n", what, (unsigned)digest);
}

static void test_same_bytes(void **state)
{
    (void)state;
    assert_string_equal(pg_kernels[0]->name, "scalar");
    compare(run_forward, "forward");
    compare(run_backward, "backward");
    compare(run_update, "update");
    compare(run_transpose, "transpose");
    compare(run_losses, "losses");
    compare(run_logistic, "logistic");
}

static void check_element(const struct pg_product *p, size_t row, size_t column, size_t lane)
{
    double sum = 0.0, size = 0.0;
    for (size_t d = 0; d < p->depth; d++) {
        double term = (double)p->a[(row * p->a_row + d * p->a_depth) * p->lanes + lane] *
                      (double)p->b[(d * p->b_depth + column * p->b_column) * p->lanes + lane];
        sum += term;
        size += fabs(term);
    }
    double error = fabs((double)p->out[(row * p->out_row + column) * p->lanes + lane] - sum);
    assert_true(error <= (double)p->depth * size * (double)FLT_EPSILON);
}

/* The scalar product against a plain double loop; |error| <= depth ulp of the sum of magnitudes. */
static void test_product(void **state)
{
    (void)state;
    fill(a, FLOATS_MAX, 1, 0);
    fill(b, FLOATS_MAX, 2, 0);
    for (size_t i = 0; i < SIZE_COUNT; i++)
        for (int is_transposed = 0; is_transposed < 2; is_transposed++) {
            struct pg_product p = product_of(i, found, is_transposed);
            pg_kernels[0]->forward(&p, PG_IDENTITY);
            for (size_t row = 0; row < p.rows; row++)
                for (size_t column = 0; column < p.columns; column++)
                    for (size_t lane = 0; lane < p.lanes; lane++)
                        check_element(&p, row, column, lane);
        }
}

static void test_transpose(void **state)
{
    (void)state;
    fill(b, FLOATS_MAX, 2, 0);
    for (size_t k = 0; pg_kernels[k] != NULL; k++) {
        if (!pg_kernel_is_supported(pg_kernels[k]))
            continue;
        pg_kernels[k]->transpose(b, 48, found, 32, 32, 48);
        for (size_t row = 0; row < 32; row++)
            for (size_t column = 0; column < 48; column++)
                assert_true(found[column * 32 + row] == b[row * 48 + column]);
    }
}

#ifndef WITHOUT_OPENBLAS /* tests/cross */
/* Where OpenBLAS multiplies, an element may differ by the rounding of another order of its sum. */
static void assert_close(const float *x, const float *y, size_t count, size_t depth)
{
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)x[i] - (double)y[i]) <=
                    8.0 * (double)depth * (double)FLT_EPSILON * (1.0 + fabs((double)x[i])));
}

static void test_openblas(void **state)
{
    (void)state;
    const struct pg_kernel *kernel = NULL;
    struct pg_error error;
    assert_int_equal(pg_kernel_choose(&kernel, &error), 0);
    const struct pg_kernel *wide = pg_kernel_widen(kernel);
    assert_string_not_equal(pg_blas_core_names[pg_blas_core()], "none");
    kernel_case *const cases[] = {run_forward, run_backward, run_update};
    fill(a, FLOATS_MAX, 1, 0);
    fill(b, FLOATS_MAX, 2, 0);
    fill(h, FLOATS_MAX, 3, 0);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < SIZE_COUNT; i++)
            for (int variant = 0; variant < 6 && sizes[i].columns % PG_LANES == 0; variant++) {
                memset(expected, 0, sizeof expected);
                cases[c](kernel, i, variant, expected);
                memset(found, 0, sizeof found);
                cases[c](wide, i, variant, found);
                for (size_t row = 0; row < sizes[i].rows && sizes[i].lanes == 1; row++)
                    assert_close(expected + row * sizes[i].columns, found + row * sizes[i].columns,
                                 sizes[i].columns, sizes[i].depth);
            }
}

#endif

/* Softmax by hand in double, and its gradient. */
static void test_cross_entropy(void **state)
{
    (void)state;
    enum { CLASSES = 5, STRIDE = 16 };
    uint32_t labels[STRIDE];
    fill(b, CLASSES * STRIDE, 9, 0);
    for (uint32_t n = 0; n < STRIDE; n++)
        labels[n] = n % CLASSES;
    const struct pg_plane plane = {CLASSES, STRIDE, STRIDE};
    pg_kernels[0]->cross_entropy(b, labels, found, expected, &plane, 0.25f);
    for (size_t n = 0; n < STRIDE; n++) {
        double sum = 0.0;
        for (size_t c = 0; c < CLASSES; c++)
            sum += exp((double)b[c * STRIDE + n]);
        double loss = log(sum) - (double)b[labels[n] * STRIDE + n];
        assert_true(fabs(loss - (double)expected[n]) < 1e-6);
        for (size_t c = 0; c < CLASSES; c++) {
            double share = exp((double)b[c * STRIDE + n]) / sum - (c == labels[n] ? 1.0 : 0.0);
            assert_true(fabs(0.25 * share - (double)found[c * STRIDE + n]) < 1e-7);
        }
    }
}

/* Binary cross-entropy by hand in double, from 0 to logits that float32's exp cannot take; relative
   to the loss, so that small ones keep their digits. */
static void test_logistic(void **state)
{
    (void)state;
    static const float logits[PG_LANES] = {0.0f,   1e-3f,  -0.5f,   2.0f,  -7.0f,  16.5f,
                                           -17.5f, 30.0f,  -30.0f,  60.0f, -60.0f, 86.0f,
                                           -86.0f, 100.0f, -100.0f, 3.0f};
    const struct pg_plane plane = {1, PG_LANES, PG_LANES};
    uint32_t labels[PG_LANES];
    memcpy(b, logits, sizeof logits);
    for (uint32_t label = 0; label < 2; label++) {
        for (size_t n = 0; n < PG_LANES; n++)
            labels[n] = label;
        pg_kernels[0]->logistic(b, labels, found, expected, &plane, 0.25f);
        for (size_t n = 0; n < PG_LANES; n++) {
            double z = label == 1 ? -(double)logits[n] : (double)logits[n];
            double loss = fmax(z, 0.0) + log1p(exp(-fabs(z)));
            double delta = (label == 1 ? -0.25 : 0.25) / (1.0 + exp(-z));
            assert_true(fabs(loss - (double)expected[n]) <= 1e-6 * loss + 1e-37);
            assert_true(fabs(delta - (double)found[n]) <= 1e-6 * fabs(delta) + 1e-37);
        }
    }
}

/* Chain c = 0 .. 11 starts at c and stands at 1 + (c - 1) / 2^rounds: exact in binary, and so is
   the sum over chains and lanes. Operations: 2 for each chain, lane and round. */
static void test_probe(void **state)
{
    enum { ROUNDS = 3, CHAINS = 12 };
    float sum;
    (void)state;
    for (size_t k = 0; pg_kernels[k] != NULL; k++) {
        if (!pg_kernel_is_supported(pg_kernels[k]))
            continue;
        double lanes = pg_kernels[k]->probe(ROUNDS, &sum) / (2.0 * CHAINS * ROUNDS);
        assert_true(lanes >= 1.0 && lanes <= PG_LANES && lanes == floor(lanes));
        assert_true((double)sum == lanes * (CHAINS + (66.0 - CHAINS) / 8.0));
        assert_true(pg_kernels[k]->probe(2 * ROUNDS, &sum) == 2.0 * 2.0 * CHAINS * ROUNDS * lanes);
    }
}

static void test_choice(void **state)
{
    (void)state;
    const struct pg_kernel *kernel = NULL;
    struct pg_error error;
    assert_int_equal(setenv("PHASEGRID_KERNEL", "scalar", 1), 0);
    assert_int_equal(pg_kernel_choose(&kernel, &error), 0);
    assert_string_equal(kernel->name, "scalar");
    assert_int_equal(setenv("PHASEGRID_KERNEL", "mmx", 1), 0);
    assert_int_equal(pg_kernel_choose(&kernel, &error), PG_EINPUT);
    assert_non_null(strstr(error.text, "PHASEGRID_KERNEL=mmx"));
    assert_non_null(strstr(error.text, "scalar"));
    assert_int_equal(unsetenv("PHASEGRID_KERNEL"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef WITHOUT_OPENBLAS
        cmocka_unit_test(test_openblas),
#endif
        cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_product),
        cmocka_unit_test(test_transpose),  cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_logistic),   cmocka_unit_test(test_probe),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
