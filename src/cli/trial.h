/* SPDX-License-Identifier: MIT */
/*
 * Runs of an experiment outside any sweep, to see how fast they are: two points are recorded, no
 * snapshots, and what they leave is thrown away. Every experiment calls its budget `steps`.
 */
#ifndef PHASEGRID_TRIAL_H
#define PHASEGRID_TRIAL_H

#include <stdbool.h>

#include "phasegrid/experiment.h"

struct pg_trial {
    const struct pg_experiment *experiment;
    struct pg_value *values; /* (schema->count): the caller fills them in, but for `steps` */
    size_t lengths[PG_EXPERIMENT_DIMS_MAX];
    void **slots; /* (observable_count), in `memory`, shared by all runs */
    unsigned char *memory;
    bool has_llc; /* an LLC estimate is made at step 0 */
};

struct pg_trial_cost {
    double wall_seconds, cpu_seconds; /* of all runs, set-up included */
    int64_t steps;                    /* that they made together */
};

/* lengths: of the experiment's dimensions (a shape's, or a cube's); step and snapshot do not
   count. After a failure release is still to be called. */
int pg_trial_init(struct pg_trial *trial, const struct pg_experiment *experiment,
                  const size_t *lengths, struct pg_error *error) PG_CHECK_RESULT;
void pg_trial_release(struct pg_trial *trial);

/* The same run `runs` times, side by side where its shape is trained so, for `budget` steps. */
int pg_trial_run(const struct pg_trial *trial, uint32_t seed, size_t runs, int64_t budget,
                 struct pg_trial_cost *ret_cost, struct pg_error *error) PG_CHECK_RESULT;

#endif
