/* SPDX-License-Identifier: MIT */
/* What earlier launches left beside the results file, as it concerns the rows that are to do. */
#ifndef PHASEGRID_SWEEP_EARLIER_H
#define PHASEGRID_SWEEP_EARLIER_H

#include "begin.h"

/* Judges runs that crashed: suspects are to do alone, those that crashed too often are given up.
   Notes of which nothing is to do any more are removed. */
int pg_earlier_judge(const struct pg_sweep_options *options, const struct pg_job *job,
                     const struct pg_cube *cube, struct pg_beginning *beginning,
                     struct pg_error *error) PG_CHECK_RESULT;

#endif
