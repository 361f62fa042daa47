/* SPDX-License-Identifier: MIT */
/*
 * Work is counted in floating-point operations, shape by shape. The speed of a core comes from a
 * run of the longest cell with a short budget: the budget grows until a run takes long enough to be
 * timed, and the last two runs give the cost of a step without that of the set-up. Every experiment
 * calls its budget `steps`.
 */
#include "estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

enum { FIRST_TRIAL_STEPS = 16, TRIAL_GROWTH = 4 };

static const double trial_seconds = 0.2;

static double shape_flops(const struct pg_shape *shape)
{
    return shape->flops_per_step * (double)shape->steps;
}

/* ---- the trial ---- */

/* Of `lanes` runs side by side, each of at most `budget` steps. */
static int measure_speed(const struct pg_trial *trial, uint32_t seed, const struct pg_shape *shape,
                         double *ret_steps_per_second, struct pg_error *error)
{
    const int64_t lanes = (int64_t)shape->lanes;
    struct pg_trial_cost cost = {0}, before = {0};
    for (int64_t length = FIRST_TRIAL_STEPS; cost.wall_seconds < trial_seconds;
         length *= TRIAL_GROWTH) {
        int64_t cut = length < shape->steps ? length : shape->steps;
        before = cost;
        int status = pg_trial_run(trial, seed, shape->lanes, cut, &cost, error);
        if (status != 0)
            return status;
        if (cut == shape->steps || cost.steps < cut * lanes)
            break;
    }
    bool differs = cost.steps > before.steps && cost.wall_seconds > before.wall_seconds;
    int64_t least = cost.steps > 0 ? cost.steps : 1;
    *ret_steps_per_second =
        differs ? (double)(cost.steps - before.steps) / (cost.wall_seconds - before.wall_seconds)
                : (double)least / cost.wall_seconds;
    return 0;
}

static int try_cell(const struct pg_subject_job *subject, const struct pg_survey *survey,
                    uint64_t cell, double *ret_steps_per_second, struct pg_error *error)
{
    struct pg_trial trial;
    int status = pg_trial_init(&trial, subject->experiment, survey->lengths, error);
    if (status == 0) {
        pg_job_cell_values(subject->job, cell, trial.values);
        status =
            measure_speed(&trial, subject->job->seeds[0], &survey->shapes[survey->shape_of[cell]],
                          ret_steps_per_second, error);
    }
    pg_trial_release(&trial);
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
    struct pg_survey *survey = &ret_estimate->survey;
    *ret_estimate = (struct pg_estimate){0};
    int status = pg_subject_survey(subject, survey, error);
    if (status == 0)
        status = first_cells(survey, &ret_estimate->first_cells, error);
    if (status == 0) {
        add_up(subject, survey, ret_estimate->first_cells, ret_estimate);
        status = measure_file(subject, ret_estimate, error);
    }
    if (status == 0)
        status = try_cell(subject, survey, ret_estimate->longest[0].cell,
                          &ret_estimate->steps_per_second, error);
    if (status == 0)
        apply_speed(ret_estimate);
    if (status == PG_EINPUT && ret_estimate->longest_count > 0) {
        give_up_times(ret_estimate, error);
        status = 0;
    }
    return status;
}

void pg_estimate_release(struct pg_estimate *estimate)
{
    free(estimate->first_cells);
    pg_survey_release(&estimate->survey);
}

double pg_estimate_seconds(const struct pg_estimate *estimate, int ranks)
{
    double shared = estimate->core_seconds / (double)ranks, longest = estimate->longest[0].seconds;
    return longest > shared ? longest : shared;
}
