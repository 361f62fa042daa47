/* SPDX-License-Identifier: MIT */
/* A run of a results file trained again, to see whether it gives the same bytes. */
#ifndef PHASEGRID_RECOMPUTE_H
#define PHASEGRID_RECOMPUTE_H

#include "phasegrid/error.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"
#include "phasegrid/row_difference.h"
#include "phasegrid/store.h"

struct pg_recomputer;

/* `job` is the file's; everything is borrowed. PG_EMISMATCH: the file does not look as its job
   says. */
int pg_recomputer_create(struct pg_reader *reader, const struct pg_job *job,
                         const struct pg_experiment *experiment, struct pg_recomputer **ret,
                         struct pg_error *error) PG_CHECK_RESULT;
void pg_recomputer_destroy(struct pg_recomputer *recomputer);

enum pg_recomputed {
    PG_RECOMPUTED_EQUAL,
    PG_RECOMPUTED_DIFFERS,    /* the difference is told: a in the file, b computed again */
    PG_RECOMPUTED_IMPOSSIBLE, /* `a` computed it (another numerics, or OpenBLAS's core); here is b
                               */
};

/* Trains the run of a row that is done or diverged. */
int pg_recompute(struct pg_recomputer *recomputer, uint64_t row, enum pg_recomputed *ret_result,
                 struct pg_difference *ret_difference, struct pg_error *error) PG_CHECK_RESULT;

#endif
