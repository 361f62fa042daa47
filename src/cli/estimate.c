/* SPDX-License-Identifier: MIT */
/*
 * Work is counted in floating-point operations, shape by shape. How fast a core is with a shape is
 * measured for the few that make up the most of the work, as many as some seconds allow; others are
 * as fast as the nearest in size of these. The budget of a trial grows until it takes long enough
 * to be timed, and the last two give the cost of a step without that of the set-up. CPU-seconds:
 * the machine may be busy.
 */
#include "estimate.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estimate_llc.h"
#include "phasegrid/clock.h"
#include "trial.h"

enum { FIRST_TRIAL_STEPS = 16, TRIAL_GROWTH = 4, TRIALS_MAX = 6 };

/* CPU time of the last trial of a shape, and of a first one that is the only one. */
static const double trial_seconds = 0.2, long_seconds = 3.0;

/* CPU time after which no further shape is tried. */
static const double all_trials_seconds = 4.0;

static double shape_flops(const struct pg_shape *shape)
{
    return shape->flops_per_step * (double)(shape->steps > 0 ? shape->steps : 1);
}

/* ---- the trial ---- */

/* Whether another trial, of more steps, is to be made: where the first one takes long, it is, so
   that what a run's beginning and end take is seen apart from its steps. */
static bool wants_more(const struct pg_trial_cost *cost, const struct pg_trial_cost *before)
{
    bool is_first = before->steps == 0;
    return cost->cpu_seconds < (is_first ? long_seconds : trial_seconds);
}

