/* SPDX-License-Identifier: MIT */
/*
 * The phase map in a terminal: the job's first axis to the right, its second upwards, each cell the
 * majority over everything else. An upper-case letter means that all runs of the cell agree.
 * Without colour the letters alone say it all.
 */
#ifndef PHASEGRID_PHASE_MAP_H
#define PHASEGRID_PHASE_MAP_H

#include <stdio.h>

#include "subject.h"
#include "terminal.h"

int pg_phase_map_print(const struct pg_results *results, const struct pg_terminal *terminal,
                       FILE *stream, struct pg_error *error) PG_CHECK_RESULT;

/* A line per phase: letter, name, runs, share; then diverged, failed and unfinished runs. */
void pg_phase_table_print(const struct pg_results *results, const struct pg_terminal *terminal,
                          FILE *stream);

#endif
