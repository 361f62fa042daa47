/* SPDX-License-Identifier: MIT */
/* Everything that a results file says, against its own checksums and the job that it keeps. */
#ifndef PHASEGRID_AUDIT_H
#define PHASEGRID_AUDIT_H

#include "phasegrid/error.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"
#include "phasegrid/row_check.h"

struct pg_audit {
    struct pg_row_check rows;
    uint64_t damaged;      /* rows with a fault */
    struct pg_error frame; /* what is wrong outside of the rows; its status is 0: nothing */
};

/* `job` is the file's. Fails when the file cannot be read; what is damaged is no failure. */
int pg_audit_make(struct pg_reader *reader, const struct pg_job *job,
                  const struct pg_experiment *experiment, struct pg_audit *ret_audit,
                  struct pg_error *error) PG_CHECK_RESULT;
void pg_audit_release(struct pg_audit *audit);

/* "run 17: decoder_lr 0.001, weight_decay 2, seed 0". */
void pg_audit_print_run(const struct pg_job *job, uint64_t row, char *text, size_t size);

#endif
