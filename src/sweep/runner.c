/* SPDX-License-Identifier: MIT */
/*
 * Nothing but the cell's values, the seed and what to record reaches the experiment, so that a row
 * cannot depend on who trains it, when, or beside whom. A run that the machine or the settings
 * refuse is a failed row: fill values, and a code that says why.
 *
 * What a run took is its share of the time: between two events each of n runs in training gets an
 * n-th. So the shares of a worker's runs add up to the time in which it trained.
 */
#include "runner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "phasegrid/clock.h"
#include "phasegrid/kernel.h"
#include "phasegrid/store.h"
#include "phasegrid/sweep.h"

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
    pg_identity_init(&runner->identity, job, &cube->record);
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
    free(runner->state);
    memset(runner, 0, sizeof *runner);
}

/* ---- time ---- */

/* Shares out the time since the last event. */
static void note_time(struct pg_runner *runner)
{
    double now = pg_clock_wall();
    if (runner->active > 0)
        runner->shared += (now - runner->noted) / (double)runner->active;
    runner->noted = now;
}

/* ---- a run ---- */

uint32_t pg_runner_shape(const struct pg_runner *runner, uint64_t row)
{
    return runner->cube->survey.shape_of[row / runner->job->seed_count];
}

/* The state that an earlier launch kept of the run, if it is sound. */
static void take_state(struct pg_runner *runner, struct pg_running *running,
                       struct pg_run_request *request)
{
    struct pg_checkpoint_record record;
    if (runner->checkpoints == NULL ||
        pg_checkpoints_read(runner->checkpoints, &running->key, &record, NULL) != 0)
        return;
    runner->state = (void *)(uintptr_t)record.state;
    request->state = record.state;
    request->state_size = record.size;
    running->steps_before = record.progress;
    running->seconds_before = record.seconds;
}

static void enter(struct pg_runner *runner, const struct pg_running *running, size_t index)
{
    note_time(runner);
    runner->running[index] = *running;
    runner->running[index].began = runner->shared;
    runner->active++;
    pg_faults_enter(index, &running->key);
}

int pg_runner_begin(struct pg_runner *runner, const struct pg_assignment *assignment, size_t index,
                    struct pg_run_request *ret_request, struct pg_error *error)
{
    const struct pg_job *job = runner->job;
    uint64_t row = assignment->row, cell = row / job->seed_count;
    struct pg_running running = {.is_active = true, .row = row, .attempts = assignment->attempts};
    assert(!runner->running[index].is_active);
    free(runner->state);
    runner->state = NULL;
    int status = pg_identity_find(&runner->identity, row, &running.key, error);
    if (status != 0)
        return status;
    if (cell != runner->cell)
        pg_job_cell_values(job, cell, runner->values);
    runner->cell = cell;
    *ret_request = (struct pg_run_request){
        .values = {job->schema, runner->values},
        .seed = job->seeds[row % job->seed_count],
        .mix = job->independent_streams ? pg_job_cell_hash(job, cell) : 0,
        .record = &runner->cube->record,
        .lengths = runner->cube->lengths,
        .slots = slots_of(runner, index),
        .ticket = index,
    };
    if (!assignment->is_anew)
        take_state(runner, &running, ret_request);
    enter(runner, &running, index);
    return 0;
}

static void put(struct pg_runner *runner, size_t index, enum pg_own_variable which, double number)
{
    if (runner->cube->own[which] < 0)
        return;
    size_t variable = (size_t)runner->cube->own[which];
    pg_data_type_put(runner->cube->layout.variables[variable].type, number,
                     pg_block_at(runner->block, variable, index));
}

static void put_end(struct pg_runner *runner, size_t index, const struct pg_run_result *result,
                    struct pg_outcome *outcome)
{
    outcome->status = result->diverged ? PG_ROW_DIVERGED : PG_ROW_DONE;
    outcome->phase = result->phase;
    outcome->steps = result->last_step - runner->running[index].steps_before;
    put(runner, index, PG_OWN_FAILURE, PG_FAILURE_NONE);
    put(runner, index, PG_OWN_LAST_STEP, (double)result->last_step);
}

static void put_failure(struct pg_runner *runner, size_t index, enum pg_failure failure,
                        struct pg_outcome *outcome)
{
    *outcome = (struct pg_outcome){.status = PG_ROW_FAILED, .phase = -1};
    pg_block_clear_row(runner->block, index);
    put(runner, index, PG_OWN_FAILURE, failure);
}

/* What the run cost where; stays out of the digest. */
static void put_costs(struct pg_runner *runner, size_t index, double seconds)
{
    const struct pg_running *running = &runner->running[index];
    const struct pg_survey *survey = &runner->cube->survey;
    bool uses_blas = survey->shapes[pg_runner_shape(runner, running->row)].uses_blas;
    put(runner, index, PG_OWN_WALL_SECONDS, seconds);
    put(runner, index, PG_OWN_RANK, runner->rank);
    put(runner, index, PG_OWN_KERNEL, runner->kernel);
    put(runner, index, PG_OWN_BLAS_CORE, uses_blas ? pg_blas_core() : 0);
    put(runner, index, PG_OWN_NUMERICS, PG_NUMERICS);
    put(runner, index, PG_OWN_FINISHED_AT, pg_clock_unix());
    put(runner, index, PG_OWN_ATTEMPTS, running->attempts + 1);
}

void pg_runner_record(struct pg_runner *runner, size_t index,
                      struct pg_checkpoint_record *ret_record)
{
    const struct pg_running *running = &runner->running[index];
    assert(running->is_active);
    note_time(runner);
    *ret_record = (struct pg_checkpoint_record){
        .key = running->key, .seconds = running->seconds_before + runner->shared - running->began};
}

void pg_runner_end(struct pg_runner *runner, size_t index, int status,
                   const struct pg_run_result *result, struct pg_outcome *ret_outcome)
{
    struct pg_running *running = &runner->running[index];
    assert(running->is_active);
    note_time(runner);
    pg_faults_leave(index);
    running->is_active = false;
    runner->active--;
    if (status == 0)
        put_end(runner, index, result, ret_outcome);
    else
        put_failure(runner, index, status == PG_EMACHINE ? PG_FAILURE_MEMORY : PG_FAILURE_REFUSED,
                    ret_outcome);
    ret_outcome->seconds = runner->shared - running->began;
    ret_outcome->whole_seconds = running->seconds_before + ret_outcome->seconds;
    put_costs(runner, index, ret_outcome->whole_seconds);
}

void pg_runner_give_up(struct pg_runner *runner, uint64_t row, size_t index, int signal,
                       int32_t attempts)
{
    struct pg_outcome unused;
    runner->running[index] = (struct pg_running){.row = row, .attempts = attempts - 1};
    put_failure(runner, index, pg_failure_of_signal(signal), &unused);
    put_costs(runner, index, 0.0);
}
