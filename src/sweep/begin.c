/* SPDX-License-Identifier: MIT */
/*
 * The same command begins a sweep and goes on with it. A file is gone on with when its canonical
 * job equals ours: then every row in it is one that we would write. Rows that are done or diverged
 * stay; failed ones are tried again, but for those that were given up because they crashed.
 */
#include "begin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "earlier.h"
#include "own_variables.h"
#include "phasegrid/store.h"

struct subject {
    const char *path;
    const struct pg_sweep_options *options;
    const struct pg_job *job;
    const struct pg_experiment *experiment;
    const struct pg_cube *cube;
    struct pg_reader *reader;
    struct pg_error *error;
};

/* ---- is it the same job? ---- */

static int check_experiment(const struct subject *subject)
{
    char *name = NULL;
    int status = pg_reader_text(subject->reader, "experiment", &name, subject->error);
    if (status == 0 && strcmp(name, subject->experiment->name) != 0)
        status = pg_error_set(subject->error, PG_EMISMATCH,
                              "%s was made by another job:\nexperiment: %s in the file, %s in the "
                              "job",
                              subject->path, name, subject->experiment->name);
    free(name);
    return status;
}

static int check_numerics(const struct subject *subject)
{
    int numerics = pg_cube_numerics(pg_reader_layout(subject->reader));
    if (numerics == PG_NUMERICS || subject->options->accept_numerics)
        return 0;
    return pg_error_set(subject->error, PG_EMISMATCH,
                        "%s was computed with numerics %d, and this program has numerics %d: its "
                        "runs would not continue the same cube. Give another file, use the version "
                        "that made this one, or mix them with --accept-numerics",
                        subject->path, numerics, PG_NUMERICS);
}

static int compare_jobs(const struct subject *subject, const char *canonical)
{
    struct pg_job *before;
    struct pg_error unreadable;
    char difference[1500];
    if (pg_job_from_canonical(canonical, &subject->experiment->schema, 1, &before, &unreadable) !=
        0)
        return pg_error_set(subject->error, PG_EMISMATCH,
                            "%s holds a job that this program cannot read: %s", subject->path,
                            unreadable.text);
    pg_job_difference(before, subject->job, difference, sizeof difference);
    bool has_grown = pg_job_contains(subject->job, before);
    pg_job_destroy(before);
    if (difference[0] == '\0')
        return 0;
    return pg_error_set(subject->error, PG_EMISMATCH, "%s was made by another job:\n%s%s",
                        subject->path, difference,
                        has_grown ? "\nthe job holds all runs of the file: `phasegrid extend` adds "
                                    "the others to it"
                                  : "");
}

static int check_job(const struct subject *subject)
{
    char *canonical = NULL;
    int status = pg_reader_text(subject->reader, "job", &canonical, subject->error);
    if (status == 0)
        status = compare_jobs(subject, canonical);
    free(canonical);
    return status;
}

/* ---- how far is it? ---- */

/* All rows of a variable with one element a row; *ret_rows is the caller's to free. */
static int read_variable(const struct subject *subject, const char *name, size_t element_size,
                         void **ret_rows)
{
    const struct pg_layout *layout = pg_reader_layout(subject->reader);
    uint64_t row_count = pg_layout_row_count(&subject->cube->layout);
    int variable = pg_layout_find_variable(layout, name);
    *ret_rows = NULL;
    if (variable < 0 || pg_layout_row_bytes(layout, (size_t)variable) != element_size ||
        pg_layout_row_count(layout) != row_count)
        return pg_error_set(subject->error, PG_EMISMATCH,
                            "%s: variable '%s' is missing or not of the shape that its job says "
                            "(%llu rows of %zu bytes)",
                            subject->path, name, (unsigned long long)row_count, element_size);
    *ret_rows = calloc(row_count, element_size);
    if (*ret_rows == NULL)
        return pg_error_set(subject->error, PG_EMACHINE, "out of memory: '%s' of %llu runs", name,
                            (unsigned long long)row_count);
    return pg_reader_rows(subject->reader, (size_t)variable, 0, row_count, *ret_rows,
                          subject->error);
}

/* What the file says of its rows. */
struct rows {
    uint64_t count;
    uint8_t *statuses; /* turned into what is to do */
    uint8_t *phases;   /* NULL: the experiment has none */
    uint8_t *failures;
    int32_t *attempts;
};

static bool was_given_up(const struct rows *rows, uint64_t row)
{
    return rows->failures[row] >= PG_FAILURE_SEGV && rows->failures[row] < PG_FAILURE_COUNT;
}

static enum pg_plan_row keep_row(const struct rows *rows, uint64_t row,
                                 struct pg_progress *progress)
{
    progress->done++;
    progress->diverged += rows->statuses[row] == PG_ROW_DIVERGED;
    progress->failed += rows->statuses[row] == PG_ROW_FAILED;
    if (rows->phases != NULL && rows->phases[row] < PG_PHASES_MAX)
        progress->phases[rows->phases[row]]++;
    return PG_PLAN_SKIP;
}

/* A run that crashed its process is tried apart from others. */
static enum pg_plan_row do_suspect(uint64_t row, struct pg_beginning *beginning)
{
    beginning->crashes[row] = 1;
    return PG_PLAN_DO_ALONE;
}

