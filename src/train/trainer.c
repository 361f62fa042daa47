/* SPDX-License-Identifier: MIT */
/*
 * The training loop over any number of runs of one shape. A run has a seat; its numbers stand in a
 * lane of an engine. In a pack a lane that ends takes up the client's next run, which begins at its
 * own step 0 beside the others; when there are no more, the last few runs move, parameters and
 * moments, to the engine of a single run and end there one by one, since a pack costs the same
 * however many lanes are in use.
 *
 *     next -> seat -> evaluate, observe, step ... -> end
 *
 * At step t the sets are evaluated; then, unless the budget or the client ends the run, the
 * parameters step. A run that ends in a pack is replaced after the step of its neighbours.
 *
 * Between two rounds every run, also one that waits for its turn alone, is its parameters, its
 * moments and its step t, whose evaluation is still to come: that is where the client may pause,
 * where a run can be saved, and from where it goes on the same in any engine.
 */
#include "phasegrid/trainer.h"

#include <math.h>
#include <string.h>

#include "engine.h"

/* ---- memory ---- */

static void arrange_seats(struct pg_trainer *trainer, struct pg_arena *arena)
{
    const struct pg_trainer_spec *spec = &trainer->spec;
    for (size_t i = 0; i < trainer->seat_count && spec->batch_size > 0; i++)
        pg_batches_arrange(&trainer->seats[i].batches, spec->train_count, spec->batch_size, arena);
}

void pg_trainer_arrange(struct pg_trainer *trainer, const struct pg_trainer_spec *spec,
                        const struct pg_kernel *kernel, struct pg_arena *arena)
{
    struct pg_segment segments[PG_LAYERS_MAX * PG_LAYER_SEGMENTS_MAX];
    memset(trainer, 0, sizeof *trainer);
    trainer->spec = *spec;
    trainer->seat_count = pg_trainer_lanes(spec);
    trainer->few = (size_t)fmin(PG_LANES - 1, PG_LANES / pg_trainer_pack_gain(spec));
    (void)pg_model_segments(&spec->model, segments, &trainer->parameters);
    if (kernel != NULL && pg_trainer_uses_blas(spec))
        kernel = pg_kernel_widen(kernel);
    pg_engine_arrange(&trainer->alone, &trainer->spec, 1, kernel, arena);
    if (trainer->seat_count > 1)
        pg_engine_arrange(&trainer->pack, &trainer->spec, PG_LANES, kernel, arena);
    arrange_seats(trainer, arena);
    trainer->dense = pg_arena_take(arena, trainer->parameters * sizeof *trainer->dense);
}

/* ---- seats ---- */

static size_t seat_index(const struct pg_trainer *trainer, const struct pg_seat *seat)
{
    return (size_t)(seat - trainer->seats);
}

static size_t count_taken(const struct pg_trainer *trainer)
{
    size_t count = 0;
    for (size_t i = 0; i < trainer->seat_count; i++)
        count += trainer->seats[i].engine != NULL;
    return count;
}

static void begin_run(struct pg_trainer *trainer, struct pg_seat *seat)
{
    const struct pg_training *training = &seat->training;
    struct pg_random initial = pg_random_make(training->seed, PG_STREAM_INITIAL, training->mix);
    struct pg_random batches = pg_random_make(training->seed, PG_STREAM_BATCHES, training->mix);
    seat->step = training->begin;
    seat->noise = pg_random_make(training->seed, PG_STREAM_DROPOUT, training->mix);
    for (int group = 0; group < PG_GROUP_COUNT; group++)
        seat->schedules[group] = pg_schedule_make(&training->rates[group]);
    if (trainer->spec.batch_size > 0)
        pg_batches_prepare(&seat->batches, &batches);
    if (training->state != NULL)
        pg_trainer_pass(trainer, seat_index(trainer, seat), training->state);
    else
        pg_model_initialise(&seat->engine->model, seat->lane, &training->spec->model, &initial,
                            trainer->dense);
}

/* Free seats take the client's next runs, each in the lane of its number. */
static void fill_seats(struct pg_trainer *trainer, struct pg_engine *engine)
{
    const struct pg_trainer_client *client = trainer->client;
    for (size_t i = 0; i < trainer->seat_count && !trainer->is_exhausted; i++) {
        struct pg_seat *seat = &trainer->seats[i];
        if (seat->engine != NULL)
            continue;
        trainer->is_exhausted = !client->next(client->context, i, &seat->training);
        if (trainer->is_exhausted)
            return;
        pg_engine_enter(engine, i, seat);
        begin_run(trainer, seat);
    }
}

