/* SPDX-License-Identifier: MIT */
/*
 * Settings that mean the same in several experiments, read in one place, so that one check and one
 * message serve all of them.
 */
#include "cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const pg_activation_names[] = {"tanh", "relu", "leaky_relu", "elu", "identity", NULL};

enum pg_activation pg_cell_activation(const struct pg_values *values)
{
    static const enum pg_activation activations[] = {PG_TANH, PG_RELU, PG_LEAKY_RELU, PG_ELU,
                                                     PG_IDENTITY};
    const char *name = pg_values_name(values, "activation");
    size_t index = 0;
    while (strcmp(pg_activation_names[index], name) != 0)
        index++;
    return activations[index];
}

size_t pg_cell_widths(const struct pg_values *values, size_t ret_widths[PG_LIST_MAX])
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

struct pg_rates pg_cell_rates(const struct pg_values *values, const char *learning_rate,
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

/* ---- the model ---- */

struct pg_layer_spec *pg_cell_add_layer(struct pg_model_spec *model,
                                        const struct pg_layer_kind *kind, size_t inputs,
                                        size_t outputs)
{
    struct pg_layer_spec *layer = &model->layers[model->layer_count++];
    *layer = (struct pg_layer_spec){.kind = kind, .inputs = inputs, .outputs = outputs};
    return layer;
}

void pg_cell_add_decoder_layer(struct pg_model_spec *model, const struct pg_values *values,
                               size_t index, size_t inputs, size_t outputs,
                               enum pg_activation activation)
{
    struct pg_layer_spec *layer = pg_cell_add_layer(model, &pg_layer_affine, inputs, outputs);
    static const char *const parts[] = {"weight", "bias"};
    layer->activation = activation;
    layer->group = PG_GROUP_DECODER;
    layer->scale = (float)pg_values_real(values, "decoder_init_scale");
    for (size_t i = 0; i < 2; i++)
        (void)snprintf(layer->names[i], sizeof layer->names[i], "decoder.%zu.%s", index, parts[i]);
}

/* The activations of all layers, as digits: those of the last 21. A deeper network says itself in
   what else it may differ. */
static int64_t activations_of(const struct pg_model_spec *model)
{
    uint64_t digits = 0;
    for (size_t l = 0; l < model->layer_count; l++)
        digits = digits << 3 | (uint64_t)model->layers[l].activation;
    return (int64_t)(digits & INT64_MAX);
}

/* How layers combine the symbols of a sample, as digits. */
static int64_t combinations_of(const struct pg_model_spec *model)
{
    uint64_t digits = 0;
    for (size_t l = 0; l < model->layer_count; l++)
        digits = digits << 2 | (uint64_t)model->layers[l].combine;
    return (int64_t)(digits & INT64_MAX);
}

/* What attention and dropout say: heads, and a rate's bits. */
static int64_t attention_of(const struct pg_model_spec *model)
{
    uint64_t heads = 0, rate = 0;
    for (size_t l = 0; l < model->layer_count; l++) {
        uint32_t bits = 0;
        memcpy(&bits, &model->layers[l].drop_rate, sizeof bits);
        heads += model->layers[l].heads;
        rate = bits != 0 ? bits : rate;
    }
    return (int64_t)(heads << 32 | rate);
}

void pg_cell_put_trainer(const struct pg_trainer_spec *trainer, struct pg_shape *ret)
{
    const int64_t variant[PG_TRAINER_VARIANT] = {
        trainer->optimizer,
        activations_of(&trainer->model),
        trainer->has_readout,
        (int64_t)trainer->train_count,
        (int64_t)trainer->test_count,
        (int64_t)trainer->batch_size,
        trainer->evaluate_every,
        combinations_of(&trainer->model),
        attention_of(&trainer->model),
    };
    ret->lanes = pg_trainer_lanes(trainer);
    ret->uses_blas = pg_trainer_uses_blas(trainer);
    ret->flops_per_step = pg_trainer_flops(trainer);
    memcpy(ret->variant, variant, sizeof variant);
}

/* ---- samples ---- */

size_t pg_cell_train_count(const struct pg_values *values, size_t sample_count)
{
    int64_t exact = pg_values_integer(values, "train_count");
    double share = pg_values_real(values, "data_fraction") * (double)sample_count;
    return exact > 0 ? (size_t)exact : (size_t)floor(share + 0.5);
}

int pg_cell_check_split(const struct pg_values *values, const struct pg_trainer_spec *trainer,
                        size_t sample_count, struct pg_error *error)
{
    size_t batch = trainer->batch_size, train = trainer->train_count;
    if (train < 1 || train >= sample_count)
        return pg_error_set(error, PG_EINPUT,
                            "train_count %lld and data_fraction %g make %zu of %zu pairs training "
                            "samples; at least one must train and one must test",
                            (long long)pg_values_integer(values, "train_count"),
                            pg_values_real(values, "data_fraction"), train, sample_count);
    if (batch > train)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size %zu is more than the %zu training samples; allowed: 1 to "
                            "%zu, or 0 for all",
                            batch, train, train);
    return 0;
}

int pg_cell_check_counts(const struct pg_values *values, const struct pg_trainer_spec *trainer,
                         size_t sample_count, struct pg_error *error)
{
    size_t widths = pg_values_list(values, "decoder_widths")->list_count;
    int status = pg_cell_check_split(values, trainer, sample_count, error);
    if (status != 0)
        return status;
    if (widths > PG_DECODER_DEPTH_MAX)
        return pg_error_set(error, PG_EINPUT,
                            "decoder_widths has %zu layers; at most %d are allowed", widths,
                            (int)PG_DECODER_DEPTH_MAX);
    return 0;
}

/* ---- batches ---- */

static void arrange_batches(struct pg_batches *batches, uint32_t **ret_samples,
                            const struct pg_trainer_spec *trainer, struct pg_arena *arena)
{
    pg_batches_arrange(batches, trainer->train_count, trainer->batch_size, arena);
    *ret_samples = pg_arena_take(arena, trainer->train_count * sizeof **ret_samples);
}

static void put_batch(const struct pg_batches *batches, const uint32_t *train_order,
                      uint32_t *samples, int64_t step, const struct pg_batch_sink *sink)
{
    bool is_full = batches->size == 0;
    size_t count = is_full ? batches->pool : batches->size;
    if (!is_full)
        pg_batches_draw(batches, step, samples);
    for (size_t i = 0; i < count; i++)
        samples[i] = train_order[is_full ? i : samples[i]];
    sink->take(sink->context, step, samples, count);
}

int pg_cell_put_batches(const struct pg_run_request *request, const struct pg_trainer_spec *trainer,
                        const uint32_t *train_order, int64_t first, int64_t last,
                        const struct pg_batch_sink *sink, struct pg_error *error)
{
    struct pg_random random = pg_random_make(request->seed, PG_STREAM_BATCHES, request->mix);
    struct pg_batches batches;
    uint32_t *samples = NULL;
    struct pg_arena arena;
    pg_arena_measure(&arena);
    arrange_batches(&batches, &samples, trainer, &arena);
    int status = pg_arena_init(&arena, arena.used, error);
    if (status != 0)
        return status;
    arrange_batches(&batches, &samples, trainer, &arena);
    pg_batches_prepare(&batches, &random);
    for (int64_t step = first; step <= last; step++)
        put_batch(&batches, train_order, samples, step, sink);
    pg_arena_release(&arena);
    return 0;
}
