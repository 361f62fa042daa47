/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_STORE_SEGMENTS_H
#define PHASEGRID_STORE_SEGMENTS_H

#include <stdint.h>

/* Open MPI's number of the job that this process is a rank of; 0: not known. */
uint32_t pg_segments_job(void);

/* Removes the shared memory that the ranks of a dead launch, known by that number, have left on
   this host: what this user owns and was made not later than `since` (unix seconds), when the
   launch lived. Best effort. */
void pg_segments_remove(uint32_t job, int64_t since);

#endif
