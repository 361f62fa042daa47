/* SPDX-License-Identifier: MIT */
/*
 * The data of an addition run: one permutation of the pairs per seed and attempt, of which the
 * first train_count train (so splits are nested over the data fraction), and Gaussian templates
 * keyed by (sum, output). An attempt whose ideal test accuracy is below min_ideal_accuracy is
 * drawn again; the attempt number is a word of the counter.
 */
#include <math.h>
#include <string.h>

#include "addition.h"

static void arrange_samples(const struct addition *addition, struct pg_samples *samples,
                            struct pg_arena *arena)
{
    size_t count = addition->sample_count, padded = pg_padded(count);
    samples->count = count;
    samples->arity = 2;
    samples->inputs = pg_arena_take(arena, count * 2 * sizeof(uint32_t));
    samples->labels = pg_arena_take(arena, padded * sizeof(uint32_t));
    samples->targets = addition->task == TASK_REGRESSION
                           ? pg_arena_take(arena, padded * addition->outputs * sizeof(float))
                           : NULL;
}

void pg_addition_arrange_data(const struct addition *addition, struct addition_data *data,
                              struct pg_arena *arena)
{
    size_t readout_stride = pg_padded(addition->outputs + 1);
    memset(data, 0, sizeof *data);
    data->train_mask = pg_arena_take(arena, addition->sample_count);
    data->train_order = pg_arena_take(arena, addition->sample_count * sizeof *data->train_order);
    arrange_samples(addition, &data->samples, arena);
    data->readout.classes = addition->classes;
    if (addition->task == TASK_REGRESSION) {
        data->templates =
            pg_arena_take(arena, addition->classes * addition->outputs * sizeof(float));
        data->readout.stride = readout_stride;
        data->readout.matrix =
            pg_arena_take(arena, addition->classes * readout_stride * sizeof(float));
    }
}

/* One attempt at the split: train_order becomes the whole permutation, train_mask its first part.
 */
static void draw_split(const struct addition *addition, const struct pg_random *random,
                       uint32_t attempt, struct addition_data *data)
{
    pg_random_permutation(random, attempt, 0, data->train_order, addition->sample_count);
    memset(data->train_mask, 0, addition->sample_count);
    for (size_t i = 0; i < addition->train_count; i++)
        data->train_mask[data->train_order[i]] = 1;
}

static int find_split(const struct addition *addition,
                      const struct pg_parallelograms *parallelograms,
                      const struct pg_run_request *request,
                      const struct pg_interruption *interruption, struct addition_data *data,
                      struct pg_error *error)
{
    struct pg_random random = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    for (uint32_t attempt = 0; attempt < SPLIT_ATTEMPTS_MAX; attempt++) {
        draw_split(addition, &random, attempt, data);
        int status = pg_split_theory(parallelograms, data->train_mask, &data->theory, error);
        if (status != 0)
            return status;
        data->attempt = attempt;
        if (data->theory.ideal_test_accuracy >= addition->min_ideal_accuracy)
            return 0;
        if (interruption != NULL && interruption->must_leave(interruption->context))
            return pg_error_set(error, PG_ESTOPPED, "stopped at attempt %u of the split", attempt);
    }
    return pg_error_set(error, PG_EINPUT,
                        "min_ideal_accuracy %g: none of %d splits with %zu of %zu training samples "
                        "reaches it",
                        addition->min_ideal_accuracy, SPLIT_ATTEMPTS_MAX, addition->train_count,
                        addition->sample_count);
}

/* t_c, and the readout rows t_c . y - |t_c|^2 / 2, whose largest is the nearest template. */
static void draw_templates(const struct addition *addition, const struct pg_random *random,
                           struct addition_data *data)
{
    float *readout = (float *)(uintptr_t)data->readout.matrix;
    for (size_t c = 0; c < addition->classes; c++) {
        float *row = readout + c * data->readout.stride;
        double square = 0.0;
        for (size_t o = 0; o < addition->outputs; o++) {
            float drawn = pg_random_normal(random, (uint32_t)o, (uint32_t)c, 0);
            row[o] = addition->label_scale * drawn;
            data->templates[c * addition->outputs + o] = row[o];
            square += (double)row[o] * (double)row[o];
        }
        row[addition->outputs] = (float)(-0.5 * square);
    }
}

/* Sample `index` is the pair (i, j). */
static void set_sample(const struct addition *addition, struct addition_data *data, size_t index,
                       uint32_t i, uint32_t j)
{
    const struct pg_samples *samples = &data->samples;
    uint32_t *inputs = (uint32_t *)(uintptr_t)samples->inputs;
    uint32_t *labels = (uint32_t *)(uintptr_t)samples->labels;
    float *targets = (float *)(uintptr_t)samples->targets;
    inputs[2 * index] = i;
    inputs[2 * index + 1] = j;
    labels[index] = i + j;
    for (size_t o = 0; o < addition->outputs && targets != NULL; o++)
        targets[o * pg_padded(samples->count) + index] =
            data->templates[(i + j) * addition->outputs + o];
}

/* The pair (i, j) of a sample index, by the rows i of the lexicographic order. */
static void find_pair(size_t symbols, size_t sample, uint32_t *ret_i, uint32_t *ret_j)
{
    size_t i = 0;
    for (; sample >= symbols - i; i++)
        sample -= symbols - i;
    *ret_i = (uint32_t)i;
    *ret_j = (uint32_t)(i + sample);
}

/* The permutation's first part trains, the rest tests, both in its order. */
static void fill_samples(const struct addition *addition, struct addition_data *data)
{
    for (size_t place = 0; place < addition->sample_count; place++) {
        uint32_t i = 0, j = 0;
        find_pair(addition->symbols, data->train_order[place], &i, &j);
        set_sample(addition, data, place, i, j);
    }
}

int pg_addition_fill_data(const struct addition *addition,
                          const struct pg_parallelograms *parallelograms,
                          const struct pg_run_request *request,
                          const struct pg_interruption *interruption, struct addition_data *data,
                          struct pg_error *error)
{
    struct pg_random templates = pg_random_make(request->seed, PG_STREAM_TEMPLATES, request->mix);
    double rate = addition->rates[PG_GROUP_REPRESENTATION].learning_rate;
    int status = find_split(addition, parallelograms, request, interruption, data, error);
    if (status == 0)
        status = pg_split_rate(parallelograms, data->train_mask, rate, &data->theory, error);
    if (status != 0)
        return status;
    if (addition->task == TASK_REGRESSION)
        draw_templates(addition, &templates, data);
    fill_samples(addition, data);
    return 0;
}
