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
    int fd;        /* for pg_reader_stream(); -1: not used so far */
    off_t *places; /* (variable_count) of rows in the file; -1: to be read by HDF5 */
};

/* Rows of a variable, some at a time, in the order of the file. */
struct pg_rows_sink {
    void (*take)(void *context, size_t variable, uint64_t first, uint64_t count,
                 const unsigned char *rows);
    void *context;
};

/* Every row of the variable; of text there is none. */
int pg_reader_stream(struct pg_reader *reader, size_t variable, const struct pg_rows_sink *sink,
                     struct pg_error *error) PG_CHECK_RESULT;

/* pg_reader_open() without the child that looks first. */
int pg_reader_open_unprobed(const char *path, struct pg_reader **ret_reader,
                            struct pg_error *error) PG_CHECK_RESULT;

#endif
