/* SPDX-License-Identifier: MIT */
/* Whether the memory suffices for what the ranks of each node will train. */
#ifndef PHASEGRID_SWEEP_PROVISION_H
#define PHASEGRID_SWEEP_PROVISION_H

#include <mpi.h>
#include <stdbool.h>

#include "cube.h"

/* Collective; each rank has a status of its own. PG_EMACHINE: the largest runs would not fit, with
   the figures. `keeps_states`: checkpoints are written. */
int pg_provision_check(const struct pg_cube *cube, bool keeps_states, MPI_Comm comm,
                       struct pg_error *error) PG_CHECK_RESULT;

#endif
