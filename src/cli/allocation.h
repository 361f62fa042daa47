/* SPDX-License-Identifier: MIT */
/* When the allocation ends that this launch was given. */
#ifndef PHASEGRID_ALLOCATION_H
#define PHASEGRID_ALLOCATION_H

#include <stdbool.h>

/* Unix seconds; 0: there is no end, or nobody knows. PHASEGRID_DEADLINE (unix seconds) says so, or
   SLURM_JOB_END_TIME, or squeue, which is given a few seconds. For one rank, before MPI starts:
   it may start a process. */
double pg_allocation_end(void);

/* Whether the environment says that this process is rank 0. */
bool pg_allocation_is_first_rank(void);

#endif
