/* SPDX-License-Identifier: MIT */
/*
 * The permutations of three symbols (Liu et al., "Towards Understanding Grokking", NeurIPS 2022,
 * S3): each of the six has a learnable square matrix, a decoder MLP sees the product E_a E_b and
 * must give a fixed random template of a b. This file is the tables: settings, dimensions,
 * observables, phases.
 */
#include "permutation.h"

#include <string.h>

#include "cell.h"
#include "llc_tables.h"
#include "pair_tables.h"

static const struct pg_setting settings[] = {
    INTEGER("matrix_size", 1, 16, "3", "1", "rows of a permutation's embedding, a square matrix"),
    REAL("data_fraction", 0, 1, "0.6667", "1", "share of the 36 ordered pairs that is trained on"),
    INTEGER("train_count", 0, 35, "0", "samples",
            "exact number of training pairs; 0: from data_fraction"),
    REAL("min_ideal_accuracy", 0, 1, "0", "1",
         "splits are redrawn until their ideal test accuracy reaches this"),
    INTEGER("decoder_width", 1, 4096, "200", "1", "units of each hidden layer"),
    INTEGER("decoder_depth", 0, PG_DECODER_DEPTH_MAX, "2", "layers", "hidden layers"),
    LIST("decoder_widths", 1, 4096, "[]",
         "units layer by layer; replaces decoder_width and decoder_depth"),
    NAME("activation", pg_activation_names, "tanh", "of the hidden layers"),
    INTEGER("output_dim", 1, 1024, "30", "1", "length of a template"),
    NAME("optimizer", pg_optimizer_names, "adamw", "AdamW, or gradient descent with momentum"),
    REAL("representation_lr", 0, 1e6, "1e-3", "1", "learning rate of the embeddings"),
    REAL("decoder_lr", 0, 1e6, "1e-4", "1", "learning rate of the decoder"),
    REAL("weight_decay", 0, 1e6, "0", "1",
         "decoupled weight decay of the decoder, biases included"),
    REAL("embedding_l1", 0, 1e6, "1e-3", "1",
         "weight in the loss of the mean size of the embeddings' elements"),
    MOMENT_SETTINGS("0.999"),
    INTEGER("batch_size", 0, 35, "0", "samples",
            "samples of a step, drawn without replacement; 0: all"),
    REAL("init_scale", 0, 1e6, "0.1", "1", "embeddings start as init_scale (U(0, 1) - 1/2)"),
    REAL("decoder_init_scale", 0, 1e6, "1", "1", "multiplies the decoder's initial values"),
    REAL("label_scale", 0, 1e6, "1", "1", "multiplies the templates"),
    INTEGER("steps", 1, 1e12, "10000", "steps", "budget"),
    PHASE_SETTINGS,
    LLC_SETTINGS(pg_part_names),
};

static const struct pg_schema schema = {
    .experiment = "permutation",
    .settings = settings,
    .count = sizeof settings / sizeof settings[0],
};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    PAIR_DIMENSIONS,
    [DIM_SYMBOL] = {"symbol", "permutation of three symbols, lexicographic", NULL},
    [DIM_EMBEDDING] = {"embedding", "element of an embedding, row-major", NULL},
    [DIM_SAMPLE] = {"sample", "ordered pair of permutations (a, b), 6 a + b", NULL},
    [DIM_CLASS] = {"class", "product a b: first b, then a", NULL},
    LLC_DIMENSIONS,
};

#define RQI_THRESHOLD                                                                              \
    {.name = "threshold", .number = PERMUTATION_RQI},                                              \
    {                                                                                              \
        .name = "product_tolerance", .number = PERMUTATION_TOLERANCE                               \
    }
static const struct pg_observable_attribute rqi_attributes[] = {RQI_THRESHOLD};
static const struct pg_observable_attribute rqi_held_attributes[] = {RQI_THRESHOLD, HOLD};

