/* SPDX-License-Identifier: MIT */
/*
 * The runs of a piece. Nothing but the cell's values, the seed and what to record reaches the
 * experiment, so that a row cannot depend on who trains it, when, or beside whom. A run that the
 * machine or the settings refuse is a failed row: fill values, and a code that says why.
 *
 *     row   waiting -> active (next) -> finished (finish)
 */
#include "runner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/clock.h"
#include "phasegrid/kernel.h"
#include "phasegrid/store.h"

static int find_kernel(uint8_t *ret_code, struct pg_error *error)
{
    const struct pg_kernel *kernel;
    int status = pg_kernel_choose(&kernel, error);
    *ret_code = 0;
    while (status == 0 && strcmp(pg_kernel_names[*ret_code], kernel->name) != 0)
        ++*ret_code;
    return status;
}

static void **slots_of(const struct pg_runner *runner, size_t index)
{
    return runner->slots + index * runner->experiment->observable_count;
}

int pg_runner_init(struct pg_runner *runner, const struct pg_job *job,
                   const struct pg_experiment *experiment, const struct pg_cube *cube,
                   struct pg_block *block, struct pg_error *error)
{
    memset(runner, 0, sizeof *runner);
    runner->job = job;
    runner->experiment = experiment;
    runner->cube = cube;
    runner->block = block;
    runner->cell = UINT64_MAX;
    runner->values = calloc(job->schema->count + 1, sizeof *runner->values);
    runner->slots =
        calloc(block->capacity * experiment->observable_count + 1, sizeof *runner->slots);
    if (runner->values == NULL || runner->slots == NULL) {
        pg_runner_release(runner);
        return pg_error_set(error, PG_EMACHINE, "out of memory: the settings of one run");
    }
    for (size_t row = 0; row < block->capacity; row++)
        for (size_t i = 0; i < experiment->observable_count; i++)
            if (cube->observables[i] >= 0)
                slots_of(runner, row)[i] = pg_block_at(block, (size_t)cube->observables[i], row);
    int status = find_kernel(&runner->kernel, error);
    if (status != 0)
        pg_runner_release(runner);
    return status;
}

void pg_runner_release(struct pg_runner *runner)
{
    free(runner->values);
    free(runner->slots);
    memset(runner, 0, sizeof *runner);
}

static void put(struct pg_runner *runner, size_t index, enum pg_own_variable which, double number)
{
    size_t variable = runner->cube->own[which];
    pg_data_type_put(runner->cube->layout.variables[variable].type, number,
                     pg_block_at(runner->block, variable, index));
}

static void make_request(struct pg_runner *runner, size_t index, struct pg_run_request *ret)
{
    const struct pg_job *job = runner->job;
    uint64_t row = runner->piece.first_row + index, cell = row / job->seed_count;
    if (cell != runner->cell)
        pg_job_cell_values(job, cell, runner->values);
    runner->cell = cell;
    *ret = (struct pg_run_request){
        .values = {job->schema, runner->values},
        .seed = job->seeds[row % job->seed_count],
        .mix = job->independent_streams ? pg_job_cell_hash(job, cell) : 0,
        .record = &runner->cube->record,
        .lengths = runner->cube->lengths,
        .slots = slots_of(runner, index),
        .ticket = index,
    };
}

static void put_end(struct pg_runner *runner, size_t index, const struct pg_run_result *result,
                    struct pg_outcome *outcome)
{
    outcome->status = result->diverged ? PG_ROW_DIVERGED : PG_ROW_DONE;
    outcome->phase = result->phase;
    outcome->steps = result->last_step;
    put(runner, index, PG_OWN_FAILURE, PG_FAILURE_NONE);
    put(runner, index, PG_OWN_LAST_STEP, (double)result->last_step);
}

static void put_failure(struct pg_runner *runner, size_t index, int status,
                        struct pg_outcome *outcome)
{
    outcome->status = PG_ROW_FAILED;
    outcome->phase = -1;
    outcome->steps = 0;
    pg_block_clear_row(runner->block, index);
    put(runner, index, PG_OWN_FAILURE,
        status == PG_EMACHINE ? PG_FAILURE_MEMORY : PG_FAILURE_REFUSED);
}

static bool uses_blas(const struct pg_runner *runner, size_t index)
{
    const struct pg_survey *survey = &runner->cube->survey;
    uint64_t cell = (runner->piece.first_row + index) / runner->job->seed_count;
    return survey->shapes[survey->shape_of[cell]].uses_blas;
}

/* Divides the time since the last call among the runs that were side by side. */
static void share_time(struct pg_runner *runner, double now)
{
    for (uint32_t i = 0; i < runner->next; i++)
        if (runner->running[i].is_active)
            runner->running[i].share += (now - runner->shared) / runner->active;
    runner->shared = now;
}

/* ---- the source of the experiment's runs ---- */

static bool next(void *context, struct pg_run_request *ret_request)
{
    struct pg_runner *runner = context;
    const struct pg_runner_client *client = runner->client;
    if (runner->next == runner->piece.count || client->pause(client->context))
        return false;
    share_time(runner, pg_clock_wall());
    runner->running[runner->next] = (struct pg_running){.is_active = true};
    runner->active++;
    make_request(runner, runner->next++, ret_request);
    return true;
}

static void finish(void *context, uint64_t ticket, int status, const struct pg_run_result *result,
                   const struct pg_error *error)
{
    struct pg_runner *runner = context;
    struct pg_running *running = &runner->running[ticket];
    struct pg_outcome outcome;
    size_t index = (size_t)ticket;
    double now = pg_clock_wall();
    (void)error;
    assert(running->is_active);
    share_time(runner, now);
    running->is_active = false;
    runner->active--;
    if (status == 0)
        put_end(runner, index, result, &outcome);
    else
        put_failure(runner, index, status, &outcome);
    outcome.seconds = now - runner->finished;
    runner->finished = now;
    put(runner, index, PG_OWN_WALL_SECONDS, running->share);
    put(runner, index, PG_OWN_RANK, runner->rank);
    put(runner, index, PG_OWN_KERNEL, runner->kernel);
    put(runner, index, PG_OWN_BLAS_CORE, uses_blas(runner, index) ? pg_blas_core() : 0);
    put(runner, index, PG_OWN_FINISHED_AT, pg_clock_unix());
    put(runner, index, PG_OWN_ATTEMPTS, runner->attempts + 1);
    runner->client->finished(runner->client->context, index, &outcome);
}

static bool pause_runs(void *context)
{
    const struct pg_runner *runner = context;
    return runner->client->pause(runner->client->context);
}

/* What the machine refused before a run began fails all runs that are left. */
static void fail_rest(struct pg_runner *runner, int status)
{
    struct pg_run_request unused;
    while (next(runner, &unused))
        ;
    for (uint32_t i = 0; i < runner->next; i++)
        if (runner->running[i].is_active)
            finish(runner, i, status, NULL, NULL);
}

void pg_runner_train(struct pg_runner *runner, const struct pg_piece *piece, int32_t attempts,
                     const struct pg_runner_client *client)
{
    const struct pg_run_source source = {
        .next = next, .finish = finish, .pause = pause_runs, .context = runner};
    struct pg_error error;
    runner->piece = *piece;
    runner->attempts = attempts;
    runner->client = client;
    runner->next = runner->active = 0;
    runner->shared = runner->finished = pg_clock_wall();
    int status = runner->experiment->run(&source, &error);
    if (status != 0 && status != PG_ESTOPPED)
        fail_rest(runner, status);
}
