/* SPDX-License-Identifier: MIT */
/* The group /provenance: a row per launch. */
#ifndef PHASEGRID_STORE_PROVENANCE_H
#define PHASEGRID_STORE_PROVENANCE_H

#include "h5.h"
#include "phasegrid/store.h"

enum { PG_PROVENANCE_ROWS = 1024, PG_PROVENANCE_TEXT = 64 };

/* Creates the group with all rows unused. */
int pg_provenance_define(hid_t file, struct pg_error *error) PG_CHECK_RESULT;

/* Bytes that the group takes. */
uint64_t pg_provenance_size(void);

/* The row of launch `number` (0, 1, ...): once the rows are used up, the second half in turn. */
uint64_t pg_provenance_row(int64_t number);

/* Raw writes only. begin returns the number of the launch. */
int pg_provenance_begin(hid_t file, const struct pg_launch *launch, int64_t *ret_number,
                        struct pg_error *error) PG_CHECK_RESULT;
int pg_provenance_end(hid_t file, int64_t number, const struct pg_launch_end *end,
                      struct pg_error *error) PG_CHECK_RESULT;

/* All columns of a row, NULL-terminated: `number` first. */
extern const char *const pg_provenance_columns[];
extern const char pg_provenance_group[], pg_provenance_counter[];
bool pg_provenance_has(hid_t file, const char *column); /* files of earlier versions lack some */

/* Adds the launches of one file behind those of another, in their order and with numbers that go
   on there. A column that the first lacks stays empty. */
int pg_provenance_append(hid_t from, hid_t to, struct pg_error *error) PG_CHECK_RESULT;

#endif
