/* SPDX-License-Identifier: MIT */
/* The layout of a file, from the file. */
#ifndef PHASEGRID_STORE_READ_LAYOUT_H
#define PHASEGRID_STORE_READ_LAYOUT_H

#include "h5.h"
#include "phasegrid/pool.h"

/* Everything that the layout points to is the pool's. PG_EMISMATCH: not such a file. */
int pg_layout_read(hid_t file, struct pg_pool *pool, struct pg_layout *ret_layout,
                   struct pg_error *error) PG_CHECK_RESULT;

#endif
