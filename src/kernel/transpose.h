/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_TRANSPOSE_H
#define PHASEGRID_TRANSPOSE_H

#include <stddef.h>
#include <string.h>

#include "tile.h"

/* Eight by eight through registers: pairs, quadruples, halves. No arithmetic, so one version. */
typedef float eight __attribute__((vector_size(32)));

INLINE void transpose_block(const float *in, size_t in_stride, float *out, size_t out_stride)
{
    eight row[8], pair[8], four[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        memcpy(&row[i], in + i * in_stride, sizeof row[i]);
#pragma GCC unroll 4
    for (size_t i = 0; i < 8; i += 2) {
        pair[i] = __builtin_shufflevector(row[i], row[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pair[i + 1] = __builtin_shufflevector(row[i], row[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 8; i += 4)
#pragma GCC unroll 2
        for (size_t j = 0; j < 2; j++) {
            eight low = pair[i + j], high = pair[i + j + 2];
            four[i + 2 * j] = __builtin_shufflevector(low, high, 0, 1, 8, 9, 4, 5, 12, 13);
            four[i + 2 * j + 1] = __builtin_shufflevector(low, high, 2, 3, 10, 11, 6, 7, 14, 15);
        }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        eight left = __builtin_shufflevector(four[i], four[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        eight right = __builtin_shufflevector(four[i], four[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        memcpy(out + i * out_stride, &left, sizeof left);
        memcpy(out + (i + 4) * out_stride, &right, sizeof right);
    }
}

static void transpose(const float *in, size_t in_stride, float *out, size_t out_stride, size_t rows,
                      size_t columns)
{
    /* Two blocks at a time, so that whole cache lines are written; then along the rows, of which
       few are then read at once. */
    for (size_t row = 0; row < rows; row += 16)
        for (size_t column = 0; column < columns; column += 8)
            for (size_t half = row; half < row + 16 && half < rows; half += 8)
                transpose_block(in + half * in_stride + column, in_stride,
                                out + column * out_stride + half, out_stride);
}

#endif
