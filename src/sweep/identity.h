/* SPDX-License-Identifier: MIT */
/* The keys of a job's runs: what names a run in files beside the cube. */
#ifndef PHASEGRID_SWEEP_IDENTITY_H
#define PHASEGRID_SWEEP_IDENTITY_H

#include <nettle/sha2.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"
#include "phasegrid/run_key.h"

struct pg_identity {
    const struct pg_job *job; /* borrowed */
    struct sha256_ctx common; /* over what all runs share */
    uint64_t cell;            /* whose hash `key` holds; UINT64_MAX: none's */
    struct pg_run_key key;
};

void pg_identity_init(struct pg_identity *identity, const struct pg_job *job,
                      const struct pg_record *record);

/* The key of a row's run; cheap for the rows of one cell, one after the other. */
int pg_identity_find(struct pg_identity *identity, uint64_t row, struct pg_run_key *ret_key,
                     struct pg_error *error) PG_CHECK_RESULT;

#endif
