/* SPDX-License-Identifier: MIT */
/*
 * Evaluation and step of the runs in one model. Training and test samples pass through it
 * together, the training samples first: so the test samples fill lanes that padding would waste,
 * and full batches know their own training accuracy. The step then goes back over the training
 * samples alone.
 */
#include "engine.h"

#include <math.h>
#include <string.h>

static size_t output_count(const struct pg_model_spec *spec)
{
    return spec->layers[spec->layer_count - 1].outputs;
}

static size_t sample_count(const struct pg_trainer_spec *spec)
{
    return spec->train_count + spec->test_count;
}

/* ---- memory ---- */

static void arrange_batches(struct pg_engine *engine, struct pg_arena *arena)
{
    const struct pg_trainer_spec *spec = engine->spec;
    size_t lanes = engine->model.lanes;
    pg_pass_arrange(&engine->batch_pass, &spec->model, lanes, spec->batch_size, true, arena);
    engine->batch_pass.noise = engine->noise;
    pg_samples_arrange(&engine->batch, &spec->model, spec->arity, spec->batch_size, lanes, arena);
    engine->drawn = pg_arena_take(arena, spec->batch_size * sizeof *engine->drawn);
}

void pg_engine_arrange(struct pg_engine *engine, const struct pg_trainer_spec *spec, size_t lanes,
                       const struct pg_kernel *kernel, struct pg_arena *arena)
{
    size_t count = sample_count(spec), numbers = pg_padded(count) * lanes;
    memset(engine, 0, sizeof *engine);
    engine->spec = spec;
    pg_model_arrange(&engine->model, &spec->model, lanes, kernel, arena);
    pg_pass_arrange(&engine->pass, &spec->model, lanes, count, spec->batch_size == 0, arena);
    engine->scores = pg_arena_take(arena, spec->classes * numbers * sizeof(float));
    engine->predicted = pg_arena_take(arena, numbers * sizeof(uint32_t));
    if (spec->batch_size > 0)
        arrange_batches(engine, arena);
    if (lanes == 1)
        return;
    pg_samples_arrange(&engine->samples, &spec->model, spec->arity, count, lanes, arena);
    if (spec->has_readout)
        engine->readout = pg_arena_take(arena, spec->classes * (output_count(&spec->model) + 1) *
                                                   lanes * sizeof(float));
}

void pg_engine_prepare(struct pg_engine *engine)
{
    pg_pass_prepare(&engine->pass, &engine->model);
    if (engine->spec->batch_size > 0)
        pg_pass_prepare(&engine->batch_pass, &engine->model);
}

/* ---- who is there ---- */

/* Copies sample `from` of a run to place `to` of a lane. */
static void copy_sample(const struct pg_engine *engine, const struct pg_samples *run, size_t from,
                        const struct pg_samples *samples, size_t to, size_t lane)
{
    const struct pg_samples_lane place = {samples, engine->model.lanes, lane};
    pg_samples_copy(&engine->spec->model, run, from, &place, to);
}

static void copy_readout(struct pg_engine *engine, const struct pg_readout *readout, size_t lane)
{
    const size_t columns = output_count(&engine->spec->model) + 1, lanes = engine->model.lanes;
    for (size_t c = 0; c < readout->classes; c++)
        for (size_t o = 0; o < columns; o++)
            engine->readout[(c * columns + o) * lanes + lane] =
                readout->matrix[c * readout->stride + o];
}

void pg_engine_enter(struct pg_engine *engine, size_t lane, struct pg_seat *seat)
{
    const struct pg_training *training = &seat->training;
    engine->occupants[lane] = seat;
    seat->engine = engine;
    seat->lane = lane;
    if (engine->model.lanes == 1) {
        engine->samples = training->samples;
        return;
    }
    for (size_t n = 0; n < training->samples.count; n++)
        copy_sample(engine, &training->samples, n, &engine->samples, n, lane);
    if (engine->readout != NULL)
        copy_readout(engine, &training->readout, lane);
}

void pg_engine_leave(struct pg_engine *engine, struct pg_seat *seat)
{
    engine->occupants[seat->lane] = NULL;
    seat->engine = NULL;
}

/* ---- evaluation ---- */

/* Scores of the classes from the outputs y of the first `count` samples. */
static const float *read_out(struct pg_engine *engine, const float *y, size_t count)
{
    const struct pg_trainer_spec *spec = engine->spec;
    const size_t lanes = engine->model.lanes, outputs = output_count(&spec->model);
    const size_t stride = engine->pass.strides[spec->model.layer_count - 1];
    if (!spec->has_readout)
        return y;
    const struct pg_readout *own = lanes == 1 ? &engine->occupants[0]->training.readout : NULL;
    const struct pg_product product = {
        .a = own != NULL ? own->matrix : engine->readout,
        .a_row = own != NULL ? own->stride : outputs + 1,
        .a_depth = 1,
        .b = y,
        .b_depth = stride,
        .b_column = 1,
        .out = engine->scores,
        .out_row = stride,
        .rows = spec->classes,
        .columns = lanes == 1 ? (count + PG_COLUMNS - 1) / PG_COLUMNS * PG_COLUMNS : count,
        .depth = outputs + 1,
        .lanes = lanes,
    };
    engine->model.kernel->forward(&product, PG_IDENTITY);
    return engine->scores;
}

