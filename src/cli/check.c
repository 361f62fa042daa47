/* SPDX-License-Identifier: MIT */
/*
 * check: is the job valid, and what will it cost? Shapes of all cells give memory and work; the
 * layout gives the file's size; runs, cut short, give the speed of a core.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "core_count.h"
#include "estimate.h"
#include "format.h"
#include "listing.h"
#include "phasegrid/kernel.h"
#include "subject.h"
#include "verbs.h"

enum { RANKS_MAX = 1000000 };

struct arguments {
    const char *path;
    struct pg_overrides overrides;
    int ranks;
    bool json;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {"ranks", 'n', "N", 0, "Expected time on N cores (default: the cores here)", 0},
    {"set", 's', "NAME=VALUE", 0, "Override one setting of the job; repeatable", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'j':
        arguments->json = true;
        return 0;
    case 'n':
        arguments->ranks = (int)pg_arguments_number(state, "--ranks", argument, 1, RANKS_MAX);
        return 0;
    case 's':
        pg_overrides_add(state, &arguments->overrides, argument);
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "job file", &arguments->path);
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL)
            argp_error(state, "a job file is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

static json_t *axes_as_json(const struct pg_job *job)
{
    json_t *axes = json_array();
    for (size_t i = 0; i < job->axis_count; i++)
        json_array_append_new(axes, json_pack("{s:s, s:I}", "name", job->axes[i].name, "count",
                                              (json_int_t)job->axes[i].count));
    json_array_append_new(
        axes, json_pack("{s:s, s:I}", "name", "seed", "count", (json_int_t)job->seed_count));
    return axes;
}

static json_t *seconds_as_json(double seconds)
{
    return isfinite(seconds) ? json_real(seconds) : json_null();
}

static json_t *longest_as_json(const struct pg_job *job, const struct pg_estimate *estimate)
{
    json_t *longest = json_array();
    for (size_t i = 0; i < estimate->longest_count; i++) {
        char cell[512];
        pg_survey_print_cell(job, estimate->longest[i].cell, cell, sizeof cell);
        json_array_append_new(longest, json_pack("{s:s, s:I, s:o}", "cell", cell, "steps",
                                                 (json_int_t)estimate->longest[i].steps, "seconds",
                                                 seconds_as_json(estimate->longest[i].seconds)));
    }
    return longest;
}

/* How runs of a shape are trained. */
static const char *layout_name(const struct pg_shape *shape)
{
    return shape->lanes > 1 ? "runs" : "samples";
}

static uint64_t count_runs(const struct pg_job *job, const struct pg_survey *survey, size_t shape)
{
    uint64_t cells = 0;
    for (uint64_t cell = 0; cell < survey->cell_count; cell++)
        cells += survey->shape_of[cell] == shape;
    return cells * job->seed_count;
}

static json_t *shapes_as_json(const struct pg_job *job, const struct pg_estimate *estimate)
{
    const struct pg_survey *survey = &estimate->survey;
    json_t *shapes = json_array();
    for (size_t i = 0; i < survey->shape_count; i++) {
        const struct pg_shape *shape = &survey->shapes[i];
        char cell[512];
        pg_survey_print_cell(job, estimate->first_cells[i], cell, sizeof cell);
        json_array_append_new(shapes,
                              json_pack("{s:s, s:s, s:b, s:I}", "first_cell", cell, "layout",
                                        layout_name(shape), "openblas", (int)shape->uses_blas,
                                        "runs", (json_int_t)count_runs(job, survey, i)));
    }
    return shapes;
}

static int print_json(const struct arguments *arguments, const struct pg_subject_job *subject,
                      const struct pg_estimate *estimate, struct pg_error *error)
{
    return pg_json_print(
        json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:f, s:o, s:i, s:o, s:o, s:o}", "job",
                  arguments->path, "experiment", subject->experiment->name, "axes",
                  axes_as_json(subject->job), "cells", (json_int_t)pg_job_cell_count(subject->job),
                  "runs", (json_int_t)pg_job_run_count(subject->job), "bytes_per_run",
                  (json_int_t)estimate->bytes_per_run, "file_bytes",
                  (json_int_t)estimate->file_bytes, "model_steps", estimate->model_steps,
                  "core_seconds_estimate", seconds_as_json(estimate->core_seconds), "ranks",
                  arguments->ranks, "seconds_estimate",
                  seconds_as_json(pg_estimate_seconds(estimate, arguments->ranks)), "longest",
                  longest_as_json(subject->job, estimate), "shapes",
                  shapes_as_json(subject->job, estimate)),
        error);
}

