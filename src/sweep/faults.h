/* SPDX-License-Identifier: MIT */
/*
 * What a process writes when it crashes in training: one line in `<results>.faults`, with the
 * signal and the runs that were in training; then the signal does what it does by default. A
 * process that is killed from outside writes nothing.
 */
#ifndef PHASEGRID_SWEEP_FAULTS_H
#define PHASEGRID_SWEEP_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "phasegrid/error.h"
#include "phasegrid/run_key.h"

/* "<results>.faults"; the caller frees it. NULL: no memory. */
char *pg_faults_path(const char *results_path);

/* From now on SEGV, BUS, ILL, FPE and ABRT are noted; one process can note for one file. */
int pg_faults_catch(const char *results_path, struct pg_error *error) PG_CHECK_RESULT;
void pg_faults_release(void); /* the handlers that were there before come back */

/* A run is in training in place `index` (below PG_RECORDER_ROWS_MAX), or no longer. */
void pg_faults_enter(size_t index, const struct pg_run_key *key);
void pg_faults_leave(size_t index);

/* Whether a crash is the fault of the runs in training. They are not to blame for one in what the
   sweep does between their steps: messages, files. Returns what was said before. */
bool pg_faults_blame(bool are_runs_to_blame);

#endif
