/* SPDX-License-Identifier: MIT */
/*
 * Few samples through large weights, which come from beyond L2: what counts is to walk over them
 * in order, once each way, and to ask for the next rows early.
 *
 * Forward, a vector is so many rows of the weights, turned block by block, for a sample. Backward,
 * it is so many columns: what a row passes back is added to the sums of all inputs, then the row
 * takes its own step. Every sum is one chain of fused multiply-adds in the order of the depth,
 * every gradient one in the order of the samples: the same numbers as those of the products.
 */
#ifndef PHASEGRID_FEW_H
#define PHASEGRID_FEW_H

#include "activation.h"
#include "optimizer.h"
#include "tile.h"
#include "transpose.h"

enum { FEW_ROWS = 4 }; /* that share one walk over the sums */

/* ---- forward ---- */

enum { FEW_BLOCK = WIDTH > 8 ? WIDTH : 8, FEW_VECTORS = FEW_BLOCK / WIDTH, FEW_DEPTH = 8 };

/* FEW_BLOCK rows from `row`, of which the last may have been computed before. */
INLINE void multiply_few(const struct pg_product *p, size_t row, const size_t samples,
                         enum pg_activation activation)
{
    vector sum[PG_FEW_MAX][FEW_VECTORS];
    float turned[FEW_DEPTH][FEW_BLOCK] __attribute__((aligned(64)));
    const float *a = p->a + row * p->a_row;
#pragma GCC unroll 4
    for (size_t n = 0; n < samples; n++)
        for (size_t v = 0; v < FEW_VECTORS; v++)
            sum[n][v] = v_set(0.0f);
    for (size_t d = 0; d < p->depth; d += FEW_DEPTH) {
        const float *b = p->b + d * p->b_depth;
        for (size_t half = 0; half < FEW_BLOCK; half += 8)
            transpose_block(a + half * p->a_row + d, p->a_row, &turned[0][half], FEW_BLOCK);
        for (size_t r = 0; r < FEW_BLOCK; r++)
            __builtin_prefetch(a + (FEW_BLOCK + r) * p->a_row + d);
        const size_t deep = p->depth - d < FEW_DEPTH ? p->depth - d : FEW_DEPTH;
        for (size_t k = 0; k < deep; k++)
#pragma GCC unroll 4
            for (size_t n = 0; n < samples; n++)
#pragma GCC unroll 8
                for (size_t v = 0; v < FEW_VECTORS; v++)
                    sum[n][v] = v_fma(v_load(&turned[k][v * WIDTH]), v_set(b[k * p->b_depth + n]),
                                      sum[n][v]);
    }
#pragma GCC unroll 4
    for (size_t n = 0; n < samples; n++) {
        float out[FEW_BLOCK] __attribute__((aligned(64)));
        for (size_t v = 0; v < FEW_VECTORS; v++)
            v_store(out + v * WIDTH, activate(activation, sum[n][v]));
        for (size_t r = 0; r < FEW_BLOCK; r++)
            p->out[(row + r) * p->out_row + n] = out[r];
    }
}

INLINE void forward_samples(const struct pg_product *p, const size_t samples,
                            enum pg_activation activation)
{
    size_t row = 0;
    for (; row + FEW_BLOCK <= p->rows; row += FEW_BLOCK)
        multiply_few(p, row, samples, activation);
    if (row < p->rows)
        multiply_few(p, p->rows - FEW_BLOCK, samples, activation);
}

static void forward_few(const struct pg_product *p, enum pg_activation activation)
{
    assert(p->a_depth == 1 && p->rows >= PG_LANES && p->columns >= 1);
    switch (p->columns) {
    case 1:
        forward_samples(p, 1, activation);
        break;
    case 2:
        forward_samples(p, 2, activation);
        break;
    case 3:
        forward_samples(p, 3, activation);
        break;
    default:
        forward_samples(p, 4, activation);
        break;
    }
}

/* ---- backward ---- */

/* Adds what `rows` rows from `row` pass back to the sums, and takes the rows' steps. All sizes but
   `row` are constants at every call. */
INLINE void walk_rows(const struct pg_few *few, const struct factors *factors,
                      const struct pg_moments *moments, size_t row, const size_t rows,
                      const size_t samples, const enum step_kind kind)
{
    vector delta[FEW_ROWS][PG_FEW_MAX];
#pragma GCC unroll 4
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (size_t n = 0; n < samples; n++)
            delta[r][n] = v_set(few->delta_out[(row + r) * few->delta_row + n]);
    for (size_t i = 0; i < few->width; i += WIDTH) {
        vector sum[PG_FEW_MAX], in[PG_FEW_MAX], weight[FEW_ROWS], gradient[FEW_ROWS];
#pragma GCC unroll 4
        for (size_t n = 0; n < samples; n++) {
            sum[n] = v_load(few->sums + n * few->width + i);
            in[n] = v_load(few->in + n * few->width + i);
        }
#pragma GCC unroll 4
        for (size_t r = 0; r < rows; r++) {
            const float *at = moments->value + (row + r) * moments->stride + i;
            weight[r] = v_load(at);
            __builtin_prefetch(at + FEW_ROWS * moments->stride, 1);
            gradient[r] = v_set(0.0f);
#pragma GCC unroll 4
            for (size_t n = 0; n < samples; n++) {
                sum[n] = v_fma(weight[r], delta[r][n], sum[n]);
                gradient[r] = v_fma(delta[r][n], in[n], gradient[r]);
            }
        }
#pragma GCC unroll 4
        for (size_t r = 0; r < rows; r++) {
            const size_t at = (row + r) * moments->stride + i;
            take_step(kind, factors, moments, at, gradient[r]);
        }
#pragma GCC unroll 4
        for (size_t n = 0; n < samples; n++)
            v_store(few->sums + n * few->width + i, sum[n]);
    }
}

INLINE void walk(const struct pg_few *few, const struct pg_update *update,
                 const struct pg_moments *moments, const size_t samples, const enum step_kind kind)
{
    const struct factors factors = factors_at(update, 0);
    size_t row = 0;
    for (; row + FEW_ROWS <= few->rows; row += FEW_ROWS)
        walk_rows(few, &factors, moments, row, FEW_ROWS, samples, kind);
    for (; row < few->rows; row++)
        walk_rows(few, &factors, moments, row, 1, samples, kind);
}

INLINE void walk_samples(const struct pg_few *few, const struct pg_update *update,
                         const struct pg_moments *moments, const enum step_kind kind)
{
    switch (few->samples) {
    case 1:
        walk(few, update, moments, 1, kind);
        break;
    case 2:
        walk(few, update, moments, 2, kind);
        break;
    case 3:
        walk(few, update, moments, 3, kind);
        break;
    default:
        walk(few, update, moments, 4, kind);
        break;
    }
}

static void walk_back(const struct pg_few *few, const struct pg_update *update,
                      const struct pg_moments *moments)
{
    assert(few->samples >= 1 && few->samples <= PG_FEW_MAX);
    const enum step_kind kind = step_kind_of(update);
    if (kind == STEP_ADAMW)
        walk_samples(few, update, moments, STEP_ADAMW);
    else if (kind == STEP_SGD)
        walk_samples(few, update, moments, STEP_SGD);
    else
        walk_samples(few, update, moments, STEP_PLAIN_SGD);
}

#endif
