/* SPDX-License-Identifier: MIT */
/*
 * Models as lists of layers: where their blocks stand, and the order in which layers pass values
 * forward and deltas back. A layer's delta is taken from its parameters before they step, and,
 * where all samples are one window, right before: large weights pass through the caches once.
 */
#include "phasegrid/model.h"

#include <math.h>
#include <string.h>

enum { STAGGER = 64 * 9 }; /* bytes between blocks, so that they do not alias at 4 KiB */

size_t pg_model_segments(const struct pg_model_spec *spec, struct pg_segment *ret_segments,
                         size_t *ret_parameters)
{
    size_t count = 0;
    int64_t offset = 0;
    for (size_t l = 0; l < spec->layer_count; l++) {
        const struct pg_layer_spec *layer = &spec->layers[l];
        layer->kind->segments(layer, ret_segments + count);
        for (size_t i = 0; i < layer->kind->segment_count; i++, count++) {
            memcpy(ret_segments[count].name, layer->names[i], PG_SEGMENT_NAME_MAX);
            ret_segments[count].offset = offset;
            offset += ret_segments[count].rows * ret_segments[count].columns;
        }
    }
    *ret_parameters = (size_t)offset;
    return count;
}

size_t pg_model_features(const struct pg_model_spec *spec)
{
    return spec->layers[0].kind == &pg_layer_features ? spec->layers[0].outputs : 0;
}

/* Columns of a layer's output, from those of its input. */
static size_t columns_after(const struct pg_layer_spec *layer, size_t samples, size_t columns)
{
    return layer->kind->columns != NULL ? layer->kind->columns(layer, samples) : columns;
}

double pg_model_flops(const struct pg_model_spec *spec, size_t count, bool is_training)
{
    double sum = 0.0;
    size_t columns = count;
    for (size_t l = 0; l < spec->layer_count; l++) {
        columns = columns_after(&spec->layers[l], count, columns);
        sum += spec->layers[l].kind->flops(&spec->layers[l], columns, is_training);
    }
    return sum;
}

static float *take(struct pg_arena *arena, size_t elements, size_t lanes)
{
    float *taken = pg_arena_take(arena, elements * lanes * sizeof(float));
    (void)pg_arena_take(arena, STAGGER);
    return taken;
}

void pg_model_arrange(struct pg_model *model, const struct pg_model_spec *spec, size_t lanes,
                      const struct pg_kernel *kernel, struct pg_arena *arena)
{
    uint32_t segment = 0;
    model->kernel = kernel;
    model->lanes = lanes;
    model->layer_count = spec->layer_count;
    model->loss = spec->loss;
    for (size_t l = 0; l < spec->layer_count; l++) {
        struct pg_layer *layer = &model->layers[l];
        layer->spec = spec->layers[l];
        layer->first_segment = segment;
        layer->elements =
            layer->spec.kind->block(&layer->spec, lanes, &layer->moments.stride, layer->places);
        layer->moments.value = take(arena, layer->elements, lanes);
        layer->moments.m = take(arena, layer->elements, lanes);
        layer->moments.v = take(arena, layer->elements, lanes);
        segment += (uint32_t)layer->spec.kind->segment_count;
    }
}

/* ---- between blocks and dense parameters ---- */

static float *block_of(const struct pg_layer *layer, enum pg_block_kind which)
{
    return which == PG_VALUE          ? layer->moments.value
           : which == PG_FIRST_MOMENT ? layer->moments.m
                                      : layer->moments.v;
}

/* Copies one layer's parameters of one run out of a block or into it; returns how many. */
static size_t copy_layer(const struct pg_layer *layer, size_t lanes, size_t lane, float *block,
                         float *dense, bool is_load)
{
    struct pg_segment segments[PG_LAYER_SEGMENTS_MAX];
    size_t copied = 0;
    layer->spec.kind->segments(&layer->spec, segments);
    for (size_t i = 0; i < layer->spec.kind->segment_count; i++) {
        const struct pg_place *place = &layer->places[i];
        for (size_t row = 0; row < (size_t)segments[i].rows; row++)
            for (size_t column = 0; column < (size_t)segments[i].columns; column++, copied++) {
                size_t element = place->offset + row * place->row + column * place->column;
                float *at = &block[element * lanes + lane];
                if (is_load)
                    *at = dense[copied];
                else
                    dense[copied] = *at;
            }
    }
    return copied;
}

void pg_layer_store(const struct pg_layer *layer, size_t lanes, size_t lane, float *ret_dense)
{
    (void)copy_layer(layer, lanes, lane, layer->moments.value, ret_dense, false);
}

void pg_model_store(const struct pg_model *model, size_t lane, enum pg_block_kind which,
                    float *ret_dense)
{
    for (size_t l = 0; l < model->layer_count; l++) {
        const struct pg_layer *layer = &model->layers[l];
        ret_dense +=
            copy_layer(layer, model->lanes, lane, block_of(layer, which), ret_dense, false);
    }
}

