/* SPDX-License-Identifier: MIT */
/*
 * The affine layer f(W x + b). The bias is one more column of W, which meets the row of ones behind
 * the inputs. Rows of the block are those of W, or, turned, its columns; with samples in lanes they
 * are padded to whole lanes, and no result depends on the padding. Initial values are keyed by
 * (segment, row, column), so that widths are nested; their scale comes afterwards.
 */
#include <assert.h>
#include <math.h>

#include <string.h>

#include "phasegrid/model.h"

enum { FEW_WEIGHTS = 1 << 14 }; /* numbers: what stays in L1 and L2 is passed twice as well */

/* Whether the block holds W transposed, a row for each input: with samples in lanes, where that
   makes what has to be turned for the gradient the smaller. */
static bool is_turned(const struct pg_layer_spec *spec, size_t lanes)
{
    return lanes == 1 && spec->outputs < spec->inputs;
}

static size_t row_elements(const struct pg_layer_spec *spec, size_t lanes)
{
    if (is_turned(spec, lanes))
        return pg_padded(spec->outputs);
    return lanes == 1 ? pg_padded(spec->inputs + 1) : spec->inputs + 1;
}

static void segments(const struct pg_layer_spec *spec, struct pg_segment *ret)
{
    ret[0] = (struct pg_segment){.rows = (int64_t)spec->outputs, .columns = (int64_t)spec->inputs};
    ret[1] = (struct pg_segment){.rows = (int64_t)spec->outputs, .columns = 1};
}

static size_t block(const struct pg_layer_spec *spec, size_t lanes, size_t *ret_stride,
                    struct pg_place *ret_places)
{
    size_t stride = *ret_stride = row_elements(spec, lanes);
    if (is_turned(spec, lanes)) {
        ret_places[0] = (struct pg_place){.offset = 0, .row = 1, .column = stride};
        ret_places[1] = (struct pg_place){.offset = spec->inputs * stride, .row = 1, .column = 1};
        return (spec->inputs + 1) * stride;
    }
    ret_places[0] = (struct pg_place){.offset = 0, .row = stride, .column = 1};
    ret_places[1] = (struct pg_place){.offset = spec->inputs, .row = stride, .column = 1};
    return spec->outputs * stride;
}

/* With samples in lanes: the inputs sample-major, (stride, row_elements), and the sums of few. */
static size_t scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                      size_t stride, bool is_training)
{
    (void)in_stride;
    return lanes == 1 && is_training ? (stride + PG_FEW_MAX) * row_elements(spec, lanes) : 0;
}

static void initialise_uniform(const struct pg_layer_spec *spec, uint32_t first_segment,
                               const struct pg_random *random, float *ret)
{
    double bound = (double)spec->scale / sqrt((double)spec->inputs);
    float *biases = ret + spec->outputs * spec->inputs;
    for (size_t row = 0; row < spec->outputs; row++)
        for (size_t column = 0; column <= spec->inputs; column++) {
            bool is_bias = column == spec->inputs;
            double u = (double)pg_random_uniform(random, is_bias ? 0 : (uint32_t)column,
                                                 (uint32_t)row, first_segment + is_bias);
            float *at = is_bias ? &biases[row] : &ret[row * spec->inputs + column];
            *at = (float)((2.0 * u - 1.0) * bound);
        }
}

static void initialise_normal(const struct pg_layer_spec *spec, uint32_t first_segment,
                              const struct pg_random *random, float *ret)
{
    const double deviation =
        (double)spec->scale * sqrt(2.0 / (double)(spec->inputs + spec->outputs));
    for (size_t row = 0; row < spec->outputs; row++)
        for (size_t column = 0; column < spec->inputs; column++)
            *ret++ = (float)(deviation * (double)pg_random_normal(random, (uint32_t)column,
                                                                  (uint32_t)row, first_segment));
    for (size_t row = 0; row < spec->outputs; row++)
        *ret++ = 0.0f;
}

static void initialise(const struct pg_layer_spec *spec, uint32_t first_segment,
                       const struct pg_random *random, float *ret)
{
    if (spec->init == PG_INIT_XAVIER_NORMAL)
        initialise_normal(spec, first_segment, random, ret);
    else
        initialise_uniform(spec, first_segment, random, ret);
}

/* Columns that the kernels are given for `count` of them. */
static size_t used_columns(const struct pg_flow *flow)
{
    size_t whole = (flow->count + PG_COLUMNS - 1) / PG_COLUMNS * PG_COLUMNS;
    return flow->lanes == 1 ? whole : flow->count;
}

