/* SPDX-License-Identifier: MIT */
/*
 * One run. Nothing but the cell's values, the seed and what to record reaches the experiment, so
 * that a row cannot depend on who trains it, or when. A run that the machine or the settings refuse
 * is a failed row: fill values, and a code that says why.
 */
#include "runner.h"

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
    runner->slots = calloc(experiment->observable_count + 1, sizeof *runner->slots);
    if (runner->values == NULL || runner->slots == NULL) {
        pg_runner_release(runner);
        return pg_error_set(error, PG_EMACHINE, "out of memory: the settings of one run");
    }
    for (size_t i = 0; i < experiment->observable_count; i++)
        if (cube->observables[i] >= 0)
            runner->slots[i] = pg_block_at(block, (size_t)cube->observables[i], 0);
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

static void put(struct pg_runner *runner, enum pg_own_variable which, double number)
{
    size_t variable = runner->cube->own[which];
    pg_data_type_put(runner->cube->layout.variables[variable].type, number,
                     pg_block_at(runner->block, variable, 0));
}

static void make_request(struct pg_runner *runner, uint64_t row, struct pg_run_request *request)
{
    const struct pg_job *job = runner->job;
    uint64_t cell = row / job->seed_count;
    if (cell != runner->cell)
        pg_job_cell_values(job, cell, runner->values);
    runner->cell = cell;
    request->values = (struct pg_values){job->schema, runner->values};
    request->seed = job->seeds[row % job->seed_count];
    request->mix = job->independent_streams ? pg_job_cell_hash(job, cell) : 0;
    request->record = &runner->cube->record;
    request->lengths = runner->cube->lengths;
    request->slots = runner->slots;
}

static void put_end(struct pg_runner *runner, const struct pg_run_result *result,
                    struct pg_outcome *outcome)
{
    outcome->status = result->diverged ? PG_ROW_DIVERGED : PG_ROW_DONE;
    outcome->phase = result->phase;
    outcome->steps = result->last_step;
    put(runner, PG_OWN_FAILURE, PG_FAILURE_NONE);
    put(runner, PG_OWN_LAST_STEP, (double)result->last_step);
}

static void put_failure(struct pg_runner *runner, int status, struct pg_outcome *outcome)
{
    outcome->status = PG_ROW_FAILED;
    outcome->phase = -1;
    outcome->steps = 0;
    pg_block_clear_row(runner->block, 0);
    put(runner, PG_OWN_FAILURE, status == PG_EMACHINE ? PG_FAILURE_MEMORY : PG_FAILURE_REFUSED);
}

/* The source of one run. */
struct one_run {
    struct pg_runner *runner;
    const struct pg_run_request *request; /* NULL: given */
    struct pg_outcome *outcome;
    bool (*pause)(void *context);
    void *context;
};

static bool give(void *context, struct pg_run_request *ret_request)
{
    struct one_run *one = context;
    if (one->request == NULL)
        return false;
    *ret_request = *one->request;
    one->request = NULL;
    return true;
}

static void take_back(void *context, uint64_t ticket, int status,
                      const struct pg_run_result *result, const struct pg_error *error)
{
    struct one_run *one = context;
    (void)ticket;
    (void)error;
    if (status == 0)
        put_end(one->runner, result, one->outcome);
    else
        put_failure(one->runner, status, one->outcome);
}

static bool pause_one(void *context)
{
    const struct one_run *one = context;
    return one->pause(one->context);
}

bool pg_runner_train(struct pg_runner *runner, uint64_t row, int32_t attempts,
                     bool (*pause)(void *context), void *context, struct pg_outcome *ret_outcome)
{
    struct pg_run_request request = {.ticket = row};
    struct one_run one = {runner, &request, ret_outcome, pause, context};
    const struct pg_run_source source = {
        .next = give, .finish = take_back, .pause = pause_one, .context = &one};
    struct pg_error error;
    double begin = pg_clock_wall();
    make_request(runner, row, &request);
    pg_block_clear_row(runner->block, 0);
    int status = runner->experiment->run(&source, &error);
    if (status == PG_ESTOPPED)
        return false;
    if (status != 0)
        put_failure(runner, status, ret_outcome);
    ret_outcome->seconds = pg_clock_wall() - begin;
    put(runner, PG_OWN_WALL_SECONDS, ret_outcome->seconds);
    put(runner, PG_OWN_RANK, runner->rank);
    put(runner, PG_OWN_KERNEL, runner->kernel);
    put(runner, PG_OWN_FINISHED_AT, pg_clock_unix());
    put(runner, PG_OWN_ATTEMPTS, attempts + 1);
    return true;
}
