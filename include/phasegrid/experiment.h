/* SPDX-License-Identifier: MIT */
/*
 * An experiment: a named task, model, observables, theory and phase rule, as one const struct. A
 * run is a pure function (settings, seed, record) -> one row; it knows no rank and no file.
 */
#ifndef PHASEGRID_EXPERIMENT_H
#define PHASEGRID_EXPERIMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/layout.h"
#include "phasegrid/model.h"
#include "phasegrid/setting.h"

enum { PG_EXPERIMENT_DIMS_MAX = 12, PG_SEGMENTS_MAX = 32 };

/* What to record, the same for every run of a job. */
struct pg_record {
    const int64_t *steps; /* ascending, begins with 0, ends with the longest budget */
    size_t step_count;
    const int64_t *snapshots; /* ascending steps at which the whole parameter vector is kept */
    size_t snapshot_count;
    bool stop_when_decided;
};

/* A dimension by name; "step" and "snapshot" get their lengths from the record. */
struct pg_experiment_dimension {
    const char *name, *long_name, *units;
};

/* What an observable says of itself: a text, a number, or the value of a setting (a threshold, a
   tolerance), which becomes a number where no axis of the job moves the setting. */
struct pg_observable_attribute {
    const char *name, *text; /* text NULL: number or setting */
    double number;
    const char *setting;
};

/* A variable of a run; dims index experiment->dimensions. Fields as in struct pg_variable. */
struct pg_observable {
    const char *name, *long_name, *units;
    enum pg_data_type type;
    size_t dim_count;
    size_t dims[PG_VARIABLE_DIMS_MAX];
    double fill;
    const char *const *meanings;
    const char *unwritten_meaning;
    bool is_volatile;
    const struct pg_observable_attribute *attributes;
    size_t attribute_count;
};

/* The shape of one cell's data and model. */
struct pg_shape {
    size_t lengths[PG_EXPERIMENT_DIMS_MAX]; /* as experiment->dimensions; 0 for step, snapshot */
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t segment_count;
    int64_t steps;         /* budget */
    double flops_per_step; /* expected, evaluation included */
    size_t bytes;          /* memory of one run in training */
};

struct pg_run_request {
    struct pg_values values;
    uint32_t seed;
    uint32_t mix; /* 0, or the cell's hash under `streams: independent` */
    const struct pg_record *record;
    const size_t *lengths; /* the cube's (largest) lengths, as experiment->dimensions */
    void *const *slots;    /* (observable_count) where each observable goes, pre-filled */
    /* Called between steps, and at least every millisecond where steps are shorter; true: leave at
       once (PG_ESTOPPED). May be NULL. */
    bool (*pause)(void *context);
    void *context;
};

struct pg_run_result {
    bool diverged;
    int64_t last_step; /* steps trained when the run ended */
    int phase;         /* index into phase_names */
};

/* Takes one batch after the other; samples (count) are borrowed for the call. */
struct pg_batch_sink {
    void (*take)(void *context, int64_t step, const uint32_t *samples, size_t count);
    void *context;
};

struct pg_experiment {
    const char *name, *summary, *reference;
    const struct pg_schema *schema;
    const struct pg_experiment_dimension *dimensions;
    size_t dimension_count;
    const struct pg_observable *observables;
    size_t observable_count;
    const char *const *phase_names; /* NULL-terminated; the meanings of observable "phase" */

    /* What one setting's range cannot say; the message names the settings and their values. */
    int (*check)(const struct pg_values *values, struct pg_error *error);
    int (*shape)(const struct pg_values *values, struct pg_shape *ret_shape,
                 struct pg_error *error);
    int (*run)(const struct pg_run_request *request, struct pg_run_result *ret_result,
               struct pg_error *error);
    /* The sample indices of the batches of steps first .. last (from 1), in order of use; NULL
       where there are no batches. */
    int (*batches)(const struct pg_run_request *request, int64_t first, int64_t last,
                   const struct pg_batch_sink *sink, struct pg_error *error);
};

/* All experiments, NULL-terminated. */
extern const struct pg_experiment *const pg_experiments[];

const struct pg_experiment *pg_experiment_find(const char *name); /* NULL: none */

#endif
