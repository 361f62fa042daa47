/* SPDX-License-Identifier: MIT */
/*
 * What stands beside a chain of layers: the residual layer, which adds what a layer before it has
 * left, and dropout. Neither has parameters. The delta of what is added is added in turn, once the
 * layer behind its source has set it (skip_back).
 */
#include <string.h>

#include "bare_layer.h"

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    return (is_training ? 2.0 : 1.0) * (double)spec->outputs * (double)count;
}

/* ---- residual ---- */

/* A panel of the table, where the other input is one. */
static size_t residual_scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                               size_t stride, bool is_training)
{
    (void)in_stride;
    (void)stride;
    (void)is_training;
    return lanes == 1 ? pg_padded(spec->tables * spec->symbols) * PG_LANES : 0;
}

/* The column of each sample's last place. */
static struct pg_gather describe(const struct pg_layer *layer, const struct pg_flow *flow)
{
    return (struct pg_gather){
        .combine = PG_SUM,
        .rows = layer->spec.outputs,
        .columns = flow->skip_count,
        .samples = flow->count,
        .arity = flow->samples->arity,
        .place_columns = layer->spec.symbols,
        .first_place = layer->spec.tables - 1,
        .table_row = flow->skip_stride,
        .sums_row = flow->stride,
        .symbols = flow->samples->inputs,
        .lanes = flow->lanes,
        .scratch = flow->scratch,
    };
}

/* to += from: (outputs, count), rows so many elements apart. */
static void add(const struct pg_layer *layer, const struct pg_flow *flow, const float *from,
                size_t from_row, float *to, size_t to_row)
{
    const size_t lanes = flow->lanes;
    for (size_t r = 0; r < layer->spec.outputs; r++)
        for (size_t i = 0; i < flow->count * lanes; i++)
            to[r * to_row * lanes + i] += from[r * from_row * lanes + i];
}

static void copy(const struct pg_layer *layer, const struct pg_flow *flow, const float *from,
                 size_t from_row, float *to, size_t to_row)
{
    const size_t lanes = flow->lanes;
    for (size_t r = 0; r < layer->spec.outputs; r++)
        memcpy(to + r * to_row * lanes, from + r * from_row * lanes,
               flow->count * lanes * sizeof *to);
}

static void residual_forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    if (layer->spec.tables > 0) {
        const struct pg_gather gather = describe(layer, flow);
        flow->kernel->gather(&gather, flow->skip, flow->out, PG_IDENTITY);
    } else {
        copy(layer, flow, flow->skip, flow->skip_stride, flow->out, flow->stride);
    }
    add(layer, flow, flow->in, flow->in_stride, flow->out, flow->stride);
}

static void residual_pass_back(const struct pg_layer *layer, const struct pg_flow *flow)
{
    copy(layer, flow, flow->delta_out, flow->stride, flow->delta_in, flow->in_stride);
}

static void residual_skip_back(const struct pg_layer *layer, const struct pg_flow *flow)
{
    if (layer->spec.tables > 0) {
        const struct pg_gather gather = describe(layer, flow);
        flow->kernel->scatter(&gather, flow->delta_out, flow->delta_skip);
    } else {
        add(layer, flow, flow->delta_out, flow->stride, flow->delta_skip, flow->skip_stride);
    }
}

const struct pg_layer_kind pg_layer_residual = {
    .name = "residual",
    .segment_count = 0,
    .segments = pg_no_segments,
    .block = pg_no_block,
    .scratch = residual_scratch,
    .initialise = pg_no_initialise,
    .forward = residual_forward,
    .pass_back = residual_pass_back,
    .skip_back = residual_skip_back,
    .flops = flops,
};

/* ---- dropout ---- */

static size_t dropout_scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                              size_t stride, bool is_training)
{
    (void)spec;
    (void)lanes;
    (void)in_stride;
    (void)stride;
    (void)is_training;
    return 0;
}

/* to = from where the number of sample n, counted from the batch's first, is kept: word n of
   (row, segment, step) uniform at or above the rate. */
static void drop(const struct pg_layer *layer, const struct pg_flow *flow, size_t lane,
                 const float *from, size_t from_row, float *to, size_t to_row)
{
    const float rate = layer->spec.drop_rate, keep = 1.0f / (1.0f - rate);
    const struct pg_noise *noise = &flow->noise[lane];
    const uint32_t step = (uint32_t)noise->step;
    for (uint32_t r = 0; r < layer->spec.outputs; r++) {
        const uint32_t place = layer->first_segment << 16 | r;
        for (size_t n = 0; n < flow->count; n++) {
            const size_t at = n * flow->lanes + lane;
            float u = pg_random_uniform(&noise->random, (uint32_t)(flow->begin + n), place, step);
            to[r * to_row * flow->lanes + at] =
                u < rate ? 0.0f : keep * from[r * from_row * flow->lanes + at];
        }
    }
}

static void dropout(const struct pg_layer *layer, const struct pg_flow *flow, const float *from,
                    size_t from_row, float *to, size_t to_row)
{
    if (flow->noise == NULL)
        copy(layer, flow, from, from_row, to, to_row);
    for (size_t lane = 0; flow->noise != NULL && lane < flow->lanes; lane++)
        drop(layer, flow, lane, from, from_row, to, to_row);
}

static void dropout_forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    dropout(layer, flow, flow->in, flow->in_stride, flow->out, flow->stride);
}

static void dropout_pass_back(const struct pg_layer *layer, const struct pg_flow *flow)
{
    dropout(layer, flow, flow->delta_out, flow->stride, flow->delta_in, flow->in_stride);
}

const struct pg_layer_kind pg_layer_dropout = {
    .name = "dropout",
    .segment_count = 0,
    .segments = pg_no_segments,
    .block = pg_no_block,
    .scratch = dropout_scratch,
    .initialise = pg_no_initialise,
    .forward = dropout_forward,
    .pass_back = dropout_pass_back,
    .flops = flops,
};
