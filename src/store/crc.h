/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_STORE_CRC_H
#define PHASEGRID_STORE_CRC_H

#include "phasegrid/layout.h"

/* `row_crc` of a row of the block: CRC-32 over its payload variables in the order of the layout. */
int64_t pg_row_crc(const struct pg_block *block, size_t index);

#endif
