/* SPDX-License-Identifier: MIT */
/* What the files of the modular-addition experiment share. */
#ifndef PHASEGRID_MODULAR_H
#define PHASEGRID_MODULAR_H

#include "llc_tables.h"
#include "runs.h"
#include "trajectory.h"

/* Dimensions and observables, as the tables in modular.c order them. */
enum {
    DIM_STEP,
    DIM_SNAPSHOT,
    DIM_SAMPLE,
    DIM_SEGMENT,
    DIM_PARAMETER,
    LLC_DIMENSION_NUMBERS,
    DIM_COUNT
};

enum {
    OBS_PHASE,
    OBS_STEPS_TO_TRAIN,
    OBS_STEPS_TO_TEST,
    OBS_STEPS_TO_TRAIN_HELD,
    OBS_STEPS_TO_TEST_HELD,
    OBS_TRAIN_LOSS,
    OBS_TEST_LOSS,
    OBS_TRAIN_ACCURACY,
    OBS_TEST_ACCURACY,
    OBS_DECODER_NORM,
    OBS_EMBEDDING_NORM,
    OBS_TRAIN_MASK,
    OBS_PARAMETERS,
    LLC_OBSERVABLE_NUMBERS,
    OBS_COUNT
};

enum { MODULAR_P_MAX = 257 };

extern const struct pg_experiment pg_experiment_modular;

/* A cell's settings, read once. */
struct modular {
    size_t symbols, sample_count, train_count;
    struct pg_rates rates[PG_GROUP_COUNT];
    struct pg_trainer_spec trainer;
    struct pg_trajectory_rule rule;
};

/* Reads and cross-checks a cell. */
int pg_modular_read(const struct pg_values *values, struct modular *ret,
                    struct pg_error *error) PG_CHECK_RESULT;

/* The data of one run: its split. Arrays are the arena's. */
struct modular_data {
    uint32_t *order;           /* (sample_count) samples, those of the training set first */
    struct pg_samples samples; /* in that order */
};

/* Takes the data's memory (when the arena measures and when it is filled). */
void pg_modular_arrange_data(const struct modular *modular, struct modular_data *data,
                             struct pg_arena *arena);

/* Draws the split of the request's seed. */
void pg_modular_fill_data(const struct modular *modular, const struct pg_run_request *request,
                          struct modular_data *data);

/* The runs themselves: rows of every observable. */
int pg_modular_run(const struct pg_run_source *source, struct pg_error *error) PG_CHECK_RESULT;

/* The lengths of a cell's rows, as in struct pg_shape. */
void pg_modular_lengths(const struct modular *modular, size_t *ret_lengths);

/* What a cell's shape says of memory, and of LLC estimates. */
void pg_modular_put_memory(const struct modular *modular, const struct pg_values *values,
                           struct pg_shape *ret_shape);

#endif
