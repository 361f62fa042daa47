/* SPDX-License-Identifier: MIT */
/*
 * The training loop. At step t the training set and the test set are evaluated at the same
 * parameters; then, unless the budget or the observer ends the run, the parameters step. With full
 * batches the evaluation of the training set is the forward pass of the step that follows.
 */
#include "phasegrid/trainer.h"

#include <math.h>
#include <string.h>

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t output_count(const struct pg_model_spec *spec)
{
    return spec->layers[spec->layer_count - 1].outputs;
}

static void arrange_batches(struct pg_trainer *trainer, size_t arity, struct pg_arena *arena)
{
    const struct pg_trainer_spec *spec = &trainer->spec;
    size_t padded = pg_padded(spec->batch_size);
    pg_batches_arrange(&trainer->batches, spec->train_count, spec->batch_size, arena);
    pg_pass_arrange(&trainer->batch_pass, &spec->model, spec->batch_size, true, arena);
    trainer->batch_samples = pg_arena_take(arena, padded * sizeof(uint32_t));
    trainer->batch_inputs = pg_arena_take(arena, padded * arity * sizeof(uint32_t));
    trainer->batch_labels = pg_arena_take(arena, padded * sizeof(uint32_t));
    trainer->batch_targets =
        pg_arena_take(arena, padded * output_count(&spec->model) * sizeof(float));
}

void pg_trainer_arrange(struct pg_trainer *trainer, const struct pg_trainer_spec *spec,
                        const struct pg_kernel *kernel, size_t arity, size_t classes,
                        struct pg_arena *arena)
{
    size_t widest = pg_padded(larger(spec->train_count, spec->test_count));
    trainer->spec = *spec;
    pg_model_arrange(&trainer->model, &spec->model, kernel, arena);
    pg_pass_arrange(&trainer->train_pass, &spec->model, spec->train_count, spec->batch_size == 0,
                    arena);
    pg_pass_arrange(&trainer->test_pass, &spec->model, spec->test_count, false, arena);
    trainer->scores = pg_arena_take(arena, classes * widest * sizeof(float));
    trainer->predicted = pg_arena_take(arena, widest * sizeof(uint32_t));
    if (spec->batch_size > 0)
        arrange_batches(trainer, arity, arena);
}

void pg_trainer_prepare(struct pg_trainer *trainer, uint32_t seed, uint32_t mix)
{
    struct pg_random initial = pg_random_make(seed, PG_STREAM_INITIAL, mix);
    struct pg_random batches = pg_random_make(seed, PG_STREAM_BATCHES, mix);
    pg_model_initialise(&trainer->model, &initial);
    pg_pass_prepare(&trainer->train_pass, &trainer->model);
    pg_pass_prepare(&trainer->test_pass, &trainer->model);
    if (trainer->spec.batch_size > 0) {
        pg_pass_prepare(&trainer->batch_pass, &trainer->model);
        pg_batches_prepare(&trainer->batches, &batches);
    }
}

/* scores (classes, stride) of outputs y (outputs, stride), whose row of ones stands behind it. */
static const float *read_out(struct pg_trainer *trainer, const float *y, size_t stride)
{
    const struct pg_readout *readout = &trainer->readout;
    if (readout->matrix == NULL)
        return y;
    const struct pg_product product = {
        .a = readout->matrix,
        .a_row = readout->stride,
        .a_depth = 1,
        .b = y,
        .b_stride = stride,
        .out = trainer->scores,
        .out_stride = stride,
        .rows = readout->classes,
        .columns = stride,
        .depth = output_count(&trainer->spec.model) + 1,
    };
    trainer->model.kernel->forward(&product, PG_IDENTITY);
    return trainer->scores;
}

static struct pg_evaluation evaluate(struct pg_trainer *trainer, const struct pg_samples *samples,
                                     struct pg_pass *pass, bool with_delta)
{
    struct pg_evaluation evaluation = {.loss = (double)NAN, .count = samples->count};
    if (samples->count == 0)
        return evaluation;
    const float *y = pg_model_forward(&trainer->model, samples, pass);
    const float *scores = read_out(trainer, y, pass->stride);
    trainer->model.kernel->argmax(scores, trainer->predicted, trainer->readout.classes,
                                  pass->stride);
    for (size_t n = 0; n < samples->count; n++)
        evaluation.correct += trainer->predicted[n] == samples->labels[n];
    evaluation.loss = pg_model_loss(&trainer->model, samples, pass, with_delta);
    return evaluation;
}

