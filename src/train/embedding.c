/* SPDX-License-Identifier: MIT */
/*
 * The embedding table E (symbols, dimension) as a first layer. Sums: x = sum over a sample's
 * symbols of E[symbol]. Products: a row of E is a square matrix, row-major, and x that of
 * E[first] E[second]. Initial values scale * (U(0, 1) - 1/2) (Liu et al. 2022, code), keyed by
 * (segment, row, column). The gradient is gathered in sample order.
 *
 * These loops are compiled once for all instruction sets, without fused multiply-adds: the sums of
 * a product run over the inner index in order, in both layouts.
 */
#include <assert.h>
#include <string.h>

#include "phasegrid/model.h"

static void segments(const struct pg_layer_spec *spec, struct pg_segment *ret)
{
    ret[0] = (struct pg_segment){.rows = (int64_t)spec->inputs, .columns = (int64_t)spec->outputs};
}

static size_t block(const struct pg_layer_spec *spec, size_t lanes, size_t *ret_stride,
                    struct pg_place *ret_places)
{
    size_t elements = spec->inputs * spec->outputs;
    *ret_stride = spec->outputs;
    ret_places[0] = (struct pg_place){.offset = 0, .row = spec->outputs, .column = 1};
    return lanes == 1 ? pg_padded(elements) : elements;
}

/* The gradient, a block. */
static size_t scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                      size_t stride, bool is_training)
{
    (void)lanes;
    (void)in_stride;
    (void)stride;
    return is_training ? pg_padded(spec->inputs * spec->outputs) : 0;
}

static void initialise(const struct pg_layer_spec *spec, uint32_t first_segment,
                       const struct pg_random *random, float *ret)
{
    for (size_t row = 0; row < spec->inputs; row++)
        for (size_t column = 0; column < spec->outputs; column++) {
            double u =
                (double)pg_random_uniform(random, (uint32_t)column, (uint32_t)row, first_segment);
            *ret++ = (float)((double)spec->scale * (u - 0.5));
        }
}

/* Where component `d` of a symbol's embedding stands, of the run in `lane`. */
static size_t entry(const struct pg_flow *flow, size_t dimension, uint32_t symbol, size_t d,
                    size_t lane)
{
    return (symbol * dimension + d) * flow->lanes + lane;
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_samples *samples = flow->samples;
    const size_t dimension = layer->spec.outputs, lanes = flow->lanes;
    for (size_t d = 0; d < dimension; d++)
        for (size_t n = 0; n < flow->count; n++) {
            const uint32_t *symbol = samples->inputs + n * samples->arity * lanes;
            float *out = flow->out + (d * flow->stride + n) * lanes;
            for (size_t lane = 0; lane < lanes; lane++) {
                float sum = 0.0f;
                for (size_t k = 0; k < samples->arity; k++)
                    sum += layer->moments
                               .value[entry(flow, dimension, symbol[k * lanes + lane], d, lane)];
                out[lane] = sum;
            }
        }
}

static void step(struct pg_layer *layer, const struct pg_flow *flow, const struct pg_update *update)
{
    const struct pg_samples *samples = flow->samples;
    const size_t dimension = layer->spec.outputs, lanes = flow->lanes;
    const size_t count = layer->elements * lanes;
    float *gradient = flow->scratch;
    memset(gradient, 0, count * sizeof *gradient);
    for (size_t d = 0; d < dimension; d++)
        for (size_t n = 0; n < flow->count; n++) {
            const uint32_t *symbol = samples->inputs + n * samples->arity * lanes;
            const float *delta = flow->delta_out + (d * flow->stride + n) * lanes;
            for (size_t k = 0; k < samples->arity; k++)
                for (size_t lane = 0; lane < lanes; lane++)
                    gradient[entry(flow, dimension, *symbol++, d, lane)] += delta[lane];
        }
    flow->kernel->apply(update, &layer->moments, gradient, count);
}

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    return (is_training ? 4.0 : 2.0) * (double)spec->outputs * (double)count;
}

/* ---- products ---- */

/* The rows of an embedding that is a square matrix. */
static size_t order_of(const struct pg_layer_spec *spec)
{
    size_t order = 1;
    while (order * order < spec->outputs)
        order++;
    assert(order * order == spec->outputs);
    return order;
}

