/* SPDX-License-Identifier: MIT */
/* The features layer: the samples' own numbers as the first values of a pass. */
#include <string.h>

#include "bare_layer.h"

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const size_t lanes = flow->lanes, row = pg_samples_row(flow->samples, lanes) * lanes;
    for (size_t r = 0; r < layer->spec.outputs; r++)
        memcpy(flow->out + r * flow->stride * lanes, flow->samples->features + r * row,
               flow->count * lanes * sizeof *flow->out);
}

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    (void)spec;
    (void)count;
    (void)is_training;
    return 0.0;
}

const struct pg_layer_kind pg_layer_features = {
    .name = "features",
    .segment_count = 0,
    .segments = pg_no_segments,
    .block = pg_no_block,
    .scratch = pg_no_scratch,
    .initialise = pg_no_initialise,
    .forward = forward,
    .flops = flops,
};
