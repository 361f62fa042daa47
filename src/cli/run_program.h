/* SPDX-License-Identifier: MIT */
/* Another program, asked for one line. */
#ifndef PHASEGRID_RUN_PROGRAM_H
#define PHASEGRID_RUN_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "phasegrid/error.h"

enum { PG_RUN_WORDS_MAX = 256 };

struct pg_program {
    const char *const
        *argv;       /* NULL-terminated, at most PG_RUN_WORDS_MAX; [0] is looked for on PATH */
    double patience; /* seconds, then it is killed; 0: none */
    bool is_silent;  /* its standard error is not ours */
};

/* Waits for it. *ret_code: its exit code, or 128 + the signal that ended it. `line`: its standard
   output up to the first line's end, cut to the size. PG_EMACHINE: it cannot be started, which
   errno tells. */
int pg_run_program(const struct pg_program *program, char *line, size_t size, int *ret_code,
                   struct pg_error *error) PG_CHECK_RESULT;

#endif
