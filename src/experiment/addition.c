/* SPDX-License-Identifier: MIT */
/*
 * Toy addition (Liu et al., "Towards Understanding Grokking", NeurIPS 2022, section 3 and the
 * authors' toy code): p symbols with learnable embeddings, a decoder MLP that sees E_i + E_j and
 * must give a fixed random template per sum (regression) or the sum's class (classification).
 * This file is the tables: settings, dimensions, observables, phases.
 */
#include "addition.h"

#include <string.h>

#include "cell.h"
#include "llc_tables.h"
#include "pair_tables.h"

static const char *const task_names[] = {"regression", "classification", NULL};

static const struct pg_setting settings[] = {
    NAME("task", task_names, "regression", "fixed Gaussian template per sum, or class of the sum"),
    INTEGER("p", 3, 97, "10", "symbols", "number of symbols"),
    INTEGER("embedding_dim", 1, 64, "1", "1", "length of a symbol's embedding"),
    REAL("data_fraction", 0, 1, "0.8", "1", "share of the p (p + 1) / 2 pairs that is trained on"),
    INTEGER("train_count", 0, 4753, "0", "samples",
            "exact number of training pairs; 0: from data_fraction"),
    REAL("min_ideal_accuracy", 0, 1, "0", "1",
         "splits are redrawn until their ideal test accuracy reaches this"),
    INTEGER("decoder_width", 1, 4096, "200", "1", "units of each hidden layer"),
    INTEGER("decoder_depth", 0, PG_DECODER_DEPTH_MAX, "2", "layers", "hidden layers"),
    LIST("decoder_widths", 1, 4096, "[]",
         "units layer by layer; replaces decoder_width and decoder_depth"),
    NAME("activation", pg_activation_names, "tanh", "of the hidden layers"),
    INTEGER("output_dim", 1, 1024, "30", "1", "length of a template (regression)"),
    NAME("optimizer", pg_optimizer_names, "adamw", "AdamW, or gradient descent with momentum"),
    REAL("representation_lr", 0, 1e6, "1e-3", "1", "learning rate of the embeddings"),
    REAL("decoder_lr", 0, 1e6, "1e-4", "1", "learning rate of the decoder"),
    REAL("weight_decay", 0, 1e6, "0", "1",
         "decoupled weight decay of the decoder, biases included"),
    MOMENT_SETTINGS("0.999"),
    INTEGER("batch_size", 0, 4753, "0", "samples",
            "samples of a step, drawn without replacement; 0: all"),
    REAL("init_scale", 0, 1e6, "1", "1", "embeddings start as init_scale (U(0, 1) - 1/2)"),
    REAL("decoder_init_scale", 0, 1e6, "1", "1", "multiplies the decoder's initial values"),
    REAL("label_scale", 0, 1e6, "1", "1", "multiplies the templates (regression)"),
    INTEGER("steps", 1, 1e12, "10000", "steps", "budget"),
    PHASE_SETTINGS,
    LLC_SETTINGS(pg_part_names),
};

static const struct pg_schema schema = {
    .experiment = "addition",
    .settings = settings,
    .count = sizeof settings / sizeof settings[0],
};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    PAIR_DIMENSIONS,
    [DIM_SYMBOL] = {"symbol", "symbol", NULL},
    [DIM_EMBEDDING] = {"embedding", "component of an embedding", NULL},
    [DIM_SAMPLE] = {"sample", "unordered pair of symbols i <= j, lexicographic", NULL},
    [DIM_CLASS] = {"class", "sum of the two symbols", NULL},
    LLC_DIMENSIONS,
};

#define RQI_THRESHOLD                                                                              \
    {.name = "threshold", .number = ADDITION_RQI},                                                 \
    {                                                                                              \
        .name = "parallelogram_tolerance", .number = PG_PARALLELOGRAM_TOLERANCE                    \
    }
static const struct pg_observable_attribute rqi_attributes[] = {RQI_THRESHOLD};
static const struct pg_observable_attribute rqi_held_attributes[] = {RQI_THRESHOLD, HOLD};

