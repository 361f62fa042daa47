/* SPDX-License-Identifier: MIT */
/* Another program, asked for one line. */
#ifndef PHASEGRID_RUN_PROGRAM_H
#define PHASEGRID_RUN_PROGRAM_H

#include <stddef.h>

#include "phasegrid/error.h"

enum { PG_RUN_WORDS_MAX = 256 };

/* Runs argv (NULL-terminated, at most PG_RUN_WORDS_MAX words; argv[0] is looked for on the PATH)
   and waits for it. *ret_code: its exit code, 128 + the signal that ended it. `line`: its standard
   output up to the first line's end, cut to the size; its standard error is ours. PG_EMACHINE: it
   cannot be started, which errno tells. */
int pg_run_program(const char *const *argv, char *line, size_t size, int *ret_code,
                   struct pg_error *error) PG_CHECK_RESULT;

#endif