/* The two matrices of a sample, of the run in `lane`: where their first elements stand. */
struct factors {
    size_t a, b;
};

static struct factors factors_of(const struct pg_layer *layer, const struct pg_flow *flow, size_t n,
                                 size_t lane)
{
    const uint32_t *symbol = flow->samples->inputs + 2 * n * flow->lanes;
    return (struct factors){
        .a = entry(flow, layer->spec.outputs, symbol[lane], 0, lane),
        .b = entry(flow, layer->spec.outputs, symbol[flow->lanes + lane], 0, lane),
    };
}

static void multiply(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const float *value = layer->moments.value;
    const size_t lanes = flow->lanes, order = order_of(&layer->spec);
    assert(flow->samples->arity == 2);
    for (size_t n = 0; n < flow->count; n++)
        for (size_t lane = 0; lane < lanes; lane++) {
            const struct factors at = factors_of(layer, flow, n, lane);
            for (size_t d = 0; d < layer->spec.outputs; d++) {
                const float *a = value + at.a + d / order * order * lanes;
                const float *b = value + at.b + d % order * lanes;
                float sum = 0.0f;
                for (size_t i = 0; i < order; i++)
                    sum += a[i * lanes] * b[i * order * lanes];
                flow->out[(d * flow->stride + n) * lanes + lane] = sum;
            }
        }
}

/* d loss / d A = delta B^T and d loss / d B = A^T delta of one sample, added to the gradient. */
static void add_products(const struct pg_layer *layer, const struct pg_flow *flow, size_t n,
                         size_t lane, float *gradient)
{
    const float *value = layer->moments.value;
    const size_t lanes = flow->lanes, order = order_of(&layer->spec);
    const struct factors at = factors_of(layer, flow, n, lane);
    for (size_t d = 0; d < layer->spec.outputs; d++) {
        const float delta = flow->delta_out[(d * flow->stride + n) * lanes + lane];
        const size_t a = at.a + d / order * order * lanes, b = at.b + d % order * lanes;
        for (size_t i = 0; i < order; i++) {
            gradient[a + i * lanes] += delta * value[b + i * order * lanes];
            gradient[b + i * order * lanes] += delta * value[a + i * lanes];
        }
    }
}

/* The gradient of penalty x mean |E|; 0 where E is. */
static void add_penalty(const struct pg_layer *layer, const struct pg_flow *flow,
                        const float *penalty, float *gradient)
{
    const float *value = layer->moments.value;
    const size_t elements = layer->spec.inputs * layer->spec.outputs;
    for (size_t i = 0; i < elements * flow->lanes; i++) {
        const float sign = (float)(value[i] > 0.0f) - (float)(value[i] < 0.0f);
        gradient[i] += penalty[i % flow->lanes] / (float)elements * sign;
    }
}

static void step_products(struct pg_layer *layer, const struct pg_flow *flow,
                          const struct pg_update *update)
{
    const size_t count = layer->elements * flow->lanes;
    float *gradient = flow->scratch;
    memset(gradient, 0, count * sizeof *gradient);
    for (size_t n = 0; n < flow->count; n++)
        for (size_t lane = 0; lane < flow->lanes; lane++)
            add_products(layer, flow, n, lane, gradient);
    add_penalty(layer, flow, update->penalty, gradient);
    flow->kernel->apply(update, &layer->moments, gradient, count);
}

/* Three products of matrices in training, one else. */
static double product_flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    return (is_training ? 6.0 : 2.0) * (double)order_of(spec) * (double)spec->outputs *
           (double)count;
}

const struct pg_layer_kind pg_layer_embedding_sum = {
    .name = "embedding_sum",
    .segment_count = 1,
    .segments = segments,
    .block = block,
    .scratch = scratch,
    .initialise = initialise,
    .forward = forward,
    .step = step,
    .flops = flops,
};

const struct pg_layer_kind pg_layer_embedding_product = {
    .name = "embedding_product",
    .segment_count = 1,
    .segments = segments,
    .block = block,
    .scratch = scratch,
    .initialise = initialise,
    .forward = multiply,
    .step = step_products,
    .flops = product_flops,
};
