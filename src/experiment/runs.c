/* SPDX-License-Identifier: MIT */
/*
 * From a source of runs to the trainer's client: the first request tells the shape, all memory is
 * taken once, and every run goes through sit, draw, observe ..., end, finish. A run that is refused
 * when it sits down is finished with that status, and the next one is asked for.
 *
 * A state is a head, what the experiment keeps, the row so far, and what the trainer keeps. Its
 * room is taken with the rest of the memory, so that a launch that could train can also save.
 */
#include "runs.h"

#include <assert.h>
#include <string.h>

#include "cell.h"
#include "llc_cell.h"
#include "net_landscape.h"
#include "run_state.h"

/* Where the LLC is estimated: one run at a time, its chains in lanes. */
struct estimates {
    struct pg_net_landscape net;
    struct pg_landscape landscape;
    struct pg_llc llc;
    struct pg_llc_cell cells[PG_LANES];          /* of each seat */
    struct pg_samples samples[PG_LANES];         /* of each seat */
    int64_t measured[PG_LANES], steps[PG_LANES]; /* last step with an estimate; budget */
    bool *is_free;                               /* (parameters) */
    float *dense;                                /* (parameters) */
    double *anchor;                              /* (parameters) */
};

struct runs {
    struct pg_trainer trainer;
    const struct pg_runs_kind *kind;
    void *hall;
    const struct pg_run_source *source;
    struct pg_run_request first; /* taken from the source to know the shape */
    bool has_first;
    bool is_stopped; /* a run was told to leave while it sat down */
    struct pg_error stop;
    struct pg_run_request requests[PG_LANES]; /* of each seat; values and state no longer hold */
    size_t lengths[PG_EXPERIMENT_DIMS_MAX];   /* the runs' own */
    void *room;                               /* (room_size) for the state of one run */
    size_t room_size;
    struct estimates *estimates;          /* NULL: the job asks for none */
    struct pg_state resumed;              /* of the run that sits down ... */
    const struct pg_run_request *waiting; /* ... which waits for its data; NULL: none does */
    int64_t waiting_step;
};

/* ---- states ---- */

/* All but the trainer's part. */
static void pass_own(struct runs *runs, size_t seat, int64_t step, struct pg_state *state)
{
    const struct pg_run_request *request = &runs->requests[seat];
    const struct pg_experiment *experiment = runs->kind->experiment;
    struct pg_run_head head = pg_run_head_make(experiment, request, runs->lengths, step);
    pg_state_pass(state, &head, sizeof head);
    runs->kind->pass(runs->hall, seat, step, state);
    pg_run_row_pass(experiment, request, runs->lengths, step, state);
}

static size_t state_size(struct runs *runs, size_t seat, int64_t step)
{
    struct pg_state state = pg_state_measure();
    pass_own(runs, seat, step, &state);
    pg_trainer_pass(&runs->trainer, seat, &state);
    return state.used;
}

static void save(void *context, size_t seat, int64_t step)
{
    struct runs *runs = context;
    const struct pg_run_source *source = runs->source;
    struct pg_state state = pg_state_save(runs->room, runs->room_size);
    if (source->save == NULL)
        return;
    pass_own(runs, seat, step, &state);
    pg_trainer_pass(&runs->trainer, seat, &state);
    assert(!state.is_short);
    source->save(source->context, runs->requests[seat].ticket, step, runs->room, state.used);
}

/* Whether the state of the seat's request, if there is one, is one of this run. */
static bool fits(struct runs *runs, size_t seat, int64_t steps, struct pg_run_head *ret_head)
{
    const struct pg_run_request *request = &runs->requests[seat];
    if (request->state == NULL || request->state_size < sizeof *ret_head)
        return false;
    memcpy(ret_head, request->state, sizeof *ret_head);
    const struct pg_run_head expected =
        pg_run_head_make(runs->kind->experiment, request, runs->lengths, ret_head->step);
    return memcmp(ret_head, &expected, sizeof expected) == 0 && ret_head->step >= 0 &&
           ret_head->step <= steps && state_size(runs, seat, ret_head->step) == request->state_size;
}

