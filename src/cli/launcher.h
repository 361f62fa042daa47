/* SPDX-License-Identifier: MIT */
/* Starts the ranks for a command that was typed outside MPI, and stays as their parent. */
#ifndef PHASEGRID_LAUNCHER_H
#define PHASEGRID_LAUNCHER_H

#include <stdbool.h>

#include "phasegrid/error.h"

/* This process is a rank already: mpirun, srun or our own launcher started it. */
bool pg_launcher_is_rank(void);

/* Runs this program again with `argv` behind its name (NULL-terminated) as `ranks` ranks; 0: one a
   core, or as many as the allocation has. Returns the ranks' exit code, or a negative status when
   they could not be started. */
int pg_launcher_run(int ranks, char **argv, struct pg_error *error) PG_CHECK_RESULT;

#endif
