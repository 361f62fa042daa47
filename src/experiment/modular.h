/* SPDX-License-Identifier: MIT */
/* What the files of the modular-addition experiments share: the task, its splits, rows and runs.
   The models are each experiment's own. */
#ifndef PHASEGRID_MODULAR_H
#define PHASEGRID_MODULAR_H

#include "llc_tables.h"
#include "runs.h"
#include "trajectory_tables.h"

/* Dimensions and observables, as the tables in modular.c order them. */
enum { TRAJECTORY_DIMENSION_NUMBERS, LLC_DIMENSION_NUMBERS, DIM_COUNT };

enum { TRAJECTORY_OBSERVABLE_NUMBERS, LLC_OBSERVABLE_NUMBERS, OBS_COUNT };

enum { MODULAR_P_MAX = 257 };

/* What every model on the task has: dimensions, and rows of observables. */
extern const struct pg_experiment_dimension pg_modular_dimensions[DIM_COUNT];
extern const struct pg_observable pg_modular_observables[OBS_COUNT];

/* A cell's settings, read once. */
struct modular {
    size_t symbols, sample_count, train_count;
    struct pg_rates rates[PG_GROUP_COUNT];
    struct pg_trainer_spec trainer;
    struct pg_trajectory_rule rule;
};

/* A model on the task: its experiment, and what reads and cross-checks a cell of it. */
struct modular_kind {
    const struct pg_experiment *experiment;
    int (*read)(const struct pg_values *values, struct modular *ret, struct pg_error *error);
};

/* Reads and cross-checks a cell of the multilayer perceptron. */
int pg_modular_read(const struct pg_values *values, struct modular *ret,
                    struct pg_error *error) PG_CHECK_RESULT;

/* What a reader begins with: the task, rates and trainer, all but the model. */
int pg_modular_read_task(const struct pg_values *values, struct modular *ret,
                         struct pg_error *error) PG_CHECK_RESULT;

/* An experiment's functions, for a model on the task. */
int pg_modular_check(const struct modular_kind *kind, const struct pg_values *values,
                     struct pg_error *error) PG_CHECK_RESULT;
int pg_modular_check_llc(const struct modular_kind *kind, const struct pg_values *values,
                         struct pg_error *error) PG_CHECK_RESULT;
int pg_modular_shape(const struct modular_kind *kind, const struct pg_values *values,
                     struct pg_shape *ret, struct pg_error *error) PG_CHECK_RESULT;
int pg_modular_run(const struct modular_kind *kind, const struct pg_run_source *source,
                   struct pg_error *error) PG_CHECK_RESULT;
int pg_modular_batches(const struct modular_kind *kind, const struct pg_run_request *request,
                       int64_t first, int64_t last, const struct pg_batch_sink *sink,
                       struct pg_error *error) PG_CHECK_RESULT;

#endif
