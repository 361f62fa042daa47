/* SPDX-License-Identifier: MIT */
/*
 * Representations of two points (van Rossem and Saxe, "When Representations Align", 2024,
 * arXiv:2402.09142): how far apart a network sees them at every hidden layer while it learns, and
 * the effective theory that is fitted to it. XOR, the leaves of a tree and context-gated blobs on
 * the same machinery.
 * This file is the tables: settings, dimensions, observables, phases.
 */
#include "two_point.h"

#include <string.h>

#include "cell.h"
#include "tables.h"

static const char *const yes_no_names[] = {"no", "yes", NULL};
static const char *const part_names[] = {"all", NULL};
static const char *const phase_names[] = {"rich",      "intermediate", "lazy",
                                          "unlearned", "diverged",     NULL};

static const struct pg_setting settings[] = {
    NAME("task", two_point_task_names, "two_point",
         "two points on a line; XOR of {0, 1}^2; leaves of a binary tree; context-gated blobs"),
    REAL("input_distance", 1e-6, 1e6, "1", "1", "two_point: |dx| of the inputs"),
    REAL("target_distance", 0, 1e6, "0.707106781187", "1", "two_point: |dy*| of the targets"),
    INTEGER("tree_levels", 1, TREE_LEVELS_MAX, "3", "levels", "tree: 2^levels leaves"),
    INTEGER("blob_side", 2, BLOB_SIDE_MAX, "30", "1",
            "blobs: positions along a side; training samples are all of them, in two contexts"),
    INTEGER("blob_pixels", 2, BLOB_PIXELS_MAX, "5", "1", "blobs: pixels along a side"),
    REAL("blob_width", 1e-3, 1e3, "0.5", "1",
         "blobs: standard deviation of the bump; positions and pixels span -1 to 1"),
    INTEGER("points_side", 2, BLOB_POINTS_SIDE_MAX, "5", "1",
            "blobs: observed points along a side, in two contexts"),
    NAME("centred", yes_no_names, "no", "whether inputs and targets have mean 0"),
    NAME("activation", two_point_activation_names, "leaky_relu", "of the hidden layers"),
    INTEGER("depth", 1, TWO_POINT_DEPTH_MAX, "20", "layers", "hidden layers, L"),
    INTEGER("width", 1, 4096, "500", "1", "units of each hidden layer"),
    NAME("skip", yes_no_names, "no",
         "whether hidden layers 2, 3, ... (from 0) add the representation two before them"),
    REAL("dropout", 0, 0.95, "0", "1",
         "share dropped, in training, before every affine map; all measurements are without"),
    REAL("init_gain", 0, 1e6, "1", "1",
         "weights start as init_gain N(0, 2 / (inputs + outputs)) (Xavier), biases at 0"),
    NAME("optimizer", pg_optimizer_names, "sgd", "AdamW, or gradient descent with momentum"),
    REAL("learning_rate", 0, 1e6, "0.01", "1", "on half the mean squared error"),
    REAL("weight_decay", 0, 1e6, "0", "1", "decoupled weight decay, biases included"),
    MOMENT_SETTINGS("0.999"),
    INTEGER("batch_size", 0, BLOB_SAMPLES_MAX, "0", "samples", "blobs: samples of a step; 0: all"),
    INTEGER("steps", 1, 4e9, "6000", "steps", "budget"),
    REAL("stop_loss", 0, 1e6, "0", "1",
         "the run ends at this loss, in units of the mean |dy*|^2 over pairs (1 where that is 0); "
         "0: at the budget"),
    REAL("learned_loss", 0, 1e6, "0.02", "1", "final loss that counts as learned, same unit"),
    REAL("rich_growth", 0, 1e15, "20", "1",
         "final over initial squared distance at the middle layer that is rich"),
    REAL("lazy_growth", 0, 1e15, "1.5", "1", "the same that is lazy still"),
    NAME("fit", yes_no_names, "yes",
         "two_point: whether the theory's rates are fitted to every layer"),
    LLC_SETTINGS(part_names),
};

