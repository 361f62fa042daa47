/* SPDX-License-Identifier: MIT */
/*
 * Memory for rows in training, and the way of finished ones to the disk: they wait, until there is
 * no more room or a second has passed, so that rows that follow each other are written at once;
 * with PG_SYNC_RUN none waits.
 */
#ifndef PHASEGRID_SWEEP_RECORDER_H
#define PHASEGRID_SWEEP_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/layout.h"
#include "phasegrid/store.h"

enum { PG_RECORDER_ROWS_MAX = 128 };

struct pg_recorder {
    struct pg_store *store; /* borrowed */
    struct pg_block block;
    uint64_t rows[PG_RECORDER_ROWS_MAX]; /* [index in the block]: row of the file */
    uint8_t states[PG_RECORDER_ROWS_MAX];
    uint8_t statuses[PG_RECORDER_ROWS_MAX]; /* of finished rows: enum pg_row_status */
    size_t next;                            /* index behind the row that was taken last */
    double oldest; /* when the first row that is not safe yet came; below 0: there is none */
};

/* Room for as many rows as fit in some megabytes, and for twice `lanes`: rows in training at a
   time, at most. */
int pg_recorder_init(struct pg_recorder *recorder, const struct pg_layout *layout, size_t lanes,
                     struct pg_store *store, struct pg_error *error) PG_CHECK_RESULT;
/* Memory that it takes for rows. */
uint64_t pg_recorder_bytes(const struct pg_layout *layout, size_t lanes);

void pg_recorder_release(struct pg_recorder *recorder);

/* Room for a row that begins: *ret_index of the block, cleared, is its own until it is finished. */
int pg_recorder_take(struct pg_recorder *recorder, uint64_t row, size_t *ret_index,
                     struct pg_error *error) PG_CHECK_RESULT;

/* The row at `index` is complete, at the moment `now`. */
int pg_recorder_finish(struct pg_recorder *recorder, size_t index, uint8_t status, double now,
                       struct pg_error *error) PG_CHECK_RESULT;

/* Makes safe what has waited for a second. */
int pg_recorder_tick(struct pg_recorder *recorder, double now,
                     struct pg_error *error) PG_CHECK_RESULT;

/* Makes everything finished safe now. */
int pg_recorder_flush(struct pg_recorder *recorder, struct pg_error *error) PG_CHECK_RESULT;

#endif
