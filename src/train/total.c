/* SPDX-License-Identifier: MIT */
/*
 * The total layer: one output, h = f(shift + scale (sum of the inputs)), with nothing to learn: the
 * ideal decoders of GenEFT (Baek et al. 2024), ReLU(0.1 - x) and ReLU(x).
 */
#include <assert.h>

#include "phasegrid/model.h"

static void segments(const struct pg_layer_spec *spec, struct pg_segment *ret)
{
    (void)spec;
    (void)ret;
}

static size_t block(const struct pg_layer_spec *spec, size_t lanes, size_t *ret_stride,
                    struct pg_place *ret_places)
{
    (void)spec;
    (void)lanes;
    (void)ret_places;
    *ret_stride = 0;
    return 0;
}

static size_t scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                      size_t stride, bool is_training)
{
    (void)spec;
    (void)lanes;
    (void)in_stride;
    (void)stride;
    (void)is_training;
    return 0;
}

static void initialise(const struct pg_layer_spec *spec, uint32_t first_segment,
                       const struct pg_random *random, float *ret)
{
    (void)spec;
    (void)first_segment;
    (void)random;
    (void)ret;
}

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
    .segments = segments,
    .block = block,
    .scratch = scratch,
    .initialise = initialise,
    .forward = forward,
    .pass_back = pass_back,
    .flops = flops,
};
