/* SPDX-License-Identifier: MIT */
/* From rows' numbers to their values: cell and seed, the experiment's runs, what the sweep adds. */
#ifndef PHASEGRID_SWEEP_RUNNER_H
#define PHASEGRID_SWEEP_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "cube.h"
#include "phasegrid/error.h"
#include "phasegrid/plan.h"
#include "recorder.h"

struct pg_outcome {
    uint8_t status; /* enum pg_row_status */
    int phase;      /* -1: none */
    int64_t steps;
    double seconds; /* since the outcome before, or since the piece began */
};

/* Who waits for the rows of a piece. */
struct pg_runner_client {
    /* The row at `index` of the piece is complete; in any order. */
    void (*finished)(void *context, size_t index, const struct pg_outcome *outcome);
    /* True: leave at once; nothing of the runs in training counts. */
    bool (*pause)(void *context);
    void *context;
};

/* A row in training. */
struct pg_running {
    bool is_active;
    double share; /* seconds, divided among the runs side by side */
};

struct pg_runner {
    const struct pg_job *job;
    const struct pg_experiment *experiment;
    const struct pg_cube *cube;
    struct pg_block *block;  /* borrowed; a row for each row of a piece */
    struct pg_value *values; /* of the cell */
    void **slots;            /* (rows of the block, observables) */
    uint64_t cell;           /* whose values these are; UINT64_MAX: none's */
    int32_t rank;
    uint8_t kernel;
    /* The piece in training. */
    struct pg_piece piece;
    int32_t attempts;
    uint32_t next, active;
    struct pg_running running[PG_RECORDER_ROWS_MAX];
    double shared, finished; /* when time was last divided, when a row was last finished */
    const struct pg_runner_client *client;
};

/* `block` has the cube's layout. */
int pg_runner_init(struct pg_runner *runner, const struct pg_job *job,
                   const struct pg_experiment *experiment, const struct pg_cube *cube,
                   struct pg_block *block, struct pg_error *error) PG_CHECK_RESULT;
void pg_runner_release(struct pg_runner *runner);

/* Trains the runs of a piece, side by side where their shape suggests it, into the block's
   (cleared) rows; `attempts` were made before at each. Where pause() says to leave, the rest stays
   to do. */
void pg_runner_train(struct pg_runner *runner, const struct pg_piece *piece, int32_t attempts,
                     const struct pg_runner_client *client);

#endif
