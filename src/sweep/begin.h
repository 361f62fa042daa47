/* SPDX-License-Identifier: MIT */
/* How a sweep begins: with a new file, or with what an earlier launch left in one. */
#ifndef PHASEGRID_SWEEP_BEGIN_H
#define PHASEGRID_SWEEP_BEGIN_H

#include "cube.h"
#include "phasegrid/checkpoint.h"
#include "phasegrid/error.h"
#include "phasegrid/plan.h"
#include "phasegrid/sweep.h"

/* A run that crashed too often. */
struct pg_given_up {
    uint64_t row;
    int signal;
    int32_t attempts;
};

struct pg_beginning {
    uint8_t *todo;     /* (row_count), enum pg_plan_row; NULL: everything is to do */
    int32_t *attempts; /* (row_count) made so far; NULL: none */
    /* (row_count): 0 when it is not known to have crashed; else 1 + the times that it did alone */
    uint8_t *crashes;
    struct pg_given_up *given_up; /* (given_up_count): to be written as failed */
    size_t given_up_count;
    uint64_t *failed; /* (failed_count): rows with that status, which are to do again */
    size_t failed_count;
    struct pg_checkpoints *checkpoints;
    struct pg_progress progress; /* what is done already */
};

/* Creates the file at `path`, or reads how far it is. Not of this job, experiment or numerics:
   PG_EMISMATCH, and nothing is touched. Serial. */
int pg_begin(const struct pg_sweep_options *options, const struct pg_job *job,
             const struct pg_experiment *experiment, const struct pg_cube *cube,
             struct pg_beginning *ret_beginning, struct pg_error *error) PG_CHECK_RESULT;
void pg_beginning_release(struct pg_beginning *beginning);

#endif
