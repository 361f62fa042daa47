/* SPDX-License-Identifier: MIT */
/* What a job will cost, before it runs. */
#ifndef PHASEGRID_ESTIMATE_H
#define PHASEGRID_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/survey.h"
#include "subject.h"

enum { PG_ESTIMATE_LONGEST = 3 };

struct pg_estimate_cell {
    uint64_t cell;
    int64_t steps;
    double seconds; /* of one run */
};

struct pg_estimate {
    size_t bytes_per_run; /* the largest */
    uint64_t file_bytes;
    double model_steps;      /* of all runs, if none stops early */
    double steps_per_second; /* of the shape with the most work, on one core */
    double *run_seconds;     /* (survey.shape_count): CPU-seconds of one run */
    double core_seconds;     /* NAN, as every time: a cell of that shape was refused */
    struct pg_estimate_cell longest[PG_ESTIMATE_LONGEST]; /* longest first, of distinct shapes */
    size_t longest_count;
    char refusal[256]; /* why the shape with the most work cannot train; empty when it can */
    struct pg_survey survey;
    uint64_t *first_cells; /* (survey.shape_count): of each shape */
};

/* To be released, whatever it returns. Checks every cell, then trains a cell of each shape with
   much work for a fraction of a second. */
int pg_estimate_make(const struct pg_subject_job *subject, struct pg_estimate *ret_estimate,
                     struct pg_error *error) PG_CHECK_RESULT;

void pg_estimate_release(struct pg_estimate *estimate);

/* On `ranks` cores: shared work, but never less than the longest run. */
double pg_estimate_seconds(const struct pg_estimate *estimate, int ranks);

#endif
