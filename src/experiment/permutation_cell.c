/* SPDX-License-Identifier: MIT */
/*
 * A cell of the permutation experiment: its settings read once, cross-checked, and turned into
 * counts of samples, the layers of the model and the rates of the optimiser; and the data of its
 * runs.
 */
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "permutation.h"

static void read_model(const struct pg_values *values, struct permutation *permutation)
{
    struct pg_model_spec *model = &permutation->trainer.model;
    size_t widths[PG_LIST_MAX], depth = pg_cell_widths(values, widths);
    size_t inputs = permutation->order * permutation->order;
    struct pg_layer_spec *embedding =
        pg_cell_add_layer(model, &pg_layer_embedding_product, PERMUTATION_COUNT, inputs);
    (void)snprintf(embedding->names[0], sizeof embedding->names[0], "embedding");
    embedding->group = PG_GROUP_REPRESENTATION;
    embedding->scale = (float)pg_values_real(values, "init_scale");
    for (size_t i = 0; i < depth; i++) {
        pg_cell_add_decoder_layer(model, values, i, inputs, widths[i], pg_cell_activation(values));
        inputs = widths[i];
    }
    pg_cell_add_decoder_layer(model, values, depth, inputs, permutation->pairs.outputs,
                              PG_IDENTITY);
    model->loss = &pg_loss_squared_error;
}

static void read_trainer(const struct pg_values *values, struct permutation *permutation)
{
    const struct pg_pair_task *pairs = &permutation->pairs;
    struct pg_trainer_spec *trainer = &permutation->trainer;
    bool is_sgd = strcmp(pg_values_name(values, "optimizer"), pg_optimizers[PG_SGD].name) == 0;
    trainer->optimizer = is_sgd ? PG_SGD : PG_ADAMW;
    trainer->arity = 2;
    trainer->classes = pairs->classes;
    trainer->has_readout = true;
    trainer->evaluate_every = 1;
    trainer->train_count = pairs->train_count;
    trainer->test_count = pairs->sample_count - pairs->train_count;
    trainer->batch_size = (size_t)pg_values_integer(values, "batch_size");
}

static void read_rates(const struct pg_values *values, struct pg_rates rates[PG_GROUP_COUNT])
{
    rates[PG_GROUP_REPRESENTATION] = pg_cell_rates(values, "representation_lr", 0.0);
    rates[PG_GROUP_REPRESENTATION].penalty = pg_values_real(values, "embedding_l1");
    rates[PG_GROUP_DECODER] =
        pg_cell_rates(values, "decoder_lr", pg_values_real(values, "weight_decay"));
}

int pg_permutation_read(const struct pg_values *values, struct permutation *ret,
                        struct pg_error *error)
{
    memset(ret, 0, sizeof *ret);
    ret->order = (size_t)pg_values_integer(values, "matrix_size");
    ret->pairs = (struct pg_pair_task){
        .sample_count = PERMUTATION_PAIRS,
        .classes = PERMUTATION_COUNT,
        .outputs = (size_t)pg_values_integer(values, "output_dim"),
        .is_regression = true,
    };
    pg_pair_task_read(values, &ret->pairs);
    read_trainer(values, ret);
    read_rates(values, ret->rates);
    ret->rule = pg_trajectory_rule_read(values, &ret->trainer);
    int status = pg_cell_check_counts(values, &ret->trainer, PERMUTATION_PAIRS, error);
    if (status == 0)
        read_model(values, ret);
    return status;
}

/* ---- data ---- */

int pg_permutation_quadruples(struct pg_parallelograms **ret_quadruples, struct pg_error *error)
{
    uint32_t products[PERMUTATION_PAIRS];
    pg_permutation_products(products);
    return pg_quadruples_create(PERMUTATION_COUNT, products, ret_quadruples, error);
}

int pg_permutation_fill_data(const struct permutation *permutation,
                             const struct pg_parallelograms *quadruples,
                             const struct pg_run_request *request,
                             const struct pg_interruption *interruption, struct pg_pair_data *data,
                             struct pg_error *error)
{
    uint32_t products[PERMUTATION_PAIRS];
    int status =
        pg_pair_data_draw(&permutation->pairs, quadruples, request, interruption, data, error);
    pg_permutation_products(products);
    for (size_t place = 0; place < PERMUTATION_PAIRS && status == 0; place++) {
        uint32_t sample = data->train_order[place];
        pg_pair_data_set(&permutation->pairs, data, place, sample / PERMUTATION_COUNT,
                         sample % PERMUTATION_COUNT, products[sample]);
    }
    return status;
}
