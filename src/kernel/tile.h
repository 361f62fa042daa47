/* SPDX-License-Identifier: MIT */
/*
 * The matrix product in register tiles, without packing. Every output is one chain of fused
 * multiply-adds in the order of the depth, whatever the tile or the layout: that is what makes the
 * bytes equal. A tile's result passes through a small buffer in L1 to what consumes it (activation,
 * derivative, optimiser); where nothing does, it goes straight to the output.
 *
 * With samples in lanes a broadcast number of `a` meets a vector of adjacent columns of `b`; with
 * runs in lanes a vector of `a` meets a vector of `b`, one column each, and where a vector has
 * fewer lanes than there are runs, the product is taken phase by phase.
 */
#ifndef PHASEGRID_TILE_H
#define PHASEGRID_TILE_H

#include "phasegrid/kernel.h"
#include VECTOR_HEADER

#define INLINE static inline __attribute__((always_inline))

enum { TILE_VECTORS = 3, TILE_ROWS_MAX = 8 };
enum { BEYOND_CACHE = 1 << 18 }; /* numbers: a megabyte */

struct tile_buffer {
    float at[TILE_ROWS_MAX][TILE_VECTORS * WIDTH] __attribute__((aligned(64)));
};

/* Where a tile's products go: numbers from row to row, and from vector to vector. */
struct tile_place {
    float *at;
    size_t row, vector;
};

/* A tile of the output: `rows` rows from `row`, `vectors` vectors from `column`. */
struct tile {
    size_t row, rows, column, vectors;
    size_t lanes, phase; /* phase: first lane of the vectors, 0 with samples in lanes */
};

/* Rows of a tile of so many vectors: as many accumulators as the registers hold. */
INLINE size_t tile_rows(size_t vectors)
{
    const size_t rows[] = {0, TILE_ROWS_1, TILE_ROWS_2, TILE_ROWS_3};
    return rows[vectors];
}

/* Index of element (row, column) in an array of rows `stride` apart, at the tile's phase. */
INLINE size_t tile_index(const struct tile *tile, size_t row, size_t column, size_t stride)
{
    return (row * stride + column) * tile->lanes + tile->phase;
}

/* Numbers from one vector of a row to the next. */
INLINE size_t vector_step(size_t lanes)
{
    const size_t steps[] = {WIDTH, PG_LANES};
    return steps[lanes != 1];
}

