/* SPDX-License-Identifier: MIT */
/*
 * The same command begins a sweep and goes on with it. A file is gone on with when its canonical
 * job equals ours: then every row in it is one that we would write. Rows that are done or diverged
 * stay; failed ones are tried again.
 */
#include "begin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "phasegrid/store.h"

struct subject {
    const char *path;
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
    if (numerics == PG_NUMERICS)
        return 0;
    return pg_error_set(subject->error, PG_EMISMATCH,
                        "%s was computed with numerics %d, and this program has numerics %d: its "
                        "runs would not continue the same cube. Give another file, or use the "
                        "version that made this one",
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

static bool is_kept(uint8_t status)
{
    return status == PG_ROW_DONE || status == PG_ROW_DIVERGED;
}

static void count_kept(const uint8_t *statuses, const uint8_t *phases, uint64_t row_count,
                       struct pg_progress *progress)
{
    for (uint64_t row = 0; row < row_count; row++) {
        if (!is_kept(statuses[row]))
            continue;
        progress->done++;
        progress->diverged += statuses[row] == PG_ROW_DIVERGED;
        if (phases != NULL && phases[row] < PG_PHASES_MAX)
            progress->phases[phases[row]]++;
    }
}

/* Turns statuses into what is to do, and forgets the attempts at rows without a result. */
static void mark_todo(uint8_t *statuses, int32_t *attempts, uint64_t row_count)
{
    for (uint64_t row = 0; row < row_count; row++) {
        bool has_failed = statuses[row] == PG_ROW_FAILED;
        if (!has_failed)
            attempts[row] = 0;
        statuses[row] = (uint8_t)(is_kept(statuses[row]) ? PG_PLAN_SKIP
                                  : has_failed           ? PG_PLAN_DO_ALONE
                                                         : PG_PLAN_DO);
    }
}

static int read_rows(const struct subject *subject, struct pg_beginning *beginning)
{
    uint64_t row_count = pg_layout_row_count(&subject->cube->layout);
    void *statuses = NULL, *attempts = NULL, *phases = NULL;
    int status = read_variable(subject, "status", sizeof(uint8_t), &statuses);
    if (status == 0)
        status = read_variable(subject, "attempts", sizeof(int32_t), &attempts);
    if (status == 0 && pg_layout_find_variable(&subject->cube->layout, "phase") >= 0)
        status = read_variable(subject, "phase", sizeof(uint8_t), &phases);
    beginning->todo = statuses;
    beginning->attempts = attempts;
    if (status == 0) {
        count_kept(statuses, phases, row_count, &beginning->progress);
        mark_todo(beginning->todo, beginning->attempts, row_count);
    }
    free(phases);
    return status;
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
        status = read_rows(subject, beginning);
    pg_reader_close(subject->reader);
    return status;
}

int pg_begin(const char *path, const struct pg_job *job, const struct pg_experiment *experiment,
             const struct pg_cube *cube, struct pg_beginning *ret_beginning, struct pg_error *error)
{
    struct subject subject = {path, job, experiment, cube, NULL, error};
    memset(ret_beginning, 0, sizeof *ret_beginning);
    ret_beginning->progress.runs = pg_layout_row_count(&cube->layout);
    ret_beginning->progress.seconds_left = PG_NAN;
    if (access(path, F_OK) != 0)
        return pg_store_create(path, &cube->layout, error);
    int status = go_on(&subject, ret_beginning);
    if (status != 0)
        pg_beginning_release(ret_beginning);
    return status;
}

void pg_beginning_release(struct pg_beginning *beginning)
{
    free(beginning->todo);
    free(beginning->attempts);
    memset(beginning, 0, sizeof *beginning);
}