static const struct pg_schema schema = {
    .experiment = "two_point",
    .settings = settings,
    .count = sizeof settings / sizeof settings[0],
};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    [DIM_STEP] = {"step", "optimiser steps taken", "steps"},
    [DIM_SNAPSHOT] = {"snapshot", "optimiser steps taken at a parameter snapshot", "steps"},
    [DIM_LAYER] = {"layer", "hidden layer, from 0", NULL},
    [DIM_PAIR] = {"pair", "pair of points i < j, in lexicographic order", NULL},
    [DIM_SEGMENT] = {"segment", "matrix of the parameter vector", NULL},
    [DIM_PARAMETER] = {"parameter", "place in the parameter vector", NULL},
    LLC_DIMENSIONS,
};

static const struct pg_observable_attribute phase_attributes[] = {
    {.name = "rich_growth", .setting = "rich_growth"},
    {.name = "lazy_growth", .setting = "lazy_growth"},
    {.name = "rule",
     .text = "growth of layer depth/2 (integer division); unlearned: the final loss is above "
             "learned_loss"},
    {.name = "reference", .text = "van Rossem and Saxe (2024), rich and lazy regime"},
};

#define LAYERWISE(text, unit)                                                                      \
    .long_name = (text), .units = (unit), .type = PG_F64, .fill = PG_NAN, .dim_count = 1,          \
    .dims = {DIM_LAYER}
#define STEPWISE(text, ...)                                                                        \
    .long_name = (text), .units = "1", .type = PG_F32, .fill = PG_NAN,                             \
    .dim_count = sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), .dims = {__VA_ARGS__}
#define PAIRWISE(text)                                                                             \
    .long_name = (text), .units = "1", .type = PG_F64, .fill = PG_NAN, .dim_count = 1,             \
    .dims = {DIM_PAIR}

static const struct pg_observable observables[OBS_COUNT] = {
    [OBS_PHASE] = {"phase", .long_name = "regime of learning", .type = PG_U8, .fill = 255,
                   .meanings = phase_names, .unwritten_meaning = "not_run",
                   ATTRIBUTES(phase_attributes)},
    [OBS_TRAIN_LOSS] = {"train_loss", SERIES("half the mean squared error")},
    [OBS_H] = {"h", STEPWISE("squared distance of two representations, behind the activation",
                             DIM_STEP, DIM_LAYER, DIM_PAIR)},
    [OBS_Y] = {"y", STEPWISE("squared distance |dy|^2 of two outputs", DIM_STEP, DIM_PAIR)},
    [OBS_W] = {"w", STEPWISE("|dy|^2 - d.dy, d the difference of the targets", DIM_STEP, DIM_PAIR)},
    [OBS_LABEL_RATIO] = {"label_ratio",
                         STEPWISE("mean distance of representations with equal targets over that "
                                  "with different ones",
                                  DIM_STEP, DIM_LAYER)},
    [OBS_PAIR_INPUT] = {"pair_input", PAIRWISE("distance |dx| of two inputs")},
    [OBS_PAIR_TARGET] = {"pair_target", PAIRWISE("distance |dy*| of two targets")},
    [OBS_GROWTH] = {"growth",
                    LAYERWISE("squared distance at the end over that at the start, means over "
                              "pairs",
                              "1")},
    [OBS_ENCODER_RATE] = {"encoder_rate", LAYERWISE("effective rate 1 / tau_h, fitted", "steps-1")},
    [OBS_DECODER_RATE] = {"decoder_rate", LAYERWISE("effective rate 1 / tau_y, fitted", "steps-1")},
    [OBS_ENCODER_RATE_ERROR] = {"encoder_rate_error",
                                LAYERWISE("standard error of encoder_rate", "steps-1")},
    [OBS_DECODER_RATE_ERROR] = {"decoder_rate_error",
                                LAYERWISE("standard error of decoder_rate", "steps-1")},
    [OBS_FIT_SQUARES] = {"fit_squares",
                         LAYERWISE("sum of squared residuals of h, y and w at 257 to 512 evenly "
                                   "spaced steps, or all",
                                   "1")},
    [OBS_NRMSE_H] = {"nrmse_h", LAYERWISE("rms residual of h over its range", "1")},
    [OBS_NRMSE_Y] = {"nrmse_y", LAYERWISE("rms residual of y over its range", "1")},
    [OBS_NRMSE_W] = {"nrmse_w", LAYERWISE("rms residual of w over its range", "1")},
    [OBS_H_FINAL_THEORY] = {"h_final_theory",
                            LAYERWISE("where h ends by the fitted rates, from its start", "1")},
    [OBS_THEORY_H] = {"theory_h", STEPWISE("h of the fitted theory", DIM_STEP, DIM_LAYER)},
    [OBS_THEORY_Y] = {"theory_y", STEPWISE("y of the fitted theory", DIM_STEP, DIM_LAYER)},
    [OBS_THEORY_W] = {"theory_w", STEPWISE("w of the fitted theory", DIM_STEP, DIM_LAYER)},
    [OBS_PARAMETERS] = {"parameters",
                        STEPWISE("parameter vector at the snapshots", DIM_SNAPSHOT, DIM_PARAMETER)},
    LLC_OBSERVABLES,
};

