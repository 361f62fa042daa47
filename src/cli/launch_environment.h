/* SPDX-License-Identifier: MIT */
/* What the ranks find in their environment, and where they are allowed to be. */
#ifndef PHASEGRID_LAUNCH_ENVIRONMENT_H
#define PHASEGRID_LAUNCH_ENVIRONMENT_H

#include <stdbool.h>

/* Nothing says that the ranks may be placed on other hosts: no allocation of a scheduler, no host
   list for mpirun. */
bool pg_launch_is_single_host(void);

/* Sets what Open MPI and OpenBLAS need here; what the user has set, there or in
   Open MPI's parameter files, stays as it is. */
void pg_launch_prepare_environment(bool single_host);

#endif
