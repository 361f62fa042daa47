/* SPDX-License-Identifier: MIT */
/*
 * A cell of the addition experiment: its settings read once, cross-checked, and turned into counts
 * of samples, the layers of the model and the rates of the optimiser.
 */
#include <stdio.h>
#include <string.h>

#include "addition.h"
#include "cell.h"

static void read_model(const struct pg_values *values, struct addition *addition)
{
    struct pg_model_spec *model = &addition->trainer.model;
    size_t widths[PG_LIST_MAX], depth = pg_cell_widths(values, widths);
    size_t inputs = addition->dimension;
    struct pg_layer_spec *embedding =
        pg_cell_add_layer(model, &pg_layer_embedding_sum, addition->symbols, inputs);
    (void)snprintf(embedding->names[0], sizeof embedding->names[0], "embedding");
    embedding->group = PG_GROUP_REPRESENTATION;
    embedding->scale = (float)pg_values_real(values, "init_scale");
    for (size_t i = 0; i < depth; i++) {
        pg_cell_add_decoder_layer(model, values, i, inputs, widths[i], pg_cell_activation(values));
        inputs = widths[i];
    }
    pg_cell_add_decoder_layer(model, values, depth, inputs, addition->pairs.outputs, PG_IDENTITY);
    model->loss = addition->pairs.is_regression ? &pg_loss_squared_error : &pg_loss_cross_entropy;
}

static void read_trainer(const struct pg_values *values, struct addition *addition)
{
    struct pg_trainer_spec *trainer = &addition->trainer;
    bool is_sgd = strcmp(pg_values_name(values, "optimizer"), pg_optimizers[PG_SGD].name) == 0;
    trainer->optimizer = is_sgd ? PG_SGD : PG_ADAMW;
    addition->rates[PG_GROUP_REPRESENTATION] = pg_cell_rates(values, "representation_lr", 0.0);
    addition->rates[PG_GROUP_DECODER] =
        pg_cell_rates(values, "decoder_lr", pg_values_real(values, "weight_decay"));
    trainer->arity = 2;
    trainer->classes = addition->pairs.classes;
    trainer->has_readout = addition->pairs.is_regression;
    trainer->evaluate_every = 1;
    trainer->train_count = addition->pairs.train_count;
    trainer->test_count = addition->pairs.sample_count - addition->pairs.train_count;
    trainer->batch_size = (size_t)pg_values_integer(values, "batch_size");
}

int pg_addition_read(const struct pg_values *values, struct addition *ret, struct pg_error *error)
{
    memset(ret, 0, sizeof *ret);
    struct pg_pair_task *pairs = &ret->pairs;
    ret->symbols = (size_t)pg_values_integer(values, "p");
    ret->dimension = (size_t)pg_values_integer(values, "embedding_dim");
    pairs->is_regression = strcmp(pg_values_name(values, "task"), "regression") == 0;
    pairs->classes = 2 * ret->symbols - 1;
    pairs->outputs =
        pairs->is_regression ? (size_t)pg_values_integer(values, "output_dim") : pairs->classes;
    pairs->sample_count = ret->symbols * (ret->symbols + 1) / 2;
    pg_pair_task_read(values, pairs);
    read_trainer(values, ret);
    ret->rule = pg_trajectory_rule_read(values, &ret->trainer);
    int status = pg_cell_check_counts(values, &ret->trainer, pairs->sample_count, error);
    if (status == 0)
        read_model(values, ret);
    return status;
}
