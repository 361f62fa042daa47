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
#include "phasegrid/checkpoint.h"
#include "phasegrid/error.h"
#include "recorder.h"

/* A run that is to be trained. */
struct pg_assignment {
    uint64_t row;
    int32_t attempts; /* made before */
    bool is_anew;     /* from its beginning, whatever state of it was kept */
};

struct pg_outcome {
    uint8_t status;       /* enum pg_row_status */
    int phase;            /* -1: none */
    int64_t steps;        /* trained by this launch */
    double seconds;       /* the run's share in this launch: time divided by the runs in training */
    double whole_seconds; /* of earlier launches, too */
};

/* A run in training. */
struct pg_running {
    bool is_active;
    struct pg_run_key key;
    uint64_t row;
    int32_t attempts;      /* made before */
    double began;          /* pg_runner.shared at that moment */
    int64_t steps_before;  /* trained by earlier launches */
    double seconds_before; /* in which they did */
};

struct pg_runner {
    const struct pg_job *job;
    const struct pg_experiment *experiment;
    const struct pg_cube *cube;
    struct pg_block *block;  /* borrowed */
    struct pg_value *values; /* of the cell */
    void **slots;            /* (rows of the block, observables) */
    struct pg_identity identity;
    const struct pg_checkpoints *checkpoints; /* states of earlier launches; NULL: none; borrowed */
    void *state;                              /* of the run that began last; NULL: none */
    uint64_t cell;                            /* whose values these are; UINT64_MAX: none's */
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

/* A run begins, or goes on where an earlier launch left it, with row `index` of the block (cleared)
   as its room and its ticket. The request's values and state are good until the next run begins. */
int pg_runner_begin(struct pg_runner *runner, const struct pg_assignment *assignment, size_t index,
                    struct pg_run_request *ret_request, struct pg_error *error) PG_CHECK_RESULT;

/* What is known of a run in training, for its checkpoint; the state is the caller's. */
void pg_runner_record(struct pg_runner *runner, size_t index,
                      struct pg_checkpoint_record *ret_record);

/* It ended, and the block's row is complete. `status` below 0: it failed, and has no result. */
void pg_runner_end(struct pg_runner *runner, size_t index, int status,
                   const struct pg_run_result *result, struct pg_outcome *ret_outcome);

/* A run that does not even begin, since it crashed `attempts` times: the block's row says so. */
void pg_runner_give_up(struct pg_runner *runner, uint64_t row, size_t index, int signal,
                       int32_t attempts);

#endif
