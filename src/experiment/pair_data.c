/* SPDX-License-Identifier: MIT */
/*
 * Splits and templates: one permutation of the samples per seed and attempt, of which the first
 * train_count train (so splits are nested over the data fraction), and Gaussian templates keyed by
 * (class, output). An attempt whose ideal test accuracy is below min_ideal_accuracy is drawn again;
 * the attempt number is a word of the counter.
 */
#include "pair_data.h"

#include <math.h>
#include <string.h>

#include "cell.h"

void pg_pair_task_read(const struct pg_values *values, struct pg_pair_task *task)
{
    task->train_count = pg_cell_train_count(values, task->sample_count);
    task->min_ideal_accuracy = pg_values_real(values, "min_ideal_accuracy");
    task->label_scale = (float)pg_values_real(values, "label_scale");
}

static void arrange_samples(const struct pg_pair_task *task, struct pg_samples *samples,
                            struct pg_arena *arena)
{
    size_t count = task->sample_count, padded = pg_padded(count);
    samples->count = count;
    samples->arity = 2;
    samples->inputs = pg_arena_take(arena, count * 2 * sizeof(uint32_t));
    samples->labels = pg_arena_take(arena, padded * sizeof(uint32_t));
    samples->targets =
        task->is_regression ? pg_arena_take(arena, padded * task->outputs * sizeof(float)) : NULL;
}

void pg_pair_data_arrange(const struct pg_pair_task *task, struct pg_pair_data *data,
                          struct pg_arena *arena)
{
    size_t readout_stride = pg_padded(task->outputs + 1);
    memset(data, 0, sizeof *data);
    data->train_mask = pg_arena_take(arena, task->sample_count);
    data->train_order = pg_arena_take(arena, task->sample_count * sizeof *data->train_order);
    arrange_samples(task, &data->samples, arena);
    data->readout.classes = task->classes;
    if (task->is_regression) {
        data->templates = pg_arena_take(arena, task->classes * task->outputs * sizeof(float));
        data->readout.stride = readout_stride;
        data->readout.matrix = pg_arena_take(arena, task->classes * readout_stride * sizeof(float));
    }
}

/* One attempt at the split: train_order becomes the whole permutation, train_mask its first part.
 */
static void draw_split(const struct pg_pair_task *task, const struct pg_random *random,
                       uint32_t attempt, struct pg_pair_data *data)
{
    pg_random_permutation(random, attempt, 0, data->train_order, task->sample_count);
    memset(data->train_mask, 0, task->sample_count);
    for (size_t i = 0; i < task->train_count; i++)
        data->train_mask[data->train_order[i]] = 1;
}

static int find_split(const struct pg_pair_task *task,
                      const struct pg_parallelograms *parallelograms,
                      const struct pg_run_request *request,
                      const struct pg_interruption *interruption, struct pg_pair_data *data,
                      struct pg_error *error)
{
    struct pg_random random = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    for (uint32_t attempt = 0; attempt < PG_SPLIT_ATTEMPTS_MAX; attempt++) {
        draw_split(task, &random, attempt, data);
        int status = pg_split_theory(parallelograms, data->train_mask, &data->theory, error);
        if (status != 0)
            return status;
        data->attempt = attempt;
        if (data->theory.ideal_test_accuracy >= task->min_ideal_accuracy)
            return 0;
        if (interruption != NULL && interruption->must_leave(interruption->context))
            return pg_error_set(error, PG_ESTOPPED, "stopped at attempt %u of the split", attempt);
    }
    return pg_error_set(error, PG_EINPUT,
                        "min_ideal_accuracy %g: none of %d splits with %zu of %zu training samples "
                        "reaches it",
                        task->min_ideal_accuracy, PG_SPLIT_ATTEMPTS_MAX, task->train_count,
                        task->sample_count);
}

/* t_c, and the readout rows t_c . y - |t_c|^2 / 2, whose largest is the nearest template. */
static void draw_templates(const struct pg_pair_task *task, const struct pg_random *random,
                           struct pg_pair_data *data)
{
    float *readout = (float *)(uintptr_t)data->readout.matrix;
    for (size_t c = 0; c < task->classes; c++) {
        float *row = readout + c * data->readout.stride;
        double square = 0.0;
        for (size_t o = 0; o < task->outputs; o++) {
            float drawn = pg_random_normal(random, (uint32_t)o, (uint32_t)c, 0);
            row[o] = task->label_scale * drawn;
            data->templates[c * task->outputs + o] = row[o];
            square += (double)row[o] * (double)row[o];
        }
        row[task->outputs] = (float)(-0.5 * square);
    }
}

int pg_pair_data_draw(const struct pg_pair_task *task,
                      const struct pg_parallelograms *parallelograms,
                      const struct pg_run_request *request,
                      const struct pg_interruption *interruption, struct pg_pair_data *data,
                      struct pg_error *error)
{
    struct pg_random templates = pg_random_make(request->seed, PG_STREAM_TEMPLATES, request->mix);
    int status = find_split(task, parallelograms, request, interruption, data, error);
    if (status == 0 && task->is_regression)
        draw_templates(task, &templates, data);
    return status;
}

void pg_pair_data_set(const struct pg_pair_task *task, struct pg_pair_data *data, size_t place,
                      uint32_t i, uint32_t j, uint32_t label)
{
    const struct pg_samples *samples = &data->samples;
    uint32_t *inputs = (uint32_t *)(uintptr_t)samples->inputs;
    uint32_t *labels = (uint32_t *)(uintptr_t)samples->labels;
    float *targets = (float *)(uintptr_t)samples->targets;
    inputs[2 * place] = i;
    inputs[2 * place + 1] = j;
    labels[place] = label;
    for (size_t o = 0; o < task->outputs && targets != NULL; o++)
        targets[o * pg_padded(samples->count) + place] = data->templates[label * task->outputs + o];
}

void pg_pair_data_put(const struct pg_pair_task *task, const struct pg_pair_data *data,
                      const struct pg_pair_slots *slots, const struct pg_run_request *request)
{
    void *const *to = request->slots;
    float *templates = to[slots->templates];
    *(int32_t *)to[slots->split_attempt] = (int32_t)data->attempt;
    *(int32_t *)to[slots->nullity] = data->theory.nullity;
    *(double *)to[slots->ideal_accuracy] = data->theory.ideal_accuracy;
    *(double *)to[slots->ideal_test_accuracy] = data->theory.ideal_test_accuracy;
    memcpy(to[slots->train_mask], data->train_mask, task->sample_count);
    for (size_t c = 0; c < task->classes && data->templates != NULL; c++)
        memcpy(templates + c * request->lengths[slots->dim_output],
               data->templates + c * task->outputs, task->outputs * sizeof *templates);
}
