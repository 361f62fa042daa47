/* SPDX-License-Identifier: MIT */
/*
 * From a source of runs to the trainer's client: the first request tells the shape, all memory is
 * taken once, and every run goes through sit, observe ..., end, finish. A run that is refused when
 * it sits down is finished with that status, and the next one is asked for.
 */
#include "runs.h"

struct runs {
    struct pg_trainer trainer;
    const struct pg_runs_kind *kind;
    void *hall;
    const struct pg_run_source *source;
    struct pg_run_request first; /* taken from the source to know the shape */
    bool has_first;
    bool is_stopped; /* a run was told to leave while it sat down */
    struct pg_error stop;
    uint64_t tickets[PG_LANES];
};

static bool take_request(struct runs *runs, struct pg_run_request *ret)
{
    if (!runs->has_first)
        return runs->source->next(runs->source->context, ret);
    *ret = runs->first;
    runs->has_first = false;
    return true;
}

static bool next(void *context, size_t seat, struct pg_training *ret_training)
{
    struct runs *runs = context;
    struct pg_run_request request;
    struct pg_error error;
    while (!runs->is_stopped && take_request(runs, &request)) {
        int status = runs->kind->sit(runs->hall, seat, &request, ret_training, &error);
        runs->tickets[seat] = request.ticket;
        if (status == 0)
            return true;
        runs->is_stopped = status == PG_ESTOPPED;
        if (runs->is_stopped)
            runs->stop = error;
        else
            runs->source->finish(runs->source->context, request.ticket, status, NULL, &error);
    }
    return false;
}

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
    runs->source->finish(runs->source->context, runs->tickets[seat], 0, &result, NULL);
}

static enum pg_pause pause_runs(void *context)
{
    const struct runs *runs = context;
    if (runs->is_stopped)
        return PG_PAUSE_LEAVE;
    return runs->source->pause != NULL ? runs->source->pause(runs->source->context)
                                       : PG_PAUSE_GO_ON;
}

static void arrange(struct runs *runs, const struct pg_trainer_spec *spec,
                    const struct pg_kernel *kernel, struct pg_arena *arena)
{
    pg_trainer_arrange(&runs->trainer, spec, kernel, arena);
    runs->kind->arrange(runs->hall, runs->trainer.seat_count, arena);
}

size_t pg_runs_bytes(const struct pg_runs_kind *kind, void *hall,
                     const struct pg_trainer_spec *spec)
{
    struct runs runs = {.kind = kind, .hall = hall};
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
                                             .context = runs};
    const struct pg_kernel *kernel = NULL;
    struct pg_arena arena;
    int status = pg_kernel_choose(&kernel, error);
    if (status == 0)
        status = pg_trainer_check_layout(error);
    if (status != 0)
        return status;
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