static void print_axes(const struct pg_job *job)
{
    (void)printf("  grid     ");
    for (size_t i = 0; i < job->axis_count; i++)
        (void)printf("%s %zu x ", job->axes[i].name, job->axes[i].count);
    (void)printf("seed %zu\n", job->seed_count);
}

enum { SHAPES_SHOWN = 6 };

static void print_shape(const struct pg_job *job, const struct pg_estimate *estimate, size_t i)
{
    const struct pg_shape *shape = &estimate->survey.shapes[i];
    uint64_t runs = count_runs(job, &estimate->survey, i);
    char cell[512];
    pg_survey_print_cell(job, estimate->first_cells[i], cell, sizeof cell);
    (void)printf("  %s  ", i == 0 ? "layout " : "       ");
    if (shape->lanes > 1)
        (void)printf("%zu runs in SIMD lanes", shape->lanes);
    else
        (void)printf("samples in SIMD lanes");
    if (shape->uses_blas)
        (void)printf(", products by OpenBLAS (%s), on which their bytes depend",
                     pg_blas_core_names[pg_blas_core()]);
    if (estimate->survey.shape_count > 1)
        (void)printf(": %" PRIu64 " run%s shaped as %s", runs, runs == 1 ? "" : "s", cell);
    (void)printf("\n");
}

static void print_layouts(const struct pg_job *job, const struct pg_estimate *estimate)
{
    size_t count = estimate->survey.shape_count;
    for (size_t i = 0; i < count && i < SHAPES_SHOWN; i++)
        print_shape(job, estimate, i);
    if (count > SHAPES_SHOWN)
        (void)printf("           and %zu more shapes (--json has them all)\n",
                     count - SHAPES_SHOWN);
}

static void print_longest(const struct pg_job *job, const struct pg_estimate *estimate)
{
    for (size_t i = 0; i < estimate->longest_count; i++) {
        char cell[512];
        pg_survey_print_cell(job, estimate->longest[i].cell, cell, sizeof cell);
        (void)printf("  %s  %s each: %s, %" PRId64 " steps\n", i == 0 ? "longest" : "       ",
                     pg_format_duration(ceil(estimate->longest[i].seconds)).at,
                     cell[0] != '\0' ? cell : "the only cell", estimate->longest[i].steps);
    }
}

static void print_times(const struct arguments *arguments, const struct pg_job *job,
                        const struct pg_estimate *estimate)
{
    if (estimate->refusal[0] != '\0') {
        (void)printf("  time     unknown: runs with the most work will fail: %s\n",
                     estimate->refusal);
        return;
    }
    (void)printf(
        "  time     about %s on %d core%s; an estimate: runs were tried here, those with the most "
        "work at %s steps/s\n",
        pg_format_duration(ceil(pg_estimate_seconds(estimate, arguments->ranks))).at,
        arguments->ranks, arguments->ranks == 1 ? "" : "s",
        pg_format_count(estimate->steps_per_second).at);
    print_longest(job, estimate);
}

static void print_text(const struct arguments *arguments, const struct pg_subject_job *subject,
                       const struct pg_estimate *estimate)
{
    const struct pg_job *job = subject->job;
    const char *title = job->title[0] != '\0' ? job->title : subject->experiment->summary;
    (void)printf("%s: valid, experiment %s, %s\n", arguments->path, subject->experiment->name,
                 title);
    print_axes(job);
    (void)printf("  runs     %" PRIu64 " (%" PRIu64 " cells x %zu seeds)\n", pg_job_run_count(job),
                 pg_job_cell_count(job), job->seed_count);
    (void)printf("  memory   %s for the runs that a rank trains at a time\n",
                 pg_format_bytes(estimate->bytes_per_run).at);
    print_layouts(job, estimate);
    (void)printf("  disk     %s\n", pg_format_bytes(estimate->file_bytes).at);
    (void)printf("  work     %s model-steps\n", pg_format_count(estimate->model_steps).at);
    print_times(arguments, subject->job, estimate);
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    struct pg_subject_job subject;
    struct pg_estimate estimate;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    if (arguments.ranks == 0)
        arguments.ranks = pg_core_count();
    int status = pg_subject_read_job(arguments.path, &arguments.overrides, &subject, error);
    if (status != 0)
        return status;
    status = pg_estimate_make(&subject, &estimate, error);
    if (status == 0 && arguments.json)
        status = print_json(&arguments, &subject, &estimate, error);
    else if (status == 0)
        print_text(&arguments, &subject, &estimate);
    pg_estimate_release(&estimate);
    pg_subject_release(&subject);
    return status;
}

const struct pg_verb pg_verb_check = {
    .name = "check",
    .summary = "check a job file and estimate memory, disk and time; write nothing",
    .arguments = "JOB",
    .example = "  phasegrid check jobs/quick.yaml --set steps=10000",
    .run = run,
};
