/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_CONSENSUS_H
#define PHASEGRID_CONSENSUS_H

#include <mpi.h>

#include "phasegrid/error.h"

/* Collective. If any rank failed, all fail: returns the worst status, with its rank's text in
   everyone's error. A failure is worse than PG_ESTOPPED; of equals the lowest rank's counts. Waits
   without burning a core. */
int pg_consensus(MPI_Comm comm, int status, struct pg_error *error);

/* Collective. `size` bytes from rank 0 to all, waiting the same way. */
void pg_share_bytes(MPI_Comm comm, void *bytes, int size);

#endif
