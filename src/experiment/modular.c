/* SPDX-License-Identifier: MIT */
/*
 * Modular addition (Power et al., "Grokking", 2022, arXiv:2201.02177, here with a multilayer
 * perceptron): p symbols with learnable embeddings, a decoder that sees those of an ordered pair
 * (a, b), summed or concatenated, and must name a + b mod p. This file is the tables: settings,
 * dimensions, observables, phases.
 */
#include "modular.h"

#include "cell.h"
#include "llc_tables.h"

static const char *const embedding_names[] = {"sum", "concat", NULL};

static const struct pg_setting settings[] = {
    INTEGER("p", 3, MODULAR_P_MAX, "59", "symbols", "number of symbols, a prime; the modulus"),
    NAME("embedding", embedding_names, "sum", "how the two embeddings meet the decoder"),
    INTEGER("embedding_dim", 1, 1024, "64", "1", "length of a symbol's embedding"),
    REAL("data_fraction", 0, 1, "0.4", "1", "share of the p^2 ordered pairs that is trained on"),
    INTEGER("train_count", 0, MODULAR_P_MAX *MODULAR_P_MAX - 1, "0", "samples",
            "exact number of training pairs; 0: from data_fraction"),
    INTEGER("decoder_width", 1, 4096, "256", "1", "units of each hidden layer"),
    INTEGER("decoder_depth", 0, 12, "1", "layers", "hidden layers"),
    LIST("decoder_widths", 1, 4096, "[]",
         "units layer by layer; replaces decoder_width and decoder_depth"),
    NAME("activation", pg_activation_names, "relu", "of the hidden layers"),
    NAME("optimizer", pg_optimizer_names, "adamw", "AdamW, or gradient descent with momentum"),
    REAL("representation_lr", 0, 1e6, "1e-3", "1", "learning rate of the embeddings"),
    REAL("decoder_lr", 0, 1e6, "1e-3", "1", "learning rate of the decoder"),
    REAL("weight_decay", 0, 1e6, "1", "1", "decoupled weight decay, biases included"),
    REAL("weight_decay_embeddings", -1, 1e6, "-1", "1",
         "decoupled weight decay of the embeddings; -1: as weight_decay"),
    REAL("beta1", 0, 0.999999, "0.9", "1", "AdamW: decay of the first moment"),
    REAL("beta2", 0, 0.99999999, "0.999", "1", "AdamW: decay of the second moment"),
    REAL("epsilon", 0, 1, "1e-8", "1", "AdamW: added to the root of the second moment"),
    REAL("momentum", 0, 0.999999, "0", "1", "SGD: momentum"),
    INTEGER("batch_size", 0, MODULAR_P_MAX *MODULAR_P_MAX - 1, "0", "samples",
            "samples of a step, drawn without replacement; 0: all"),
    REAL("init_scale", 0, 1e6, "1", "1", "embeddings start as init_scale N(0, 1)"),
    REAL("decoder_init_scale", 0, 1e6, "1", "1", "multiplies the decoder's initial values"),
    INTEGER("steps", 1, 1e12, "20000", "steps", "budget"),
    REAL("phase_accuracy", 0, 1, "0.9", "1", "accuracy that counts as reached"),
    INTEGER("phase_lag", 0, 1e12, "1000", "steps",
            "longest delay of the test accuracy that is comprehension"),
    INTEGER(
        "evaluate_test_every", 1, 1e12, "10", "steps",
        "the test set (with batch_size, the training set too) is evaluated at multiples of this"),
    LLC_SETTINGS(pg_part_names),
};

static const struct pg_schema schema = {
    .experiment = "modular",
    .settings = settings,
    .count = sizeof settings / sizeof settings[0],
};

const struct pg_experiment_dimension pg_modular_dimensions[DIM_COUNT] = {
    [DIM_STEP] = {"step", "optimiser steps taken", "steps"},
    [DIM_SNAPSHOT] = {"snapshot", "optimiser steps taken at a parameter snapshot", "steps"},
    [DIM_SAMPLE] = {"sample", "ordered pair of symbols (a, b), a p + b", NULL},
    [DIM_SEGMENT] = {"segment", "matrix of the parameter vector", NULL},
    [DIM_PARAMETER] = {"parameter", "place in the parameter vector", NULL},
    LLC_DIMENSIONS,
};

#define THRESHOLD                                                                                  \
    {                                                                                              \
        .name = "threshold", .setting = "phase_accuracy"                                           \
    }
#define HOLD                                                                                       \
    {                                                                                              \
        .name = "hold_steps", .number = PG_HOLD_STEPS                                              \
    }
#define MULTIPLES                                                                                  \
    {                                                                                              \
        .name = "multiples_of", .setting = "evaluate_test_every"                                   \
    }
#define IN_BATCHES                                                                                 \
    {                                                                                              \
        .name = "multiples_of", .text = "1 with full batches, else evaluate_test_every"            \
    }
