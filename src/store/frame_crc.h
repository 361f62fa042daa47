/* SPDX-License-Identifier: MIT */
/*
 * HDF5's checksums cover its metadata, but neither text (which stands in heaps) nor raw data. Of
 * rows `row_crc` takes care; of all that is written once, at creation, the root attribute
 * frame_crc.
 */
#ifndef PHASEGRID_STORE_FRAME_CRC_H
#define PHASEGRID_STORE_FRAME_CRC_H

#include "phasegrid/layout.h"

#define PG_FRAME_CRC_ATTRIBUTE "frame_crc"

/* CRC-32 of the layout that a file is created for: dimensions with their coordinates, variables and
   attributes, and the data of cells and axes. */
uint32_t pg_frame_crc(const struct pg_layout *layout);

/* The parts: all but the data, which the reader then adds as it reads them, variable by variable
   (numbers that are not of a run). */
uint32_t pg_frame_crc_layout(const struct pg_layout *layout);
uint32_t pg_frame_crc_add(uint32_t crc, const void *bytes, size_t size);

#endif
