/* SPDX-License-Identifier: MIT */
/*
 * The embedding table E (symbols, dimension) as a first layer: x = sum over a sample's symbols of
 * E[symbol]. Initial values scale * (U(0, 1) - 1/2) (Liu et al. 2022, code), keyed by (segment,
 * row, column). The gradient is gathered in sample order.
 */
#include <string.h>

#include "phasegrid/model.h"

static void segments(const struct pg_layer_spec *spec, struct pg_segment *ret)
{
    ret[0] = (struct pg_segment){.rows = (int64_t)spec->inputs, .columns = (int64_t)spec->outputs};
}

static size_t block(const struct pg_layer_spec *spec, size_t *ret_stride)
{
    *ret_stride = spec->outputs;
    return pg_padded(spec->inputs * spec->outputs);
}

static size_t scratch_floats(const struct pg_layer_spec *spec, size_t stride)
{
    (void)stride;
    return pg_padded(spec->inputs * spec->outputs);
}

static void initialise(struct pg_layer *layer, const struct pg_random *random)
{
    const struct pg_layer_spec *spec = &layer->spec;
    for (size_t row = 0; row < spec->inputs; row++)
        for (size_t column = 0; column < spec->outputs; column++) {
            double u = (double)pg_random_uniform(random, (uint32_t)column, (uint32_t)row,
                                                 layer->first_segment);
            layer->moments.value[row * spec->outputs + column] =
                (float)((double)spec->scale * (u - 0.5));
        }
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_samples *samples = flow->samples;
    size_t dimension = layer->spec.outputs;
    for (size_t d = 0; d < dimension; d++) {
        const uint32_t *symbol = samples->inputs;
        for (size_t n = 0; n < samples->count; n++) {
            float sum = 0.0f;
            for (size_t k = 0; k < samples->arity; k++)
                sum += layer->moments.value[*symbol++ * dimension + d];
            flow->out[d * flow->stride + n] = sum;
        }
    }
}

static void backward(struct pg_layer *layer, const struct pg_flow *flow,
                     const struct pg_update *update)
{
    const struct pg_samples *samples = flow->samples;
    size_t dimension = layer->spec.outputs, count = scratch_floats(&layer->spec, flow->stride);
    float *gradient = flow->scratch;
    memset(gradient, 0, count * sizeof *gradient);
    for (size_t d = 0; d < dimension; d++) {
        const uint32_t *symbol = samples->inputs;
        for (size_t n = 0; n < samples->count; n++)
            for (size_t k = 0; k < samples->arity; k++)
                gradient[*symbol++ * dimension + d] += flow->delta_out[d * flow->stride + n];
    }
    flow->kernel->apply(update, &layer->moments, gradient, count);
}

static void store(const struct pg_layer *layer, float *ret_dense)
{
    memcpy(ret_dense, layer->moments.value,
           layer->spec.inputs * layer->spec.outputs * sizeof *ret_dense);
}

static void load(struct pg_layer *layer, const float *dense)
{
    memcpy(layer->moments.value, dense, layer->spec.inputs * layer->spec.outputs * sizeof *dense);
}

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    return (is_training ? 4.0 : 2.0) * (double)spec->outputs * (double)count;
}

const struct pg_layer_kind pg_layer_embedding_sum = {
    .name = "embedding_sum",
    .segment_count = 1,
    .segments = segments,
    .block = block,
    .scratch_floats = scratch_floats,
    .initialise = initialise,
    .forward = forward,
    .backward = backward,
    .store = store,
    .load = load,
    .flops = flops,
};
