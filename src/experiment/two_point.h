/* SPDX-License-Identifier: MIT */
/* What the files of the two_point experiment share. */
#ifndef PHASEGRID_TWO_POINT_H
#define PHASEGRID_TWO_POINT_H

#include "llc_tables.h"
#include "runs.h"
#include "two_point_blobs.h"
#include "two_point_theory.h"

/* Dimensions and observables, as the tables in two_point.c order them. */
enum {
    DIM_STEP,
    DIM_SNAPSHOT,
    DIM_LAYER,
    DIM_PAIR,
    DIM_SEGMENT,
    DIM_PARAMETER,
    LLC_DIMENSION_NUMBERS,
    DIM_COUNT
};

enum {
    OBS_PHASE,
    OBS_TRAIN_LOSS,
    OBS_H,
    OBS_Y,
    OBS_W,
    OBS_LABEL_RATIO,
    OBS_PAIR_INPUT,
    OBS_PAIR_TARGET,
    OBS_GROWTH,
    OBS_ENCODER_RATE,
    OBS_DECODER_RATE,
    OBS_ENCODER_RATE_ERROR,
    OBS_DECODER_RATE_ERROR,
    OBS_FIT_SQUARES,
    OBS_NRMSE_H,
    OBS_NRMSE_Y,
    OBS_NRMSE_W,
    OBS_H_FINAL_THEORY,
    OBS_THEORY_H,
    OBS_THEORY_Y,
    OBS_THEORY_W,
    OBS_PARAMETERS,
    LLC_OBSERVABLE_NUMBERS,
    OBS_COUNT
};

enum two_point_phase {
    TWO_POINT_RICH,
    TWO_POINT_INTERMEDIATE,
    TWO_POINT_LAZY,
    TWO_POINT_UNLEARNED,
    TWO_POINT_DIVERGED
};

enum two_point_task { TASK_TWO_POINT, TASK_XOR, TASK_TREE, TASK_BLOBS };

enum {
    TWO_POINT_DEPTH_MAX = 20,
    TREE_LEVELS_MAX = 4,
    LEAVES_MAX = 1 << TREE_LEVELS_MAX,
    TARGETS_MAX = 2 * LEAVES_MAX - 2, /* nodes of the tree but for its root */
    INPUTS_MAX = BLOB_INPUTS_MAX,     /* there are more of them than leaves */
    POINTS_MAX = BLOB_POINTS_MAX,     /* the same */
    PAIRS_MAX = POINTS_MAX * (POINTS_MAX - 1) / 2
};

extern const struct pg_experiment pg_experiment_two_point;
extern const char *const two_point_task_names[];       /* of enum two_point_task; NULL-terminated */
extern const char *const two_point_activation_names[]; /* NULL-terminated */

/* The points of a task. Its pairs i < j are in lexicographic order. */
struct two_point_points {
    size_t count, inputs, targets;
    double x[POINTS_MAX][INPUTS_MAX], y[POINTS_MAX][TARGETS_MAX]; /* (count, inputs or targets) */
};

/* A cell's settings, read once. */
struct two_point {
    enum two_point_task task;
    struct two_point_points points; /* observed; of all tasks but blobs the training set */
    struct two_point_blobs blobs;
    size_t first_point; /* the place of the first among the samples */
    size_t depth, width;
    size_t hidden[TWO_POINT_DEPTH_MAX]; /* the model's layer that holds a representation (width) */
    bool fits;
    int64_t steps;
    double stop_loss, learned_loss; /* in units of the loss */
    double rich_growth, lazy_growth;
    struct pg_rates rates;
    struct pg_trainer_spec trainer;
};

/* Reads and cross-checks a cell. */
int pg_two_point_read(const struct pg_values *values, struct two_point *ret,
                      struct pg_error *error) PG_CHECK_RESULT;

/* The points of the task that the settings name. */
void pg_two_point_place(const struct pg_values *values, struct two_point_points *ret);

/* Distances of a pair's inputs and targets. */
double pg_two_point_input_distance(const struct two_point_points *points, size_t i, size_t j);
double pg_two_point_target_distance(const struct two_point_points *points, size_t i, size_t j);
size_t pg_two_point_pairs(const struct two_point_points *points);

/* The runs themselves: rows of every observable. */
int pg_two_point_run(const struct pg_run_source *source, struct pg_error *error) PG_CHECK_RESULT;

/* The lengths of a cell's rows, as in struct pg_shape. */
void pg_two_point_lengths(const struct two_point *cell, size_t *ret_lengths);

/* What a cell's shape says of memory, and of LLC estimates. */
void pg_two_point_put_memory(const struct two_point *cell, const struct pg_values *values,
                             struct pg_shape *ret_shape);

#endif
