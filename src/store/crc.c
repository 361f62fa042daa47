/* SPDX-License-Identifier: MIT */
/* The checksum that tells whether a row is what was written. */
#include "crc.h"

#include <zlib.h>

int64_t pg_row_crc(const struct pg_block *block, size_t index)
{
    uLong crc = crc32(0, NULL, 0);
    for (size_t i = 0; i < block->layout->variable_count; i++)
        if (pg_layout_is_payload(block->layout, i))
            crc = crc32_z(crc, pg_block_at(block, i, index), pg_layout_row_bytes(block->layout, i));
    return (int64_t)crc;
}
