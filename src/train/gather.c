/* SPDX-License-Identifier: MIT */
/*
 * The gather layer, behind a table (see table.c) and the layers over its columns:
 * h = f(sum over a sample's symbols of their columns), or of two symbols the difference of their
 * columns, or its square. It has no parameters. Back, each sample's delta is added to the columns
 * of its symbols, in sample order.
 */
#include <string.h>

#include "bare_layer.h"

/* With samples in lanes: a panel of the table, and one of its deltas where both are needed. */
static size_t scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                      size_t stride, bool is_training)
{
    (void)stride;
    size_t panels = is_training && spec->combine == PG_SQUARED_DIFFERENCE ? 2 : 1;
    return lanes == 1 ? panels * in_stride * PG_LANES : 0;
}

static struct pg_gather describe(const struct pg_layer *layer, const struct pg_flow *flow)
{
    size_t tables = layer->spec.tables;
    return (struct pg_gather){
        .combine = layer->spec.combine,
        .rows = layer->spec.outputs,
        .columns = flow->in_count,
        .samples = flow->count,
        .arity = flow->samples->arity,
        .place_columns = tables > 1 ? flow->in_count / tables : 0,
        .table_row = flow->in_stride,
        .sums_row = flow->stride,
        .symbols = flow->samples->inputs,
        .lanes = flow->lanes,
        .scratch = flow->scratch,
        .values = flow->in,
    };
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_gather gather = describe(layer, flow);
    flow->kernel->gather(&gather, flow->in, flow->out, layer->spec.activation);
}

static void pass_back(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_gather gather = describe(layer, flow);
    if (flow->begin == 0)
        memset(flow->delta_in, 0,
               gather.rows * gather.table_row * gather.lanes * sizeof *flow->delta_in);
    flow->kernel->scatter(&gather, flow->delta_out, flow->delta_in);
}

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    return (is_training ? 3.0 : 1.0) * (double)spec->outputs * (double)count;
}

const struct pg_layer_kind pg_layer_gather = {
    .name = "gather",
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
