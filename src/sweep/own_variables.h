/* SPDX-License-Identifier: MIT */
/* Variables of every sweep, beside the experiment's. */
#ifndef PHASEGRID_SWEEP_OWN_VARIABLES_H
#define PHASEGRID_SWEEP_OWN_VARIABLES_H

#include "phasegrid/layout.h"

enum pg_own_variable {
    PG_OWN_FAILURE,
    PG_OWN_LAST_STEP,
    PG_OWN_WALL_SECONDS,
    PG_OWN_RANK,
    PG_OWN_KERNEL,
    PG_OWN_BLAS_CORE,
    PG_OWN_NUMERICS,
    PG_OWN_FINISHED_AT,
    PG_OWN_ATTEMPTS,
    PG_OWN_COUNT
};

/* These stand before the observables; the others, all volatile, behind them. */
enum { PG_OWN_BEFORE = PG_OWN_LAST_STEP + 1 };

/* Meanings of `failure`; from PG_FAILURE_SEGV on the run was given up because it crashed. */
enum pg_failure {
    PG_FAILURE_NONE,
    PG_FAILURE_MEMORY,
    PG_FAILURE_REFUSED,
    PG_FAILURE_SEGV,
    PG_FAILURE_BUS,
    PG_FAILURE_ILL,
    PG_FAILURE_FPE,
    PG_FAILURE_ABRT,
    PG_FAILURE_COUNT
};

enum pg_failure pg_failure_of_signal(int number);

extern const struct pg_variable pg_status_variable, pg_crc_variable;
extern const struct pg_variable pg_own_variables[PG_OWN_COUNT];

#endif
