/* SPDX-License-Identifier: MIT */
/*
 * Work is counted in floating-point operations, shape by shape. The speed of a core comes from a
 * run of the longest cell with a short budget: the budget grows until a run takes long enough to be
 * timed, and the last two runs give the cost of a step without that of the set-up. Every experiment
 * calls its budget `steps`.
 */
#include "estimate.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/clock.h"

enum { FIRST_TRIAL_STEPS = 16, TRIAL_GROWTH = 4 };

static const double trial_seconds = 0.2;

/* A run that writes into memory of its own. */
struct trial {
    const struct pg_subject_job *subject;
    size_t lengths[PG_EXPERIMENT_DIMS_MAX]; /* with two recorded steps and no snapshots */
    void **slots;                           /* (observable_count), in `memory` */
    unsigned char *memory;
    struct pg_value *values; /* (schema->count) */
    size_t lanes;            /* runs side by side */
};

static double shape_flops(const struct pg_shape *shape)
{
    return shape->flops_per_step * (double)shape->steps;
}

/* ---- the trial ---- */

static size_t observable_elements(const struct trial *trial, size_t index)
{
    const struct pg_observable *observable = &trial->subject->experiment->observables[index];
    size_t elements = 1;
    for (size_t i = 0; i < observable->dim_count; i++)
        elements *= trial->lengths[observable->dims[i]];
    return elements;
}

static void take_lengths(struct trial *trial, const struct pg_survey *survey)
{
    const struct pg_experiment *experiment = trial->subject->experiment;
    for (size_t i = 0; i < experiment->dimension_count; i++) {
        const char *name = experiment->dimensions[i].name;
        trial->lengths[i] = strcmp(name, "step") == 0       ? 2
                            : strcmp(name, "snapshot") == 0 ? 0
                                                            : survey->lengths[i];
    }
}

static void release_trial(struct trial *trial)
{
    free(trial->memory);
    free(trial->slots);
    free(trial->values);
}

