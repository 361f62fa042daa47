/* SPDX-License-Identifier: MIT */
/* What the files of the permutation experiment share. */
#ifndef PHASEGRID_PERMUTATION_H
#define PHASEGRID_PERMUTATION_H

#include "llc_tables.h"
#include "pair_data.h"
#include "permutation_theory.h"
#include "runs.h"
#include "trajectory.h"

/* Dimensions and observables, as the tables in permutation.c order them. */
enum {
    DIM_STEP,
    DIM_SNAPSHOT,
    DIM_SYMBOL,
    DIM_EMBEDDING,
    DIM_SAMPLE,
    DIM_CLASS,
    DIM_OUTPUT,
    DIM_SEGMENT,
    DIM_PARAMETER,
    LLC_DIMENSION_NUMBERS,
    DIM_COUNT
};

enum {
    OBS_PHASE,
    OBS_STEPS_TO_TRAIN,
    OBS_STEPS_TO_TEST,
    OBS_STEPS_TO_RQI,
    OBS_STEPS_TO_TRAIN_HELD,
    OBS_STEPS_TO_TEST_HELD,
    OBS_STEPS_TO_RQI_HELD,
    OBS_TRAIN_LOSS,
    OBS_TEST_LOSS,
    OBS_TRAIN_ACCURACY,
    OBS_TEST_ACCURACY,
    OBS_RQI,
    OBS_PREDICTED_ACCURACY,
    OBS_DECODER_NORM,
    OBS_EMBEDDING_NORM,
    OBS_EMBEDDINGS,
    OBS_SPLIT_ATTEMPT,
    OBS_NULLITY,
    OBS_IDEAL_ACCURACY,
    OBS_IDEAL_TEST_ACCURACY,
    OBS_TRAIN_MASK,
    OBS_TEMPLATES,
    OBS_PARAMETERS,
    LLC_OBSERVABLE_NUMBERS,
    OBS_COUNT
};

#define PERMUTATION_RQI 0.95 /* Liu et al. (2022): an RQI above it is high */

extern const struct pg_experiment pg_experiment_permutation;

/* A cell's settings, read once. */
struct permutation {
    struct pg_pair_task pairs;
    size_t order; /* rows of the embeddings, which are matrices */
    struct pg_rates rates[PG_GROUP_COUNT];
    struct pg_trainer_spec trainer;
    struct pg_trajectory_rule rule;
};

/* Reads and cross-checks a cell. */
int pg_permutation_read(const struct pg_values *values, struct permutation *ret,
                        struct pg_error *error) PG_CHECK_RESULT;

/* The quadruples of the group. */
int pg_permutation_quadruples(struct pg_parallelograms **ret_quadruples,
                              struct pg_error *error) PG_CHECK_RESULT;

/* Draws split and templates for the request's seed; leaves as pg_pair_data_draw does. */
int pg_permutation_fill_data(const struct permutation *permutation,
                             const struct pg_parallelograms *quadruples,
                             const struct pg_run_request *request,
                             const struct pg_interruption *interruption, struct pg_pair_data *data,
                             struct pg_error *error) PG_CHECK_RESULT;

/* The runs themselves: rows of every observable. */
int pg_permutation_run(const struct pg_run_source *source, struct pg_error *error) PG_CHECK_RESULT;

/* The lengths of a cell's rows, as in struct pg_shape. */
void pg_permutation_lengths(const struct permutation *permutation, size_t *ret_lengths);

/* What a cell's shape says of memory, and of LLC estimates. */
void pg_permutation_put_memory(const struct permutation *permutation,
                               const struct pg_values *values, struct pg_shape *ret_shape);

#endif
