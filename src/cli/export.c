/* SPDX-License-Identifier: MIT */
/* export: the batch order of one run, so that another program can repeat the training. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "listing.h"
#include "phasegrid/survey.h"
#include "subject.h"
#include "verbs.h"

struct arguments {
    const char *path, *run;
    bool json;
};

static const struct argp_option options[] = {
    {"batches", 'b', "RUN", 0, "The batch order of this run: a number, or name=value,...,seed=0",
     0},
    {"json", 'j', NULL, 0, "One JSON object a line", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'b':
        arguments->run = argument;
        return 0;
    case 'j':
        arguments->json = true;
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "results file", &arguments->path);
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL)
            argp_error(state, "a results file is needed");
        if (arguments->run == NULL)
            argp_error(state, "say what to export: --batches RUN");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

/* The run's request, as far as its batches depend on it; its steps, or the budget of a run to do.
 */
struct batches {
    struct pg_run_request request;
    struct pg_value *values;
    int64_t steps;
};

static int prepare(const struct pg_results *results, uint64_t run, struct batches *batches,
                   struct pg_error *error)
{
    const struct pg_job *job = results->subject.job;
    uint64_t cell = run / job->seed_count;
    struct pg_shape shape = {0};
    batches->values = calloc(job->schema->count, sizeof *batches->values);
    if (batches->values == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the settings of a run");
    pg_job_cell_values(job, cell, batches->values);
    batches->request = (struct pg_run_request){
        .values = {job->schema, batches->values},
        .seed = job->seeds[run % job->seed_count],
        .mix = job->independent_streams ? pg_job_cell_hash(job, cell) : 0,
    };
    int status = results->subject.experiment->shape(&batches->request.values, &shape, error);
    int64_t trained = pg_results_last_step(results, run);
    batches->steps = trained >= 0 ? trained : shape.steps;
    return status;
}

static void print_batch(void *context, int64_t step, const uint32_t *samples, size_t count)
{
    bool json = *(const bool *)context;
    (void)printf(json ? "{\"step\": %" PRId64 ", \"samples\": [" : "%" PRId64 ":", step);
    for (size_t i = 0; i < count; i++)
        (void)printf("%s%" PRIu32, !json ? " " : i > 0 ? ", " : "", samples[i]);
    (void)puts(json ? "]}" : "");
}

/* In parts, so that a reader that has gone away ends the work. */
static int print_batches(const struct pg_experiment *experiment, const struct batches *batches,
                         bool json, struct pg_error *error)
{
    enum { PART = 100000 };
    const struct pg_batch_sink sink = {print_batch, &json};
    int status = 0;
    for (int64_t first = 1; first <= batches->steps && status == 0 && ferror(stdout) == 0;
         first += PART) {
        int64_t left = batches->steps - first;
        status = experiment->batches(&batches->request, first,
                                     first + (left < PART ? left : PART - 1), &sink, error);
    }
    return status;
}

static int export_batches(const struct pg_results *results, const struct arguments *arguments,
                          struct pg_error *error)
{
    const struct pg_experiment *experiment = results->subject.experiment;
    struct batches batches = {0};
    uint64_t run;
    if (experiment->batches == NULL)
        return pg_error_set(error, PG_EINPUT, "export: experiment %s trains without batches",
                            experiment->name);
    int status = pg_results_find_run(results, arguments->run, &run, error);
    if (status == 0)
        status = prepare(results, run, &batches, error);
    if (status == 0)
        status = print_batches(experiment, &batches, arguments->json, error);
    free(batches.values);
    return status;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    struct pg_results results;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    int status = pg_results_open(arguments.path, &results, error);
    if (status != 0)
        return status;
    status = export_batches(&results, &arguments, error);
    pg_results_close(&results);
    return status;
}

const struct pg_verb pg_verb_export = {
    .name = "export",
    .summary = "write out the batch order of a run",
    .arguments = "FILE --batches RUN",
    .example =
        "  phasegrid export quick.h5 --batches 17 > batches.txt\n\n"
        "A line per step: the step (from 1), a colon, the indices of the samples in the order "
        "in which they are used.",
    .run = run,
};