static const struct pg_observable observables[OBS_COUNT] = {
    PAIR_OBSERVABLES,
    [OBS_TRAIN_LOSS] = {"train_loss", SERIES("loss on the training samples")},
    [OBS_TEST_LOSS] = {"test_loss", SERIES("loss on the test samples")},
    [OBS_EFFECTIVE_LOSS] =
        {"effective_loss",
         SERIES("effective loss l0 / Z0 over all parallelograms, embeddings normalised")},
    [OBS_PREDICTED_ACCURACY] =
        {"predicted_accuracy",
         SERIES(
             "accuracy over all pairs that satisfied parallelograms with training pairs predict"),
         ATTRIBUTES(rqi_attributes)},
    [OBS_EMBEDDINGS] = {"embeddings", .long_name = "embeddings of the symbols", .units = "1",
                        .type = PG_F32, .fill = PG_NAN, .dim_count = 3,
                        .dims = {DIM_STEP, DIM_SYMBOL, DIM_EMBEDDING}},
    [OBS_NULLITY] = {"nullity", .long_name = "nullity of the split's parallelogram equations",
                     .units = "1", .type = PG_I32, .fill = -2},
    [OBS_IDEAL_ACCURACY] =
        {"ideal_accuracy",
         SPLIT("accuracy over all pairs that the training pairs imply through parallelograms")},
    [OBS_LAMBDA3] = {"lambda3",
                     SPLIT("third eigenvalue of the effective Hessian (2 / Z0) A^T A of the split"),
                     .is_volatile = true},
    [OBS_PREDICTED_STEPS] = {"predicted_steps",
                             .long_name = "time scale 1 / (lambda3 representation_lr)",
                             .units = "steps", .type = PG_F64, .fill = PG_NAN, .is_volatile = true},
    [OBS_TEMPLATES] = {"templates",
                       .long_name = "target of each sum (regression), label_scale included",
                       .units = "1", .type = PG_F32, .fill = PG_NAN, .dim_count = 2,
                       .dims = {DIM_CLASS, DIM_OUTPUT}},
    LLC_OBSERVABLES,
};

static int check(const struct pg_values *values, struct pg_error *error)
{
    struct addition addition;
    return pg_addition_read(values, &addition, error);
}

void pg_addition_lengths(const struct addition *addition, size_t *ret)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0;
    memset(ret, 0, DIM_COUNT * sizeof *ret);
    ret[DIM_SYMBOL] = addition->symbols;
    ret[DIM_EMBEDDING] = addition->dimension;
    ret[DIM_SAMPLE] = addition->pairs.sample_count;
    ret[DIM_CLASS] = addition->pairs.classes;
    ret[DIM_OUTPUT] = addition->pairs.outputs;
    ret[DIM_SEGMENT] = pg_model_segments(&addition->trainer.model, segments, &parameters);
    ret[DIM_PARAMETER] = parameters;
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    struct addition addition;
    int status = pg_addition_read(values, &addition, error);
    return status != 0 ? status : pg_runs_check_llc(values, &addition.trainer, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct addition addition;
    size_t parameters = 0;
    int status = pg_addition_read(values, &addition, error);
    if (status != 0)
        return status;
    memset(ret, 0, sizeof *ret);
    ret->segment_count = pg_model_segments(&addition.trainer.model, ret->segments, &parameters);
    pg_addition_lengths(&addition, ret->lengths);
    ret->steps = addition.rule.steps;
    pg_cell_put_trainer(&addition.trainer, ret);
    pg_addition_put_memory(&addition, values, ret);
    return 0;
}

/* The split of a run, without a model; arrays are the arena's. */
static int draw_data(const struct addition *addition, const struct pg_run_request *request,
                     struct pg_arena *arena, struct pg_pair_data *ret, struct pg_error *error)
{
    struct pg_parallelograms *parallelograms = NULL;
    pg_arena_measure(arena);
    pg_pair_data_arrange(&addition->pairs, ret, arena);
    int status = pg_arena_init(arena, arena->used, error);
    if (status != 0)
        return status;
    pg_pair_data_arrange(&addition->pairs, ret, arena);
    status = pg_parallelograms_create((uint32_t)addition->symbols, &parallelograms, error);
    if (status == 0)
        status = pg_addition_fill_data(addition, parallelograms, request, NULL, ret, error);
    pg_parallelograms_destroy(parallelograms);
    return status;
}

/* Sample indices are those of dimension "sample". */
static int batches(const struct pg_run_request *request, int64_t first, int64_t last,
                   const struct pg_batch_sink *sink, struct pg_error *error)
{
    struct addition addition;
    struct pg_pair_data data;
    struct pg_arena arena = {0};
    int status = pg_addition_read(&request->values, &addition, error);
    if (status == 0)
        status = draw_data(&addition, request, &arena, &data, error);
    if (status == 0)
        status = pg_cell_put_batches(request, &addition.trainer, data.train_order, first, last,
                                     sink, error);
    pg_arena_release(&arena);
    return status;
}

const struct pg_experiment pg_experiment_addition = {
    .name = "addition",
    .summary = "toy addition: embeddings E_i + E_j into a decoder MLP",
    .reference = "Liu et al., Towards Understanding Grokking, NeurIPS 2022, arXiv:2205.10343",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = pg_phase_names,
    .check = check,
    .check_llc = check_llc,
    .shape = shape,
    .run = pg_addition_run,
    .batches = batches,
};
