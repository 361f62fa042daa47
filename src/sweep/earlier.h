/* SPDX-License-Identifier: MIT */
/* What earlier launches left beside the results file: notes of crashes, states of unfinished runs.
 */
#ifndef PHASEGRID_SWEEP_EARLIER_H
#define PHASEGRID_SWEEP_EARLIER_H

#include "begin.h"

/* Judges runs that crashed: suspects are to do alone, those that crashed too often are given up.
   Finds the states that there are. What no run needs that is to do is removed. */
int pg_earlier_judge(const struct pg_sweep_options *options, const struct pg_job *job,
                     const struct pg_cube *cube, struct pg_beginning *beginning,
                     struct pg_error *error) PG_CHECK_RESULT;

/* After a launch, with the file closed: removes what is no longer needed; all of it when
   `is_whole`, else what belongs to finished runs. Nothing is lost when it fails, so it does so
   silently. */
void pg_earlier_tidy(const char *path, const struct pg_job *job, const struct pg_cube *cube,
                     bool is_whole);

#endif
