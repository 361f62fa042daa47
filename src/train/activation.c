/* SPDX-License-Identifier: MIT */
/*
 * The activation layer: a function of its own place in the chain, which keeps its argument. So a
 * derivative may be taken from that (SiLU), and what stands behind (a skip, dropout) passes back
 * deltas of values, not of arguments. Functions behind a product are the product's (affine.c).
 */
#include <string.h>

#include "bare_layer.h"

/* Copies rows, and tells the kernels which numbers they are. */
static struct pg_plane copy(const struct pg_layer *layer, const struct pg_flow *flow,
                            const float *from, size_t from_row, float *to, size_t to_row)
{
    const size_t lanes = flow->lanes, numbers = flow->count * lanes;
    for (size_t r = 0; r < layer->spec.outputs; r++)
        memcpy(to + r * to_row * lanes, from + r * from_row * lanes, numbers * sizeof *to);
    return (struct pg_plane){layer->spec.outputs, to_row * lanes, pg_padded(numbers)};
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_plane plane =
        copy(layer, flow, flow->in, flow->in_stride, flow->out, flow->stride);
    flow->kernel->activate(flow->out, &plane, layer->spec.function);
}

static void pass_back(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const float *h = layer->spec.function == PG_SILU ? flow->in : flow->out;
    const struct pg_plane plane =
        copy(layer, flow, flow->delta_out, flow->stride, flow->delta_in, flow->in_stride);
    flow->kernel->derive(flow->delta_in, h, &plane, layer->spec.function);
}

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    return (is_training ? 2.0 : 1.0) * (double)spec->outputs * (double)count;
}

const struct pg_layer_kind pg_layer_activation = {
    .name = "activation",
    .segment_count = 0,
    .segments = pg_no_segments,
    .block = pg_no_block,
    .scratch = pg_no_scratch,
    .initialise = pg_no_initialise,
    .forward = forward,
    .pass_back = pass_back,
    .flops = flops,
};
