/* SPDX-License-Identifier: MIT */
/*
 * A cell of the modular-addition experiment: its settings read once, cross-checked, and turned into
 * counts of samples, layers and rates. The first affine layer stands between the embedding table
 * and the gather layer, so that it is computed once per symbol (src/train/table.c):
 *
 *     table -> affine -> gather, f -> affine, f -> ... -> affine
 *
 * Without a hidden layer the gather layer is the last and has no activation.
 */
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "modular.h"

/* ---- the modulus ---- */

/* The smallest divisor above 1. */
static int64_t smallest_divisor(int64_t p)
{
    for (int64_t d = 2; d * d <= p; d++)
        if (p % d == 0)
            return d;
    return p;
}

static bool is_prime(int64_t p)
{
    return p > 1 && smallest_divisor(p) == p;
}

static int64_t next_prime(int64_t from, int64_t step)
{
    while (!is_prime(from))
        from += step;
    return from;
}

static int check_prime(int64_t p, struct pg_error *error)
{
    int64_t divisor = smallest_divisor(p);
    if (is_prime(p))
        return 0;
    return pg_error_set(error, PG_EINPUT,
                        "p %lld is %lld x %lld; expected a prime, such as %lld or %lld",
                        (long long)p, (long long)divisor, (long long)(p / divisor),
                        (long long)next_prime(p, -1), (long long)next_prime(p, 1));
}

/* ---- the model ---- */

static void add_embedding(const struct pg_values *values, struct pg_model_spec *model)
{
    bool is_sum = strcmp(pg_values_name(values, "embedding"), "sum") == 0;
    size_t tables = is_sum ? 1 : 2, dimension = (size_t)pg_values_integer(values, "embedding_dim");
    struct pg_layer_spec *table =
        pg_cell_add_layer(model, &pg_layer_embedding_table, (size_t)pg_values_integer(values, "p"),
                          tables * dimension);
    (void)snprintf(table->names[0], sizeof table->names[0], "embedding");
    table->tables = tables;
    table->group = PG_GROUP_REPRESENTATION;
    table->scale = (float)pg_values_real(values, "init_scale");
}

/* Sums the columns of a sample's symbols, which the affine layer before made of the table. */
static void add_gather(struct pg_model_spec *model, enum pg_activation activation)
{
    size_t width = model->layers[model->layer_count - 1].outputs;
    struct pg_layer_spec *gather = pg_cell_add_layer(model, &pg_layer_gather, width, width);
    gather->tables = model->layers[0].tables;
    gather->activation = activation;
    gather->group = PG_GROUP_DECODER;
}

static void read_model(const struct pg_values *values, struct pg_model_spec *model)
{
    size_t widths[PG_LIST_MAX], depth = pg_cell_widths(values, widths);
    size_t symbols = (size_t)pg_values_integer(values, "p");
    enum pg_activation activation = pg_cell_activation(values);
    add_embedding(values, model);
    size_t inputs = model->layers[0].outputs;
    for (size_t i = 0; i <= depth; i++) {
        bool is_hidden = i < depth;
        size_t outputs = is_hidden ? widths[i] : symbols;
        enum pg_activation after = is_hidden ? activation : PG_IDENTITY;
        pg_cell_add_decoder_layer(model, values, i, inputs, outputs, i > 0 ? after : PG_IDENTITY);
        if (i == 0)
            add_gather(model, after);
        inputs = outputs;
    }
    model->loss = &pg_loss_cross_entropy;
}

/* ---- the rest ---- */

static int read_rates(const struct pg_values *values, struct modular *modular,
                      struct pg_error *error)
{
    double decay = pg_values_real(values, "weight_decay");
    double embeddings = pg_values_real(values, "weight_decay_embeddings");
    if (embeddings < 0.0 && embeddings != -1.0)
        return pg_error_set(error, PG_EINPUT,
                            "weight_decay_embeddings is %g; allowed: 0 or more, or -1 for that of "
                            "weight_decay",
                            embeddings);
    modular->rates[PG_GROUP_REPRESENTATION] =
        pg_cell_rates(values, "representation_lr", embeddings < 0.0 ? decay : embeddings);
    modular->rates[PG_GROUP_DECODER] = pg_cell_rates(values, "decoder_lr", decay);
    return 0;
}

static void read_trainer(const struct pg_values *values, struct modular *modular)
{
    struct pg_trainer_spec *trainer = &modular->trainer;
    bool is_sgd = strcmp(pg_values_name(values, "optimizer"), pg_optimizers[PG_SGD].name) == 0;
    trainer->optimizer = is_sgd ? PG_SGD : PG_ADAMW;
    trainer->arity = 2;
    trainer->classes = modular->symbols;
    trainer->train_count = modular->train_count;
    trainer->test_count = modular->sample_count - modular->train_count;
    trainer->batch_size = (size_t)pg_values_integer(values, "batch_size");
    trainer->evaluate_every = pg_values_integer(values, "evaluate_test_every");
}

int pg_modular_read_task(const struct pg_values *values, struct modular *ret,
                         struct pg_error *error)
{
    memset(ret, 0, sizeof *ret);
    ret->symbols = (size_t)pg_values_integer(values, "p");
    ret->sample_count = ret->symbols * ret->symbols;
    ret->train_count = pg_cell_train_count(values, ret->sample_count);
    read_trainer(values, ret);
    int status = check_prime((int64_t)ret->symbols, error);
    if (status == 0)
        status = read_rates(values, ret, error);
    if (status == 0)
        status = pg_cell_check_split(values, &ret->trainer, ret->sample_count, error);
    ret->rule = pg_trajectory_rule_read(values, &ret->trainer);
    return status;
}

int pg_modular_read(const struct pg_values *values, struct modular *ret, struct pg_error *error)
{
    int status = pg_modular_read_task(values, ret, error);
    if (status == 0)
        status = pg_cell_check_counts(values, &ret->trainer, ret->sample_count, error);
    if (status == 0)
        read_model(values, &ret->trainer.model);
    return status;
}