/* The values are only read: one function copies both ways. */
static float *writable(const float *dense)
{
    return (float *)(uintptr_t)dense;
}

void pg_model_load(struct pg_model *model, size_t lane, enum pg_block_kind which,
                   const float *dense)
{
    float *from = writable(dense);
    for (size_t l = 0; l < model->layer_count; l++) {
        const struct pg_layer *layer = &model->layers[l];
        from += copy_layer(layer, model->lanes, lane, block_of(layer, which), from, true);
    }
}

static void clear_moments(struct pg_model *model, size_t lane)
{
    for (size_t l = 0; l < model->layer_count; l++) {
        struct pg_layer *layer = &model->layers[l];
        for (size_t i = 0; i < layer->elements; i++)
            layer->moments.m[i * model->lanes + lane] = layer->moments.v[i * model->lanes + lane] =
                0.0f;
    }
}

void pg_model_initialise(struct pg_model *model, size_t lane, const struct pg_model_spec *spec,
                         const struct pg_random *random, float *dense)
{
    for (size_t l = 0; l < model->layer_count; l++) {
        struct pg_layer *layer = &model->layers[l];
        layer->spec.kind->initialise(&spec->layers[l], layer->first_segment, random, dense);
        (void)copy_layer(layer, model->lanes, lane, layer->moments.value, dense, true);
    }
    clear_moments(model, lane);
}

double pg_model_norm(const struct pg_model *model, size_t lane, enum pg_group group, float *dense)
{
    double sum = 0.0;
    for (size_t l = 0; l < model->layer_count; l++) {
        const struct pg_layer *layer = &model->layers[l];
        if (layer->spec.group != group)
            continue;
        size_t count = copy_layer(layer, model->lanes, lane, layer->moments.value, dense, false);
        for (size_t i = 0; i < count; i++)
            sum += (double)dense[i] * (double)dense[i];
    }
    return sqrt(sum);
}

/* ---- passes ---- */

void pg_pass_arrange(struct pg_pass *pass, const struct pg_model_spec *spec, size_t lanes,
                     size_t capacity, bool is_training, struct pg_arena *arena)
{
    size_t scratch = 0, columns = capacity, in_stride = 0;
    memset(pass, 0, sizeof *pass);
    pass->capacity = capacity;
    for (size_t l = 0; l < spec->layer_count; l++) {
        const struct pg_layer_spec *layer = &spec->layers[l];
        size_t rows = layer->outputs + 1;
        columns = columns_after(layer, capacity, columns);
        size_t stride = pass->strides[l] = lanes == 1 ? pg_padded(columns) : columns;
        size_t needed = layer->kind->scratch(layer, lanes, in_stride, stride, is_training);
        scratch = needed > scratch ? needed : scratch;
        pass->values[l] = take(arena, (lanes == 1 ? pg_padded(rows) : rows) * stride, lanes);
        if (is_training)
            pass->deltas[l] = take(arena, pg_padded(layer->outputs) * stride, lanes);
        in_stride = stride;
    }
    pass->scratch = take(arena, scratch, lanes);
    pass->loss = take(arena, pg_padded(capacity), lanes);
}

void pg_pass_prepare(struct pg_pass *pass, const struct pg_model *model)
{
    for (size_t l = 0; l < model->layer_count; l++) {
        size_t row = pass->strides[l] * model->lanes;
        float *ones = pass->values[l] + model->layers[l].spec.outputs * row;
        for (size_t n = 0; n < row; n++)
            ones[n] = 1.0f;
    }
}

/* The way through layer l of `samples` samples; its columns follow from those of the layer before.
 */
static struct pg_flow flow_at(const struct pg_model *model, const struct pg_samples *samples,
                              size_t count, struct pg_pass *pass, size_t l)
{
    const size_t skip = model->layers[l].spec.skip;
    size_t in_count = 0, skip_count = 0, columns = count;
    for (size_t i = 0; i <= l; i++) {
        in_count = columns;
        columns = columns_after(&model->layers[i].spec, count, columns);
        skip_count = i == skip ? columns : skip_count;
    }
    return (struct pg_flow){
        .kernel = model->kernel,
        .samples = samples,
        .lanes = model->lanes,
        .in_count = l > 0 ? in_count : 0,
        .in_stride = l > 0 ? pass->strides[l - 1] : 0,
        .in = l > 0 ? pass->values[l - 1] : NULL,
        .count = columns,
        .stride = pass->strides[l],
        .out = pass->values[l],
        .skip_count = skip_count,
        .skip_stride = pass->strides[skip],
        .skip = pass->values[skip],
        .delta_skip = pass->deltas[skip],
        .noise = pass->noise,
        .in_activation = l > 0 ? model->layers[l - 1].spec.activation : PG_IDENTITY,
        .delta_in = l > 0 ? pass->deltas[l - 1] : NULL,
        .delta_out = pass->deltas[l],
        .scratch = pass->scratch,
    };
}

