/* SPDX-License-Identifier: MIT */
/* Two results files, row by row. */
#ifndef PHASEGRID_COMPARISON_H
#define PHASEGRID_COMPARISON_H

#include "phasegrid/row_difference.h"
#include "phasegrid/store.h"

struct pg_comparison {
    uint64_t rows;                   /* that were compared: all of a */
    uint64_t differing;              /* of them, in status or in data that are not volatile */
    uint64_t unfinished;             /* of these, such that have a result in one file alone */
    uint64_t first;                  /* row of a, the first that differs */
    struct pg_difference difference; /* in it: the first variable, and the first element */
};

/* rows (rows of a): the row of b with the same run; NULL: the same. Variables are those of a, which
   b must have as well (PG_EMISMATCH); where b's rows are longer, what is more must be fill. Of a
   run without result only the status counts. */
int pg_reader_compare(struct pg_reader *a, struct pg_reader *b, const uint64_t *rows,
                      struct pg_comparison *ret_comparison, struct pg_error *error) PG_CHECK_RESULT;

#endif
