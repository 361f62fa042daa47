/* SPDX-License-Identifier: MIT */
/* A listing is a JSON array of flat objects, printed as it is or as a table. */
#ifndef PHASEGRID_LISTING_H
#define PHASEGRID_LISTING_H

#include <jansson.h>

#include "phasegrid/error.h"

/* Prints the value, indented, and a newline. Takes over the reference; NULL: out of memory. */
int pg_json_print(json_t *value, struct pg_error *error) PG_CHECK_RESULT;

/* A table with the named keys as columns (NULL-terminated); missing values print as "-". */
void pg_listing_print_table(const json_t *rows, const char *const *columns);

#endif
