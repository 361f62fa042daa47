/* SPDX-License-Identifier: MIT */
/* The inside of a reader, for the parts of the store that read. */
#ifndef PHASEGRID_STORE_READER_H
#define PHASEGRID_STORE_READER_H

#include "h5.h"
#include "phasegrid/pool.h"
#include "phasegrid/store.h"

struct pg_reader {
    char *path;
    hid_t file;
    struct pg_pool pool; /* what the layout points to */
    struct pg_layout layout;
};

#endif
