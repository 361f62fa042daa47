/* SPDX-License-Identifier: MIT */
/* LLC estimates of a cell's runs: from its settings to the observables of llc_tables.h. */
#ifndef PHASEGRID_LLC_CELL_H
#define PHASEGRID_LLC_CELL_H

#include "phasegrid/experiment.h"
#include "phasegrid/llc.h"

/* A cell's llc_ settings, read once. */
struct pg_llc_cell {
    struct pg_llc_plan plan;
    double n_beta, localization, step_size; /* step_size 0: auto */
    size_t samples;                         /* n */
    bool keeps_traces;
    const char *part; /* llc_restrict, and its number among what that may be */
    int64_t part_number;
};

/* samples: n, the training samples. */
struct pg_llc_cell pg_llc_cell_read(const struct pg_values *values, size_t samples);

/* What the llc_ settings of a job that asks for estimates may not be. has_batches: the experiment
   can draw some. */
int pg_llc_cell_check(const struct pg_values *values, size_t samples, bool has_batches,
                      const struct pg_segment *segments, size_t segment_count,
                      struct pg_error *error) PG_CHECK_RESULT;

/* ret (parameters): what llc_restrict lets move: "all", or the segments whose name begins with the
   part ("decoder.1": decoder.1.weight, decoder.1.bias). Returns how many parameters. */
size_t pg_llc_cell_mask(const struct pg_llc_cell *cell, const struct pg_segment *segments,
                        size_t segment_count, size_t parameters, bool *ret_is_free);

/* What runs whose chains share lanes must agree in, for the shape's variant. */
enum { PG_LLC_VARIANT = 8 };
void pg_llc_cell_variant(const struct pg_llc_cell *cell, int64_t ret_variant[PG_LLC_VARIANT]);

/* Where the estimates of an experiment are written. */
struct pg_llc_slots {
    size_t first;                  /* observable "llc"; the others behind it, in order */
    size_t chain, draw, parameter; /* dimensions */
};

/* Index of the estimate of a run that has taken `step` of its `steps`: at the record's steps, and
   at its own end for the first one behind that; SIZE_MAX: none is due. */
size_t pg_llc_due(const struct pg_record *record, int64_t step, int64_t steps);

/* Writes estimate `index` of a run; values (chains), traces (chains, draws), anchor (parameters).
 */
void pg_llc_put(const struct pg_llc_slots *slots, const struct pg_run_request *request,
                size_t index, const struct pg_llc_cell *cell, const struct pg_llc_point *point,
                size_t parameters, bool scores_full, const struct pg_llc_result *result,
                const double *values, const double *traces);

#endif