/* ---- windows ---- */

/* Layers over samples are passed window by window, so that what one layer leaves for the next is
   still in L2: values and deltas of a window, beside weights of as many bytes. */
enum { WINDOW_BYTES = 1 << 19, WEIGHT_BYTES = 1 << 18, WINDOW_STEP = 48 };

/* The first layer of those whose columns are samples: what stands before it sees symbols. */
static size_t first_of_samples(const struct pg_model *model)
{
    size_t first = 0;
    for (size_t l = 0; l < model->layer_count; l++) {
        const struct pg_layer_spec *layer = &model->layers[l].spec;
        if (layer->kind->columns != NULL)
            first = layer->kind->columns(layer, 0) == 0 ? l : l + 1;
    }
    return first;
}

/* Samples of a window; all of them where weights would pass through the caches again and again. */
static size_t window_size(const struct pg_model *model, size_t first, size_t count)
{
    size_t sample_bytes = 0, weight_bytes = 0;
    for (size_t l = first; l < model->layer_count; l++) {
        sample_bytes += 2 * model->layers[l].spec.outputs * sizeof(float);
        weight_bytes += model->layers[l].elements * sizeof(float);
    }
    size_t window = WINDOW_BYTES / sample_bytes / WINDOW_STEP * WINDOW_STEP;
    bool is_whole = model->lanes != 1 || window == 0 || weight_bytes > WEIGHT_BYTES;
    return is_whole || window > count ? count : window;
}

/* Samples begin .. begin + count of the pass_count of a pass; `first` is the first layer over
   samples. */
struct window {
    const struct pg_samples *samples; /* of the pass */
    size_t pass_count, first, begin, count;
};

/* Whether layer l adds what a layer before it has left. */
static bool has_skip(const struct pg_model *model, size_t l)
{
    return model->layers[l].spec.kind->skip_back != NULL;
}

/* Deltas that no parameters step from, and nothing that all windows share, are done with when their
   window is: all windows have the place of the first, which so stays in L2. */
static size_t delta_begin(const struct pg_model *model, size_t l, const struct window *window)
{
    const struct pg_layer_spec *spec = &model->layers[l].spec;
    bool is_kept = spec->kind->step != NULL || (has_skip(model, l) && spec->skip < window->first);
    return is_kept ? window->begin * model->lanes : 0;
}

/* Layer l's way through a window; ret_samples is what the flow borrows. */
static struct pg_flow cut(const struct pg_model *model, const struct pg_flow *whole, size_t l,
                          const struct window *window, struct pg_samples *ret_samples)
{
    struct pg_flow flow = *whole;
    const size_t at = window->begin * model->lanes;
    *ret_samples = *whole->samples;
    ret_samples->inputs += at * whole->samples->arity;
    if (ret_samples->features != NULL)
        ret_samples->features += at;
    flow.samples = ret_samples;
    flow.begin = window->begin;
    flow.count = window->count;
    flow.out += at;
    if (flow.delta_out != NULL)
        flow.delta_out += delta_begin(model, l, window);
    if (has_skip(model, l) && model->layers[l].spec.skip >= window->first) {
        flow.skip_count = window->count;
        flow.skip += at;
        if (flow.delta_skip != NULL)
            flow.delta_skip += delta_begin(model, model->layers[l].spec.skip, window);
    }
    if (l == window->first)
        return flow;
    flow.in_count = window->count;
    flow.in += at;
    if (flow.delta_in != NULL)
        flow.delta_in += delta_begin(model, l - 1, window);
    return flow;
}

static struct pg_flow window_flow(const struct pg_model *model, struct pg_pass *pass,
                                  const struct window *window, size_t l,
                                  struct pg_samples *ret_samples)
{
    struct pg_flow whole = flow_at(model, window->samples, window->pass_count, pass, l);
    return cut(model, &whole, l, window, ret_samples);
}

static void forward_window(const struct pg_model *model, struct pg_pass *pass,
                           const struct window *window)
{
    for (size_t l = window->first; l < model->layer_count; l++) {
        struct pg_samples samples;
        struct pg_flow flow = window_flow(model, pass, window, l, &samples);
        model->layers[l].spec.kind->forward(&model->layers[l], &flow);
    }
}

/* What layers took from layer l beside the one behind it. */
static void skip_back_window(const struct pg_model *model, struct pg_pass *pass,
                             const struct window *window, size_t l)
{
    for (size_t r = l + 2; r < model->layer_count; r++) {
        struct pg_samples samples;
        if (!has_skip(model, r) || model->layers[r].spec.skip != l)
            continue;
        struct pg_flow flow = window_flow(model, pass, window, r, &samples);
        model->layers[r].spec.kind->skip_back(&model->layers[r], &flow);
    }
}

