/* SPDX-License-Identifier: MIT */
/*
 * The affine layer f(W x + b). Rows of the block are W's rows with the bias as one more column,
 * which meets the row of ones behind the inputs; a row is padded to whole lanes, and the padding
 * stays 0 because its gradient is 0. Initial values as torch.nn.Linear: uniform in
 * +-scale / sqrt(inputs), keyed by (segment, row, column), so that widths are nested.
 */
#include <math.h>
#include <string.h>

#include "phasegrid/model.h"

static size_t row_floats(const struct pg_layer_spec *spec)
{
    return pg_padded(spec->inputs + 1);
}

static void segments(const struct pg_layer_spec *spec, struct pg_segment *ret)
{
    ret[0] = (struct pg_segment){.rows = (int64_t)spec->outputs, .columns = (int64_t)spec->inputs};
    ret[1] = (struct pg_segment){.rows = (int64_t)spec->outputs, .columns = 1};
}

static size_t block(const struct pg_layer_spec *spec, size_t *ret_stride)
{
    *ret_stride = row_floats(spec);
    return spec->outputs * row_floats(spec);
}

/* The inputs sample-major: (stride, row_floats). */
static size_t scratch_floats(const struct pg_layer_spec *spec, size_t stride)
{
    return stride * row_floats(spec);
}

static void initialise(struct pg_layer *layer, const struct pg_random *random)
{
    const struct pg_layer_spec *spec = &layer->spec;
    double bound = (double)spec->scale / sqrt((double)spec->inputs);
    for (size_t row = 0; row < spec->outputs; row++) {
        float *at = layer->moments.value + row * layer->moments.stride;
        for (size_t column = 0; column <= spec->inputs; column++) {
            uint32_t is_bias = column == spec->inputs;
            double u = (double)pg_random_uniform(random, is_bias ? 0 : (uint32_t)column,
                                                 (uint32_t)row, layer->first_segment + is_bias);
            at[column] = (float)((2.0 * u - 1.0) * bound);
        }
    }
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_product product = {
        .a = layer->moments.value,
        .a_row = layer->moments.stride,
        .a_depth = 1,
        .b = flow->in,
        .b_stride = flow->stride,
        .out = flow->out,
        .out_stride = flow->stride,
        .rows = layer->spec.outputs,
        .columns = flow->stride,
        .depth = layer->spec.inputs + 1,
    };
    flow->kernel->forward(&product, layer->spec.activation);
}

/* delta_in = W^T delta_out, times the derivative of what produced `in`. */
static void pass_delta(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_product product = {
        .a = layer->moments.value,
        .a_row = 1,
        .a_depth = layer->moments.stride,
        .b = flow->delta_out,
        .b_stride = flow->stride,
        .out = flow->delta_in,
        .out_stride = flow->stride,
        .rows = layer->spec.inputs,
        .columns = flow->stride,
        .depth = layer->spec.outputs,
    };
    flow->kernel->backward(&product, flow->in_activation, flow->in);
}

static void backward(struct pg_layer *layer, const struct pg_flow *flow,
                     const struct pg_update *update)
{
    size_t width = row_floats(&layer->spec);
    if (flow->delta_in != NULL)
        pass_delta(layer, flow);
    flow->kernel->transpose(flow->in, flow->stride, flow->scratch, width, width, flow->stride);
    const struct pg_product gradient = {
        .a = flow->delta_out,
        .a_row = flow->stride,
        .a_depth = 1,
        .b = flow->scratch,
        .b_stride = width,
        .rows = layer->spec.outputs,
        .columns = width,
        .depth = flow->samples->count,
    };
    flow->kernel->update(&gradient, update, &layer->moments);
}

static void store(const struct pg_layer *layer, float *ret_dense)
{
    const struct pg_layer_spec *spec = &layer->spec;
    float *biases = ret_dense + spec->outputs * spec->inputs;
    for (size_t row = 0; row < spec->outputs; row++) {
        const float *at = layer->moments.value + row * layer->moments.stride;
        memcpy(ret_dense + row * spec->inputs, at, spec->inputs * sizeof *at);
        biases[row] = at[spec->inputs];
    }
}

static void load(struct pg_layer *layer, const float *dense)
{
    const struct pg_layer_spec *spec = &layer->spec;
    const float *biases = dense + spec->outputs * spec->inputs;
    for (size_t row = 0; row < spec->outputs; row++) {
        float *at = layer->moments.value + row * layer->moments.stride;
        memcpy(at, dense + row * spec->inputs, spec->inputs * sizeof *at);
        at[spec->inputs] = biases[row];
    }
}

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    double macs = (double)spec->outputs * (double)(spec->inputs + 1) * (double)count;
    return (is_training ? 6.0 : 2.0) * macs;
}

const struct pg_layer_kind pg_layer_affine = {
    .name = "affine",
    .segment_count = 2,
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
