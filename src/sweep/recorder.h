/* SPDX-License-Identifier: MIT */
/*
 * The way of finished rows to the disk. The rows of a piece stand in one block, each in its place,
 * and are finished in any order; stretches of finished ones are written when the next piece begins
 * or when a second has passed.
 */
#ifndef PHASEGRID_SWEEP_RECORDER_H
#define PHASEGRID_SWEEP_RECORDER_H

#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/layout.h"
#include "phasegrid/store.h"

enum { PG_RECORDER_ROWS_MAX = 64 };

struct pg_recorder {
    struct pg_store *store; /* borrowed */
    struct pg_block block;  /* the piece's rows */
    size_t count;           /* of them */
    /* What is to be written of a row; PG_ROW_TODO: nothing (yet, or any more). */
    uint8_t statuses[PG_RECORDER_ROWS_MAX];
    double oldest; /* when the first row that is not safe yet came; below 0: there is none */
};

/* Rows that one block takes: as many as fit in some megabytes. */
uint32_t pg_recorder_capacity(const struct pg_layout *layout);

int pg_recorder_init(struct pg_recorder *recorder, const struct pg_layout *layout,
                     struct pg_store *store, struct pg_error *error) PG_CHECK_RESULT;
void pg_recorder_release(struct pg_recorder *recorder);

/* Makes room for another piece, of cleared rows. */
int pg_recorder_begin(struct pg_recorder *recorder, uint64_t first_row, size_t count,
                      struct pg_error *error) PG_CHECK_RESULT;

/* The row at `index` of the piece is complete, at the moment `now`. */
int pg_recorder_finish(struct pg_recorder *recorder, size_t index, uint8_t status, double now,
                       struct pg_error *error) PG_CHECK_RESULT;

/* Makes safe what has waited for a second. */
int pg_recorder_tick(struct pg_recorder *recorder, double now,
                     struct pg_error *error) PG_CHECK_RESULT;

/* Makes everything safe now. */
int pg_recorder_flush(struct pg_recorder *recorder, struct pg_error *error) PG_CHECK_RESULT;

#endif
