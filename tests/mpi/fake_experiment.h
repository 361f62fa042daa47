/* SPDX-License-Identifier: MIT */
/*
 * An experiment that trains nothing: a row is a hash of settings and seed, and takes a time that
 * varies from run to run. What it did is written to the file that FAKE_LOG names, a line a run:
 * process, rank, "begin" (or "resume", from a state) or "end", settings and seed.
 */
#ifndef PHASEGRID_TESTS_FAKE_EXPERIMENT_H
#define PHASEGRID_TESTS_FAKE_EXPERIMENT_H

#include "phasegrid/experiment.h"

extern const struct pg_experiment fake_experiment;

#endif