/* All observables in one piece, each at a multiple of 64 bytes; empty ones have no slot. */
static int take_slots(struct trial *trial, struct pg_error *error)
{
    const struct pg_experiment *experiment = trial->subject->experiment;
    const size_t line = 64;
    size_t size = line;
    for (size_t i = 0; i < experiment->observable_count; i++)
        size += (observable_elements(trial, i) * sizeof(double) + line - 1) / line * line;
    trial->memory = aligned_alloc(line, size);
    trial->slots = calloc(experiment->observable_count + 1, sizeof *trial->slots);
    trial->values = calloc(trial->subject->job->schema->count, sizeof *trial->values);
    if (trial->memory == NULL || trial->slots == NULL || trial->values == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu bytes for a trial run", size);
    unsigned char *room = trial->memory;
    for (size_t i = 0; i < experiment->observable_count; i++) {
        const struct pg_observable *observable = &experiment->observables[i];
        size_t elements = observable_elements(trial, i);
        pg_data_type_fill(observable->type, observable->fill, elements, room);
        trial->slots[i] = elements > 0 ? room : NULL;
        room += (elements * sizeof(double) + line - 1) / line * line;
    }
    return 0;
}

/* The same run as often as there are lanes. */
struct trial_source {
    const struct pg_run_request *request;
    size_t left;
    int64_t steps; /* of all */
    int status;
    struct pg_error *error;
};

static bool next_trial(void *context, struct pg_run_request *ret_request)
{
    struct trial_source *source = context;
    if (source->left == 0)
        return false;
    source->left--;
    *ret_request = *source->request;
    return true;
}

static void finish_trial(void *context, uint64_t ticket, int status,
                         const struct pg_run_result *result, const struct pg_error *error)
{
    struct trial_source *source = context;
    (void)ticket;
    source->status = status;
    if (status == 0)
        source->steps += result->last_step;
    else if (source->error != NULL)
        *source->error = *error;
}

/* Seconds of one run of `budget` steps, its share of the lanes; *ret_steps: how many it made. */
static int time_run(const struct trial *trial, int64_t budget, double *ret_seconds,
                    int64_t *ret_steps, struct pg_error *error)
{
    const struct pg_job *job = trial->subject->job;
    const int64_t steps[] = {0, budget};
    const struct pg_record record = {.steps = steps, .step_count = 2};
    int index = pg_schema_find(job->schema, "steps");
    assert(index >= 0);
    trial->values[index].integer = budget;
    const struct pg_run_request request = {
        .values = {job->schema, trial->values},
        .seed = job->seeds[0],
        .record = &record,
        .lengths = trial->lengths,
        .slots = trial->slots,
    };
    struct trial_source runs = {.request = &request, .left = trial->lanes, .error = error};
    const struct pg_run_source source = {
        .next = next_trial, .finish = finish_trial, .context = &runs};
    double began = pg_clock_wall();
    int status = trial->subject->experiment->run(&source, error);
    *ret_seconds = (pg_clock_wall() - began) / (double)trial->lanes;
    *ret_steps = runs.steps / (int64_t)trial->lanes;
    return status == 0 ? runs.status : status;
}

static int measure_speed(const struct trial *trial, int64_t budget, double *ret_steps_per_second,
                         struct pg_error *error)
{
    double seconds = 0.0, before = 0.0;
    int64_t steps = 0, steps_before = 0;
    for (int64_t length = FIRST_TRIAL_STEPS; seconds < trial_seconds; length *= TRIAL_GROWTH) {
        int64_t cut = length < budget ? length : budget;
        before = seconds;
        steps_before = steps;
        int status = time_run(trial, cut, &seconds, &steps, error);
        if (status != 0)
            return status;
        if (cut == budget || steps < cut)
            break;
    }
    bool differs = steps > steps_before && seconds > before;
    double gained = differs ? (double)(steps - steps_before) : (double)(steps > 0 ? steps : 1);
    *ret_steps_per_second = gained / (differs ? seconds - before : seconds);
    return 0;
}

static int try_cell(const struct pg_subject_job *subject, const struct pg_survey *survey,
                    uint64_t cell, double *ret_steps_per_second, struct pg_error *error)
{
    const struct pg_shape *shape = &survey->shapes[survey->shape_of[cell]];
    struct trial trial = {.subject = subject, .lanes = shape->lanes};
    take_lengths(&trial, survey);
    int status = take_slots(&trial, error);
    if (status == 0) {
        pg_job_cell_values(subject->job, cell, trial.values);
        status = measure_speed(&trial, shape->steps, ret_steps_per_second, error);
    }
    release_trial(&trial);
    return status;
}

/* ---- the whole job ---- */

/* Puts the shape among the longest, of which each is represented by its first cell. */
static void rank_shape(struct pg_estimate *estimate, const struct pg_shape *shape, uint64_t cell)
{
    struct pg_estimate_cell fresh = {cell, shape->steps, shape_flops(shape)};
    size_t at = estimate->longest_count;
    while (at > 0 && estimate->longest[at - 1].seconds < fresh.seconds)
        at--;
    if (at == PG_ESTIMATE_LONGEST)
        return;
    if (estimate->longest_count < PG_ESTIMATE_LONGEST)
        estimate->longest_count++;
    memmove(&estimate->longest[at + 1], &estimate->longest[at],
            (estimate->longest_count - at - 1) * sizeof fresh);
    estimate->longest[at] = fresh;
}

static int first_cells(const struct pg_survey *survey, uint64_t **ret_cells, struct pg_error *error)
{
    uint64_t *cells = malloc(survey->shape_count * sizeof *cells);
    if (cells == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu shapes", survey->shape_count);
    for (uint64_t cell = survey->cell_count; cell-- > 0;)
        cells[survey->shape_of[cell]] = cell;
    *ret_cells = cells;
    return 0;
}

/* Counts operations; `seconds` and `core_seconds` hold them until the speed is known. */
static void add_up(const struct pg_subject_job *subject, const struct pg_survey *survey,
                   const uint64_t *first, struct pg_estimate *estimate)
{
    double seeds = (double)subject->job->seed_count;
    for (size_t i = 0; i < survey->shape_count; i++) {
        const struct pg_shape *shape = &survey->shapes[i];
        if (shape->bytes > estimate->bytes_per_run)
            estimate->bytes_per_run = shape->bytes;
        rank_shape(estimate, shape, first[i]);
    }
    for (uint64_t cell = 0; cell < survey->cell_count; cell++) {
        const struct pg_shape *shape = &survey->shapes[survey->shape_of[cell]];
        estimate->core_seconds += seeds * shape_flops(shape);
        estimate->model_steps += seeds * (double)shape->steps;
    }
}

static void apply_speed(struct pg_estimate *estimate)
{
    double seconds = (double)estimate->longest[0].steps / estimate->steps_per_second;
    double per_flop = seconds / estimate->longest[0].seconds;
    estimate->core_seconds *= per_flop;
    for (size_t i = 0; i < estimate->longest_count; i++)
        estimate->longest[i].seconds *= per_flop;
}

/* A cell that an experiment refuses only in training is a failed run, not a wrong job. */
static void give_up_times(struct pg_estimate *estimate, const struct pg_error *error)
{
    (void)snprintf(estimate->refusal, sizeof estimate->refusal, "%.255s", error->text);
    estimate->core_seconds = (double)NAN;
    for (size_t i = 0; i < estimate->longest_count; i++)
        estimate->longest[i].seconds = (double)NAN;
}

static int measure_file(const struct pg_subject_job *subject, struct pg_estimate *estimate,
                        struct pg_error *error)
{
    struct pg_layout *layout = NULL;
    int status = pg_cube_create(subject->job, subject->experiment, &layout, error);
    if (status != 0)
        return status;
    estimate->file_bytes = pg_store_size(layout);
    pg_cube_destroy(layout);
    return 0;
}

int pg_estimate_make(const struct pg_subject_job *subject, struct pg_estimate *ret_estimate,
                     struct pg_error *error)
{
    struct pg_survey survey = {0};
    uint64_t *first = NULL;
    *ret_estimate = (struct pg_estimate){0};
    int status = pg_subject_survey(subject, &survey, error);
    if (status == 0)
        status = first_cells(&survey, &first, error);
    if (status == 0) {
        add_up(subject, &survey, first, ret_estimate);
        status = measure_file(subject, ret_estimate, error);
    }
    if (status == 0)
        status = try_cell(subject, &survey, ret_estimate->longest[0].cell,
                          &ret_estimate->steps_per_second, error);
    if (status == 0)
        apply_speed(ret_estimate);
    if (status == PG_EINPUT && ret_estimate->longest_count > 0) {
        give_up_times(ret_estimate, error);
        status = 0;
    }
    free(first);
    pg_survey_release(&survey);
    return status;
}

double pg_estimate_seconds(const struct pg_estimate *estimate, int ranks)
{
    double shared = estimate->core_seconds / (double)ranks, longest = estimate->longest[0].seconds;
    return longest > shared ? longest : shared;
}
