/* SPDX-License-Identifier: MIT */
/*
 * Modular addition with a one-layer transformer (Power et al., "Grokking", 2022, arXiv:2201.02177;
 * the model as in Nanda et al., 2023, arXiv:2301.05217: no layer norm, read at the last token).
 * Task, splits, rows and runs are those of the experiment modular (modular.h); this file is the
 * settings and the model:
 *
 *     x = E + P at a, b and, if it is there, =;  x += out(attention(x)) at the last of them;
 *     x += down(f(up(x)));  logits = unembedding(x)
 *
 * Queries, keys and values are made of the token table's columns, not of samples
 * (src/kernel/attention.h).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "llc_tables.h"
#include "modular.h"

static const char *const yes_no_names[] = {"no", "yes", NULL};

static const struct pg_setting settings[] = {
    INTEGER("p", 3, MODULAR_P_MAX, "59", "symbols", "number of symbols, a prime; the modulus"),
    NAME("equals_token", yes_no_names, "yes", "whether a token = follows a and b"),
    INTEGER("embedding_dim", 1, 1024, "128", "1", "length of a token's vector"),
    INTEGER("heads", 1, 64, "4", "1", "attention heads, a divisor of embedding_dim"),
    INTEGER("decoder_width", 1, 4096, "512", "1", "hidden units behind the attention"),
    NAME("activation", pg_activation_names, "relu", "of the hidden units"),
    REAL("dropout", 0, 0.95, "0", "1",
         "share dropped, in training, of what attention and hidden units add; with it a full batch "
         "is a batch of all samples"),
    REAL("data_fraction", 0, 1, "0.3", "1", "share of the p^2 ordered pairs that is trained on"),
    INTEGER("train_count", 0, MODULAR_P_MAX *MODULAR_P_MAX - 1, "0", "samples",
            "exact number of training pairs; 0: from data_fraction"),
    NAME("optimizer", pg_optimizer_names, "adamw", "AdamW, or gradient descent with momentum"),
    REAL("representation_lr", 0, 1e6, "1e-3", "1", "learning rate of the embeddings"),
    REAL("decoder_lr", 0, 1e6, "1e-3", "1", "learning rate of all that follows"),
    REAL("weight_decay", 0, 1e6, "1", "1", "decoupled weight decay, biases included"),
    REAL("weight_decay_embeddings", -1, 1e6, "-1", "1",
         "decoupled weight decay of the embeddings; -1: as weight_decay"),
    MOMENT_SETTINGS("0.98"),
    INTEGER("batch_size", 0, MODULAR_P_MAX *MODULAR_P_MAX - 1, "0", "samples",
            "samples of a step, drawn without replacement; 0: all"),
    REAL("init_scale", 0, 1e6, "1", "1",
         "embeddings, of tokens and of places, start as init_scale N(0, 1 / embedding_dim)"),
    REAL("decoder_init_scale", 0, 1e6, "1", "1", "multiplies the other initial values"),
    INTEGER("steps", 1, 4e9, "20000", "steps", "budget"),
    PHASE_SETTINGS,
    INTEGER("evaluate_test_every", 1, 1e12, "10", "steps",
            "the test set (with batch_size or dropout, the training set too) is evaluated at "
            "multiples of this"),
    LLC_SETTINGS(pg_part_names),
};

static const struct pg_schema schema = {
    .experiment = "transformer",
    .settings = settings,
    .count = sizeof settings / sizeof settings[0],
};

/* ---- the model ---- */

enum { PAIR = 2 };

/* What the layers are made from. */
struct sizes {
    size_t symbols, places, dimension, hidden;
    float drop_rate, scale;
};

static void add_tokens(const struct sizes *sizes, double init_scale, struct pg_model_spec *model)
{
    struct pg_layer_spec *tokens =
        pg_cell_add_layer(model, &pg_layer_token_table, sizes->symbols, sizes->dimension);
    tokens->tables = sizes->places;
    tokens->group = PG_GROUP_REPRESENTATION;
    tokens->scale = (float)(init_scale / sqrt((double)sizes->dimension));
    (void)snprintf(tokens->names[0], sizeof tokens->names[0], "embedding.token");
    (void)snprintf(tokens->names[1], sizeof tokens->names[1], "embedding.place");
}

static struct pg_layer_spec *add_affine(const struct sizes *sizes, const char *name, size_t inputs,
                                        size_t outputs, struct pg_model_spec *model)
{
    struct pg_layer_spec *affine = pg_cell_add_layer(model, &pg_layer_affine, inputs, outputs);
    affine->group = PG_GROUP_DECODER;
    affine->scale = sizes->scale;
    (void)snprintf(affine->names[0], sizeof affine->names[0], "%s.weight", name);
    (void)snprintf(affine->names[1], sizeof affine->names[1], "%s.bias", name);
    return affine;
}

