/* SPDX-License-Identifier: MIT */
/*
 * The matrix product in register tiles: one broadcast times one vector, no packing. Every output
 * is one chain of fused multiply-adds in the order of the depth, whatever the tile: that is what
 * makes the bytes equal between instruction sets. A tile's result passes through a small buffer in
 * L1 to what consumes it (activation, derivative, optimiser), row by row.
 */
#ifndef PHASEGRID_TILE_H
#define PHASEGRID_TILE_H

#include "phasegrid/kernel.h"
#include VECTOR_HEADER

enum { TILE_VECTORS = 3, TILE_COLUMNS = TILE_VECTORS * WIDTH };

#define INLINE static inline __attribute__((always_inline))

struct tile_buffer {
    float at[TILE_ROWS][TILE_COLUMNS] __attribute__((aligned(64)));
};

/* rows and vectors are constants at every call, so that the accumulators live in registers. */
INLINE void multiply(const struct pg_product *p, size_t row, size_t column, const size_t rows,
                     const size_t vectors, struct tile_buffer *ret)
{
    vector sum[TILE_ROWS][TILE_VECTORS];
    const float *a = p->a + row * p->a_row, *b = p->b + column;
    const size_t a_row = p->a_row, a_depth = p->a_depth, b_stride = p->b_stride;
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (size_t c = 0; c < vectors; c++)
            sum[r][c] = v_set(0.0f);
    for (size_t d = p->depth; d > 0; d--, a += a_depth, b += b_stride) {
        vector x[TILE_VECTORS];
#pragma GCC unroll 3
        for (size_t c = 0; c < vectors; c++)
            x[c] = v_load(b + c * WIDTH);
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            vector w = v_set(a[r * a_row]);
#pragma GCC unroll 3
            for (size_t c = 0; c < vectors; c++)
                sum[r][c] = v_fma(w, x[c], sum[r][c]);
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (size_t c = 0; c < vectors; c++)
            v_store(&ret->at[r][c * WIDTH], sum[r][c]);
}

INLINE void multiply_rows(const struct pg_product *p, size_t row, size_t column, size_t rows,
                          const size_t vectors, struct tile_buffer *ret)
{
    switch (rows) {
#if TILE_ROWS_LOG2 == 3
    case 8:
        multiply(p, row, column, 8, vectors, ret);
        break;
    case 7:
        multiply(p, row, column, 7, vectors, ret);
        break;
    case 6:
        multiply(p, row, column, 6, vectors, ret);
        break;
    case 5:
        multiply(p, row, column, 5, vectors, ret);
        break;
#endif
    case 4:
        multiply(p, row, column, 4, vectors, ret);
        break;
    case 3:
        multiply(p, row, column, 3, vectors, ret);
        break;
    case 2:
        multiply(p, row, column, 2, vectors, ret);
        break;
    default:
        multiply(p, row, column, 1, vectors, ret);
        break;
    }
}

/* One tile of at most TILE_ROWS x TILE_COLUMNS at (row, column). */
static void multiply_tile(const struct pg_product *p, size_t row, size_t column, size_t rows,
                          size_t vectors, struct tile_buffer *ret)
{
    if (vectors == 3)
        multiply_rows(p, row, column, rows, 3, ret);
    else if (vectors == 2)
        multiply_rows(p, row, column, rows, 2, ret);
    else
        multiply_rows(p, row, column, rows, 1, ret);
}

/* What becomes of `count` (a multiple of WIDTH) products that belong at (row, column). */
typedef void tile_consumer(const float *products, size_t row, size_t column, size_t count,
                           const void *context);

/* The outer loop is over columns: their panel of b stays in L1 while all rows pass. */
INLINE void for_each_tile(const struct pg_product *p, tile_consumer *consume, const void *context)
{
    struct tile_buffer buffer;
    for (size_t column = 0; column < p->columns; column += TILE_COLUMNS) {
        size_t left = (p->columns - column) / WIDTH;
        size_t vectors = left < TILE_VECTORS ? left : TILE_VECTORS;
        for (size_t row = 0; row < p->rows; row += TILE_ROWS) {
            size_t rows = p->rows - row < TILE_ROWS ? p->rows - row : TILE_ROWS;
            multiply_tile(p, row, column, rows, vectors, &buffer);
            for (size_t r = 0; r < rows; r++)
                consume(buffer.at[r], row + r, column, vectors * WIDTH, context);
        }
    }
}

#endif
