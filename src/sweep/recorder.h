/* SPDX-License-Identifier: MIT */
/*
 * The way of finished rows to the disk: consecutive ones are gathered into a block, which is
 * written when it is full, when the next row does not follow, or when a second has passed.
 */
#ifndef PHASEGRID_SWEEP_RECORDER_H
#define PHASEGRID_SWEEP_RECORDER_H

#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/layout.h"
#include "phasegrid/store.h"

enum { PG_RECORDER_ROWS_MAX = 64 };

struct pg_recorder {
    struct pg_store *store;   /* borrowed */
    struct pg_block current;  /* (1) the run in training writes here */
    struct pg_block finished; /* rows that wait */
    uint8_t statuses[PG_RECORDER_ROWS_MAX];
    double oldest; /* when the first row that is not safe yet came; below 0: there is none */
};

/* Rows that one block takes: as many as fit in some megabytes. */
uint32_t pg_recorder_capacity(const struct pg_layout *layout);

int pg_recorder_init(struct pg_recorder *recorder, const struct pg_layout *layout,
                     struct pg_store *store, struct pg_error *error) PG_CHECK_RESULT;
void pg_recorder_release(struct pg_recorder *recorder);

/* Takes the current row, finished at the moment `now`. */
int pg_recorder_add(struct pg_recorder *recorder, uint64_t row, uint8_t status, double now,
                    struct pg_error *error) PG_CHECK_RESULT;

/* Makes safe what has waited for a second. */
int pg_recorder_tick(struct pg_recorder *recorder, double now,
                     struct pg_error *error) PG_CHECK_RESULT;

/* Makes everything safe now. */
int pg_recorder_flush(struct pg_recorder *recorder, struct pg_error *error) PG_CHECK_RESULT;

#endif
