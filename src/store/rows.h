/* SPDX-License-Identifier: MIT */
/*
 * Rows of a variable in the file. A row is what stands at one index of the leading dimensions: a
 * run's of a RUN variable, a cell's of a CELL variable, everything of an AXIS variable.
 */
#ifndef PHASEGRID_STORE_ROWS_H
#define PHASEGRID_STORE_ROWS_H

#include "h5.h"

/* Dimensions in front of the variable's own. */
size_t pg_rows_lead(const struct pg_layout *layout, size_t variable);

/* All dimensions of the variable, as indices into layout->dims; returns how many (at most
   H5S_MAX_RANK). */
size_t pg_rows_dims(const struct pg_layout *layout, size_t variable, size_t *ret_dims);

/* How many rows the variable has. */
uint64_t pg_rows_count(const struct pg_layout *layout, size_t variable);

/* Rows first .. first + count - 1 of a variable. */
struct pg_rows {
    hid_t dataset;
    const struct pg_layout *layout;
    size_t variable;
    uint64_t first, count;
};

/* data: the rows, dense. One call of HDF5, one piece of the file. */
int pg_rows_write(const struct pg_rows *rows, const void *data,
                  struct pg_error *error) PG_CHECK_RESULT;
int pg_rows_read(const struct pg_rows *rows, void *ret_data,
                 struct pg_error *error) PG_CHECK_RESULT;

#endif
