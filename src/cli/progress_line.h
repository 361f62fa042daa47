/* SPDX-License-Identifier: MIT */
/*
 * Progress goes to standard error: one rewritten line on a terminal, a line a minute elsewhere.
 * Results (map, table) go to standard output.
 */
#ifndef PHASEGRID_PROGRESS_LINE_H
#define PHASEGRID_PROGRESS_LINE_H

#include <stdbool.h>
#include <stdio.h>

#include "phase_style.h"
#include "phasegrid/experiment.h"
#include "phasegrid/sweep.h"

struct pg_progress_line {
    FILE *stream;
    int width;    /* columns of the terminal; 0: lines, not rewritten */
    bool is_open; /* a rewritten line stands there without its newline */
    size_t phase_count;
    struct pg_phase_style styles[PG_PHASES_MAX];
};

void pg_progress_line_init(struct pg_progress_line *line, const struct pg_experiment *experiment,
                           FILE *stream, int width);

/* How often a report is wanted, in seconds. */
double pg_progress_line_interval(const struct pg_progress_line *line);

/* The report function of a sweep; context: struct pg_progress_line. */
void pg_progress_line_report(const struct pg_progress *progress, void *context);

/* Ends a line that is open, so that other text can follow. */
void pg_progress_line_finish(struct pg_progress_line *line);

#endif
