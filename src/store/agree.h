/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_STORE_AGREE_H
#define PHASEGRID_STORE_AGREE_H

#include <mpi.h>

#include "phasegrid/error.h"

/* Collective. If any rank failed, all ranks return the status and text of the lowest one that
   did; otherwise 0. */
int pg_agree(int status, MPI_Comm comm, struct pg_error *error) PG_CHECK_RESULT;

#endif
