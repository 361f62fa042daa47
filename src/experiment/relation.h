/* SPDX-License-Identifier: MIT */
/* What the files of the relation experiment share. */
#ifndef PHASEGRID_RELATION_H
#define PHASEGRID_RELATION_H

#include "llc_tables.h"
#include "relation_theory.h"
#include "runs.h"
#include "trajectory_tables.h"

/* Dimensions and observables, as the tables in relation.c order them. */
enum { TRAJECTORY_DIMENSION_NUMBERS, LLC_DIMENSION_NUMBERS, DIM_COUNT };

enum {
    TRAJECTORY_OBSERVABLE_NUMBERS,
    OBS_SILHOUETTE,
    OBS_DESCRIPTION_LENGTH,
    OBS_CRITICAL_FRACTION,
    OBS_BOUND,
    OBS_CLOSURE_ACCURACY,
    OBS_COLLISION,
    OBS_BOUNDARY,
    LLC_OBSERVABLE_NUMBERS,
    OBS_COUNT
};

/* alpha of the critical fraction. */
#define RELATION_CRITICAL_SHARE 0.9

extern const struct pg_experiment pg_experiment_relation;

extern const char *const pg_relation_names[]; /* of enum relation_kind; NULL-terminated */

/* A cell's settings, read once. */
struct relation_cell {
    struct relation relation;
    size_t dimension, sample_count, train_count;
    double slope_ratio; /* sigma_a / sigma_c of the repons */
    struct pg_rates rates[PG_GROUP_COUNT];
    struct pg_trainer_spec trainer;
    struct pg_trajectory_rule rule;
};

/* Reads and cross-checks a cell. */
int pg_relation_read(const struct pg_values *values, struct relation_cell *ret,
                     struct pg_error *error) PG_CHECK_RESULT;

/* The data of one run: its split. Arrays are the arena's. */
struct relation_data {
    uint32_t *order;           /* (sample_count) pairs i n + j, those of the training set first */
    struct pg_samples samples; /* in that order */
    float *readout;            /* scores 0 and y of the classes 0 and 1 */
    size_t readout_stride;
    uint8_t classes[RELATION_N_MAX]; /* of the symbols (n) */
};

/* Takes the data's memory (when the arena measures and when it is filled). */
void pg_relation_arrange_data(const struct relation_cell *cell, struct relation_data *data,
                              struct pg_arena *arena);

/* Draws the split of the request's seed. */
void pg_relation_fill_data(const struct relation_cell *cell, const struct pg_run_request *request,
                           struct relation_data *data);

/* The runs themselves: rows of every observable. */
int pg_relation_run(const struct pg_run_source *source, struct pg_error *error) PG_CHECK_RESULT;

/* The lengths of a cell's rows, as in struct pg_shape. */
void pg_relation_lengths(const struct relation_cell *cell, size_t *ret_lengths);

/* What a cell's shape says of memory, and of LLC estimates. */
void pg_relation_put_memory(const struct relation_cell *cell, const struct pg_values *values,
                            struct pg_shape *ret_shape);

#endif
