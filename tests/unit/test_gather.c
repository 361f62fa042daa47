/* SPDX-License-Identifier: MIT */
/*
 * Gather and scatter of every kernel that this CPU has against plain loops, byte for byte: sizes
 * that fill no vector, both layouts, a table per place, columns that all samples share;
 * sums, differences and their squares.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/kernel.h"
#include "phasegrid/random.h"

static const struct size {
    size_t rows, symbols, samples, arity;
    bool has_tables; /* one for each place */
    enum pg_activation activation;
    enum pg_combine combine;
    size_t first_place;
} sizes[] = {
    {1, 1, 1, 1, false, PG_IDENTITY, PG_SUM, 0},
    {3, 5, 7, 2, false, PG_RELU, PG_SUM, 0},
    {16, 59, 64, 2, false, PG_RELU, PG_SUM, 0},
    {17, 59, 129, 2, true, PG_TANH, PG_SUM, 0},
    {40, 11, 33, 3, true, PG_RELU, PG_SUM, 0},
    {31, 8, 100, 4, false, PG_IDENTITY, PG_SUM, 0},
    {64, 257, 300, 2, true, PG_RELU, PG_SUM, 0},
    {8, 2, 1000, 2, false, PG_TANH, PG_SUM, 0},
    {2, 30, 900, 2, false, PG_IDENTITY, PG_DIFFERENCE, 0},
    {17, 5, 33, 2, false, PG_RELU, PG_DIFFERENCE, 0},
    {2, 30, 900, 2, false, PG_IDENTITY, PG_SQUARED_DIFFERENCE, 0},
    {19, 11, 37, 2, false, PG_TANH, PG_SQUARED_DIFFERENCE, 0},
    {17, 5, 33, 3, true, PG_IDENTITY, PG_SUM, 2},
    {16, 7, 40, 4, true, PG_RELU, PG_SUM, 1},
};
enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0] };

struct arrays {
    struct pg_gather gather;
    float *table, *sums, *scattered, *scratch;
    uint32_t *symbols;
    size_t table_numbers, sums_numbers;
};

static void *take(size_t numbers)
{
    void *taken = aligned_alloc(64, pg_padded(numbers) * sizeof(float));
    assert_non_null(taken);
    memset(taken, 0, pg_padded(numbers) * sizeof(float));
    return taken;
}

static void make_numbers(uint32_t seed, float *numbers, size_t count)
{
    struct pg_random random = pg_random_make(seed, PG_STREAM_TEST, 0);
    for (size_t i = 0; i < count; i++)
        numbers[i] = pg_random_normal(&random, (uint32_t)i, 0, 0);
}

static void make_symbols(const struct size *size, size_t lanes, uint32_t *symbols)
{
    struct pg_random random = pg_random_make(7, PG_STREAM_TEST, 0);
    for (size_t i = 0; i < size->samples * size->arity * lanes; i++)
        symbols[i] = pg_random_below(&random, (uint32_t)size->symbols, (uint32_t)i, 1, 0);
}

/* Rows and distances of the smallest arrays that the contract allows, and one vector more. */
static void set_up(const struct size *size, size_t lanes, struct arrays *arrays)
{
    size_t columns = size->symbols * (size->has_tables ? size->arity : 1);
    size_t rows = lanes == 1 ? pg_padded(size->rows) : size->rows;
    struct pg_gather *gather = &arrays->gather;
    gather->combine = size->combine;
    gather->first_place = size->first_place;
    gather->rows = size->rows;
    gather->columns = columns;
    gather->samples = size->samples;
    gather->arity = size->arity;
    gather->place_columns = size->has_tables ? size->symbols : 0;
    gather->table_row = lanes == 1 ? pg_padded(columns) : columns;
    gather->sums_row = lanes == 1 ? pg_padded(size->samples) + PG_LANES : size->samples;
    gather->lanes = lanes;
    arrays->table_numbers = rows * gather->table_row * lanes;
    arrays->sums_numbers = rows * gather->sums_row * lanes;
    arrays->table = take(arrays->table_numbers);
    arrays->scattered = take(arrays->table_numbers);
    arrays->sums = take(arrays->sums_numbers);
    gather->scratch = arrays->scratch = take(2 * pg_padded(columns) * PG_LANES);
    gather->values = arrays->table;
    gather->symbols = arrays->symbols = take(size->samples * size->arity * lanes);
    make_numbers(3, arrays->table, arrays->table_numbers);
    make_symbols(size, lanes, arrays->symbols);
}

static void tear_down(struct arrays *arrays)
{
    free(arrays->table);
    free(arrays->scattered);
    free(arrays->sums);
    free(arrays->scratch);
    free(arrays->symbols);
}

/* Index into a row of the table of the column of sample n's place k. */
static size_t column_of(const struct arrays *arrays, size_t n, size_t k, size_t lane)
{
    const struct pg_gather *gather = &arrays->gather;
    size_t symbol = arrays->symbols[(n * gather->arity + k) * gather->lanes + lane];
    return (symbol + k * gather->place_columns) * gather->lanes + lane;
}