static void pass_back_window(const struct pg_model *model, struct pg_pass *pass,
                             const struct window *window)
{
    for (size_t l = model->layer_count; l-- > window->first;) {
        struct pg_samples samples;
        struct pg_flow flow = window_flow(model, pass, window, l, &samples);
        if (flow.delta_in == NULL)
            continue;
        model->layers[l].spec.kind->pass_back(&model->layers[l], &flow);
        skip_back_window(model, pass, window, l - 1);
    }
}

static void for_each_window(const struct pg_model *model, const struct pg_samples *samples,
                            size_t count, struct pg_pass *pass,
                            void (*go)(const struct pg_model *, struct pg_pass *,
                                       const struct window *))
{
    struct window window = {.samples = samples, .pass_count = count};
    window.first = first_of_samples(model);
    size_t size = window_size(model, window.first, count);
    for (; window.begin < count; window.begin += window.count) {
        window.count = count - window.begin < size ? count - window.begin : size;
        go(model, pass, &window);
    }
}

const float *pg_model_forward(const struct pg_model *model, const struct pg_samples *samples,
                              size_t count, struct pg_pass *pass)
{
    for (size_t l = 0; l < first_of_samples(model); l++) {
        struct pg_flow flow = flow_at(model, samples, count, pass, l);
        model->layers[l].spec.kind->forward(&model->layers[l], &flow);
    }
    for_each_window(model, samples, count, pass, forward_window);
    return pass->values[model->layer_count - 1];
}

/* Numbers from the vector that holds sample `begin` to the end of that of sample `end` - 1. */
static void set_numbers(struct pg_loss_part *part, size_t lanes, size_t begin, size_t end)
{
    part->begin = begin * lanes / PG_LANES * PG_LANES;
    part->plane.numbers = pg_padded(end * lanes) - part->begin;
}

void pg_model_loss(const struct pg_model *model, const struct pg_samples *samples, size_t begin,
                   size_t end, bool with_delta, struct pg_pass *pass, double *ret_loss)
{
    size_t last = model->layer_count - 1, outputs = model->layers[last].spec.outputs;
    size_t lanes = model->lanes;
    double terms = (double)(end - begin) * (model->loss->averages_outputs ? (double)outputs : 1.0);
    struct pg_loss_part part = {
        .plane = {.rows = outputs, .row = pass->strides[last] * lanes},
        .scale = (float)(1.0 / terms),
        .with_delta = with_delta,
    };
    set_numbers(&part, lanes, begin, end);
    model->loss->evaluate(model->kernel, samples, &part, pass->values[last], pass->deltas[last],
                          pass->loss);
    for (size_t lane = 0; lane < lanes; lane++)
        ret_loss[lane] = 0.0;
    for (size_t n = begin; n < end; n++)
        for (size_t lane = 0; lane < lanes; lane++)
            ret_loss[lane] += (double)pass->loss[n * lanes + lane];
    for (size_t lane = 0; lane < lanes; lane++)
        ret_loss[lane] /= terms;
}

/* The same over all samples. */
static void skip_back(const struct pg_model *model, const struct pg_samples *samples, size_t count,
                      struct pg_pass *pass, size_t l)
{
    for (size_t r = l + 2; r < model->layer_count; r++) {
        if (!has_skip(model, r) || model->layers[r].spec.skip != l)
            continue;
        struct pg_flow flow = flow_at(model, samples, count, pass, r);
        model->layers[r].spec.kind->skip_back(&model->layers[r], &flow);
    }
}

void pg_model_backward(struct pg_model *model, const struct pg_samples *samples, size_t count,
                       struct pg_pass *pass, const struct pg_update updates[PG_GROUP_COUNT])
{
    const size_t first = first_of_samples(model);
    const bool is_whole = window_size(model, first, count) == count;
    if (!is_whole)
        for_each_window(model, samples, count, pass, pass_back_window);
    for (size_t l = model->layer_count; l-- > 0;) {
        struct pg_flow flow = flow_at(model, samples, count, pass, l);
        struct pg_layer *layer = &model->layers[l];
        const struct pg_update *update = &updates[layer->spec.group];
        const bool passes = (is_whole || l < first) && flow.delta_in != NULL;
        const bool is_done = passes && layer->spec.kind->back_and_step != NULL &&
                             layer->spec.kind->back_and_step(layer, &flow, update);
        if (passes && !is_done)
            layer->spec.kind->pass_back(layer, &flow);
        if (passes)
            skip_back(model, samples, count, pass, l - 1);
        if (!is_done && layer->spec.kind->step != NULL)
            layer->spec.kind->step(layer, &flow, update);
    }
}