static const struct pg_observable observables[OBS_COUNT] = {
    PAIR_OBSERVABLES,
    [OBS_TRAIN_LOSS] = {"train_loss",
                        SERIES("squared error on the training samples, without embedding_l1")},
    [OBS_TEST_LOSS] = {"test_loss",
                       SERIES("squared error on the test samples, without embedding_l1")},
    [OBS_PREDICTED_ACCURACY] =
        {"predicted_accuracy",
         SERIES("accuracy over all pairs that satisfied quadruples with training pairs predict"),
         ATTRIBUTES(rqi_attributes)},
    [OBS_EMBEDDINGS] = {"embeddings", .long_name = "matrices of the permutations", .units = "1",
                        .type = PG_F32, .fill = PG_NAN, .dim_count = 3,
                        .dims = {DIM_STEP, DIM_SYMBOL, DIM_EMBEDDING}},
    [OBS_NULLITY] = {"nullity",
                     .long_name = "nullity of the split's equations E_a + E_b = E_c + E_d",
                     .units = "1", .type = PG_I32, .fill = -2},
    [OBS_IDEAL_ACCURACY] =
        {"ideal_accuracy",
         SPLIT("accuracy over all pairs that the training pairs imply by those equations")},
    [OBS_TEMPLATES] = {"templates", .long_name = "target of each product, label_scale included",
                       .units = "1", .type = PG_F32, .fill = PG_NAN, .dim_count = 2,
                       .dims = {DIM_CLASS, DIM_OUTPUT}},
    LLC_OBSERVABLES,
};

static int check(const struct pg_values *values, struct pg_error *error)
{
    struct permutation permutation;
    return pg_permutation_read(values, &permutation, error);
}

void pg_permutation_lengths(const struct permutation *permutation, size_t *ret)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0;
    memset(ret, 0, DIM_COUNT * sizeof *ret);
    ret[DIM_SYMBOL] = PERMUTATION_COUNT;
    ret[DIM_EMBEDDING] = permutation->order * permutation->order;
    ret[DIM_SAMPLE] = permutation->pairs.sample_count;
    ret[DIM_CLASS] = permutation->pairs.classes;
    ret[DIM_OUTPUT] = permutation->pairs.outputs;
    ret[DIM_SEGMENT] = pg_model_segments(&permutation->trainer.model, segments, &parameters);
    ret[DIM_PARAMETER] = parameters;
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    struct permutation permutation;
    int status = pg_permutation_read(values, &permutation, error);
    return status != 0 ? status : pg_runs_check_llc(values, &permutation.trainer, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct permutation permutation;
    size_t parameters = 0;
    int status = pg_permutation_read(values, &permutation, error);
    if (status != 0)
        return status;
    memset(ret, 0, sizeof *ret);
    ret->segment_count = pg_model_segments(&permutation.trainer.model, ret->segments, &parameters);
    pg_permutation_lengths(&permutation, ret->lengths);
    ret->steps = permutation.rule.steps;
    pg_cell_put_trainer(&permutation.trainer, ret);
    pg_permutation_put_memory(&permutation, values, ret);
    return 0;
}

/* The split of a run, without a model; arrays are the arena's. */
static int draw_data(const struct permutation *permutation, const struct pg_run_request *request,
                     struct pg_arena *arena, struct pg_pair_data *ret, struct pg_error *error)
{
    struct pg_parallelograms *quadruples = NULL;
    pg_arena_measure(arena);
    pg_pair_data_arrange(&permutation->pairs, ret, arena);
    int status = pg_arena_init(arena, arena->used, error);
    if (status != 0)
        return status;
    pg_pair_data_arrange(&permutation->pairs, ret, arena);
    status = pg_permutation_quadruples(&quadruples, error);
    if (status == 0)
        status = pg_permutation_fill_data(permutation, quadruples, request, NULL, ret, error);
    pg_parallelograms_destroy(quadruples);
    return status;
}

/* Sample indices are those of dimension "sample". */
static int batches(const struct pg_run_request *request, int64_t first, int64_t last,
                   const struct pg_batch_sink *sink, struct pg_error *error)
{
    struct permutation permutation;
    struct pg_pair_data data;
    struct pg_arena arena = {0};
    int status = pg_permutation_read(&request->values, &permutation, error);
    if (status == 0)
        status = draw_data(&permutation, request, &arena, &data, error);
    if (status == 0)
        status = pg_cell_put_batches(request, &permutation.trainer, data.train_order, first, last,
                                     sink, error);
    pg_arena_release(&arena);
    return status;
}

const struct pg_experiment pg_experiment_permutation = {
    .name = "permutation",
    .summary = "products in S3: matrices E_a E_b into a decoder MLP",
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
    .run = pg_permutation_run,
    .batches = batches,
};