static float expected_sum(const struct arrays *arrays, const struct pg_kernel *kernel,
                          enum pg_activation activation, size_t row, size_t n, size_t lane)
{
    const struct pg_gather *gather = &arrays->gather;
    const float *at = arrays->table + row * gather->table_row * gather->lanes;
    float sum = at[column_of(arrays, n, gather->first_place, lane)];
    float many[PG_LANES], ret[PG_LANES];
    for (size_t k = gather->first_place + 1; k < gather->arity; k++)
        sum += (gather->combine == PG_SUM ? 1.0f : -1.0f) * at[column_of(arrays, n, k, lane)];
    if (gather->combine == PG_SQUARED_DIFFERENCE)
        sum *= sum;
    if (activation == PG_RELU)
        return sum > 0.0f ? sum : 0.0f;
    if (activation == PG_IDENTITY)
        return sum;
    for (size_t i = 0; i < PG_LANES; i++)
        many[i] = sum;
    kernel->map("tanh", many, ret, PG_LANES);
    return ret[0];
}

static void check_gather(const struct size *size, size_t lanes, const struct pg_kernel *kernel)
{
    struct arrays arrays;
    set_up(size, lanes, &arrays);
    const struct pg_gather *gather = &arrays.gather;
    make_numbers(5, arrays.sums, arrays.sums_numbers);
    float *before = take(arrays.sums_numbers);
    memcpy(before, arrays.sums, arrays.sums_numbers * sizeof *before);
    kernel->gather(gather, arrays.table, arrays.sums, size->activation);
    size_t row_numbers = gather->sums_row * lanes, written = size->rows * row_numbers;
    for (size_t row = 0; row < size->rows; row++)
        for (size_t n = 0; n < size->samples; n++)
            for (size_t lane = 0; lane < lanes; lane++) {
                float expected = expected_sum(&arrays, kernel, size->activation, row, n, lane);
                float found = arrays.sums[row * row_numbers + n * lanes + lane];
                if (memcmp(&expected, &found, sizeof found) != 0)
                    fail_msg("%s, %zu rows, lanes %zu: row %zu, sample %zu: %.9g, expected %.9g",
                             kernel->name, size->rows, lanes, row, n, (double)found,
                             (double)expected);
            }
    assert_memory_equal(arrays.sums + written, before + written,
                        (arrays.sums_numbers - written) * sizeof *before);
    free(before);
    tear_down(&arrays);
}

/* The derivative of what combines a sample's columns by that of its place k. */
static float factor(const struct arrays *arrays, size_t row, size_t n, size_t k, size_t lane)
{
    const struct pg_gather *gather = &arrays->gather;
    const float *at = arrays->table + row * gather->table_row * gather->lanes;
    const float sign = k > 0 ? -1.0f : 1.0f;
    if (gather->combine != PG_SQUARED_DIFFERENCE)
        return gather->combine == PG_SUM ? 1.0f : sign;
    return sign * 2.0f * (at[column_of(arrays, n, 0, lane)] - at[column_of(arrays, n, 1, lane)]);
}

static void check_scatter(const struct size *size, size_t lanes, const struct pg_kernel *kernel)
{
    struct arrays arrays;
    set_up(size, lanes, &arrays);
    const struct pg_gather *gather = &arrays.gather;
    float *expected = take(arrays.table_numbers);
    make_numbers(9, arrays.sums, arrays.sums_numbers);
    kernel->scatter(gather, arrays.sums, arrays.scattered);
    for (size_t row = 0; row < size->rows; row++) {
        const float *from = arrays.sums + row * gather->sums_row * lanes;
        float *to = expected + row * gather->table_row * lanes;
        for (size_t n = 0; n < size->samples; n++)
            for (size_t k = size->first_place; k < size->arity; k++)
                for (size_t lane = 0; lane < lanes; lane++)
                    to[column_of(&arrays, n, k, lane)] +=
                        factor(&arrays, row, n, k, lane) * from[n * lanes + lane];
        assert_memory_equal(arrays.scattered + row * gather->table_row * lanes, to,
                            gather->columns * lanes * sizeof *to);
    }
    free(expected);
    tear_down(&arrays);
}

static void for_all(void (*check)(const struct size *, size_t, const struct pg_kernel *))
{
    for (size_t i = 0; pg_kernels[i] != NULL; i++)
        for (size_t s = 0; pg_kernel_is_supported(pg_kernels[i]) && s < SIZE_COUNT; s++) {
            check(&sizes[s], 1, pg_kernels[i]);
            check(&sizes[s], PG_LANES, pg_kernels[i]);
        }
}

static void test_gather(void **state)
{
    (void)state;
    for_all(check_gather);
}

static void test_scatter(void **state)
{
    (void)state;
    for_all(check_scatter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gather),
                                       cmocka_unit_test(test_scatter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