static void add_attention(const struct sizes *sizes, size_t heads, struct pg_model_spec *model)
{
    const size_t d = sizes->dimension;
    struct pg_layer_spec *attention = pg_cell_add_layer(model, &pg_layer_attention, 3 * d, d);
    attention->group = PG_GROUP_DECODER;
    attention->tables = sizes->places;
    attention->symbols = sizes->symbols;
    attention->heads = heads;
}

/* Adds what layer `skip` has left to what the last layer has. */
static void add_residual(const struct sizes *sizes, size_t skip, struct pg_model_spec *model)
{
    const size_t d = sizes->dimension;
    if (sizes->drop_rate > 0.0f) {
        struct pg_layer_spec *dropout = pg_cell_add_layer(model, &pg_layer_dropout, d, d);
        dropout->group = PG_GROUP_DECODER;
        dropout->drop_rate = sizes->drop_rate;
    }
    struct pg_layer_spec *residual = pg_cell_add_layer(model, &pg_layer_residual, d, d);
    residual->group = PG_GROUP_DECODER;
    residual->skip = skip;
    residual->tables = skip == 0 ? sizes->places : 0;
    residual->symbols = sizes->symbols;
}

static void read_model(const struct pg_values *values, size_t places, struct pg_model_spec *model)
{
    const struct sizes sizes = {
        .symbols = (size_t)pg_values_integer(values, "p"),
        .places = places,
        .dimension = (size_t)pg_values_integer(values, "embedding_dim"),
        .hidden = (size_t)pg_values_integer(values, "decoder_width"),
        .drop_rate = (float)pg_values_real(values, "dropout"),
        .scale = (float)pg_values_real(values, "decoder_init_scale"),
    };
    const size_t d = sizes.dimension;
    add_tokens(&sizes, pg_values_real(values, "init_scale"), model);
    (void)add_affine(&sizes, "attention.in", d, 3 * d, model);
    add_attention(&sizes, (size_t)pg_values_integer(values, "heads"), model);
    (void)add_affine(&sizes, "attention.out", d, d, model);
    add_residual(&sizes, 0, model);
    const size_t middle = model->layer_count - 1;
    add_affine(&sizes, "mlp.up", d, sizes.hidden, model)->activation = pg_cell_activation(values);
    (void)add_affine(&sizes, "mlp.down", sizes.hidden, d, model);
    add_residual(&sizes, middle, model);
    (void)add_affine(&sizes, "unembedding", d, sizes.symbols, model);
    model->loss = &pg_loss_cross_entropy;
}

static int read(const struct pg_values *values, struct modular *ret, struct pg_error *error)
{
    const int64_t dimension = pg_values_integer(values, "embedding_dim");
    const int64_t heads = pg_values_integer(values, "heads");
    int status = pg_modular_read_task(values, ret, error);
    if (status != 0)
        return status;
    if (dimension % heads != 0)
        return pg_error_set(
            error, PG_EINPUT,
            "embedding_dim %lld is no multiple of heads %lld; heads share it evenly",
            (long long)dimension, (long long)heads);
    struct pg_trainer_spec *trainer = &ret->trainer;
    trainer->arity = PAIR + (strcmp(pg_values_name(values, "equals_token"), "yes") == 0);
    if (pg_values_real(values, "dropout") > 0.0 && trainer->batch_size == 0)
        trainer->batch_size = trainer->train_count;
    read_model(values, trainer->arity, &trainer->model);
    ret->rule = pg_trajectory_rule_read(values, trainer);
    return 0;
}

/* ---- the experiment ---- */

extern const struct pg_experiment pg_experiment_transformer;
static const struct modular_kind transformer = {&pg_experiment_transformer, read};

static int check(const struct pg_values *values, struct pg_error *error)
{
    return pg_modular_check(&transformer, values, error);
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    return pg_modular_check_llc(&transformer, values, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    return pg_modular_shape(&transformer, values, ret, error);
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    return pg_modular_run(&transformer, source, error);
}

static int batches(const struct pg_run_request *request, int64_t first, int64_t last,
                   const struct pg_batch_sink *sink, struct pg_error *error)
{
    return pg_modular_batches(&transformer, request, first, last, sink, error);
}

const struct pg_experiment pg_experiment_transformer = {
    .name = "transformer",
    .summary = "addition modulo a prime: a transformer of one layer, read at its last token",
    .reference = "Power et al., Grokking: Generalization Beyond Overfitting on Small Algorithmic "
                 "Datasets, 2022, arXiv:2201.02177; Nanda et al., Progress measures for grokking "
                 "via mechanistic interpretability, 2023, arXiv:2301.05217",
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
