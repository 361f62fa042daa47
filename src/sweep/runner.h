/* SPDX-License-Identifier: MIT */
/* From a row's number to its values: cell and seed, the experiment's run, what the sweep adds. */
#ifndef PHASEGRID_SWEEP_RUNNER_H
#define PHASEGRID_SWEEP_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "cube.h"
#include "phasegrid/error.h"

struct pg_runner {
    const struct pg_job *job;
    const struct pg_experiment *experiment;
    const struct pg_cube *cube;
    struct pg_block *block;  /* borrowed; row 0 is written */
    struct pg_value *values; /* of the cell */
    void **slots;            /* of the observables, in the block */
    uint64_t cell;           /* whose values these are; UINT64_MAX: none's */
    int32_t rank;
    uint8_t kernel;
};

struct pg_outcome {
    uint8_t status; /* enum pg_row_status */
    int phase;      /* -1: none */
    int64_t steps;
    double seconds;
};

/* `block` has the cube's layout. */
int pg_runner_init(struct pg_runner *runner, const struct pg_job *job,
                   const struct pg_experiment *experiment, const struct pg_cube *cube,
                   struct pg_block *block, struct pg_error *error) PG_CHECK_RESULT;
void pg_runner_release(struct pg_runner *runner);

/* Trains the run and fills the block's row; `attempts` were made before. False: pause() said to
   leave, and nothing of this run counts. */
bool pg_runner_train(struct pg_runner *runner, uint64_t row, int32_t attempts,
                     bool (*pause)(void *context), void *context, struct pg_outcome *ret_outcome);

#endif
