/* SPDX-License-Identifier: MIT */
/*
 * The embedding table E (symbols, dimension) as a first layer whose columns are the symbols, not
 * the samples. Affine layers without activation follow, computed once per symbol instead of once
 * per sample, then a gather layer that adds up the columns of a sample's symbols:
 *
 *     W (E_a + E_b) + b = (W E_a + b / 2) + (W E_b + b / 2)
 *
 * for which the row of ones that biases meet holds 1 / arity here. Concatenated embeddings have a
 * table for each place, `tables` of them: W = (W_0 W_1), and rows and columns of place k hold E in
 * the k-th block of the diagonal, zeros elsewhere. The zeros are multiplied too: with two places
 * 2 x of what the blocks alone would cost, still small beside one product per sample.
 *
 *     place 0: E 0      (tables x dimension, tables x symbols)
 *     place 1: 0 E
 *
 * Blocks of parameters hold E transposed, a row for each component. Initial values are normal,
 * times scale, keyed by (segment, symbol, component).
 */
#include <string.h>

#include "phasegrid/model.h"

static size_t dimension(const struct pg_layer_spec *spec)
{
    return spec->outputs / spec->tables;
}

static void segments(const struct pg_layer_spec *spec, struct pg_segment *ret)
{
    ret[0] =
        (struct pg_segment){.rows = (int64_t)spec->inputs, .columns = (int64_t)dimension(spec)};
}

static size_t row_elements(const struct pg_layer_spec *spec, size_t lanes)
{
    return lanes == 1 ? pg_padded(spec->inputs) : spec->inputs;
}

static size_t block(const struct pg_layer_spec *spec, size_t lanes, size_t *ret_stride,
                    struct pg_place *ret_places)
{
    *ret_stride = row_elements(spec, lanes);
    ret_places[0] = (struct pg_place){.offset = 0, .row = 1, .column = *ret_stride};
    return dimension(spec) * *ret_stride;
}

static size_t columns(const struct pg_layer_spec *spec, size_t samples)
{
    (void)samples;
    return spec->tables * spec->inputs;
}

/* The gradient, a block. */
static size_t scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                      size_t stride, bool is_training)
{
    (void)in_stride;
    (void)stride;
    return is_training ? dimension(spec) * row_elements(spec, lanes) : 0;
}

static void initialise(const struct pg_layer_spec *spec, uint32_t first_segment,
                       const struct pg_random *random, float *ret)
{
    for (uint32_t row = 0; row < spec->inputs; row++)
        for (uint32_t column = 0; column < dimension(spec); column++)
            *ret++ = spec->scale * pg_random_normal(random, column, row, first_segment);
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_layer_spec *spec = &layer->spec;
    const size_t row = flow->stride * flow->lanes, numbers = spec->inputs * flow->lanes;
    float *ones = flow->out + spec->outputs * row;
    memset(flow->out, 0, spec->outputs * row * sizeof *flow->out);
    for (size_t r = 0; r < spec->outputs; r++) {
        size_t place = r / dimension(spec), component = r % dimension(spec);
        memcpy(flow->out + r * row + place * numbers,
               layer->moments.value + component * layer->moments.stride * flow->lanes,
               numbers * sizeof *flow->out);
    }
    for (size_t i = 0; i < row; i++)
        ones[i] = 1.0f / (float)flow->samples->arity;
}

/* The blocks of the diagonal, added in the order of the places. */
static void step(struct pg_layer *layer, const struct pg_flow *flow, const struct pg_update *update)
{
    const struct pg_layer_spec *spec = &layer->spec;
    const size_t row = flow->stride * flow->lanes, numbers = spec->inputs * flow->lanes;
    float *gradient = flow->scratch;
    memset(gradient, 0, layer->elements * flow->lanes * sizeof *gradient);
    for (size_t r = 0; r < spec->outputs; r++) {
        size_t place = r / dimension(spec), component = r % dimension(spec);
        const float *delta = flow->delta_out + r * row + place * numbers;
        float *to = gradient + component * layer->moments.stride * flow->lanes;
        for (size_t i = 0; i < numbers; i++)
            to[i] += delta[i];
    }
    flow->kernel->apply(update, &layer->moments, gradient, layer->elements * flow->lanes);
}

/* The places' gradients are added; the rest is moved. */
static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    (void)count;
    return is_training ? (double)spec->outputs * (double)spec->inputs : 0.0;
}

const struct pg_layer_kind pg_layer_embedding_table = {
    .name = "embedding_table",
    .segment_count = 1,
    .segments = segments,
    .block = block,
    .columns = columns,
    .scratch = scratch,
    .initialise = initialise,
    .forward = forward,
    .step = step,
    .flops = flops,
};
