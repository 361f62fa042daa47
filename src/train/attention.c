/* SPDX-License-Identifier: MIT */
/*
 * The attention layer, behind a token table and the affine layer that makes queries, keys and
 * values of its columns. It has no parameters; its columns are the samples.
 */
#include <string.h>

#include "bare_layer.h"

static size_t scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                      size_t stride, bool is_training)
{
    (void)stride;
    (void)is_training;
    return pg_attention_scratch(spec->heads, spec->outputs / spec->heads, spec->tables, in_stride,
                                lanes);
}

static struct pg_attention describe(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_layer_spec *spec = &layer->spec;
    return (struct pg_attention){
        .heads = spec->heads,
        .width = spec->outputs / spec->heads,
        .columns = flow->in_count,
        .samples = flow->count,
        .places = spec->tables,
        .place_columns = spec->symbols,
        .table_row = flow->in_stride,
        .out_row = flow->stride,
        .symbols = flow->samples->inputs,
        .lanes = flow->lanes,
        .table = flow->in,
        .scratch = flow->scratch,
    };
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_attention attention = describe(layer, flow);
    flow->kernel->attend(&attention, flow->out);
}

static void pass_back(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_attention attention = describe(layer, flow);
    if (flow->begin == 0)
        memset(flow->delta_in, 0,
               layer->spec.inputs * flow->in_stride * flow->lanes * sizeof *flow->delta_in);
    flow->kernel->attend_back(&attention, flow->delta_out, flow->delta_in);
}

/* Scores and sums over the places; back each of their factors, and the scores again. */
static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    double forward = 4.0 * (double)spec->tables * (double)spec->outputs * (double)count;
    return (is_training ? 3.5 : 1.0) * forward;
}

const struct pg_layer_kind pg_layer_attention = {
    .name = "attention",
    .segment_count = 0,
    .segments = pg_no_segments,
    .block = pg_no_block,
    .columns = pg_sample_columns,
    .scratch = scratch,
    .initialise = pg_no_initialise,
    .forward = forward,
    .pass_back = pass_back,
    .flops = flops,
};
