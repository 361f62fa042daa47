/* SPDX-License-Identifier: MIT */
/*
 * A table's columns combined, one for each sample, and the transpose of that: sums, or of two
 * places differences or their squares.
 *
 * With samples in lanes the columns that neighbours need lie anywhere. So PANEL rows of the table
 * are turned round first, which makes a column's numbers one cache line and the panel small enough
 * for L1; sums are then whole vectors, and turned back PANEL samples at a time. With runs in lanes
 * every lane has symbols of its own and takes its number by itself.
 *
 * The order of every sum is that of the places of a sample, and for the transpose that of the
 * samples, in both layouts.
 */
#ifndef PHASEGRID_GATHER_H
#define PHASEGRID_GATHER_H

#include <string.h>

#include "activation.h"
#include "transpose.h"

enum { PANEL = PG_LANES };

/* PANEL samples by PANEL rows. */
struct panel_block {
    float at[PANEL][PANEL] __attribute__((aligned(64)));
};

INLINE size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Columns of a panel, as transpose takes them. */
INLINE size_t panel_columns(const struct pg_gather *gather)
{
    return (gather->columns + PG_COLUMNS - 1) / PG_COLUMNS * PG_COLUMNS;
}

/* What two places make of their columns; a sum takes in any number of places, one by one. */
INLINE vector combine(enum pg_combine how, vector a, vector b)
{
    if (how == PG_SUM)
        return v_add(a, b);
    vector difference = v_sub(a, b);
    return how == PG_DIFFERENCE ? difference : v_mul(difference, difference);
}

/* ---- samples in lanes ---- */

/* f(the sum of a sample's columns): PANEL numbers. */
INLINE void add_columns(const struct pg_gather *gather, const float *panel, const uint32_t *symbols,
                        enum pg_activation activation, float *ret)
{
    const size_t first = gather->first_place;
    for (size_t i = 0; i < PANEL; i += WIDTH) {
        size_t begin = symbols[first] + first * gather->place_columns;
        vector sum = v_load(panel + begin * PANEL + i);
        for (size_t k = first + 1; k < gather->arity; k++) {
            size_t column = symbols[k] + k * gather->place_columns;
            sum = combine(gather->combine, sum, v_load(panel + column * PANEL + i));
        }
        v_store(ret + i, activate(activation, sum));
    }
}

/* A block goes back to where samples are adjacent: `rows` rows of it. */
INLINE void turn_back(const struct panel_block *block, float *sums, size_t sums_row, size_t rows)
{
    struct panel_block turned;
    if (rows == PANEL) {
        transpose(block->at[0], PANEL, sums, sums_row, PANEL, PANEL);
        return;
    }
    transpose(block->at[0], PANEL, turned.at[0], PANEL, PANEL, PANEL);
    for (size_t r = 0; r < rows; r++)
        memcpy(sums + r * sums_row, turned.at[r], sizeof turned.at[r]);
}

static void gather_samples(const struct pg_gather *gather, const float *table, float *sums,
                           enum pg_activation activation)
{
    struct panel_block block = {0};
    for (size_t row = 0; row < gather->rows; row += PANEL) {
        transpose(table + row * gather->table_row, gather->table_row, gather->scratch, PANEL, PANEL,
                  panel_columns(gather));
        for (size_t n = 0; n < gather->samples; n += PANEL) {
            size_t count = smaller(PANEL, gather->samples - n);
            for (size_t s = 0; s < count; s++)
                add_columns(gather, gather->scratch, gather->symbols + (n + s) * gather->arity,
                            activation, block.at[s]);
            turn_back(&block, sums + row * gather->sums_row + n, gather->sums_row,
                      smaller(PANEL, gather->rows - row));
        }
    }
}

INLINE void add_to_columns(const struct pg_gather *gather, const float *numbers,
                           const uint32_t *symbols, float *panel)
{
    for (size_t k = gather->first_place; k < gather->arity; k++) {
        float *to = panel + (symbols[k] + k * gather->place_columns) * PANEL;
        for (size_t i = 0; i < PANEL; i += WIDTH)
            v_store(to + i, v_add(v_load(to + i), v_load(numbers + i)));
    }
}

/* The same of a difference: plus at the first place, minus at the second; of a square times twice
   the difference, whose columns stand in the panel `values` (NULL: no square). */
INLINE void subtract_columns(const float *numbers, const uint32_t *symbols, const float *values,
                             float *panel)
{
    float *plus = panel + symbols[0] * PANEL, *minus = panel + symbols[1] * PANEL;
    for (size_t i = 0; i < PANEL; i += WIDTH) {
        vector delta = v_load(numbers + i);
        if (values != NULL) {
            vector difference = v_sub(v_load(values + symbols[0] * PANEL + i),
                                      v_load(values + symbols[1] * PANEL + i));
            delta = v_mul(v_add(difference, difference), delta);
        }
        v_store(plus + i, v_add(v_load(plus + i), delta));
        v_store(minus + i, v_sub(v_load(minus + i), delta));
    }
}

/* The rows of the table itself that a panel's deltas are of; NULL where they are not needed. */
INLINE const float *turn_values(const struct pg_gather *gather, size_t row, size_t columns)
{
    float *values = gather->scratch + columns * PANEL;
    if (gather->combine != PG_SQUARED_DIFFERENCE)
        return NULL;
    transpose(gather->values + row * gather->table_row, gather->table_row, values, PANEL, PANEL,
              columns);
    return values;
}

