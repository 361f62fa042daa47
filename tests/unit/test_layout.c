/* SPDX-License-Identifier: MIT */
/* Sizes of rows, and blocks: what stands where, without overlap, filled with what. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/layout.h"

enum { RATE, SEED, STEP, COORDINATE, DIM_COUNT };
enum { STATUS, ROW_CRC, LOSS, PLACES, PHASE, WIDTHS, STEPS_TO, TIMES, VARIABLE_COUNT };

static const double rates[] = {1e-3, 1e-2, 1e-1};

static struct pg_dimension dims[DIM_COUNT] = {
    [RATE] = {"rate", "Rate", "1", 3, PG_COORDINATE_REAL, {.reals = rates}},
    [SEED] = {.name = "seed", .length = 2},
    [STEP] = {.name = "step", .length = 5},
    [COORDINATE] = {.name = "coordinate", .length = 7},
};

static struct pg_variable variables[VARIABLE_COUNT] = {
    [STATUS] = {.name = "status", .type = PG_U8},
    [ROW_CRC] = {.name = "row_crc", .type = PG_I64},
    [LOSS] = {.name = "loss", .type = PG_F32, .dim_count = 1, .dims = {STEP}, .fill = PG_NAN},
    [PLACES] = {.name = "places",
                .type = PG_F64,
                .dim_count = 2,
                .dims = {STEP, COORDINATE},
                .fill = PG_NAN},
    [PHASE] = {.name = "phase", .type = PG_U8, .fill = 255},
    [WIDTHS] = {.name = "widths", .type = PG_I32, .scope = PG_SCOPE_CELL},
    [STEPS_TO] = {.name = "steps_to", .type = PG_I32, .fill = -2},
    [TIMES] = {.name = "times", .type = PG_I64, .dim_count = 1, .dims = {STEP}, .fill = -2},
};

static const struct pg_layout layout = {
    .dims = dims,
    .dim_count = DIM_COUNT,
    .grid_count = 2,
    .variables = variables,
    .variable_count = VARIABLE_COUNT,
};

static void test_sizes(void **state)
{
    (void)state;
    assert_int_equal(pg_layout_row_count(&layout), 3 * 2);
    assert_int_equal(pg_layout_row_elements(&layout, PHASE), 1);
    assert_int_equal(pg_layout_row_elements(&layout, PLACES), 5 * 7);
    assert_int_equal(pg_layout_row_bytes(&layout, PLACES), 5 * 7 * 8);
    assert_int_equal(pg_layout_row_bytes(&layout, LOSS), 5 * 4);
    assert_int_equal(pg_layout_row_bytes(&layout, STEPS_TO), 4);
}

static void test_row_count_without_axes(void **state)
{
    (void)state;
    const struct pg_layout seeds_only = {.dims = dims + SEED, .dim_count = 1, .grid_count = 1};
    assert_int_equal(pg_layout_row_count(&seeds_only), 2);
}

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(pg_layout_find_variable(&layout, "status"), PG_VARIABLE_STATUS);
    assert_int_equal(pg_layout_find_variable(&layout, "row_crc"), PG_VARIABLE_ROW_CRC);
    assert_int_equal(pg_layout_find_variable(&layout, "times"), TIMES);
    assert_int_equal(pg_layout_find_variable(&layout, "time"), -1);
}

static void test_payload(void **state)
{
    (void)state;
    static const bool expected[VARIABLE_COUNT] = {
        [LOSS] = true, [PLACES] = true, [PHASE] = true, [STEPS_TO] = true, [TIMES] = true};
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        assert_int_equal(pg_layout_is_payload(&layout, i), expected[i]);
}

/* Each row of each variable is given a value of its own; none may disturb another. */
static void test_rows_do_not_overlap(void **state)
{
    (void)state;
    enum { CAPACITY = 5 };
    struct pg_block block;
    assert_int_equal(pg_block_init(&block, &layout, CAPACITY, NULL), 0);
    for (size_t v = 0; v < VARIABLE_COUNT; v++)
        for (size_t row = 0; row < CAPACITY && pg_layout_is_payload(&layout, v); row++)
            memset(pg_block_at(&block, v, row), (int)(v * 16 + row),
                   pg_layout_row_bytes(&layout, v));
    for (size_t v = 0; v < VARIABLE_COUNT; v++) {
        for (size_t row = 0; row < CAPACITY && pg_layout_is_payload(&layout, v); row++) {
            const unsigned char *bytes = pg_block_at(&block, v, row);
            for (size_t i = 0; i < pg_layout_row_bytes(&layout, v); i++)
                assert_int_equal(bytes[i], v * 16 + row);
        }
    }
    pg_block_release(&block);
    assert_null(block.bytes);
}

/* A commit is one write per variable: its rows stand next to each other, and are aligned. */
static void test_rows_are_contiguous(void **state)
{
    (void)state;
    struct pg_block block;
    assert_int_equal(pg_block_init(&block, &layout, 4, NULL), 0);
    for (size_t v = 0; v < VARIABLE_COUNT; v++) {
        if (!pg_layout_is_payload(&layout, v))
            continue;
        const unsigned char *first = pg_block_at(&block, v, 0), *third = pg_block_at(&block, v, 2);
        assert_int_equal(third - first, 2 * pg_layout_row_bytes(&layout, v));
        assert_int_equal((uintptr_t)first % 64, 0);
    }
    pg_block_release(&block);
}

static void test_clear_row(void **state)
{
    (void)state;
    struct pg_block block;
    assert_int_equal(pg_block_init(&block, &layout, 3, NULL), 0);
    pg_block_clear_row(&block, 1);
    const float *loss = pg_block_at(&block, LOSS, 1);
    const double *places = pg_block_at(&block, PLACES, 1);
    const int64_t *times = pg_block_at(&block, TIMES, 1);
    for (size_t i = 0; i < 5; i++) {
        assert_true(isnan(loss[i]));
        assert_int_equal(times[i], -2);
    }
    for (size_t i = 0; i < 35; i++)
        assert_true(isnan(places[i]));
    assert_int_equal(*(uint8_t *)pg_block_at(&block, PHASE, 1), 255);
    assert_int_equal(*(int32_t *)pg_block_at(&block, STEPS_TO, 1), -2);
    const int64_t *before = pg_block_at(&block, TIMES, 0), *after = pg_block_at(&block, TIMES, 2);
    assert_int_equal(before[4], 0);
    assert_int_equal(after[0], 0);
    pg_block_release(&block);
}

static void test_too_large_block(void **state)
{
    (void)state;
    struct pg_block block;
    struct pg_error error;
    assert_int_equal(pg_block_init(&block, &layout, SIZE_MAX / 4, &error), PG_EMACHINE);
    assert_non_null(strstr(error.text, "rows of results"));
    assert_null(block.bytes);
}

static void test_type_fill(void **state)
{
    (void)state;
    int32_t numbers[6] = {9, 9, 9, 9, 9, 9};
    pg_data_type_fill(PG_I32, -2, 5, numbers);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(numbers[i], -2);
    assert_int_equal(numbers[5], 9);
    pg_data_type_fill(PG_I32, 1, 0, numbers);
    assert_int_equal(numbers[0], -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_row_count_without_axes),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_payload),
        cmocka_unit_test(test_rows_do_not_overlap),
        cmocka_unit_test(test_rows_are_contiguous),
        cmocka_unit_test(test_clear_row),
        cmocka_unit_test(test_too_large_block),
        cmocka_unit_test(test_type_fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