/* Of `lanes` runs side by side, each of at most `budget` steps. */
static int measure_speed(const struct pg_trial *trial, uint32_t seed, const struct pg_shape *shape,
                         double *ret_steps_per_second, struct pg_error *error)
{
    const int64_t lanes = (int64_t)shape->lanes;
    struct pg_trial_cost cost = {0}, before = {0};
    for (int64_t length = FIRST_TRIAL_STEPS; wants_more(&cost, &before); length *= TRIAL_GROWTH) {
        int64_t cut = length < shape->steps ? length : shape->steps;
        before = cost;
        int status = pg_trial_run(trial, seed, shape->lanes, cut, &cost, error);
        if (status != 0)
            return status;
        if (cut == shape->steps || cost.steps < cut * lanes)
            break;
    }
    bool differs = cost.steps > before.steps && cost.cpu_seconds > before.cpu_seconds;
    int64_t least = cost.steps > 0 ? cost.steps : 1;
    *ret_steps_per_second =
        differs ? (double)(cost.steps - before.steps) / (cost.cpu_seconds - before.cpu_seconds)
                : (double)least / cost.cpu_seconds;
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

/* ---- speeds ---- */

/* A shape: its runs' work, and how fast it is. */
struct shape_work {
    size_t shape;
    double flops;            /* of all its runs */
    double seconds_per_flop; /* 0: not measured */
    double llc_seconds;      /* of a run's LLC estimates */
};

static int by_work(const void *left, const void *right)
{
    double a = ((const struct shape_work *)left)->flops,
           b = ((const struct shape_work *)right)->flops;
    return (a < b) - (a > b);
}

/* Shapes by descending work; NULL: no memory. */
static struct shape_work *order_by_work(const struct pg_survey *survey)
{
    struct shape_work *works = calloc(survey->shape_count, sizeof *works);
    if (works == NULL)
        return NULL;
    for (size_t i = 0; i < survey->shape_count; i++)
        works[i].shape = i;
    for (uint64_t cell = 0; cell < survey->cell_count; cell++)
        works[survey->shape_of[cell]].flops += shape_flops(&survey->shapes[survey->shape_of[cell]]);
    qsort(works, survey->shape_count, sizeof *works, by_work);
    return works;
}

/* The time of a run as that of the measured one whose steps are nearest to the shape's, by ratio.
 */
static double run_seconds(const struct pg_survey *survey, const struct shape_work *works,
                          size_t measured, size_t shape)
{
    double nearest = (double)INFINITY, seconds = 0.0;
    for (size_t i = 0; i < measured; i++) {
        double ratio =
            survey->shapes[works[i].shape].flops_per_step / survey->shapes[shape].flops_per_step;
        bool is_alike = survey->shapes[works[i].shape].lanes == survey->shapes[shape].lanes;
        double distance = fabs(log(ratio)) + (is_alike ? 0.0 : 1e3);
        if (works[i].seconds_per_flop > 0.0 && distance < nearest) {
            nearest = distance;
            seconds = shape_flops(&survey->shapes[shape]) * works[i].seconds_per_flop +
                      works[i].llc_seconds / ratio;
        }
    }
    return seconds;
}

/* At most `count` of them. The first must succeed; a refusal of another is no news before its runs
   fail. */
static int measure_shapes(const struct pg_subject_job *subject, struct pg_estimate *estimate,
                          struct shape_work *works, size_t count, struct pg_error *error)
{
    const struct pg_survey *survey = &estimate->survey;
    const double began = pg_clock_cpu();
    for (size_t i = 0; i < count && (i == 0 || pg_clock_cpu() - began < all_trials_seconds); i++) {
        const struct pg_shape *shape = &survey->shapes[works[i].shape];
        struct pg_error unheard;
        double speed = 0.0;
        int status = try_cell(subject, survey, estimate->first_cells[works[i].shape], &speed,
                              i == 0 ? error : &unheard);
        if (status != 0 && i == 0)
            return status;
        if (i == 0)
            estimate->steps_per_second = speed;
        if (status == 0)
            works[i].seconds_per_flop = 1.0 / (speed * shape->flops_per_step);
        if (status == 0)
            status = pg_estimate_llc(subject, survey, estimate->first_cells[works[i].shape],
                                     &works[i].llc_seconds, i == 0 ? error : &unheard);
        if (status != 0 && i == 0)
            return status;
    }
    return 0;
}

static int measure_runs(const struct pg_subject_job *subject, struct pg_estimate *estimate,
                        struct pg_error *error)
{
    const struct pg_survey *survey = &estimate->survey;
    size_t count = survey->shape_count < TRIALS_MAX ? survey->shape_count : TRIALS_MAX;
    struct shape_work *works = order_by_work(survey);
    estimate->run_seconds = calloc(survey->shape_count, sizeof *estimate->run_seconds);
    if (works == NULL || estimate->run_seconds == NULL) {
        free(works);
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu shapes", survey->shape_count);
    }
    int status = measure_shapes(subject, estimate, works, count, error);
    for (size_t i = 0; i < survey->shape_count && status == 0; i++)
        estimate->run_seconds[i] = run_seconds(survey, works, count, i);
    free(works);
    return status;
}

/* ---- the whole job ---- */

/* Puts the shape among the longest, of which each is represented by its first cell. */
static void rank_shape(struct pg_estimate *estimate, size_t shape)
{
    struct pg_estimate_cell fresh = {estimate->first_cells[shape],
                                     estimate->survey.shapes[shape].steps,
                                     estimate->run_seconds[shape]};
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

static void add_up_sizes(const struct pg_subject_job *subject, struct pg_estimate *estimate)
{
    const struct pg_survey *survey = &estimate->survey;
    double seeds = (double)subject->job->seed_count;
    for (size_t i = 0; i < survey->shape_count; i++)
        if (survey->shapes[i].bytes > estimate->bytes_per_run)
            estimate->bytes_per_run = survey->shapes[i].bytes;
    for (uint64_t cell = 0; cell < survey->cell_count; cell++)
        estimate->model_steps += seeds * (double)survey->shapes[survey->shape_of[cell]].steps;
}

static void add_up_times(const struct pg_subject_job *subject, struct pg_estimate *estimate)
{
    const struct pg_survey *survey = &estimate->survey;
    for (size_t i = 0; i < survey->shape_count; i++)
        rank_shape(estimate, i);
    for (uint64_t cell = 0; cell < survey->cell_count; cell++)
        estimate->core_seconds +=
            (double)subject->job->seed_count * estimate->run_seconds[survey->shape_of[cell]];
}

/* A cell that an experiment refuses only in training is a failed run, not a wrong job. */
static void give_up_times(const struct pg_subject_job *subject, struct pg_estimate *estimate,
                          const struct pg_error *error)
{
    (void)snprintf(estimate->refusal, sizeof estimate->refusal, "%.255s", error->text);
    for (size_t i = 0; i < estimate->survey.shape_count; i++)
        estimate->run_seconds[i] = (double)NAN;
    add_up_times(subject, estimate);
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
        add_up_sizes(subject, ret_estimate);
        status = measure_file(subject, ret_estimate, error);
    }
    if (status != 0)
        return status;
    status = measure_runs(subject, ret_estimate, error);
    if (status == PG_EINPUT)
        give_up_times(subject, ret_estimate, error);
    else if (status == 0)
        add_up_times(subject, ret_estimate);
    return status == PG_EINPUT ? 0 : status;
}

void pg_estimate_release(struct pg_estimate *estimate)
{
    free(estimate->first_cells);
    free(estimate->run_seconds);
    pg_survey_release(&estimate->survey);
}

double pg_estimate_seconds(const struct pg_estimate *estimate, int ranks)
{
    double shared = estimate->core_seconds / (double)ranks, longest = estimate->longest[0].seconds;
    return longest > shared ? longest : shared;
}
