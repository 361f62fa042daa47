/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_STORE_FILL_H
#define PHASEGRID_STORE_FILL_H

#include "h5.h"

/* Writes the fill value into every RUN variable of the closed file at `path`. */
int pg_fill_file(const char *path, const struct pg_layout *layout,
                 struct pg_error *error) PG_CHECK_RESULT;

#endif
