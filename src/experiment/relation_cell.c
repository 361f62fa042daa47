/* SPDX-License-Identifier: MIT */
/*
 * A cell of the relation experiment: its settings read once, cross-checked, and turned into counts
 * of samples, layers and rates. Concatenated embeddings meet the first affine layer once per symbol
 * (src/train/table.c), differences are of the embeddings themselves:
 *
 *     concat:      table -> affine -> gather, f -> affine, f -> ... -> affine
 *     differences: table -> gather -> affine, f -> affine, f -> ... -> affine
 *
 *     ideal:       table -> gather -> total -> affine
 *
 * The last layer has one output, the logit of label 1.
 */
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "phasegrid/matrix.h"
#include "relation.h"

/* ---- the relation ---- */

static struct relation read_relation(const struct pg_values *values)
{
    const char *name = pg_values_name(values, "relation");
    struct relation ret = {.n = (size_t)pg_values_integer(values, "n")};
    while (strcmp(pg_relation_names[ret.kind], name) != 0)
        ret.kind++;
    if (ret.kind == RELATION_CONGRUENCE)
        ret.size = (size_t)pg_values_integer(values, "modulus");
    else if (ret.kind == RELATION_BIPARTITE)
        ret.size = (size_t)pg_values_integer(values, "bipartite_size");
    else if (ret.kind == RELATION_MATRIX)
        ret.matrix = pg_values_matrix(values, "matrix");
    return ret;
}

static int check_matrix(const struct relation *relation, struct pg_error *error)
{
    size_t rows = pg_matrix_rows(relation->matrix);
    if (rows == relation->n)
        return 0;
    if (rows == 0)
        return pg_error_set(error, PG_EINPUT,
                            "relation is matrix, but matrix is none; expected a file of %zu rows "
                            "of 0 and 1",
                            relation->n);
    return pg_error_set(error, PG_EINPUT, "n is %zu; with a matrix of %zu rows allowed: %zu",
                        relation->n, rows, rows);
}

static int check_relation(const struct relation *relation, struct pg_error *error)
{
    const bool is_bipartite = relation->kind == RELATION_BIPARTITE;
    if (relation->kind == RELATION_MATRIX)
        return check_matrix(relation, error);
    if (relation->kind == RELATION_GREATER_THAN || relation->size < relation->n)
        return 0;
    return pg_error_set(error, PG_EINPUT, "%s is %zu; with n %zu allowed: up to %zu",
                        is_bipartite ? "bipartite_size" : "modulus", relation->size, relation->n,
                        relation->n - 1);
}

/* ---- the model ---- */

static enum pg_combine read_combine(const struct pg_values *values)
{
    const char *name = pg_values_name(values, "embedding");
    if (strcmp(name, "concat") == 0)
        return PG_SUM;
    return strcmp(name, "difference") == 0 ? PG_DIFFERENCE : PG_SQUARED_DIFFERENCE;
}

static void add_embedding(const struct pg_values *values, struct pg_model_spec *model)
{
    size_t tables = read_combine(values) == PG_SUM ? 2 : 1;
    size_t dimension = (size_t)pg_values_integer(values, "embedding_dim");
    struct pg_layer_spec *table =
        pg_cell_add_layer(model, &pg_layer_embedding_table, (size_t)pg_values_integer(values, "n"),
                          tables * dimension);
    (void)snprintf(table->names[0], sizeof table->names[0], "embedding");
    table->tables = tables;
    table->group = PG_GROUP_REPRESENTATION;
    table->scale = (float)pg_values_real(values, "init_scale");
}

/* Combines the columns that the layers so far made of a sample's symbols. */
static void add_gather(struct pg_model_spec *model, enum pg_combine combine,
                       enum pg_activation activation)
{
    size_t width = model->layers[model->layer_count - 1].outputs;
    struct pg_layer_spec *gather = pg_cell_add_layer(model, &pg_layer_gather, width, width);
    gather->tables = model->layers[0].tables;
    gather->combine = combine;
    gather->activation = activation;
    gather->group = PG_GROUP_DECODER;
}

static bool is_ideal(const struct pg_values *values)
{
    return strcmp(pg_values_name(values, "decoder"), "ideal") == 0;
}

