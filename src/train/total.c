/* SPDX-License-Identifier: MIT */
/*
 * The total layer: one output, h = f(shift + scale (sum of the inputs)), with nothing to learn: the
 * ideal decoders of GenEFT (Baek et al. 2024), ReLU(0.1 - x) and ReLU(x).
 */
#include <assert.h>

#include "bare_layer.h"

/* Numbers of a row in use, with the padding that the kernels read. */
static size_t row_length(const struct pg_flow *flow)
{
    size_t whole = (flow->count + PG_COLUMNS - 1) / PG_COLUMNS * PG_COLUMNS;
    return flow->lanes == 1 ? whole : flow->count * flow->lanes;
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const size_t length = row_length(flow), row = flow->in_stride * flow->lanes;
    assert(layer->spec.activation == PG_RELU);
    for (size_t n = 0; n < length; n++) {
        float sum = 0.0f;
        for (size_t i = 0; i < layer->spec.inputs; i++)
            sum += flow->in[i * row + n];
        float h = layer->spec.shift + layer->spec.scale * sum;
        flow->out[n] = h > 0.0f ? h : 0.0f;
    }
}

static void pass_back(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const size_t length = row_length(flow), row = flow->in_stride * flow->lanes;
    assert(flow->in_activation == PG_IDENTITY);
    for (size_t i = 0; i < layer->spec.inputs; i++)
        for (size_t n = 0; n < length; n++)
            flow->delta_in[i * row + n] = layer->spec.scale * flow->delta_out[n];
}

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    return (is_training ? 2.0 : 1.0) * (double)spec->inputs * (double)count;
}

const struct pg_layer_kind pg_layer_total = {
    .name = "total",
    .segment_count = 0,
    .segments = pg_no_segments,
    .block = pg_no_block,
    .scratch = pg_no_scratch,
    .initialise = pg_no_initialise,
    .forward = forward,
    .pass_back = pass_back,
    .flops = flops,
};