static void scatter_samples(const struct pg_gather *gather, const float *sums, float *table)
{
    struct panel_block block;
    size_t columns = panel_columns(gather);
    for (size_t row = 0; row < gather->rows; row += PANEL) {
        transpose(table + row * gather->table_row, gather->table_row, gather->scratch, PANEL, PANEL,
                  columns);
        const float *values = turn_values(gather, row, columns);
        for (size_t n = 0; n < gather->samples; n += PANEL) {
            size_t count = smaller(PANEL, gather->samples - n);
            transpose(sums + row * gather->sums_row + n, gather->sums_row, block.at[0], PANEL,
                      PANEL, PANEL);
            for (size_t s = 0; s < count; s++) {
                const uint32_t *symbols = gather->symbols + (n + s) * gather->arity;
                if (gather->combine == PG_SUM)
                    add_to_columns(gather, block.at[s], symbols, gather->scratch);
                else
                    subtract_columns(block.at[s], symbols, values, gather->scratch);
            }
        }
        transpose(gather->scratch, PANEL, table + row * gather->table_row, gather->table_row,
                  columns, PANEL);
    }
}

/* ---- runs in lanes ---- */

static void gather_runs(const struct pg_gather *gather, const float *table, float *sums,
                        enum pg_activation activation)
{
    for (size_t row = 0; row < gather->rows; row++) {
        const float *columns = table + row * gather->table_row * PG_LANES;
        const uint32_t *symbols = gather->symbols;
        const size_t first = gather->first_place;
        float *to = sums + row * gather->sums_row * PG_LANES;
        for (size_t n = 0; n < gather->samples; n++, to += PG_LANES) {
            float sum[PG_LANES];
            symbols += first * PG_LANES;
            for (size_t lane = 0; lane < PG_LANES; lane++)
                sum[lane] = columns[(*symbols++ + first * gather->place_columns) * PG_LANES + lane];
            for (size_t k = first + 1; k < gather->arity; k++)
                for (size_t lane = 0; lane < PG_LANES; lane++)
                    sum[lane] +=
                        columns[(*symbols++ + k * gather->place_columns) * PG_LANES + lane];
            for (size_t i = 0; i < PG_LANES; i += WIDTH)
                v_store(to + i, activate(activation, v_load(sum + i)));
        }
    }
}

static void scatter_runs(const struct pg_gather *gather, const float *sums, float *table)
{
    for (size_t row = 0; row < gather->rows; row++) {
        float *columns = table + row * gather->table_row * PG_LANES;
        const uint32_t *symbols = gather->symbols;
        const float *from = sums + row * gather->sums_row * PG_LANES;
        for (size_t n = 0; n < gather->samples; n++, from += PG_LANES) {
            symbols += gather->first_place * PG_LANES;
            for (size_t k = gather->first_place; k < gather->arity; k++)
                for (size_t lane = 0; lane < PG_LANES; lane++)
                    columns[(*symbols++ + k * gather->place_columns) * PG_LANES + lane] +=
                        from[lane];
        }
    }
}

static void difference_of_runs(const struct pg_gather *gather, const float *table, float *sums,
                               enum pg_activation activation)
{
    for (size_t row = 0; row < gather->rows; row++) {
        const float *columns = table + row * gather->table_row * PG_LANES;
        const uint32_t *symbols = gather->symbols;
        float *to = sums + row * gather->sums_row * PG_LANES;
        for (size_t n = 0; n < gather->samples; n++, to += PG_LANES, symbols += 2 * PG_LANES) {
            float a[PG_LANES], b[PG_LANES];
            for (size_t lane = 0; lane < PG_LANES; lane++) {
                a[lane] = columns[symbols[lane] * PG_LANES + lane];
                b[lane] = columns[symbols[PG_LANES + lane] * PG_LANES + lane];
            }
            for (size_t i = 0; i < PG_LANES; i += WIDTH)
                v_store(to + i, activate(activation,
                                         combine(gather->combine, v_load(a + i), v_load(b + i))));
        }
    }
}

static void subtract_from_runs(const struct pg_gather *gather, const float *sums, float *table)
{
    const bool is_square = gather->combine == PG_SQUARED_DIFFERENCE;
    for (size_t row = 0; row < gather->rows; row++) {
        const size_t begin = row * gather->table_row * PG_LANES;
        const uint32_t *symbols = gather->symbols;
        const float *from = sums + row * gather->sums_row * PG_LANES;
        for (size_t n = 0; n < gather->samples; n++, from += PG_LANES, symbols += 2 * PG_LANES)
            for (size_t lane = 0; lane < PG_LANES; lane++) {
                size_t plus = begin + symbols[lane] * PG_LANES + lane;
                size_t minus = begin + symbols[PG_LANES + lane] * PG_LANES + lane;
                float delta = from[lane];
                if (is_square) {
                    float difference = gather->values[plus] - gather->values[minus];
                    delta = (difference + difference) * delta;
                }
                table[plus] += delta;
                table[minus] -= delta;
            }
    }
}

static void gather(const struct pg_gather *how, const float *table, float *sums,
                   enum pg_activation activation)
{
    if (how->lanes == 1)
        gather_samples(how, table, sums, activation);
    else if (how->combine != PG_SUM)
        difference_of_runs(how, table, sums, activation);
    else
        gather_runs(how, table, sums, activation);
}

static void scatter(const struct pg_gather *how, const float *sums, float *table)
{
    if (how->lanes == 1)
        scatter_samples(how, sums, table);
    else if (how->combine != PG_SUM)
        subtract_from_runs(how, sums, table);
    else
        scatter_runs(how, sums, table);
}

#endif
