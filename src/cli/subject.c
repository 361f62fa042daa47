/* SPDX-License-Identifier: MIT */
/* Jobs from files of both kinds. A results file keeps its job as canonical JSON in `job`. */
#include "subject.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "phasegrid/nearest.h"

enum { EXPERIMENTS_MAX = 64 };

static size_t list_schemas(const struct pg_schema **schemas)
{
    size_t count = 0;
    for (; pg_experiments[count] != NULL && count < EXPERIMENTS_MAX; count++)
        schemas[count] = pg_experiments[count]->schema;
    return count;
}

void pg_overrides_add(struct argp_state *state, struct pg_overrides *overrides, const char *text)
{
    if (overrides->count == PG_OVERRIDES_MAX)
        argp_error(state, "more than %d times --set", PG_OVERRIDES_MAX);
    overrides->at[overrides->count++] = text;
}

/* The schemas are those of the experiments, so there is one. */
static const struct pg_experiment *experiment_of(const struct pg_job *job)
{
    const struct pg_experiment *experiment = pg_experiment_find(job->schema->experiment);
    assert(experiment != NULL);
    return experiment;
}

int pg_subject_read_job(const char *path, const struct pg_overrides *overrides,
                        struct pg_subject_job *ret_subject, struct pg_error *error)
{
    const struct pg_schema *schemas[EXPERIMENTS_MAX];
    size_t count = list_schemas(schemas);
    *ret_subject = (struct pg_subject_job){0};
    int status = pg_job_read(path, schemas, count, overrides->at, overrides->count,
                             &ret_subject->job, error);
    if (status != 0)
        return status;
    ret_subject->path = path;
    ret_subject->experiment = experiment_of(ret_subject->job);
    return 0;
}

int pg_subject_survey(const struct pg_subject_job *subject, struct pg_survey *ret_survey,
                      struct pg_error *error)
{
    int status = pg_survey_init(ret_survey, subject->job, subject->experiment, error);
    return status == PG_EINPUT ? pg_error_prefix(error, "%s", subject->path) : status;
}

static int take_text(const struct pg_layout *layout, const char *name, char **text,
                     struct pg_error *error)
{
    for (size_t i = 0; i < layout->attribute_count; i++) {
        const struct pg_attribute *attribute = &layout->attributes[i];
        if (strcmp(attribute->name, name) != 0 || attribute->text == NULL)
            continue;
        free(*text);
        *text = strdup(attribute->text);
        if (*text == NULL)
            return pg_error_set(error, PG_EMACHINE, "out of memory: the job's %s", name);
    }
    return 0;
}

/* What the canonical text does not say. Without a title a file has its experiment's summary. */
static int describe_job(struct pg_reader *reader, const struct pg_experiment *experiment,
                        struct pg_job *job, struct pg_error *error)
{
    const struct pg_layout *layout = pg_reader_layout(reader);
    int status = take_text(layout, "title", &job->title, error);
    if (status == 0)
        status = take_text(layout, "job_text", &job->text, error);
    if (status == 0)
        status = take_text(layout, "shard_of", &job->whole, error);
    if (status == 0 && strcmp(job->title, experiment->summary) == 0)
        job->title[0] = '\0';
    return status;
}

int pg_subject_from_reader(struct pg_reader *reader, struct pg_subject_job *ret_subject,
                           struct pg_error *error)
{
    const struct pg_schema *schemas[EXPERIMENTS_MAX];
    size_t count = list_schemas(schemas);
    char *canonical = NULL;
    *ret_subject = (struct pg_subject_job){0};
    int status = pg_reader_text(reader, "job", &canonical, error);
    if (status != 0)
        return status;
    status = pg_job_from_canonical(canonical, schemas, count, &ret_subject->job, error);
    free(canonical);
    if (status != 0)
        return status;
    ret_subject->experiment = experiment_of(ret_subject->job);
    return describe_job(reader, ret_subject->experiment, ret_subject->job, error);
}

int pg_subject_read_results(const char *path, struct pg_subject_job *ret_subject,
                            struct pg_error *error)
{
    struct pg_reader *reader = NULL;
    *ret_subject = (struct pg_subject_job){0};
    int status = pg_reader_open(path, &reader, error);
    if (status == 0)
        status = pg_subject_from_reader(reader, ret_subject, error);
    ret_subject->path = path;
    pg_reader_close(reader);
    return status;
}

int pg_subject_take_shard(struct pg_subject_job *subject, size_t index, size_t count,
                          struct pg_error *error)
{
    struct pg_job *shard = NULL;
    int status = pg_job_shard(subject->job, index, count, &shard, error);
    if (status != 0)
        return pg_error_prefix(error, "%s", subject->path);
    pg_job_destroy(subject->job);
    subject->job = shard;
    return 0;
}

