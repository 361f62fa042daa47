/* SPDX-License-Identifier: MIT */
/* Memory of samples, and their way from a run's arrays to a lane of those that kernels read. */
#include "phasegrid/samples.h"

#include "phasegrid/model.h"

size_t pg_samples_row(const struct pg_samples *samples, size_t lanes)
{
    return lanes == 1 ? pg_padded(samples->count) : samples->count;
}

static size_t output_count(const struct pg_model_spec *model)
{
    return model->layers[model->layer_count - 1].outputs;
}

void pg_samples_arrange(struct pg_samples *samples, const struct pg_model_spec *model, size_t arity,
                        size_t count, size_t lanes, struct pg_arena *arena)
{
    const size_t numbers = pg_padded(count) * lanes, features = pg_model_features(model);
    *samples = (struct pg_samples){.count = count, .arity = arity};
    samples->inputs = pg_arena_take(arena, numbers * arity * sizeof(uint32_t));
    samples->labels = pg_arena_take(arena, numbers * sizeof(uint32_t));
    if (model->loss->takes_targets)
        samples->targets = pg_arena_take(arena, numbers * output_count(model) * sizeof(float));
    if (features > 0)
        samples->features = pg_arena_take(arena, numbers * features * sizeof(float));
}

/* The arrays of a lane's samples are const to those who read them. */
static uint32_t *own_words(const uint32_t *words)
{
    return (uint32_t *)(uintptr_t)words;
}

/* One number of each row, element `from` of the run's to element `to` of the lane's. */
static void copy_rows(const float *run, size_t from, size_t from_row, const float *all,
                      const struct pg_samples_lane *lane, size_t to, size_t rows)
{
    const size_t to_row = pg_samples_row(lane->samples, lane->lanes);
    float *own = (float *)(uintptr_t)all;
    for (size_t r = 0; r < rows; r++)
        own[(r * to_row + to) * lane->lanes + lane->lane] = run[r * from_row + from];
}

void pg_samples_copy(const struct pg_model_spec *model, const struct pg_samples *run, size_t from,
                     const struct pg_samples_lane *lane, size_t to)
{
    const struct pg_samples *samples = lane->samples;
    const size_t arity = run->arity, from_row = pg_samples_row(run, 1);
    for (size_t k = 0; k < arity; k++)
        own_words(samples->inputs)[(to * arity + k) * lane->lanes + lane->lane] =
            run->inputs[from * arity + k];
    own_words(samples->labels)[to * lane->lanes + lane->lane] = run->labels[from];
    if (samples->targets != NULL)
        copy_rows(run->targets, from, from_row, samples->targets, lane, to, output_count(model));
    if (samples->features != NULL)
        copy_rows(run->features, from, from_row, samples->features, lane, to,
                  pg_model_features(model));
}
