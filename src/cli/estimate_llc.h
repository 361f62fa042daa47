/* SPDX-License-Identifier: MIT */
/* What LLC estimates add to the time of a run. */
#ifndef PHASEGRID_ESTIMATE_LLC_H
#define PHASEGRID_ESTIMATE_LLC_H

#include "phasegrid/survey.h"
#include "subject.h"

/* CPU-seconds of all estimates of one run of the cell: shortened chains are tried. 0 where the job
   asks for none. */
int pg_estimate_llc(const struct pg_subject_job *subject, const struct pg_survey *survey,
                    uint64_t cell, double *ret_seconds, struct pg_error *error) PG_CHECK_RESULT;

#endif
