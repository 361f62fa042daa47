/* SPDX-License-Identifier: MIT */
/*
 * The token table: a column for every token at every place, the token's embedding plus the place's.
 * Places 0 and 1 hold any of `inputs` symbols; a place 2 holds the token "=" alone, whose embedding
 * is the last row. Columns are place x symbols + symbol, which is the column of "=" as symbol 0:
 *
 *     E_0 + P_0 ... E_(p-1) + P_0 | E_0 + P_1 ... E_(p-1) + P_1 | E_= + P_2
 *
 * Blocks of parameters hold both transposed, a row for each component: the tokens, then the places.
 * Initial values are normal, times scale, keyed by (segment, row, component).
 */
#include <string.h>

#include "phasegrid/model.h"

enum { PAIR = 2 };

static size_t token_count(const struct pg_layer_spec *spec)
{
    return spec->inputs + (spec->tables > PAIR);
}

static size_t row_elements(const struct pg_layer_spec *spec, size_t lanes)
{
    size_t count = token_count(spec) + spec->tables;
    return lanes == 1 ? pg_padded(count) : count;
}

static void segments(const struct pg_layer_spec *spec, struct pg_segment *ret)
{
    const int64_t dimension = (int64_t)spec->outputs;
    ret[0] = (struct pg_segment){.rows = (int64_t)token_count(spec), .columns = dimension};
    ret[1] = (struct pg_segment){.rows = (int64_t)spec->tables, .columns = dimension};
}

static size_t block(const struct pg_layer_spec *spec, size_t lanes, size_t *ret_stride,
                    struct pg_place *ret_places)
{
    size_t stride = *ret_stride = row_elements(spec, lanes);
    ret_places[0] = (struct pg_place){.offset = 0, .row = 1, .column = stride};
    ret_places[1] = (struct pg_place){.offset = token_count(spec), .row = 1, .column = stride};
    return spec->outputs * stride;
}

static size_t columns(const struct pg_layer_spec *spec, size_t samples)
{
    (void)samples;
    return PAIR * spec->inputs + spec->tables - PAIR;
}

/* The gradient, a block. */
static size_t scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                      size_t stride, bool is_training)
{
    (void)in_stride;
    (void)stride;
    return is_training ? spec->outputs * row_elements(spec, lanes) : 0;
}

static void initialise(const struct pg_layer_spec *spec, uint32_t first_segment,
                       const struct pg_random *random, float *ret)
{
    struct pg_segment parts[PG_LAYER_SEGMENTS_MAX];
    segments(spec, parts);
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t row = 0; row < parts[i].rows; row++)
            for (uint32_t column = 0; column < spec->outputs; column++)
                *ret++ = spec->scale * pg_random_normal(random, column, row, first_segment + i);
}

/* Token and place of a column. */
static void split_column(const struct pg_layer_spec *spec, size_t column, size_t *ret_token,
                         size_t *ret_place)
{
    *ret_place = column / spec->inputs;
    *ret_token = *ret_place < PAIR ? column % spec->inputs : spec->inputs;
}

static void forward(const struct pg_layer *layer, const struct pg_flow *flow)
{
    const struct pg_layer_spec *spec = &layer->spec;
    const size_t lanes = flow->lanes;
    for (size_t column = 0; column < flow->count; column++) {
        size_t token, place;
        split_column(spec, column, &token, &place);
        for (size_t r = 0; r < spec->outputs; r++) {
            const float *row = layer->moments.value + r * layer->moments.stride * lanes;
            float *to = flow->out + (r * flow->stride + column) * lanes;
            for (size_t i = 0; i < lanes; i++)
                to[i] = row[token * lanes + i] + row[(token_count(spec) + place) * lanes + i];
        }
    }
}

/* The deltas of a token's columns and of a place's, each added in the order of the columns. */
static void step(struct pg_layer *layer, const struct pg_flow *flow, const struct pg_update *update)
{
    const struct pg_layer_spec *spec = &layer->spec;
    const size_t lanes = flow->lanes;
    float *gradient = flow->scratch;
    memset(gradient, 0, layer->elements * lanes * sizeof *gradient);
    for (size_t column = 0; column < flow->count; column++) {
        size_t token, place;
        split_column(spec, column, &token, &place);
        for (size_t r = 0; r < spec->outputs; r++) {
            const float *delta = flow->delta_out + (r * flow->stride + column) * lanes;
            float *row = gradient + r * layer->moments.stride * lanes;
            for (size_t i = 0; i < lanes; i++) {
                row[token * lanes + i] += delta[i];
                row[(token_count(spec) + place) * lanes + i] += delta[i];
            }
        }
    }
    flow->kernel->apply(update, &layer->moments, gradient, layer->elements * lanes);
}

static double flops(const struct pg_layer_spec *spec, size_t count, bool is_training)
{
    return (is_training ? 3.0 : 1.0) * (double)spec->outputs * (double)count;
}

const struct pg_layer_kind pg_layer_token_table = {
    .name = "token_table",
    .segment_count = 2,
    .segments = segments,
    .block = block,
    .columns = columns,
    .scratch = scratch,
    .initialise = initialise,
    .forward = forward,
    .step = step,
    .flops = flops,
};
