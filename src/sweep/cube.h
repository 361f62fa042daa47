/* SPDX-License-Identifier: MIT */
/*
 * What a job's results file looks like, and where a run's parts go in it: the layout that
 * pg_cube_create() hands out, with what was found out on the way.
 */
#ifndef PHASEGRID_SWEEP_CUBE_H
#define PHASEGRID_SWEEP_CUBE_H

#include "own_variables.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"
#include "phasegrid/layout.h"
#include "phasegrid/pool.h"
#include "phasegrid/survey.h"

struct pg_cube {
    struct pg_layout layout; /* first, for pg_cube_destroy() */
    struct pg_survey survey;
    struct pg_record record;
    size_t lengths[PG_EXPERIMENT_DIMS_MAX]; /* of the experiment's dimensions in the file */
    int own[PG_OWN_COUNT];                  /* index into layout.variables; -1: left out */
    int *observables;                       /* (observable_count): the same */
    struct pg_pool pool;                    /* memory behind the layout */
    int64_t *record_steps, *llc_steps;
};

enum pg_cube_extent {
    PG_CUBE_BOUND,     /* by the first cell alone: no dimension is longer than in the file */
    PG_CUBE_LAYOUT,    /* of all cells */
    PG_CUBE_WITH_DATA, /* and the data of the variables over cells, for the file's creator */
};

int pg_cube_build(const struct pg_job *job, const struct pg_experiment *experiment,
                  enum pg_cube_extent extent, struct pg_cube **ret_cube,
                  struct pg_error *error) PG_CHECK_RESULT;
void pg_cube_release(struct pg_cube *cube);

#endif
