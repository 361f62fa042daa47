/* SPDX-License-Identifier: MIT */
/* A worker: trains the pieces that it is ordered to, until the end. */
#ifndef PHASEGRID_SWEEP_WORKER_H
#define PHASEGRID_SWEEP_WORKER_H

#include "keeper.h"
#include "message.h"
#include "recorder.h"
#include "runner.h"
#include "time_limit.h"

/* Returns 0 when it was ordered the end, a signal was raised or the time is over, or the failure
   that made it leave. Everything finished is then safe, and everything finished was reported. */
int pg_worker_run(struct pg_runner *runner, struct pg_recorder *recorder, struct pg_keeper *keeper,
                  const struct pg_link *link, const struct pg_time_limit *limit,
                  struct pg_error *error) PG_CHECK_RESULT;

/* The link of a worker to the coordinator on rank 0 of `comm` (borrowed). */
struct pg_link pg_link_to_coordinator(MPI_Comm *comm);

#endif
