/* SPDX-License-Identifier: MIT */
/*
 * One pass over the cells of a job: is each of them allowed, and what shape has its model? Most
 * axes (learning rates, decay) do not change the shape, so that a job of a million cells has a
 * handful of different ones; a cell keeps only the index of its own.
 */
#ifndef PHASEGRID_SURVEY_H
#define PHASEGRID_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"

struct pg_survey {
    uint64_t cell_count;
    uint32_t *shape_of; /* (cell_count): index into shapes */
    struct pg_shape *shapes;
    size_t shape_count;
    size_t lengths[PG_EXPERIMENT_DIMS_MAX]; /* largest over the shapes, as shape.lengths */
    int64_t steps;                          /* longest budget */
};

/* Fails as the experiment's check() and shape() do, with the cell named in the message. */
int pg_survey_init(struct pg_survey *survey, const struct pg_job *job,
                   const struct pg_experiment *experiment, struct pg_error *error) PG_CHECK_RESULT;

/* The same of the first cell alone, at once for any job: a lower bound of lengths and steps. */
int pg_survey_init_first(struct pg_survey *survey, const struct pg_job *job,
                         const struct pg_experiment *experiment,
                         struct pg_error *error) PG_CHECK_RESULT;
void pg_survey_release(struct pg_survey *survey);

/* The most runs that any shape trains side by side; at least 1. */
size_t pg_survey_lanes(const struct pg_survey *survey);

/* Whether products of any shape are OpenBLAS's. */
bool pg_survey_uses_blas(const struct pg_survey *survey);

/* "decoder_lr 0.001, weight_decay 2": what the axes give the cell; empty without axes. */
void pg_survey_print_cell(const struct pg_job *job, uint64_t cell, char *text, size_t size);

#endif