/* The run of a seat, as it stands, to the engine of a single run. */
static void move_alone(struct pg_trainer *trainer, struct pg_seat *seat)
{
    struct pg_engine *from = seat->engine;
    size_t lane = seat->lane;
    pg_engine_leave(from, seat);
    pg_engine_enter(&trainer->alone, 0, seat);
    for (int which = 0; which < PG_BLOCK_COUNT; which++) {
        pg_model_store(&from->model, lane, (enum pg_block_kind)which, trainer->dense);
        pg_model_load(&trainer->alone.model, 0, (enum pg_block_kind)which, trainer->dense);
    }
}

/* ---- between steps ---- */

void pg_trainer_pass(const struct pg_trainer *trainer, size_t index, struct pg_state *state)
{
    const struct pg_seat *seat = &trainer->seats[index];
    for (int i = 0; i < PG_BLOCK_COUNT; i++) {
        enum pg_block_kind which = (enum pg_block_kind)i;
        if (state->mode == PG_STATE_SAVE)
            pg_model_store(&seat->engine->model, seat->lane, which, trainer->dense);
        pg_state_pass(state, trainer->dense, trainer->parameters * sizeof *trainer->dense);
        if (state->mode == PG_STATE_LOAD)
            pg_model_load(&seat->engine->model, seat->lane, which, trainer->dense);
    }
}

bool pg_trainer_pause(const struct pg_trainer *trainer)
{
    const struct pg_trainer_client *client = trainer->client;
    enum pg_pause pause = client->pause != NULL ? client->pause(client->context) : PG_PAUSE_GO_ON;
    for (size_t i = 0; i < trainer->seat_count && pg_pause_saves(pause); i++)
        if (trainer->seats[i].engine != NULL && client->save != NULL)
            client->save(client->context, i, trainer->seats[i].step);
    return pg_pause_leaves(pause);
}

/* ---- a step ---- */

static bool is_due(const struct pg_trainer *trainer, const struct pg_seat *seat)
{
    const struct pg_trainer_client *client = trainer->client;
    return seat->step % trainer->spec.evaluate_every == 0 || seat->step == seat->training.steps ||
           (client->is_due != NULL &&
            client->is_due(client->context, seat_index(trainer, seat), seat->step));
}

/* Shows a run its evaluations; one that ends leaves its lane. */
static void watch(struct pg_trainer *trainer, struct pg_seat *seat,
                  const struct pg_evaluation *train, const struct pg_evaluation *test)
{
    const struct pg_trainer_client *client = trainer->client;
    size_t index = seat_index(trainer, seat);
    const struct pg_training_end end = {seat->step, !isfinite(train->loss)};
    bool goes_on = client->observe(client->context, index, seat->step, train, test);
    if (!end.diverged && goes_on && seat->step != seat->training.steps)
        return;
    client->end(client->context, index, &end);
    pg_engine_leave(seat->engine, seat);
}

/* Evaluates what is due. Runs that are not due see no more than they would alone. */
static void evaluate(struct pg_trainer *trainer, struct pg_engine *engine)
{
    struct pg_evaluation train[PG_LANES], test[PG_LANES];
    bool is_full_batch = trainer->spec.batch_size == 0, any_due = false, due[PG_LANES] = {false};
    for (size_t lane = 0; lane < engine->model.lanes; lane++) {
        due[lane] = engine->occupants[lane] != NULL && is_due(trainer, engine->occupants[lane]);
        any_due = any_due || due[lane];
    }
    if (!any_due && !is_full_batch)
        return;
    pg_engine_evaluate(engine, any_due, train, test);
    for (size_t lane = 0; lane < engine->model.lanes; lane++)
        if (engine->occupants[lane] != NULL && (is_full_batch || due[lane]))
            watch(trainer, engine->occupants[lane], &train[lane], due[lane] ? &test[lane] : NULL);
}

/* False: leave. */
static bool measure(struct pg_trainer *trainer, struct pg_engine *engine)
{
    const struct pg_trainer_client *client = trainer->client;
    for (size_t lane = 0; lane < engine->model.lanes && client->measure != NULL; lane++) {
        const struct pg_seat *seat = engine->occupants[lane];
        if (seat != NULL &&
            !client->measure(client->context, seat_index(trainer, seat), seat->step))
            return false;
    }
    return true;
}