/* Correct samples of begin .. end, per lane. */
static void count_correct(const struct pg_engine *engine, size_t begin, size_t end,
                          struct pg_evaluation *ret)
{
    const size_t lanes = engine->model.lanes;
    uint32_t correct[PG_LANES] = {0};
    for (size_t n = begin; n < end; n++)
        for (size_t lane = 0; lane < lanes; lane++)
            correct[lane] +=
                engine->predicted[n * lanes + lane] == engine->samples.labels[n * lanes + lane];
    for (size_t lane = 0; lane < lanes; lane++) {
        ret[lane].correct = correct[lane];
        ret[lane].count = end - begin;
    }
}

/* Losses and counts of samples begin .. end, after the forward pass. */
static void judge(struct pg_engine *engine, size_t begin, size_t end, bool with_delta,
                  struct pg_evaluation *ret)
{
    double loss[PG_LANES];
    for (size_t lane = 0; lane < engine->model.lanes; lane++)
        loss[lane] = (double)NAN;
    if (end > begin)
        pg_model_loss(&engine->model, &engine->samples, begin, end, with_delta, &engine->pass,
                      loss);
    count_correct(engine, begin, end, ret);
    for (size_t lane = 0; lane < engine->model.lanes; lane++)
        ret[lane].loss = loss[lane];
}

void pg_engine_evaluate(struct pg_engine *engine, bool with_test, struct pg_evaluation *ret_train,
                        struct pg_evaluation *ret_test)
{
    const struct pg_trainer_spec *spec = engine->spec;
    const size_t lanes = engine->model.lanes;
    const size_t count = with_test ? sample_count(spec) : spec->train_count;
    const size_t stride = engine->pass.strides[spec->model.layer_count - 1];
    const struct pg_plane plane = {spec->classes, stride * lanes, pg_padded(count * lanes)};
    const float *y = pg_model_forward(&engine->model, &engine->samples, count, &engine->pass);
    engine->model.kernel->argmax(read_out(engine, y, count), engine->predicted, &plane);
    judge(engine, 0, spec->train_count, spec->batch_size == 0, ret_train);
    if (with_test)
        judge(engine, spec->train_count, count, false, ret_test);
}

/* ---- step ---- */

/* Without momentum in any lane velocities need not be kept. */
static bool is_plain(const struct pg_engine *engine, enum pg_group group)
{
    bool is_plain = engine->spec->optimizer == PG_SGD;
    for (size_t lane = 0; lane < engine->model.lanes; lane++) {
        const struct pg_seat *seat = engine->occupants[lane];
        is_plain = is_plain && (seat == NULL || !(seat->training.rates[group].momentum > 0.0));
    }
    return is_plain;
}

static void prepare_updates(struct pg_engine *engine)
{
    const struct pg_optimizer_kind *optimizer = &pg_optimizers[engine->spec->optimizer];
    for (int group = 0; group < PG_GROUP_COUNT; group++) {
        struct pg_update *update = &engine->updates[group];
        for (size_t lane = 0; lane < engine->model.lanes; lane++) {
            const struct pg_seat *seat = engine->occupants[lane];
            if (seat != NULL)
                optimizer->prepare(&seat->schedules[group], seat->step + 1, lane, update);
        }
        update->is_plain = is_plain(engine, (enum pg_group)group);
        if (engine->model.lanes == 1)
            pg_update_spread(update);
    }
}

/* Copies every run's own batch to where the kernels want it. */
static void gather_batches(struct pg_engine *engine)
{
    for (size_t lane = 0; lane < engine->model.lanes; lane++) {
        const struct pg_seat *seat = engine->occupants[lane];
        if (seat == NULL)
            continue;
        engine->noise[lane] = (struct pg_noise){seat->noise, seat->step + 1};
        pg_batches_draw(&seat->batches, seat->step + 1, engine->drawn);
        for (size_t n = 0; n < engine->spec->batch_size; n++)
            copy_sample(engine, &seat->training.samples, engine->drawn[n], &engine->batch, n, lane);
    }
}

void pg_engine_step(struct pg_engine *engine)
{
    const struct pg_trainer_spec *spec = engine->spec;
    struct pg_model *model = &engine->model;
    double unused[PG_LANES];
    prepare_updates(engine);
    if (spec->batch_size == 0) {
        pg_model_backward(model, &engine->samples, spec->train_count, &engine->pass,
                          engine->updates);
        return;
    }
    gather_batches(engine);
    (void)pg_model_forward(model, &engine->batch, spec->batch_size, &engine->batch_pass);
    pg_model_loss(model, &engine->batch, 0, spec->batch_size, true, &engine->batch_pass, unused);
    pg_model_backward(model, &engine->batch, spec->batch_size, &engine->batch_pass,
                      engine->updates);
}
