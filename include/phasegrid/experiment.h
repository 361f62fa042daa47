/* SPDX-License-Identifier: MIT */
/*
 * An experiment: a named task, model, observables, theory and phase rule, as one const struct. A
 * run is a pure function (settings, seed, record) -> one row; it knows no rank and no file. Runs of
 * one shape may be trained side by side, which cannot be seen in their rows.
 */
#ifndef PHASEGRID_EXPERIMENT_H
#define PHASEGRID_EXPERIMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/layout.h"
#include "phasegrid/model.h"
#include "phasegrid/pause.h"
#include "phasegrid/setting.h"

enum { PG_EXPERIMENT_DIMS_MAX = 16, PG_SEGMENTS_MAX = 48, PG_VARIANT_MAX = 18 };

/* What to record, the same for every run of a job. */
struct pg_record {
    const int64_t *steps; /* ascending, begins with 0, ends with the longest budget */
    size_t step_count;
    const int64_t *snapshots; /* ascending steps at which the whole parameter vector is kept */
    size_t snapshot_count;
    const int64_t *llc_steps; /* ascending steps at which the LLC is estimated */
    size_t llc_step_count;
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

/* The shape of one cell's data and model. Cells of equal shapes, byte for byte, may be trained side
   by side. */
struct pg_shape {
    size_t lengths[PG_EXPERIMENT_DIMS_MAX]; /* as experiment->dimensions; 0 for step, snapshot */
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t segment_count;
    int64_t steps;  /* budget */
    size_t lanes;   /* runs that are trained side by side: 1, or PG_LANES */
    bool uses_blas; /* products by OpenBLAS: bytes are those of its core */
    /* What else is equal in such runs, number by number (no digest of them: two cells that met in
       it would be trained as one): optimiser, activations, counts of samples, ... */
    int64_t variant[PG_VARIANT_MAX];
    double flops_per_step; /* expected, evaluation included */
    size_t bytes; /* memory of `lanes` runs in training, and of the state of one but for its row,
                     which is at most a row of the cube */
    size_t llc_bytes; /* more, where the job asks for LLC estimates */
};

struct pg_run_request {
    struct pg_values values; /* good until the next call of the source */
    uint32_t seed;
    uint32_t mix; /* 0, or the cell's hash under `streams: independent` */
    const struct pg_record *record;
    const size_t *lengths; /* the cube's (largest) lengths, as experiment->dimensions */
    void *const *slots;    /* (observable_count) where each observable goes, pre-filled */
    uint64_t ticket;       /* the source's own, to know the run again */
    /* From save(): the run goes on from there, to the same bytes; NULL, and where it does not fit
       the run: from the beginning. Good until next() is called again. */
    const void *state;
    size_t state_size;
};

struct pg_run_result {
    bool diverged;
    int64_t last_step; /* steps trained when the run ended */
    int phase;         /* index into phase_names */
};

/* Where runs come from, and where they go when they are finished. All runs of one source have the
   same shape. */
struct pg_run_source {
    /* The next run to train; false: there is no more. Asked whenever there is a free lane. */
    bool (*next)(void *context, struct pg_run_request *ret_request);
    /* The run of this ticket is finished: its row is complete, or (status below 0: a code of
       pg_error, the message in `error`) its settings or the machine refuse it. In any order. */
    void (*finish)(void *context, uint64_t ticket, int status, const struct pg_run_result *result,
                   const struct pg_error *error);
    /* Called between steps, and at least every millisecond where steps are shorter. May be NULL. */
    enum pg_pause (*pause)(void *context);
    /* After a pause that asked for it, for each run in training: the state of the run of this
       ticket between two steps (parameters, moments, crossings, what it has written of its row),
       which does not depend on packing or on the cube's lengths; `progress`: steps trained.
       Borrowed for the call. May be NULL. */
    void (*save)(void *context, uint64_t ticket, int64_t progress, const void *state, size_t size);
    void *context;
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
    /* The same of the llc_ settings, where the job asks for estimates; NULL: it has none. */
    int (*check_llc)(const struct pg_values *values, struct pg_error *error);
    int (*shape)(const struct pg_values *values, struct pg_shape *ret_shape,
                 struct pg_error *error);
    /* Trains all runs of the source, shape->lanes at a time: 0 when each was finished, PG_ESTOPPED
       when pause() said to leave (nothing of an unfinished run counts), or a failure of the machine
       before the first one. */
    int (*run)(const struct pg_run_source *source, struct pg_error *error);
    /* The sample indices of the batches of steps first .. last (from 1), in order of use; NULL
       where there are no batches. */
    int (*batches)(const struct pg_run_request *request, int64_t first, int64_t last,
                   const struct pg_batch_sink *sink, struct pg_error *error);
};

/* All experiments, NULL-terminated. */
extern const struct pg_experiment *const pg_experiments[];

const struct pg_experiment *pg_experiment_find(const char *name); /* NULL: none */

/* One run alone: the experiment's run() over a source of one. */
int pg_experiment_run_one(const struct pg_experiment *experiment,
                          const struct pg_run_request *request, struct pg_run_result *ret_result,
                          struct pg_error *error) PG_CHECK_RESULT;

#endif
