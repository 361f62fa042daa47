/* SPDX-License-Identifier: MIT */
/*
 * Models as lists of layers: where their blocks stand, and the order in which layers pass values
 * forward and deltas back. A layer's delta is taken from its parameters before they step.
 */
#include "phasegrid/model.h"

#include <math.h>
#include <string.h>

enum { STAGGER = 64 * 9 }; /* bytes between blocks, so that they do not alias at 4 KiB */

size_t pg_model_segments(const struct pg_model_spec *spec, struct pg_segment *ret_segments,
                         size_t *ret_parameters)
{
    size_t count = 0;
    int64_t offset = 0;
    for (size_t l = 0; l < spec->layer_count; l++) {
        const struct pg_layer_spec *layer = &spec->layers[l];
        layer->kind->segments(layer, ret_segments + count);
        for (size_t i = 0; i < layer->kind->segment_count; i++, count++) {
            memcpy(ret_segments[count].name, layer->names[i], PG_SEGMENT_NAME_MAX);
            ret_segments[count].offset = offset;
            offset += ret_segments[count].rows * ret_segments[count].columns;
        }
    }
    *ret_parameters = (size_t)offset;
    return count;
}

double pg_model_flops(const struct pg_model_spec *spec, size_t count, bool is_training)
{
    double sum = 0.0;
    for (size_t l = 0; l < spec->layer_count; l++)
        sum += spec->layers[l].kind->flops(&spec->layers[l], count, is_training);
    return sum;
}

static float *take_floats(struct pg_arena *arena, size_t count)
{
    float *taken = pg_arena_take(arena, count * sizeof(float));
    (void)pg_arena_take(arena, STAGGER);
    return taken;
}

void pg_model_arrange(struct pg_model *model, const struct pg_model_spec *spec,
                      const struct pg_kernel *kernel, struct pg_arena *arena)
{
    uint32_t segment = 0;
    model->kernel = kernel;
    model->layer_count = spec->layer_count;
    model->loss = spec->loss;
    for (size_t l = 0; l < spec->layer_count; l++) {
        struct pg_layer *layer = &model->layers[l];
        layer->spec = spec->layers[l];
        layer->first_segment = segment;
        size_t floats = layer->spec.kind->block(&layer->spec, &layer->moments.stride);
        layer->moments.value = take_floats(arena, floats);
        layer->moments.m = take_floats(arena, floats);
        layer->moments.v = take_floats(arena, floats);
        segment += (uint32_t)layer->spec.kind->segment_count;
    }
}

void pg_model_initialise(struct pg_model *model, const struct pg_random *random)
{
    for (size_t l = 0; l < model->layer_count; l++)
        model->layers[l].spec.kind->initialise(&model->layers[l], random);
}

static size_t dense_floats(const struct pg_layer *layer)
{
    struct pg_segment segments[PG_LAYER_SEGMENTS_MAX];
    int64_t floats = 0;
    layer->spec.kind->segments(&layer->spec, segments);
    for (size_t i = 0; i < layer->spec.kind->segment_count; i++)
        floats += segments[i].rows * segments[i].columns;
    return (size_t)floats;
}

void pg_model_store(const struct pg_model *model, float *ret_dense)
{
    for (size_t l = 0; l < model->layer_count; l++) {
        model->layers[l].spec.kind->store(&model->layers[l], ret_dense);
        ret_dense += dense_floats(&model->layers[l]);
    }
}

void pg_model_load(struct pg_model *model, const float *dense)
{
    for (size_t l = 0; l < model->layer_count; l++) {
        model->layers[l].spec.kind->load(&model->layers[l], dense);
        dense += dense_floats(&model->layers[l]);
    }
}

double pg_model_norm(const struct pg_model *model, enum pg_group group, float *dense)
{
    double sum = 0.0;
    for (size_t l = 0; l < model->layer_count; l++) {
        const struct pg_layer *layer = &model->layers[l];
        if (layer->spec.group != group)
            continue;
        layer->spec.kind->store(layer, dense);
        for (size_t i = 0, count = dense_floats(layer); i < count; i++)
            sum += (double)dense[i] * (double)dense[i];
    }
    return sqrt(sum);
}

void pg_pass_arrange(struct pg_pass *pass, const struct pg_model_spec *spec, size_t capacity,
                     bool is_training, struct pg_arena *arena)
{
    size_t scratch = 0;
    memset(pass, 0, sizeof *pass);
    pass->stride = pg_padded(capacity);
    for (size_t l = 0; l < spec->layer_count; l++) {
        const struct pg_layer_spec *layer = &spec->layers[l];
        size_t needed = layer->kind->scratch_floats(layer, pass->stride);
        scratch = needed > scratch ? needed : scratch;
        pass->values[l] = take_floats(arena, pg_padded(layer->outputs + 1) * pass->stride);
        if (is_training)
            pass->deltas[l] = take_floats(arena, pg_padded(layer->outputs) * pass->stride);
    }
    if (is_training)
        pass->scratch = take_floats(arena, scratch);
    pass->loss = take_floats(arena, pass->stride);
}

void pg_pass_prepare(struct pg_pass *pass, const struct pg_model *model)
{
    for (size_t l = 0; l < model->layer_count; l++) {
        float *ones = pass->values[l] + model->layers[l].spec.outputs * pass->stride;
        for (size_t n = 0; n < pass->stride; n++)
            ones[n] = 1.0f;
    }
}

static struct pg_flow flow_at(const struct pg_model *model, const struct pg_samples *samples,
                              struct pg_pass *pass, size_t l)
{
    struct pg_flow flow = {
        .kernel = model->kernel,
        .samples = samples,
        .stride = pass->stride,
        .in = l > 0 ? pass->values[l - 1] : NULL,
        .out = pass->values[l],
        .in_activation = l > 0 ? model->layers[l - 1].spec.activation : PG_IDENTITY,
        .delta_in = l > 0 ? pass->deltas[l - 1] : NULL,
        .delta_out = pass->deltas[l],
        .scratch = pass->scratch,
    };
    return flow;
}

const float *pg_model_forward(const struct pg_model *model, const struct pg_samples *samples,
                              struct pg_pass *pass)
{
    for (size_t l = 0; l < model->layer_count; l++) {
        struct pg_flow flow = flow_at(model, samples, pass, l);
        model->layers[l].spec.kind->forward(&model->layers[l], &flow);
    }
    return pass->values[model->layer_count - 1];
}

double pg_model_loss(const struct pg_model *model, const struct pg_samples *samples,
                     struct pg_pass *pass, bool with_delta)
{
    size_t last = model->layer_count - 1, outputs = model->layers[last].spec.outputs;
    double terms = (double)samples->count * (model->loss->averages_outputs ? (double)outputs : 1.0);
    double sum = 0.0;
    model->loss->evaluate(model->kernel, samples, pass->values[last],
                          with_delta ? pass->deltas[last] : NULL, pass->loss, outputs, pass->stride,
                          (float)(1.0 / terms));
    for (size_t n = 0; n < samples->count; n++)
        sum += (double)pass->loss[n];
    return sum / terms;
}

void pg_model_backward(struct pg_model *model, const struct pg_samples *samples,
                       struct pg_pass *pass, const struct pg_update updates[PG_GROUP_COUNT])
{
    for (size_t l = model->layer_count; l-- > 0;) {
        struct pg_flow flow = flow_at(model, samples, pass, l);
        struct pg_layer *layer = &model->layers[l];
        layer->spec.kind->backward(layer, &flow, &updates[layer->spec.group]);
    }
}