/* Fixed up to scale and bias of the logit: without them it could not say no. */
static void add_ideal_decoder(const struct pg_values *values, struct pg_model_spec *model)
{
    enum pg_combine combine = read_combine(values);
    size_t inputs = model->layers[0].outputs;
    add_gather(model, combine, PG_IDENTITY);
    struct pg_layer_spec *total = pg_cell_add_layer(model, &pg_layer_total, inputs, 1);
    total->activation = PG_RELU;
    total->group = PG_GROUP_DECODER;
    total->scale = combine == PG_SQUARED_DIFFERENCE ? -1.0f : 1.0f;
    total->shift = combine == PG_SQUARED_DIFFERENCE ? 0.1f : 0.0f;
    pg_cell_add_decoder_layer(model, values, 0, 1, 1, PG_IDENTITY);
}

static void read_model(const struct pg_values *values, struct pg_model_spec *model)
{
    size_t widths[PG_LIST_MAX], depth = pg_cell_widths(values, widths);
    enum pg_activation activation = pg_cell_activation(values);
    enum pg_combine combine = read_combine(values);
    model->loss = &pg_loss_logistic;
    add_embedding(values, model);
    if (is_ideal(values)) {
        add_ideal_decoder(values, model);
        return;
    }
    size_t inputs = model->layers[0].outputs;
    if (combine != PG_SUM)
        add_gather(model, combine, PG_IDENTITY);
    for (size_t i = 0; i <= depth; i++) {
        size_t outputs = i < depth ? widths[i] : 1;
        enum pg_activation after = i < depth ? activation : PG_IDENTITY;
        bool gathers = i == 0 && combine == PG_SUM;
        pg_cell_add_decoder_layer(model, values, i, inputs, outputs, gathers ? PG_IDENTITY : after);
        if (gathers)
            add_gather(model, combine, after);
        inputs = outputs;
    }
}

/* ---- the rest ---- */

static void read_trainer(const struct pg_values *values, struct relation_cell *cell)
{
    struct pg_trainer_spec *trainer = &cell->trainer;
    bool is_sgd = strcmp(pg_values_name(values, "optimizer"), pg_optimizers[PG_SGD].name) == 0;
    trainer->optimizer = is_sgd ? PG_SGD : PG_ADAMW;
    trainer->arity = 2;
    trainer->classes = 2;
    trainer->has_readout = true;
    trainer->train_count = cell->train_count;
    trainer->test_count = cell->sample_count - cell->train_count;
    trainer->batch_size = (size_t)pg_values_integer(values, "batch_size");
    trainer->evaluate_every = pg_values_integer(values, "evaluate_test_every");
}

int pg_relation_read(const struct pg_values *values, struct relation_cell *ret,
                     struct pg_error *error)
{
    memset(ret, 0, sizeof *ret);
    ret->relation = read_relation(values);
    ret->dimension = (size_t)pg_values_integer(values, "embedding_dim");
    ret->sample_count = ret->relation.n * ret->relation.n;
    ret->slope_ratio = pg_values_real(values, "repon_slope_ratio");
    ret->train_count = pg_cell_train_count(values, ret->sample_count);
    read_trainer(values, ret);
    int status = check_relation(&ret->relation, error);
    if (status == 0 && is_ideal(values) && read_combine(values) == PG_SUM)
        return pg_error_set(error, PG_EINPUT,
                            "decoder is ideal and embedding concat; an ideal decoder sees a "
                            "difference or squared_difference");
    if (status == 0)
        status = pg_cell_check_counts(values, &ret->trainer, ret->sample_count, error);
    if (status != 0)
        return status;
    ret->rates[PG_GROUP_REPRESENTATION] = pg_cell_rates(
        values, "representation_lr", pg_values_real(values, "weight_decay_embeddings"));
    ret->rates[PG_GROUP_DECODER] =
        pg_cell_rates(values, "decoder_lr", pg_values_real(values, "weight_decay"));
    read_model(values, &ret->trainer.model);
    ret->rule = pg_trajectory_rule_read(values, &ret->trainer);
    return 0;
}
