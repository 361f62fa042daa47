/* SPDX-License-Identifier: MIT */
/* What verify can do beyond one file's own checksums. Each adds what it found to the page. */
#ifndef PHASEGRID_VERIFY_H
#define PHASEGRID_VERIFY_H

#include "damage.h"

/* Compares with another file, looked over as well: 0, PG_EMISMATCH with the first difference, or a
   failure. */
int pg_verify_against(const struct pg_examined *examined, const char *other, json_t *page,
                      struct pg_error *error) PG_CHECK_RESULT;

enum { PG_VERIFY_RUNS_MAX = 256 };

/* Which runs are to be trained again. */
struct pg_verify_choice {
    const char *runs[PG_VERIFY_RUNS_MAX]; /* (run_count) as the user names them */
    size_t run_count;
    uint64_t random; /* so many more, by chance */
    uint32_t seed;   /* of the choice */
};

/* 0 when all that could be computed here gave the same bytes; PG_EMISMATCH with the number of those
   that did not, each named on standard error; PG_EINPUT when none could be. */
int pg_verify_recompute(const struct pg_examined *examined, const struct pg_verify_choice *choice,
                        json_t *page, struct pg_error *error) PG_CHECK_RESULT;

#endif