static const struct pg_observable_attribute train_attributes[] = {THRESHOLD, IN_BATCHES};
static const struct pg_observable_attribute train_held_attributes[] = {THRESHOLD, IN_BATCHES, HOLD};
static const struct pg_observable_attribute test_attributes[] = {THRESHOLD, MULTIPLES};
static const struct pg_observable_attribute test_held_attributes[] = {THRESHOLD, MULTIPLES, HOLD};
static const struct pg_observable_attribute accuracy_attributes[] = {THRESHOLD};
static const struct pg_observable_attribute phase_attributes[] = {
    {.name = "accuracy_threshold", .setting = "phase_accuracy"},
    {.name = "lag_threshold", .setting = "phase_lag"},
    {.name = "rule", .text = "comprehension up to the lag threshold, grokking beyond"},
    {.name = "reference", .text = "Liu et al. (2022), Table 1"},
};

const struct pg_observable pg_modular_observables[OBS_COUNT] = {
    [OBS_PHASE] = {"phase", .long_name = "phase of learning", .type = PG_U8, .fill = 255,
                   .meanings = pg_phase_names, .unwritten_meaning = "not_run",
                   ATTRIBUTES(phase_attributes)},
    [OBS_STEPS_TO_TRAIN] = {"steps_to_train",
                            STEPS_TO("first evaluated step at which the training accuracy is "
                                     "reached; -1 never",
                                     train_attributes)},
    [OBS_STEPS_TO_TEST] = {"steps_to_test",
                           STEPS_TO("first evaluated step at which the test accuracy is reached; "
                                    "-1 never",
                                    test_attributes)},
    [OBS_STEPS_TO_TRAIN_HELD] = {"steps_to_train_held",
                                 STEPS_TO("first evaluated step from which the training accuracy "
                                          "is held; -1 never",
                                          train_held_attributes)},
    [OBS_STEPS_TO_TEST_HELD] = {"steps_to_test_held",
                                STEPS_TO("first evaluated step from which the test accuracy is "
                                         "held; -1 never",
                                         test_held_attributes)},
    [OBS_TRAIN_LOSS] = {"train_loss", SERIES("loss on the training samples")},
    [OBS_TEST_LOSS] = {"test_loss", SERIES("loss on the test samples")},
    [OBS_TRAIN_ACCURACY] = {"train_accuracy", SERIES("accuracy on the training samples"),
                            ATTRIBUTES(accuracy_attributes)},
    [OBS_TEST_ACCURACY] = {"test_accuracy", SERIES("accuracy on the test samples"),
                           ATTRIBUTES(accuracy_attributes)},
    [OBS_DECODER_NORM] = {"decoder_norm", SERIES("Euclidean norm of the decoder's parameters")},
    [OBS_EMBEDDING_NORM] = {"embedding_norm", SERIES("Euclidean norm of the embeddings")},
    [OBS_TRAIN_MASK] = {"train_mask", .long_name = "1: training sample, 0: test sample",
                        .type = PG_U8, .fill = 255, .dim_count = 1, .dims = {DIM_SAMPLE}},
    [OBS_PARAMETERS] = {"parameters", .long_name = "parameter vector at the snapshots",
                        .units = "1", .type = PG_F32, .fill = PG_NAN, .dim_count = 2,
                        .dims = {DIM_SNAPSHOT, DIM_PARAMETER}},
    LLC_OBSERVABLES,
};

extern const struct pg_experiment pg_experiment_modular;
static const struct modular_kind perceptron = {&pg_experiment_modular, pg_modular_read};

static int check(const struct pg_values *values, struct pg_error *error)
{
    return pg_modular_check(&perceptron, values, error);
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    return pg_modular_check_llc(&perceptron, values, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    return pg_modular_shape(&perceptron, values, ret, error);
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    return pg_modular_run(&perceptron, source, error);
}

static int batches(const struct pg_run_request *request, int64_t first, int64_t last,
                   const struct pg_batch_sink *sink, struct pg_error *error)
{
    return pg_modular_batches(&perceptron, request, first, last, sink, error);
}

const struct pg_experiment pg_experiment_modular = {
    .name = "modular",
    .summary = "addition modulo a prime: embeddings, summed or concatenated, into a decoder MLP",
    .reference = "Power et al., Grokking: Generalization Beyond Overfitting on Small Algorithmic "
                 "Datasets, 2022, arXiv:2201.02177 (there with a transformer)",
    .schema = &schema,
    .dimensions = pg_modular_dimensions,
    .dimension_count = DIM_COUNT,
    .observables = pg_modular_observables,
    .observable_count = OBS_COUNT,
    .phase_names = pg_phase_names,
    .check = check,
    .check_llc = check_llc,
    .shape = shape,
    .run = run,
    .batches = batches,
};
