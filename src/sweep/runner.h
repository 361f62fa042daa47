/* SPDX-License-Identifier: MIT */
/*
 * From a row's number to what its run needs (cell, seed, room), and from how the run ended to the
 * row's values. Any number of runs may be in training at a time.
 */
#ifndef PHASEGRID_SWEEP_RUNNER_H
#define PHASEGRID_SWEEP_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "cube.h"
#include "identity.h"
#include "phasegrid/error.h"
#include "recorder.h"

struct pg_outcome {
    uint8_t status; /* enum pg_row_status */
    int phase;      /* -1: none */
    int64_t steps;
    double seconds; /* the run's share: time divided by the runs in training */
};

/* A run in training. */
struct pg_running {
    bool is_active;
    uint64_t row;
    int32_t attempts; /* made before */
    double began;     /* pg_runner.shared at that moment */
};

struct pg_runner {
    const struct pg_job *job;
    const struct pg_experiment *experiment;
    const struct pg_cube *cube;
    struct pg_block *block;  /* borrowed */
    struct pg_value *values; /* of the cell */
    void **slots;            /* (rows of the block, observables) */
    struct pg_identity identity;
    uint64_t cell; /* whose values these are; UINT64_MAX: none's */
    int32_t rank;
    uint8_t kernel;
    struct pg_running running[PG_RECORDER_ROWS_MAX]; /* [index in the block] */
    size_t active;                                   /* of them */
    double shared, noted; /* seconds that each of them would have got so far; when that was */
};

/* `block` has the cube's layout. */
int pg_runner_init(struct pg_runner *runner, const struct pg_job *job,
                   const struct pg_experiment *experiment, const struct pg_cube *cube,
                   struct pg_block *block, struct pg_error *error) PG_CHECK_RESULT;
void pg_runner_release(struct pg_runner *runner);

/* Index into the survey's shapes. */
uint32_t pg_runner_shape(const struct pg_runner *runner, uint64_t row);

/* A run begins, with row `index` of the block (cleared) as its room and its ticket; `attempts` were
   made before. The request's values are good until the next run begins. */
int pg_runner_begin(struct pg_runner *runner, uint64_t row, size_t index, int32_t attempts,
                    struct pg_run_request *ret_request, struct pg_error *error) PG_CHECK_RESULT;

/* It ended, and the block's row is complete. `status` below 0: it failed, and has no result. */
void pg_runner_end(struct pg_runner *runner, size_t index, int status,
                   const struct pg_run_result *result, struct pg_outcome *ret_outcome);

/* A run that does not even begin, since it crashed `attempts` times: the block's row says so. */
void pg_runner_give_up(struct pg_runner *runner, uint64_t row, size_t index, int signal,
                       int32_t attempts);

#endif