static int check(const struct pg_values *values, struct pg_error *error)
{
    struct two_point cell;
    return pg_two_point_read(values, &cell, error);
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    struct two_point cell;
    int status = pg_two_point_read(values, &cell, error);
    return status != 0 ? status : pg_runs_check_llc(values, &cell.trainer, error);
}

void pg_two_point_lengths(const struct two_point *cell, size_t *ret)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0;
    memset(ret, 0, DIM_COUNT * sizeof *ret);
    ret[DIM_LAYER] = cell->depth;
    ret[DIM_PAIR] = pg_two_point_pairs(&cell->points);
    ret[DIM_SEGMENT] = pg_model_segments(&cell->trainer.model, segments, &parameters);
    ret[DIM_PARAMETER] = parameters;
}

/* What the segments do not show: functions and what stands between the affine maps. */
static int64_t network_of(const struct two_point *cell)
{
    const struct pg_model_spec *model = &cell->trainer.model;
    int64_t network = (int64_t)cell->task;
    for (size_t l = 1; l <= 3 && l < model->layer_count; l++)
        network = network << 8 | (int64_t)model->layers[l].activation << 4 |
                  (int64_t)model->layers[l].function;
    return network << 8 | (int64_t)model->layer_count;
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct two_point cell;
    size_t parameters = 0;
    int status = pg_two_point_read(values, &cell, error);
    if (status != 0)
        return status;
    memset(ret, 0, sizeof *ret);
    ret->segment_count = pg_model_segments(&cell.trainer.model, ret->segments, &parameters);
    pg_two_point_lengths(&cell, ret->lengths);
    ret->steps = cell.steps;
    pg_cell_put_trainer(&cell.trainer, ret);
    ret->variant[PG_VARIANT_MAX - 1] = network_of(&cell);
    pg_two_point_put_memory(&cell, values, ret);
    return 0;
}

static int batches(const struct pg_run_request *request, int64_t first, int64_t last,
                   const struct pg_batch_sink *sink, struct pg_error *error)
{
    struct two_point cell;
    uint32_t order[BLOB_SAMPLES_MAX];
    int status = pg_two_point_read(&request->values, &cell, error);
    if (status != 0)
        return status;
    for (uint32_t i = 0; i < BLOB_SAMPLES_MAX; i++)
        order[i] = i;
    return pg_cell_put_batches(request, &cell.trainer, order, first, last, sink, error);
}

const struct pg_experiment pg_experiment_two_point = {
    .name = "two_point",
    .summary =
        "distances of the representations of two points (XOR, a tree, blobs) in a deep MLP, and "
        "the effective theory fitted to them",
    .reference = "van Rossem, Saxe, When Representations Align: Universality in Representation "
                 "Learning Dynamics, 2024, arXiv:2402.09142",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = phase_names,
    .check = check,
    .check_llc = check_llc,
    .shape = shape,
    .run = pg_two_point_run,
    .batches = batches,
};