/* The run goes on from its request's state; the trainer's part is left to the trainer. */
static void resume(struct runs *runs, size_t seat, struct pg_training *training)
{
    const struct pg_run_request *request = &runs->requests[seat];
    struct pg_run_head head;
    if (!fits(runs, seat, training->steps, &head))
        return;
    runs->resumed = pg_state_load(request->state, request->state_size);
    pass_own(runs, seat, head.step, &runs->resumed);
    training->begin = head.step;
    training->state = &runs->resumed;
}

/* A run that goes on from a state but is not in training yet: that state is still its own. */
static void save_waiting(const struct runs *runs)
{
    const struct pg_run_request *request = runs->waiting;
    if (request != NULL && runs->source->save != NULL)
        runs->source->save(runs->source->context, request->ticket, runs->waiting_step,
                           request->state, request->state_size);
}

/* ---- runs take a seat ---- */

static bool take_request(struct runs *runs, struct pg_run_request *ret)
{
    if (!runs->has_first)
        return runs->source->next(runs->source->context, ret);
    *ret = runs->first;
    runs->has_first = false;
    return true;
}

static bool must_leave(void *context)
{
    const struct runs *runs = context;
    return pg_trainer_pause(&runs->trainer);
}

static int sit_estimates(struct runs *runs, size_t seat, const struct pg_training *training);

static int sit(struct runs *runs, size_t seat, struct pg_training *ret_training,
               struct pg_error *error)
{
    const struct pg_run_request *request = &runs->requests[seat];
    const struct pg_interruption interruption = {must_leave, runs};
    int status = runs->kind->sit(runs->hall, seat, request, ret_training, error);
    if (status != 0)
        return status;
    const char *difference = pg_trainer_difference(&runs->trainer.spec, ret_training->spec);
    if (difference != NULL)
        return pg_error_set(error, PG_EINPUT,
                            "runs that are trained together must have one shape, but the %s of "
                            "this run is not that of the first one",
                            difference);
    resume(runs, seat, ret_training);
    runs->waiting = ret_training->state != NULL ? request : NULL;
    runs->waiting_step = ret_training->begin;
    status = runs->kind->draw(runs->hall, seat, request, &interruption, error);
    runs->waiting = NULL;
    if (status == 0 && runs->estimates != NULL && sit_estimates(runs, seat, ret_training) != 0)
        status = pg_error_set(error, PG_EINPUT,
                              "runs that are trained together must have one shape, but the llc_ "
                              "settings of this run are not those of the first one");
    return status;
}

static bool next(void *context, size_t seat, struct pg_training *ret_training)
{
    struct runs *runs = context;
    struct pg_run_request *request = &runs->requests[seat];
    struct pg_error error;
    while (!runs->is_stopped && take_request(runs, request)) {
        int status = sit(runs, seat, ret_training, &error);
        if (status == 0)
            return true;
        runs->is_stopped = status == PG_ESTOPPED;
        if (runs->is_stopped)
            runs->stop = error;
        else
            runs->source->finish(runs->source->context, request->ticket, status, NULL, &error);
    }
    return false;
}

/* ---- estimates ---- */

static bool leaves_estimate(void *context)
{
    const struct runs *runs = context;
    return pg_trainer_pause(&runs->trainer);
}

/* An estimate, where one is due. False: interrupted, and nothing is written. */
static bool measure(void *context, size_t seat, int64_t step)
{
    struct runs *runs = context;
    struct estimates *at = runs->estimates;
    const struct pg_run_request *request = &runs->requests[seat];
    const struct pg_llc_slots slots = {runs->kind->obs_llc, runs->kind->dim_chain,
                                       runs->kind->dim_draw, runs->kind->dim_parameter};
    size_t index = pg_llc_due(request->record, step, at->steps[seat]);
    if (index == SIZE_MAX || at->measured[seat] == step)
        return true;
    const struct pg_llc_cell *cell = &at->cells[seat];
    struct pg_llc_result result;
    pg_trainer_parameters(&runs->trainer, seat, at->dense);
    for (size_t p = 0; p < at->net.parameters; p++)
        at->anchor[p] = (double)at->dense[p];
    struct pg_llc_point point = {.set = seat,
                                 .anchor = at->anchor,
                                 .n_beta = cell->n_beta,
                                 .localization = cell->localization,
                                 .step_size = cell->step_size,
                                 .random =
                                     pg_random_make(request->seed, PG_STREAM_CHAINS, request->mix),
                                 .at = request->record->llc_steps[index]};
    if (!pg_llc_estimate(&at->llc, &point, 1, &result, leaves_estimate, runs))
        return false;
    pg_llc_put(&slots, request, index, cell, &point, at->net.parameters, false, &result,
               pg_llc_values(&at->llc, 0), pg_llc_traces(&at->llc, 0));
    at->measured[seat] = step;
    return true;
}

