/* SPDX-License-Identifier: MIT */
/*
 * Square matrices of zeros and ones as values of settings, in a normal form that is text: the rows
 * with '/' between them, "010/101/000"; "" is no matrix. A matrix that was read lives as long as
 * the process and stands once in memory.
 */
#ifndef PHASEGRID_MATRIX_H
#define PHASEGRID_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "phasegrid/error.h"

enum { PG_MATRIX_ROWS_MAX = 128, PG_MATRIX_LABEL_SIZE = 64 };

/* Reads text (size): rows end with their line or with '/'. Blanks and commas between numbers, empty
   rows, and all of a line from '#' on do not count. Fails with PG_EINPUT: another character than
   0 and 1, a row longer or shorter than the first, not as many rows as columns, too many, none. */
int pg_matrix_read(const char *text, size_t size, const char **ret_matrix,
                   struct pg_error *error) PG_CHECK_RESULT;

size_t pg_matrix_rows(const char *matrix);
bool pg_matrix_at(const char *matrix, size_t row, size_t column);

/* A short name for people and coordinates: "none", the normal form of small matrices,
   "30x30-9f3a12cd", with a hash of the normal form, of larger ones. */
void pg_matrix_label(const char *matrix, char label[PG_MATRIX_LABEL_SIZE]);

#endif