void pg_subject_take_larger(struct pg_subject_job *subject, const char *results_path)
{
    struct pg_subject_job file;
    struct pg_error ignored;
    if (access(results_path, F_OK) != 0)
        return;
    if (pg_subject_read_results(results_path, &file, &ignored) == 0 &&
        pg_job_contains(file.job, subject->job)) {
        struct pg_job *job = subject->job;
        subject->is_larger = pg_job_run_count(file.job) > pg_job_run_count(job);
        subject->job = file.job;
        file.job = job;
    }
    pg_subject_release(&file);
}

void pg_subject_release(struct pg_subject_job *subject)
{
    pg_job_destroy(subject->job);
    *subject = (struct pg_subject_job){0};
}

static size_t count_phases(const struct pg_experiment *experiment)
{
    size_t count = 0;
    while (count < PG_PHASES_MAX && experiment->phase_names[count] != NULL)
        count++;
    return count;
}

/* A file whose run variables do not fit what its job describes is not read further. */
static int read_columns(struct pg_results *results, struct pg_error *error)
{
    int phase = pg_layout_find_variable(results->layout, "phase");
    if (phase < 0 || results->layout->variables[phase].type != PG_U8 ||
        pg_layout_row_count(results->layout) != pg_job_run_count(results->subject.job))
        return pg_error_set(error, PG_EMISMATCH,
                            "%s: its variables do not fit the job that it names", results->path);
    results->run_count = pg_layout_row_count(results->layout);
    results->statuses = malloc(results->run_count);
    results->phases = malloc(results->run_count);
    if (results->statuses == NULL || results->phases == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the statuses of %llu runs",
                            (unsigned long long)results->run_count);
    int status = pg_reader_statuses(results->reader, results->statuses, error);
    return status != 0 ? status
                       : pg_reader_rows(results->reader, (size_t)phase, 0, results->run_count,
                                        results->phases, error);
}

int pg_results_open(const char *path, struct pg_results *results, struct pg_error *error)
{
    *results = (struct pg_results){.path = path};
    int status = pg_reader_open(path, &results->reader, error);
    if (status == 0)
        status = pg_subject_from_reader(results->reader, &results->subject, error);
    if (status == 0) {
        results->layout = pg_reader_layout(results->reader);
        results->phase_count = count_phases(results->subject.experiment);
        status = read_columns(results, error);
    }
    if (status != 0)
        pg_results_close(results);
    return status;
}

void pg_results_close(struct pg_results *results)
{
    free(results->statuses);
    free(results->phases);
    pg_subject_release(&results->subject);
    pg_reader_close(results->reader);
    *results = (struct pg_results){0};
}

struct pg_progress pg_results_progress(const struct pg_results *results)
{
    struct pg_progress progress = {.runs = results->run_count, .seconds_left = PG_NAN};
    for (uint64_t run = 0; run < results->run_count; run++) {
        uint8_t status = results->statuses[run], phase = results->phases[run];
        progress.diverged += status == PG_ROW_DIVERGED;
        progress.failed += status == PG_ROW_FAILED;
        progress.done += status != PG_ROW_TODO;
        if ((status == PG_ROW_DONE || status == PG_ROW_DIVERGED) && phase < results->phase_count)
            progress.phases[phase]++;
    }
    return progress;
}

void pg_experiment_names(char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; pg_experiments[i] != NULL && used < size; i++) {
        int length =
            snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", pg_experiments[i]->name);
        used += length > 0 ? (size_t)length : 0;
    }
}

int pg_experiment_demand(const char *name, const struct pg_experiment **ret_experiment,
                         struct pg_error *error)
{
    const char *names[EXPERIMENTS_MAX];
    char known[512] = "";
    size_t count = 0;
    for (; pg_experiments[count] != NULL && count < EXPERIMENTS_MAX; count++)
        names[count] = pg_experiments[count]->name;
    *ret_experiment = pg_experiment_find(name);
    if (*ret_experiment != NULL)
        return 0;
    const char *near = pg_nearest(name, names, count);
    pg_experiment_names(known, sizeof known);
    return pg_error_set(error, PG_EINPUT, "'%s' is not an experiment%s%s%s; there are: %s", name,
                        near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                        near != NULL ? "'?" : "", known);
}

int64_t pg_results_last_step(const struct pg_results *results, uint64_t run)
{
    struct pg_error ignored;
    int64_t last = -1;
    int variable = pg_layout_find_variable(results->layout, "last_step");
    bool is_ours = variable >= 0 && results->layout->variables[variable].type == PG_I64;
    if (!is_ours ||
        (results->statuses[run] != PG_ROW_DONE && results->statuses[run] != PG_ROW_DIVERGED))
        return -1;
    if (pg_reader_rows(results->reader, (size_t)variable, run, 1, &last, &ignored) != 0)
        return -1;
    return last;
}