/* rows, vectors and lanes are constants at every call: the accumulators live in registers. */
INLINE void multiply(const struct pg_product *p, const struct tile *tile, const size_t rows,
                     const size_t vectors, const size_t lanes, const struct tile_place *to)
{
    vector sum[TILE_ROWS_MAX][TILE_VECTORS];
    const float *a = p->a + tile->row * p->a_row * lanes + tile->phase;
    const float *b = p->b + tile->column * (lanes == 1 ? 1 : p->b_column) * lanes + tile->phase;
    const size_t a_row = p->a_row * lanes, a_depth = p->a_depth * lanes;
    const size_t b_depth = p->b_depth * lanes;
    const size_t b_vector = lanes == 1 ? (size_t)WIDTH : p->b_column * lanes;
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (size_t c = 0; c < vectors; c++)
            sum[r][c] = v_set(0.0f);
    for (size_t d = p->depth; d > 0; d--, a += a_depth, b += b_depth) {
        vector x[TILE_VECTORS];
#pragma GCC unroll 3
        for (size_t c = 0; c < vectors; c++)
            x[c] = v_load(b + c * b_vector);
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            vector w = lanes == 1 ? v_set(a[r * a_row]) : v_load(a + r * a_row);
#pragma GCC unroll 3
            for (size_t c = 0; c < vectors; c++)
                sum[r][c] = v_fma(w, x[c], sum[r][c]);
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (size_t c = 0; c < vectors; c++)
            v_store(to->at + r * to->row + c * to->vector, sum[r][c]);
}

#define ROWS(n)                                                                                    \
    case n:                                                                                        \
        if (n <= tile_rows(vectors))                                                               \
            multiply(p, tile, n, vectors, lanes, to);                                              \
        break;

INLINE void multiply_rows(const struct pg_product *p, const struct tile *tile, const size_t vectors,
                          const size_t lanes, const struct tile_place *to)
{
    switch (tile->rows) {
        ROWS(8)
        ROWS(7)
        ROWS(6)
        ROWS(5)
        ROWS(4)
        ROWS(3)
        ROWS(2)
    default:
        multiply(p, tile, 1, vectors, lanes, to);
        break;
    }
}
#undef ROWS

INLINE void multiply_vectors(const struct pg_product *p, const struct tile *tile,
                             const size_t lanes, const struct tile_place *to)
{
    if (tile->vectors == 3)
        multiply_rows(p, tile, 3, lanes, to);
    else if (tile->vectors == 2)
        multiply_rows(p, tile, 2, lanes, to);
    else
        multiply_rows(p, tile, 1, lanes, to);
}

static void multiply_tile(const struct pg_product *p, const struct tile *tile,
                          const struct tile_place *to)
{
    if (tile->lanes == 1)
        multiply_vectors(p, tile, 1, to);
    else
        multiply_vectors(p, tile, PG_LANES, to);
}

/* What becomes of a tile of products; a product without a consumer is the output itself. */
typedef void tile_consumer(const struct tile_buffer *products, const struct tile *tile,
                           const void *context);

INLINE void multiply_and_consume(const struct pg_product *p, const struct tile *tile,
                                 tile_consumer *consume, const void *context)
{
    struct tile_buffer buffer;
    if (consume == NULL) {
        const struct tile_place place = {
            .at = p->out + tile_index(tile, tile->row, tile->column, p->out_row),
            .row = p->out_row * tile->lanes,
            .vector = vector_step(tile->lanes),
        };
        multiply_tile(p, tile, &place);
        return;
    }
    const struct tile_place place = {buffer.at[0], TILE_VECTORS * WIDTH, WIDTH};
    multiply_tile(p, tile, &place);
    consume(&buffer, tile, context);
}

/* A rest of four vectors is two tiles of two, not of three and one. */
INLINE size_t next_vectors(size_t left)
{
    return left == 4 ? 2 : left < TILE_VECTORS ? left : TILE_VECTORS;
}

/* Samples in lanes: the outer loop is over columns; their panel of b stays in L1 while all rows of
   a, of which a tile needs few numbers, pass. */
INLINE void for_each_tile_of_samples(const struct pg_product *p, tile_consumer *consume,
                                     const void *context)
{
    struct tile tile = {.lanes = 1};
    while (tile.column + WIDTH <= p->columns) {
        tile.vectors = next_vectors((p->columns - tile.column) / WIDTH);
        size_t most = tile_rows(tile.vectors);
        for (tile.row = 0; tile.row < p->rows; tile.row += tile.rows) {
            tile.rows = p->rows - tile.row < most ? p->rows - tile.row : most;
            multiply_and_consume(p, &tile, consume, context);
        }
        tile.column += tile.vectors * WIDTH;
    }
}

/* Runs in lanes: a tile needs more of a than of b, so a's panel stays and b passes. Phases are the
   innermost loop, since they share cache lines. */
INLINE void for_each_tile_of_runs(const struct pg_product *p, tile_consumer *consume,
                                  const void *context)
{
    struct tile tile = {.lanes = PG_LANES};
    const size_t most = tile_rows(TILE_VECTORS);
    for (tile.row = 0; tile.row < p->rows; tile.row += tile.rows) {
        tile.rows = p->rows - tile.row < most ? p->rows - tile.row : most;
        for (tile.column = 0; tile.column < p->columns; tile.column += tile.vectors) {
            tile.vectors = next_vectors(p->columns - tile.column);
            for (tile.phase = 0; tile.phase < PG_LANES; tile.phase += WIDTH) {
                multiply_and_consume(p, &tile, consume, context);
            }
        }
    }
}

/* Samples in lanes, weights beyond the caches: each is to be touched once, so the outer loop is
   over rows, and what is small passes again and again. */
INLINE void for_each_tile_by_rows(const struct pg_product *p, tile_consumer *consume,
                                  const void *context)
{
    struct tile tile = {.lanes = 1};
    const size_t most = tile_rows(TILE_VECTORS);
    for (tile.row = 0; tile.row < p->rows; tile.row += tile.rows) {
        tile.rows = p->rows - tile.row < most ? p->rows - tile.row : most;
        for (tile.column = 0; tile.column + WIDTH <= p->columns;
             tile.column += tile.vectors * WIDTH) {
            tile.vectors = next_vectors((p->columns - tile.column) / WIDTH);
            multiply_and_consume(p, &tile, consume, context);
        }
    }
}

/* weights: numbers of the weight matrix and its moments, which the product reads or writes. */
INLINE void for_each_tile(const struct pg_product *p, size_t weights, tile_consumer *consume,
                          const void *context)
{
    if (p->lanes != 1)
        for_each_tile_of_runs(p, consume, context);
    else if (weights > BEYOND_CACHE)
        for_each_tile_by_rows(p, consume, context);
    else
        for_each_tile_of_samples(p, consume, context);
}

#endif