/* Few samples and weights that do not stay in L2: one walk over them each way. */
static bool is_walk(const struct pg_layer *layer, const struct pg_flow *flow)
{
    return flow->lanes == 1 && flow->count <= PG_FEW_MAX && layer->elements >= FEW_WEIGHTS &&
           layer->spec.outputs >= PG_LANES && !is_turned(&layer->spec, 1);
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_product product = {
        .a = layer->moments.value,
        .a_row = is_turned(&layer->spec, flow->lanes) ? 1 : layer->moments.stride,
        .a_depth = is_turned(&layer->spec, flow->lanes) ? layer->moments.stride : 1,
        .b = flow->in,
        .b_depth = flow->in_stride,
        .b_column = 1,
        .out = flow->out,
        .out_row = flow->stride,
        .rows = layer->spec.outputs,
        .columns = is_walk(layer, flow) ? flow->count : used_columns(flow),
        .depth = layer->spec.inputs + 1,
        .lanes = flow->lanes,
    };
    assert(layer->spec.activation != PG_SILU); /* its argument would be lost: pg_layer_activation */
    flow->kernel->forward(&product, layer->spec.activation);
}

/* delta_in = W^T delta_out, times the derivative of what produced `in`. */
static void pass_back(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_product product = {
        .a = layer->moments.value,
        .a_row = is_turned(&layer->spec, flow->lanes) ? layer->moments.stride : 1,
        .a_depth = is_turned(&layer->spec, flow->lanes) ? 1 : layer->moments.stride,
        .b = flow->delta_out,
        .b_depth = flow->stride,
        .b_column = 1,
        .out = flow->delta_in,
        .out_row = flow->in_stride,
        .rows = layer->spec.inputs,
        .columns = used_columns(flow),
        .depth = layer->spec.outputs,
        .lanes = flow->lanes,
    };
    flow->kernel->backward(&product, flow->in_activation, flow->in);
}

/* The gradient delta_out in^T of a pack: every element is a vector, whatever its neighbours. */
static struct pg_product gradient_of_pack(const struct pg_layer *layer, const struct pg_flow *flow)
{
    return (struct pg_product){
        .a = flow->delta_out,
        .a_row = flow->stride,
        .a_depth = 1,
        .b = flow->in,
        .b_depth = 1,
        .b_column = flow->in_stride,
        .rows = layer->spec.outputs,
        .columns = layer->moments.stride,
        .depth = flow->count,
        .lanes = flow->lanes,
    };
}

/* With samples in lanes, a row of the block needs one of the two factors sample-major: that of its
   columns. The product is delta_out in^T, or, turned, in delta_out^T. */
static struct pg_product gradient_of_one(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const size_t width = layer->moments.stride;
    bool turned = is_turned(&layer->spec, flow->lanes);
    flow->kernel->transpose(turned ? flow->delta_out : flow->in,
                            turned ? flow->stride : flow->in_stride, flow->scratch, width, width,
                            used_columns(flow));
    return (struct pg_product){
        .a = turned ? flow->in : flow->delta_out,
        .a_row = turned ? flow->in_stride : flow->stride,
        .a_depth = 1,
        .b = flow->scratch,
        .b_depth = width,
        .b_column = 1,
        .rows = turned ? layer->spec.inputs + 1 : layer->spec.outputs,
        .columns = width,
        .depth = flow->count,
        .lanes = flow->lanes,
    };
}

static void step(struct pg_layer *layer, const struct pg_flow *flow, const struct pg_update *update)
{
    const struct pg_product gradient =
        flow->lanes == 1 ? gradient_of_one(layer, flow) : gradient_of_pack(layer, flow);
    flow->kernel->update(&gradient, update, &layer->moments);
}

static bool back_and_step(struct pg_layer *layer, const struct pg_flow *flow,
                          const struct pg_update *update)
{
    const size_t width = layer->moments.stride, inputs = layer->spec.inputs;
    if (!is_walk(layer, flow))
        return false;
    float *in = flow->scratch, *sums = in + used_columns(flow) * width;
    const struct pg_few few = {
        .samples = flow->count,
        .rows = layer->spec.outputs,
        .width = width,
        .delta_out = flow->delta_out,
        .delta_row = flow->stride,
        .in = in,
        .sums = sums,
    };
    flow->kernel->transpose(flow->in, flow->in_stride, in, width, width, used_columns(flow));
    memset(sums, 0, flow->count * width * sizeof *sums);
    flow->kernel->back_and_step(&few, update, &layer->moments);
    for (size_t i = 0; i < inputs; i++)
        for (size_t n = 0; n < flow->count; n++)
            flow->delta_in[i * flow->in_stride + n] = sums[n * width + i];
    const struct pg_plane plane = {inputs, flow->in_stride, pg_padded(flow->count)};
    flow->kernel->derive(flow->delta_in, flow->in, &plane, flow->in_activation);
    return true;
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
    .scratch = scratch,
    .initialise = initialise,
    .forward = forward,
    .pass_back = pass_back,
    .back_and_step = back_and_step,
    .step = step,
    .flops = flops,
};
