/* SPDX-License-Identifier: MIT */
/*
 * The checkpoints of one worker: when its runs have been in training for long enough, their states
 * go into one file, in the place of those before.
 */
#ifndef PHASEGRID_SWEEP_KEEPER_H
#define PHASEGRID_SWEEP_KEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "phasegrid/checkpoint.h"
#include "recorder.h"

enum { PG_LAUNCH_NAME_SIZE = 17 }; /* 16 hexadecimal digits */

struct pg_keeper {
    const char *results_path; /* borrowed */
    char name[PG_LAUNCH_NAME_SIZE + 16];
    double every; /* seconds; 0: no checkpoints */
    enum pg_sync sync;
    struct pg_checkpoint_record records[PG_RECORDER_ROWS_MAX]; /* gathered; states are our own */
    size_t tickets[PG_RECORDER_ROWS_MAX];                      /* whose they are */
    size_t count;
    bool is_lost;  /* one of them found no memory */
    bool has_file; /* a file of this worker exists */
    struct {
        bool is_active, is_in_file;
        double since;             /* pg_clock_wall() when it began, or was asked for last */
    } runs[PG_RECORDER_ROWS_MAX]; /* [ticket] */
    size_t unfinished;            /* runs in the file that are in training */
    double due;                   /* not before that moment */
};

void pg_keeper_init(struct pg_keeper *keeper, const char *results_path, const char *launch,
                    int rank, double every, enum pg_sync sync);
void pg_keeper_release(struct pg_keeper *keeper);

/* A run begins, or has ended. */
void pg_keeper_enter(struct pg_keeper *keeper, size_t ticket, double now);
void pg_keeper_leave(struct pg_keeper *keeper, size_t ticket);

/* Whether the states of all runs in training are wanted now. It is asked for only once. */
bool pg_keeper_asks(struct pg_keeper *keeper, double now);

/* One of them; the state is copied. */
void pg_keeper_gather(struct pg_keeper *keeper, size_t ticket,
                      const struct pg_checkpoint_record *record);

/* Writes what was gathered, if anything was. On failure the file before it stays. */
int pg_keeper_write(struct pg_keeper *keeper, struct pg_error *error) PG_CHECK_RESULT;

/* Whether there is a file, and no run in it is in training any more: once their rows are on disk,
   it can be removed. */
bool pg_keeper_is_settled(const struct pg_keeper *keeper);
void pg_keeper_remove(struct pg_keeper *keeper);

#endif