/* Copies the samples of step t's batch to where the kernels want them. */
static struct pg_samples gather_batch(struct pg_trainer *trainer, int64_t step)
{
    const struct pg_samples *train = &trainer->train;
    size_t size = trainer->spec.batch_size, stride = pg_padded(size);
    size_t outputs = output_count(&trainer->spec.model), from_stride = pg_padded(train->count);
    pg_batches_draw(&trainer->batches, step, trainer->batch_samples);
    for (size_t n = 0; n < size; n++) {
        size_t from = trainer->batch_samples[n];
        trainer->batch_labels[n] = train->labels[from];
        memcpy(trainer->batch_inputs + n * train->arity, train->inputs + from * train->arity,
               train->arity * sizeof *train->inputs);
        for (size_t o = 0; o < outputs && train->targets != NULL; o++)
            trainer->batch_targets[o * stride + n] = train->targets[o * from_stride + from];
    }
    return (struct pg_samples){
        .count = size,
        .arity = train->arity,
        .inputs = trainer->batch_inputs,
        .labels = trainer->batch_labels,
        .targets = train->targets != NULL ? trainer->batch_targets : NULL,
    };
}

/* The update that leads to step t. */
static void step_to(struct pg_trainer *trainer, int64_t step)
{
    const struct pg_trainer_spec *spec = &trainer->spec;
    struct pg_update updates[PG_GROUP_COUNT];
    for (int group = 0; group < PG_GROUP_COUNT; group++)
        pg_optimizers[spec->optimizer].prepare(&spec->rates[group], step, &updates[group]);
    if (spec->batch_size == 0) {
        pg_model_backward(&trainer->model, &trainer->train, &trainer->train_pass, updates);
        return;
    }
    struct pg_samples batch = gather_batch(trainer, step);
    (void)pg_model_forward(&trainer->model, &batch, &trainer->batch_pass);
    (void)pg_model_loss(&trainer->model, &batch, &trainer->batch_pass, true);
    pg_model_backward(&trainer->model, &batch, &trainer->batch_pass, updates);
}

/* Steps between two calls of pause: some ten microseconds of work where steps are short. */
static int64_t pause_interval(const struct pg_trainer_spec *spec)
{
    return 1 + (int64_t)(5e5 / pg_trainer_flops(spec));
}

/* Returns true when pause asked to leave. */
static bool loop(struct pg_trainer *trainer, const struct pg_observer *observer,
                 struct pg_training_end *ret_end)
{
    bool is_full_batch = trainer->spec.batch_size == 0;
    int64_t interval = pause_interval(&trainer->spec);
    for (int64_t step = 0;; step++) {
        struct pg_evaluation train =
            evaluate(trainer, &trainer->train, &trainer->train_pass, is_full_batch);
        struct pg_evaluation test = evaluate(trainer, &trainer->test, &trainer->test_pass, false);
        *ret_end = (struct pg_training_end){.step = step, .diverged = !isfinite(train.loss)};
        bool goes_on = observer->observe(observer->observe_context, step, &train, &test);
        if (ret_end->diverged || !goes_on || step == trainer->spec.steps)
            return false;
        if (observer->pause != NULL && step % interval == 0 &&
            observer->pause(observer->pause_context))
            return true;
        step_to(trainer, step + 1);
    }
}

int pg_trainer_run(struct pg_trainer *trainer, const struct pg_observer *observer,
                   struct pg_training_end *ret_end, struct pg_error *error)
{
    unsigned before = pg_kernel_enter();
    bool is_stopped = loop(trainer, observer, ret_end);
    pg_kernel_leave(before);
    if (is_stopped)
        return pg_error_set(error, PG_ESTOPPED, "stopped at step %lld", (long long)ret_end->step);
    return 0;
}

double pg_trainer_flops(const struct pg_trainer_spec *spec)
{
    bool is_full_batch = spec->batch_size == 0;
    size_t batch = is_full_batch ? spec->train_count : spec->batch_size;
    double evaluated = (double)spec->test_count + (is_full_batch ? 0.0 : (double)spec->train_count);
    return pg_model_flops(&spec->model, batch, true) +
           evaluated * pg_model_flops(&spec->model, 1, false);
}
