/* SPDX-License-Identifier: MIT */
/*
 * A cell of the addition experiment: its settings read once, cross-checked, and turned into counts
 * of samples, the layers of the model and the rates of the optimiser.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "addition.h"

/* Hidden widths of a cell; returns their number. */
static size_t read_widths(const struct pg_values *values, size_t ret_widths[PG_LIST_MAX])
{
    const struct pg_value *list = pg_values_list(values, "decoder_widths");
    size_t depth = (size_t)pg_values_integer(values, "decoder_depth");
    for (size_t i = 0; i < list->list_count; i++)
        ret_widths[i] = (size_t)list->list[i];
    if (list->list_count > 0)
        return list->list_count;
    for (size_t i = 0; i < depth; i++)
        ret_widths[i] = (size_t)pg_values_integer(values, "decoder_width");
    return depth;
}

static struct pg_layer_spec *add_layer(struct addition *addition, const struct pg_layer_kind *kind,
                                       size_t inputs, size_t outputs)
{
    struct pg_model_spec *model = &addition->trainer.model;
    struct pg_layer_spec *layer = &model->layers[model->layer_count++];
    *layer = (struct pg_layer_spec){.kind = kind, .inputs = inputs, .outputs = outputs};
    return layer;
}

static void add_decoder_layer(struct addition *addition, const struct pg_values *values,
                              size_t inputs, size_t outputs, enum pg_activation activation)
{
    size_t index = addition->trainer.model.layer_count - 1;
    struct pg_layer_spec *layer = add_layer(addition, &pg_layer_affine, inputs, outputs);
    static const char *const parts[] = {"weight", "bias"};
    layer->activation = activation;
    layer->group = PG_GROUP_DECODER;
    layer->scale = (float)pg_values_real(values, "decoder_init_scale");
    for (size_t i = 0; i < 2; i++)
        (void)snprintf(layer->names[i], sizeof layer->names[i], "decoder.%zu.%s", index, parts[i]);
}

static void read_model(const struct pg_values *values, struct addition *addition)
{
    size_t widths[PG_LIST_MAX], depth = read_widths(values, widths), inputs = addition->dimension;
    bool is_tanh = strcmp(pg_values_name(values, "activation"), "tanh") == 0;
    struct pg_layer_spec *embedding =
        add_layer(addition, &pg_layer_embedding_sum, addition->symbols, addition->dimension);
    (void)snprintf(embedding->names[0], sizeof embedding->names[0], "embedding");
    embedding->group = PG_GROUP_REPRESENTATION;
    embedding->scale = (float)pg_values_real(values, "init_scale");
    for (size_t i = 0; i < depth; i++) {
        add_decoder_layer(addition, values, inputs, widths[i], is_tanh ? PG_TANH : PG_RELU);
        inputs = widths[i];
    }
    add_decoder_layer(addition, values, inputs, addition->outputs, PG_IDENTITY);
    addition->trainer.model.loss =
        addition->task == TASK_REGRESSION ? &pg_loss_squared_error : &pg_loss_cross_entropy;
}

static struct pg_rates read_rates(const struct pg_values *values, const char *learning_rate,
                                  double weight_decay)
{
    return (struct pg_rates){
        .learning_rate = pg_values_real(values, learning_rate),
        .weight_decay = weight_decay,
        .beta1 = pg_values_real(values, "beta1"),
        .beta2 = pg_values_real(values, "beta2"),
        .epsilon = pg_values_real(values, "epsilon"),
        .momentum = pg_values_real(values, "momentum"),
    };
}

static void read_trainer(const struct pg_values *values, struct addition *addition)
{
    struct pg_trainer_spec *trainer = &addition->trainer;
    bool is_sgd = strcmp(pg_values_name(values, "optimizer"), pg_optimizers[PG_SGD].name) == 0;
    trainer->optimizer = is_sgd ? PG_SGD : PG_ADAMW;
    addition->rates[PG_GROUP_REPRESENTATION] = read_rates(values, "representation_lr", 0.0);
    addition->rates[PG_GROUP_DECODER] =
        read_rates(values, "decoder_lr", pg_values_real(values, "weight_decay"));
    trainer->arity = 2;
    trainer->classes = addition->classes;
    trainer->has_readout = addition->task == TASK_REGRESSION;
    trainer->evaluate_every = 1;
    trainer->train_count = addition->train_count;
    trainer->test_count = addition->sample_count - addition->train_count;
    trainer->batch_size = (size_t)pg_values_integer(values, "batch_size");
    addition->steps = pg_values_integer(values, "steps");
}

static int check_counts(const struct pg_values *values, const struct addition *addition,
                        struct pg_error *error)
{
    size_t batch = addition->trainer.batch_size;
    if (addition->train_count < 1 || addition->train_count >= addition->sample_count)
        return pg_error_set(error, PG_EINPUT,
                            "train_count %lld and data_fraction %g make %zu of %zu pairs training "
                            "samples; at least one must train and one must test",
                            (long long)pg_values_integer(values, "train_count"),
                            pg_values_real(values, "data_fraction"), addition->train_count,
                            addition->sample_count);
    if (batch > addition->train_count)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size %zu is more than the %zu training samples; allowed: 1 to "
                            "%zu, or 0 for all",
                            batch, addition->train_count, addition->train_count);
    if (pg_values_list(values, "decoder_widths")->list_count + 2 > PG_LAYERS_MAX)
        return pg_error_set(
            error, PG_EINPUT, "decoder_widths has %zu layers; at most %d are allowed",
            pg_values_list(values, "decoder_widths")->list_count, PG_LAYERS_MAX - 2);
    return 0;
}

int pg_addition_read(const struct pg_values *values, struct addition *ret, struct pg_error *error)
{
    int64_t exact = pg_values_integer(values, "train_count");
    memset(ret, 0, sizeof *ret);
    bool is_regression = strcmp(pg_values_name(values, "task"), "regression") == 0;
    ret->task = is_regression ? TASK_REGRESSION : TASK_CLASSIFICATION;
    ret->symbols = (size_t)pg_values_integer(values, "p");
    ret->dimension = (size_t)pg_values_integer(values, "embedding_dim");
    ret->classes = 2 * ret->symbols - 1;
    ret->outputs = ret->task == TASK_REGRESSION ? (size_t)pg_values_integer(values, "output_dim")
                                                : ret->classes;
    ret->sample_count = ret->symbols * (ret->symbols + 1) / 2;
    double share = pg_values_real(values, "data_fraction") * (double)ret->sample_count;
    ret->train_count = exact > 0 ? (size_t)exact : (size_t)floor(share + 0.5);
    ret->min_ideal_accuracy = pg_values_real(values, "min_ideal_accuracy");
    ret->phase_accuracy = pg_values_real(values, "phase_accuracy");
    ret->phase_lag = pg_values_integer(values, "phase_lag");
    ret->label_scale = (float)pg_values_real(values, "label_scale");
    read_trainer(values, ret);
    int status = check_counts(values, ret, error);
    if (status == 0)
        read_model(values, ret);
    return status;
}

uint32_t pg_addition_variant(const struct addition *addition)
{
    const struct pg_trainer_spec *trainer = &addition->trainer;
    uint32_t activation = trainer->model.layer_count > 2 ? trainer->model.layers[1].activation : 0;
    return (uint32_t)trainer->optimizer << 8 | activation;
}
