/* SPDX-License-Identifier: MIT */
/* Are the rows of a results file what was written? And the file's digest, in the same pass. */
#ifndef PHASEGRID_ROW_CHECK_H
#define PHASEGRID_ROW_CHECK_H

#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/store.h"

enum pg_row_fault {
    PG_FAULT_NONE,
    PG_FAULT_CRC,    /* it has a result, whose CRC is not the one that was written with it */
    PG_FAULT_STATUS, /* its status is no code that there is, or contradicts its data */
};

struct pg_row_check {
    uint64_t row_count;
    uint8_t *statuses; /* (row_count) at the moment when the check began */
    uint8_t *faults;   /* (row_count) enum pg_row_fault */
    /* Rows to do that hold something else than fill: a launch was killed between a row's data and
       its status, or the row was marked to do again. They are no damage. */
    uint64_t remains;
    uint64_t whole_remains; /* of them, whole by their CRC */
    char digest[65];        /* as pg_reader_digest(); of a damaged file it says nothing */
};

/* Reads every row of every variable once, in the order of the file. */
int pg_reader_check(struct pg_reader *reader, struct pg_row_check *ret_check,
                    struct pg_error *error) PG_CHECK_RESULT;
void pg_row_check_release(struct pg_row_check *check);

uint64_t pg_row_check_fault_count(const struct pg_row_check *check);

#endif