static bool step(struct pg_engine *engine)
{
    bool any = false;
    for (size_t lane = 0; lane < engine->model.lanes; lane++)
        any = any || engine->occupants[lane] != NULL;
    if (!any)
        return false;
    pg_engine_step(engine);
    for (size_t lane = 0; lane < engine->model.lanes; lane++)
        if (engine->occupants[lane] != NULL)
            engine->occupants[lane]->step++;
    return true;
}

/* Steps between two calls of pause: some ten microseconds of work where steps are short. */
static int64_t pause_interval(const struct pg_trainer *trainer, const struct pg_engine *engine)
{
    return 1 + (int64_t)(5e5 / (pg_trainer_flops(&trainer->spec) * (double)engine->model.lanes));
}

/* Trains in one engine until it is empty, or its runs are few and no more will come. False: pause
   said to leave. */
static bool train_in(struct pg_trainer *trainer, struct pg_engine *engine)
{
    int64_t interval = pause_interval(trainer, engine);
    size_t few = engine->model.lanes > 1 ? trainer->few : 0;
    for (int64_t round = 0;; round++) {
        if (trainer->is_exhausted && count_taken(trainer) <= few)
            return true;
        if (round % interval == 0 && pg_trainer_pause(trainer))
            return false;
        if (!measure(trainer, engine))
            return false;
        evaluate(trainer, engine);
        if (!step(engine) && trainer->is_exhausted)
            return true;
        fill_seats(trainer, engine);
    }
}

/* The runs that a pack left, one by one. */
static bool train_rest(struct pg_trainer *trainer)
{
    for (size_t i = 0; i < trainer->seat_count; i++) {
        struct pg_seat *seat = &trainer->seats[i];
        if (seat->engine == NULL)
            continue;
        move_alone(trainer, seat);
        if (!train_in(trainer, &trainer->alone))
            return false;
    }
    return true;
}

static bool train_all(struct pg_trainer *trainer)
{
    struct pg_engine *engine = trainer->seat_count > 1 ? &trainer->pack : &trainer->alone;
    fill_seats(trainer, engine);
    return train_in(trainer, engine) && train_rest(trainer);
}

int pg_trainer_run(struct pg_trainer *trainer, const struct pg_trainer_client *client,
                   struct pg_error *error)
{
    trainer->client = client;
    trainer->is_exhausted = false;
    pg_engine_prepare(&trainer->alone);
    if (trainer->seat_count > 1)
        pg_engine_prepare(&trainer->pack);
    unsigned before = pg_kernel_enter();
    bool is_done = train_all(trainer);
    pg_kernel_leave(before);
    if (!is_done)
        return pg_error_set(error, PG_ESTOPPED, "stopped with %zu runs in training",
                            count_taken(trainer));
    return 0;
}

/* ---- for observers ---- */

void pg_trainer_layer(const struct pg_trainer *trainer, size_t seat, size_t layer, float *ret_dense)
{
    const struct pg_seat *of = &trainer->seats[seat];
    pg_layer_store(&of->engine->model.layers[layer], of->engine->model.lanes, of->lane, ret_dense);
}

void pg_trainer_parameters(const struct pg_trainer *trainer, size_t seat, float *ret_dense)
{
    const struct pg_seat *of = &trainer->seats[seat];
    pg_model_store(&of->engine->model, of->lane, PG_VALUE, ret_dense);
}

void pg_trainer_outputs(const struct pg_trainer *trainer, size_t seat, size_t layer, size_t sample,
                        float *ret_outputs)
{
    const struct pg_seat *of = &trainer->seats[seat];
    const struct pg_pass *pass = &of->engine->pass;
    const size_t lanes = of->engine->model.lanes, row = pass->strides[layer] * lanes;
    const float *from = pass->values[layer] + sample * lanes + of->lane;
    for (size_t r = 0; r < trainer->spec.model.layers[layer].outputs; r++)
        ret_outputs[r] = from[r * row];
}

double pg_trainer_norm(const struct pg_trainer *trainer, size_t seat, enum pg_group group)
{
    const struct pg_seat *of = &trainer->seats[seat];
    return pg_model_norm(&of->engine->model, of->lane, group, trainer->dense);
}
