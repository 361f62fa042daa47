/* SPDX-License-Identifier: MIT */
/*
 * Where the rows stand in the file. Run variables are contiguous, so that row r of one is the bytes
 * from place + r x pg_layout_row_bytes() on, in the CPU's own format.
 */
#ifndef PHASEGRID_STORE_PLACES_H
#define PHASEGRID_STORE_PLACES_H

#include <sys/types.h>

#include "h5.h"

/* ret_places (variable_count): byte 0 of each RUN variable's first row; -1 for the other variables
   and for those without bytes. PG_EMISMATCH: a variable is not stored as ours are. */
int pg_places_find(hid_t file, const struct pg_layout *layout, off_t *ret_places,
                   struct pg_error *error) PG_CHECK_RESULT;

/* Whole transfers at a place of a file. Returns 0 or errno; reading behind the end is EIO. */
int pg_place_write(int fd, const void *bytes, size_t size, off_t at);
int pg_place_read(int fd, void *ret_bytes, size_t size, off_t at);

#endif
