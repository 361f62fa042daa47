/* SPDX-License-Identifier: MIT */
/*
 * Where a job's text comes from: a file, or one `--set name=value`. Every failure of the reader
 * ends in pg_place_refuse(), which makes it read like a compiler's.
 */
#ifndef PHASEGRID_JOB_SOURCE_H
#define PHASEGRID_JOB_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "phasegrid/error.h"

enum { PG_SOURCE_MAX = 1 << 20 }; /* bytes of a job file */

struct pg_source {
    const char *name; /* the file's; "--set steps=10" */
    const char *text; /* (size), and a 0 behind it */
    size_t size;
    bool is_file; /* messages name line and column, and show the line */
};

struct pg_place {
    const struct pg_source *source;
    size_t offset; /* bytes; at most source->size */
};

/* The whole file, with a 0 behind it; the caller frees *ret_text. */
int pg_source_load(const char *path, char **ret_text, size_t *ret_size,
                   struct pg_error *error) PG_CHECK_RESULT;

/* Not empty, not too long, valid UTF-8 without NUL: what libfyaml can be trusted with. */
int pg_source_check(const struct pg_source *source, struct pg_error *error) PG_CHECK_RESULT;

/* The place of a line and column as a parser counts them: from 1, columns in characters. */
struct pg_place pg_source_place(const struct pg_source *source, int line, int column);

/* Puts "file:line:column: " before the message, the line and a caret behind it; returns
   error->status. Out of memory has no place and stays as it is. */
int pg_place_refuse(const struct pg_place *place, struct pg_error *error);

#endif
