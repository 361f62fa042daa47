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
#include "trajectory_tables.h"

static const char *const embedding_names[] = {"sum", "concat", NULL};

static const struct pg_setting settings[] = {
    INTEGER("p", 3, MODULAR_P_MAX, "59", "symbols", "number of symbols, a prime; the modulus"),
    NAME("embedding", embedding_names, "sum", "how the two embeddings meet the decoder"),
    INTEGER("embedding_dim", 1, 1024, "64", "1", "length of a symbol's embedding"),
    REAL("data_fraction", 0, 1, "0.4", "1", "share of the p^2 ordered pairs that is trained on"),
    INTEGER("train_count", 0, MODULAR_P_MAX *MODULAR_P_MAX - 1, "0", "samples",
            "exact number of training pairs; 0: from data_fraction"),
    INTEGER("decoder_width", 1, 4096, "256", "1", "units of each hidden layer"),
    INTEGER("decoder_depth", 0, PG_DECODER_DEPTH_MAX, "1", "layers", "hidden layers"),
    LIST("decoder_widths", 1, 4096, "[]",
         "units layer by layer; replaces decoder_width and decoder_depth"),
    NAME("activation", pg_activation_names, "relu", "of the hidden layers"),
    NAME("optimizer", pg_optimizer_names, "adamw", "AdamW, or gradient descent with momentum"),
    REAL("representation_lr", 0, 1e6, "1e-3", "1", "learning rate of the embeddings"),
    REAL("decoder_lr", 0, 1e6, "1e-3", "1", "learning rate of the decoder"),
    REAL("weight_decay", 0, 1e6, "1", "1", "decoupled weight decay, biases included"),
    REAL("weight_decay_embeddings", -1, 1e6, "-1", "1",
         "decoupled weight decay of the embeddings; -1: as weight_decay"),
    MOMENT_SETTINGS("0.999"),
    INTEGER("batch_size", 0, MODULAR_P_MAX *MODULAR_P_MAX - 1, "0", "samples",
            "samples of a step, drawn without replacement; 0: all"),
    REAL("init_scale", 0, 1e6, "1", "1", "embeddings start as init_scale N(0, 1)"),
    REAL("decoder_init_scale", 0, 1e6, "1", "1", "multiplies the decoder's initial values"),
    INTEGER("steps", 1, 1e12, "20000", "steps", "budget"),
    PHASE_SETTINGS,
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
    TRAJECTORY_DIMENSIONS("ordered pair of symbols (a, b), a p + b"),
    LLC_DIMENSIONS,
};

static const struct pg_observable_attribute phase_attributes[] = {
    PHASE_ATTRIBUTES("Liu et al. (2022), Table 1"),
};

const struct pg_observable pg_modular_observables[OBS_COUNT] = {
    TRAJECTORY_OBSERVABLES,
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
