/* SPDX-License-Identifier: MIT */
/* What attention needs beside its arrays, in every instruction set (attention.h). */
#include "phasegrid/kernel.h"

size_t pg_attention_scratch(size_t heads, size_t width, size_t places, size_t columns, size_t lanes)
{
    /* Blocks of one head with their deltas, its outputs, and a place to turn them. */
    size_t rows = (width + 7) / 8 * 8 * (2 * (1 + 2 * places) + 2);
    if (lanes != 1)
        return rows;
    return rows * PG_LANES + 2 * columns * pg_padded(3 * heads * width);
}
