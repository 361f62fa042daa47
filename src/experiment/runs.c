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

#include "run_state.h"

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

/* requests[0] has the record of all. */
static void arrange(struct runs *runs, const struct pg_trainer_spec *spec,
                    const struct pg_kernel *kernel, struct pg_arena *arena)
{
    pg_trainer_arrange(&runs->trainer, spec, kernel, arena);
    runs->kind->arrange(runs->hall, runs->trainer.seat_count, arena);
    runs->kind->lengths(runs->hall, runs->lengths);
    runs->room_size = state_size(runs, 0, INT64_MAX);
    runs->room = pg_arena_take(arena, runs->room_size);
}

size_t pg_runs_bytes(const struct pg_runs_kind *kind, void *hall,
                     const struct pg_trainer_spec *spec)
{
    const struct pg_record nothing = {0};
    struct runs runs = {.kind = kind, .hall = hall, .requests = {{.record = &nothing}}};
    struct pg_arena arena;
    pg_arena_measure(&arena);
    arrange(&runs, spec, NULL, &arena);
    return arena.used;
}

static int train_all(struct runs *runs, const struct pg_trainer_spec *spec, struct pg_error *error)
{
    const struct pg_trainer_client client = {.next = next,
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
    runs->requests[0] = runs->first;
    pg_arena_measure(&arena);
    arrange(runs, spec, kernel, &arena);
    status = pg_arena_init(&arena, arena.used, error);
    if (status == 0) {
        arrange(runs, spec, kernel, &arena);
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
    struct pg_trainer_spec spec;
    runs.has_first = source->next(source->context, &runs.first);
    if (!runs.has_first)
        return 0;
    int status = kind->open(hall, &runs.first, &spec, error);
    return status != 0 ? status : train_all(&runs, &spec, error);
}