static void arrange_estimates(struct estimates *at, const struct pg_trainer_spec *spec,
                              const struct pg_llc_cell *cell, const struct pg_kernel *kernel,
                              struct pg_arena *arena)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0, count = pg_model_segments(&spec->model, segments, &parameters);
    at->is_free = pg_arena_take(arena, parameters * sizeof *at->is_free);
    at->dense = pg_arena_take(arena, parameters * sizeof *at->dense);
    at->anchor = pg_arena_take(arena, parameters * sizeof *at->anchor);
    if (at->is_free != NULL)
        (void)pg_llc_cell_mask(cell, segments, count, parameters, at->is_free);
    at->landscape =
        pg_net_landscape_arrange(&at->net, spec, cell->plan.sampler.batch_size, kernel, arena);
    pg_llc_arrange(&at->llc, kernel, &at->landscape, &cell->plan, at->is_free, 1, arena);
}

/* The run that takes a seat. */
static int sit_estimates(struct runs *runs, size_t seat, const struct pg_training *training)
{
    struct estimates *at = runs->estimates;
    int64_t own[PG_LLC_VARIANT], first[PG_LLC_VARIANT];
    at->cells[seat] = pg_llc_cell_read(&runs->requests[seat].values, training->spec->train_count);
    at->samples[seat] = training->samples;
    at->net.sets[seat] = &at->samples[seat];
    for (size_t lane = 0; lane < PG_LANES; lane++)
        if (at->net.looked_at[lane] == &at->samples[seat])
            at->net.looked_at[lane] = NULL; /* the samples are others now */
    at->measured[seat] = -1;
    at->steps[seat] = training->steps;
    pg_llc_cell_variant(&at->cells[seat], own);
    const struct pg_llc_cell shape = {.plan = at->llc.plan,
                                      .part_number = at->cells[seat].part_number};
    pg_llc_cell_variant(&shape, first);
    return memcmp(own, first, sizeof own) == 0 ? 0 : PG_EINPUT;
}

/* ---- training ---- */

static bool is_due(void *context, size_t seat, int64_t step)
{
    const struct runs *runs = context;
    return runs->kind->is_due(runs->hall, seat, step);
}

static bool observe(void *context, size_t seat, int64_t step, const struct pg_evaluation *train,
                    const struct pg_evaluation *test)
{
    const struct runs *runs = context;
    return runs->kind->observe(runs->hall, &runs->trainer, seat, step, train, test);
}

static void end(void *context, size_t seat, const struct pg_training_end *end)
{
    const struct runs *runs = context;
    struct pg_run_result result;
    runs->kind->end(runs->hall, seat, end, &result);
    runs->source->finish(runs->source->context, runs->requests[seat].ticket, 0, &result, NULL);
}

static enum pg_pause pause_runs(void *context)
{
    const struct runs *runs = context;
    if (runs->is_stopped)
        return PG_PAUSE_LEAVE;
    if (runs->source->pause == NULL)
        return PG_PAUSE_GO_ON;
    enum pg_pause pause = runs->source->pause(runs->source->context);
    if (pg_pause_saves(pause))
        save_waiting(runs);
    return pause;
}

/* ---- memory ---- */

static void put_estimate_lengths(const struct pg_runs_kind *kind, const struct pg_llc_cell *cell,
                                 size_t *lengths)
{
    lengths[kind->dim_chain] = cell->plan.chains;
    lengths[kind->dim_draw] = cell->keeps_traces ? (size_t)cell->plan.sampler.draws : 0;
}