/* all_again: runs that were given up are tried, too. */
static enum pg_plan_row judge_row(const struct rows *rows, uint64_t row, bool all_again,
                                  struct pg_beginning *beginning)
{
    switch (rows->statuses[row]) {
    case PG_ROW_DONE:
    case PG_ROW_DIVERGED:
        return keep_row(rows, row, &beginning->progress);
    case PG_ROW_FAILED:
        if (!was_given_up(rows, row))
            return PG_PLAN_DO_ALONE;
        return all_again ? do_suspect(row, beginning) : keep_row(rows, row, &beginning->progress);
    default:
        rows->attempts[row] = 0; /* of a row without a result nothing counts */
        return was_given_up(rows, row) ? do_suspect(row, beginning) : PG_PLAN_DO;
    }
}

/* Rows that have failed are to do alone, and no others so far. */
static int list_failed(struct pg_beginning *beginning, uint64_t row_count, struct pg_error *error)
{
    uint64_t count = 0;
    for (uint64_t row = 0; row < row_count; row++)
        count += beginning->todo[row] == PG_PLAN_DO_ALONE;
    beginning->failed = calloc(count + 1, sizeof *beginning->failed);
    if (beginning->failed == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the list of %llu failed runs",
                            (unsigned long long)count);
    for (uint64_t row = 0; row < row_count; row++)
        if (beginning->todo[row] == PG_PLAN_DO_ALONE)
            beginning->failed[beginning->failed_count++] = row;
    return 0;
}

static int read_rows(const struct subject *subject, struct pg_beginning *beginning)
{
    struct rows rows = {.count = pg_layout_row_count(&subject->cube->layout)};
    void *statuses = NULL, *attempts = NULL, *phases = NULL, *failures = NULL;
    int status = read_variable(subject, "status", sizeof(uint8_t), &statuses);
    if (status == 0)
        status = read_variable(subject, "attempts", sizeof(int32_t), &attempts);
    if (status == 0)
        status = read_variable(subject, "failure", sizeof(uint8_t), &failures);
    if (status == 0 && pg_layout_find_variable(&subject->cube->layout, "phase") >= 0)
        status = read_variable(subject, "phase", sizeof(uint8_t), &phases);
    beginning->todo = rows.statuses = statuses;
    beginning->attempts = rows.attempts = attempts;
    rows.phases = phases;
    rows.failures = failures;
    bool all_again = subject->options->retry && subject->options->retry_count == 0;
    for (uint64_t row = 0; row < rows.count && status == 0; row++)
        beginning->todo[row] = (uint8_t)judge_row(&rows, row, all_again, beginning);
    if (status == 0)
        status = list_failed(beginning, rows.count, subject->error);
    free(phases);
    free(failures);
    return status;
}

/* Rows that are asked for lose their status first: a kill amid new data must not leave the old one
   over them. */
static int forget_rows(const struct subject *subject)
{
    const struct pg_sweep_options *options = subject->options;
    if (options->retry_count == 0)
        return 0;
    return pg_store_mark_todo(subject->path, options->retry_rows, options->retry_count,
                              subject->error);
}

static int go_on(struct subject *subject, struct pg_beginning *beginning)
{
    int status = pg_reader_open(subject->path, &subject->reader, subject->error);
    if (status != 0)
        return status;
    status = check_experiment(subject);
    if (status == 0)
        status = check_numerics(subject);
    if (status == 0)
        status = check_job(subject);
    if (status == 0)
        status = forget_rows(subject);
    if (status == 0)
        status = read_rows(subject, beginning);
    pg_reader_close(subject->reader);
    return status;
}

static int begin(struct subject *subject, struct pg_beginning *beginning)
{
    int status = access(subject->path, F_OK) == 0
                     ? go_on(subject, beginning)
                     : pg_store_create(subject->path, &subject->cube->layout, subject->error);
    if (status != 0)
        return status;
    return pg_earlier_judge(subject->options, subject->job, subject->cube, beginning,
                            subject->error);
}

/* Memory for what is known of each row, of which nothing is. */
static int init(struct pg_beginning *beginning, uint64_t row_count, struct pg_error *error)
{
    memset(beginning, 0, sizeof *beginning);
    beginning->progress.runs = row_count;
    beginning->progress.seconds_left = PG_NAN;
    beginning->crashes = calloc(row_count, sizeof *beginning->crashes);
    if (beginning->crashes == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: what is known of %llu runs",
                            (unsigned long long)row_count);
    return 0;
}

int pg_begin(const struct pg_sweep_options *options, const struct pg_job *job,
             const struct pg_experiment *experiment, const struct pg_cube *cube,
             struct pg_beginning *ret_beginning, struct pg_error *error)
{
    struct subject subject = {options->path, options, job, experiment, cube, NULL, error};
    int status = init(ret_beginning, pg_layout_row_count(&cube->layout), error);
    if (status == 0)
        status = begin(&subject, ret_beginning);
    if (status != 0)
        pg_beginning_release(ret_beginning);
    return status;
}

void pg_beginning_release(struct pg_beginning *beginning)
{
    free(beginning->todo);
    free(beginning->attempts);
    free(beginning->crashes);
    free(beginning->given_up);
    free(beginning->failed);
    pg_checkpoints_close(beginning->checkpoints);
    memset(beginning, 0, sizeof *beginning);
}