/* requests[0] has the record of all. */
static void arrange(struct runs *runs, const struct pg_trainer_spec *spec,
                    const struct pg_llc_cell *cell, const struct pg_kernel *kernel,
                    struct pg_arena *arena)
{
    pg_trainer_arrange(&runs->trainer, spec, kernel, arena);
    runs->kind->arrange(runs->hall, runs->trainer.seat_count, arena);
    runs->kind->lengths(runs->hall, runs->lengths);
    put_estimate_lengths(runs->kind, cell, runs->lengths);
    runs->room_size = state_size(runs, 0, INT64_MAX);
    runs->room = pg_arena_take(arena, runs->room_size);
    if (runs->estimates != NULL)
        arrange_estimates(runs->estimates, spec, cell, kernel, arena);
}

static size_t bytes_of(struct runs *runs, const struct pg_trainer_spec *spec,
                       const struct pg_llc_cell *cell)
{
    struct pg_arena arena;
    pg_arena_measure(&arena);
    arrange(runs, spec, cell, NULL, &arena);
    return arena.used;
}

void pg_runs_put_shape(const struct pg_runs_kind *kind, void *hall,
                       const struct pg_trainer_spec *spec, const struct pg_values *values,
                       struct pg_shape *ret)
{
    const struct pg_record nothing = {0};
    const struct pg_llc_cell cell = pg_llc_cell_read(values, spec->train_count);
    struct estimates estimates = {0};
    struct runs runs = {.kind = kind, .hall = hall, .requests = {{.record = &nothing}}};
    ret->bytes = bytes_of(&runs, spec, &cell);
    runs.estimates = &estimates;
    ret->llc_bytes = bytes_of(&runs, spec, &cell) - ret->bytes;
    pg_llc_cell_variant(&cell, ret->variant + PG_TRAINER_VARIANT);
    put_estimate_lengths(kind, &cell, ret->lengths);
}

int pg_runs_check_llc(const struct pg_values *values, const struct pg_trainer_spec *spec,
                      struct pg_error *error)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0, count = pg_model_segments(&spec->model, segments, &parameters);
    return pg_llc_cell_check(values, spec->train_count, true, segments, count, error);
}

static int train_all(struct runs *runs, const struct pg_trainer_spec *spec,
                     const struct pg_llc_cell *cell, struct pg_error *error)
{
    const struct pg_trainer_client client = {.next = next,
                                             .measure = runs->estimates != NULL ? measure : NULL,
                                             .is_due = is_due,
                                             .observe = observe,
                                             .end = end,
                                             .pause = pause_runs,
                                             .save = save,
                                             .context = runs};
    const struct pg_kernel *kernel = NULL;
    struct pg_arena arena;
    int status = pg_kernel_choose(&kernel, error);
    if (status == 0)
        status = pg_trainer_check_layout(error);
    if (status != 0)
        return status;
    pg_arena_measure(&arena);
    arrange(runs, spec, cell, kernel, &arena);
    status = pg_arena_init(&arena, arena.used, error);
    if (status == 0) {
        arrange(runs, spec, cell, kernel, &arena);
        if (runs->estimates != NULL)
            pg_net_landscape_prepare(&runs->estimates->net);
        status = pg_trainer_run(&runs->trainer, &client, error);
    }
    pg_arena_release(&arena);
    if (!runs->is_stopped)
        return status;
    *error = runs->stop;
    return PG_ESTOPPED;
}

int pg_runs_train(const struct pg_runs_kind *kind, void *hall, const struct pg_run_source *source,
                  struct pg_error *error)
{
    struct runs runs = {.kind = kind, .hall = hall, .source = source};
    struct estimates estimates = {0};
    struct pg_trainer_spec spec;
    runs.has_first = source->next(source->context, &runs.first);
    if (!runs.has_first)
        return 0;
    int status = kind->open(hall, &runs.first, &spec, error);
    if (status != 0)
        return status;
    const struct pg_llc_cell cell = pg_llc_cell_read(&runs.first.values, spec.train_count);
    runs.requests[0] = runs.first;
    runs.estimates = runs.first.record->llc_step_count > 0 ? &estimates : NULL;
    return train_all(&runs, &spec, &cell, error);
}
