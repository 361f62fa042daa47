/* SPDX-License-Identifier: MIT */
/* A job in the making: memory, and the rules that hold for it however it was written. */
#include "build.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint64_t pg_job_runs_max = UINT64_C(1) << 40;

static const char *const spacings[] = {"log", "linear", NULL};
static const char *const stops[] = {"budget", "decided", NULL};
static const char *const streams[] = {"shared", "independent", NULL};

const struct pg_setting pg_field_seed = {
    "seeds", PG_VALUE_INTEGER, 0, 4294967295.0, false, "0", NULL, "1", "a seed"};
const struct pg_setting pg_field_seed_count = {
    "seeds", PG_VALUE_INTEGER, 1, PG_SEEDS_MAX, false, "1", NULL, "1", "how many seeds"};
const struct pg_setting pg_field_points = {
    "record.points", PG_VALUE_INTEGER, 2, 100000, false, "64", NULL, "1", "steps to record"};
const struct pg_setting pg_field_spacing = {
    "record.spacing", PG_VALUE_NAME, 0, 0, false, "log", spacings, "1", "spacing of the steps"};
const struct pg_setting pg_field_snapshot = {
    "record.parameters", PG_VALUE_INTEGER, 0, 1e15, false, "0", NULL, "1", "a step to keep"};
const struct pg_setting pg_field_llc_at = {
    "llc.at", PG_VALUE_INTEGER, 0, 1e15, false, "0", NULL, "1", "a step to estimate at"};
const struct pg_setting pg_field_llc_every = {
    "llc.every", PG_VALUE_INTEGER, 1, 1e15, false, "1", NULL, "1", "steps between estimates"};
const struct pg_setting pg_field_stop = {"stop", PG_VALUE_NAME,    0, 0, false, "budget", stops,
                                         "1",    "when a run ends"};
const struct pg_setting pg_field_streams = {
    "streams", PG_VALUE_NAME, 0, 0, false, "shared", streams, "1", "random streams of the cells"};

int pg_job_refuse_memory(struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "out of memory while reading the job");
}

static int fill_defaults(struct pg_job *job, struct pg_error *error)
{
    for (size_t i = 0; i < job->schema->count; i++) {
        const struct pg_setting *setting = &job->schema->settings[i];
        int status = pg_value_parse(setting, setting->fallback, &job->values[i], error);
        assert(status == 0);
        if (status != 0)
            return status;
    }
    return 0;
}

int pg_job_create(const struct pg_schema *schema, struct pg_job **ret_job, struct pg_error *error)
{
    struct pg_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return pg_job_refuse_memory(error);
    job->schema = schema;
    job->record_points = 64;
    job->title = calloc(1, 1);
    job->text = calloc(1, 1);
    job->values = calloc(schema->count + 1, sizeof *job->values);
    int status = job->title == NULL || job->text == NULL || job->values == NULL
                     ? pg_job_refuse_memory(error)
                     : fill_defaults(job, error);
    if (status == 0)
        status = pg_job_count_seeds(job, 1, error);
    if (status != 0) {
        pg_job_destroy(job);
        return status;
    }
    *ret_job = job;
    return 0;
}

static int reserve_places(const struct pg_axis *axis, size_t count, struct pg_axis *like,
                          struct pg_error *error)
{
    int status = pg_axis_begin(like, axis->name, axis->is_zip, axis->member_count, error);
    like->count = count;
    for (size_t k = 0; k < axis->member_count && status == 0; k++) {
        struct pg_axis_member *member = &like->members[like->member_count++];
        member->setting = axis->members[k].setting;
        member->values = calloc(count, sizeof *member->values);
        if (member->values == NULL)
            status = pg_job_refuse_memory(error);
    }
    return status;
}

/* What is not an array of its own. */
static void copy_plain(const struct pg_job *job, struct pg_job *like)
{
    memcpy(like->values, job->values, job->schema->count * sizeof *job->values);
    like->record_points = job->record_points;
    like->record_spacing = job->record_spacing;
    like->llc_every = job->llc_every;
    like->stop = job->stop;
    like->independent_streams = job->independent_streams;
}

static int copy_arrays(const struct pg_job *job, struct pg_job *like, size_t seed_count,
                       struct pg_error *error)
{
    free(like->seeds);
    like->seeds = calloc(seed_count, sizeof *like->seeds);
    like->seed_count = seed_count;
    like->snapshots = calloc(job->snapshot_count + 1, sizeof *like->snapshots);
    like->llc_at = calloc(job->llc_at_count + 1, sizeof *like->llc_at);
    if (like->seeds == NULL || like->snapshots == NULL || like->llc_at == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < job->snapshot_count; i++)
        like->snapshots[like->snapshot_count++] = job->snapshots[i];
    for (size_t i = 0; i < job->llc_at_count; i++)
        like->llc_at[like->llc_at_count++] = job->llc_at[i];
    int status = pg_job_set_text(&like->title, job->title, strlen(job->title), error);
    return status != 0 ? status : pg_job_set_text(&like->text, job->text, strlen(job->text), error);
}

int pg_job_create_like(const struct pg_job *job, const size_t *counts, struct pg_job **ret_job,
                       struct pg_error *error)
{
    struct pg_job *like = NULL;
    int status = pg_job_create(job->schema, &like, error);
    if (status != 0)
        return status;
    copy_plain(job, like);
    status = copy_arrays(job, like, counts[job->axis_count], error);
    if (status == 0)
        status = pg_job_reserve_axes(like, job->axis_count, error);
    for (size_t i = 0; i < job->axis_count && status == 0; i++)
        status = reserve_places(&job->axes[i], counts[i], &like->axes[like->axis_count++], error);
    if (status != 0) {
        pg_job_destroy(like);
        return status;
    }
    *ret_job = like;
    return 0;
}

void pg_axis_copy_place(const struct pg_axis *axis, size_t from, struct pg_axis *copy, size_t to)
{
    for (size_t k = 0; k < axis->member_count; k++)
        copy->members[k].values[to] = axis->members[k].values[from];
}

void pg_axis_release(struct pg_axis *axis)
{
    for (size_t i = 0; i < axis->member_count; i++)
        free(axis->members[i].values);
    free(axis->members);
    free(axis->name);
}

void pg_job_destroy(struct pg_job *job)
{
    if (job == NULL)
        return;
    for (size_t i = 0; i < job->axis_count; i++)
        pg_axis_release(&job->axes[i]);
    free(job->axes);
    free(job->values);
    free(job->seeds);
    free(job->snapshots);
    free(job->llc_at);
    free(job->title);
    free(job->text);
    free(job->whole);
    free(job);
}

int pg_job_set_text(char **text, const char *from, size_t size, struct pg_error *error)
{
    char *copy = malloc(size + 1);
    if (copy == NULL)
        return pg_job_refuse_memory(error);
    memcpy(copy, from, size);
    copy[size] = '\0';
    free(*text);
    *text = copy;
    return 0;
}

int pg_job_reserve_axes(struct pg_job *job, size_t count, struct pg_error *error)
{
    job->axes = calloc(count + 1, sizeof *job->axes);
    return job->axes == NULL ? pg_job_refuse_memory(error) : 0;
}

int pg_axis_begin(struct pg_axis *axis, const char *name, bool is_zip, size_t members,
                  struct pg_error *error)
{
    axis->is_zip = is_zip;
    axis->name = strdup(name);
    axis->members = calloc(members + 1, sizeof *axis->members);
    return axis->name == NULL || axis->members == NULL ? pg_job_refuse_memory(error) : 0;
}

static int order_seeds(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static int check_seeds(const uint32_t *seeds, size_t count, struct pg_error *error)
{
    uint32_t *sorted = malloc((count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return pg_job_refuse_memory(error);
    memcpy(sorted, seeds, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, order_seeds);
    int status = 0;
    for (size_t i = 1; i < count && status == 0; i++)
        if (sorted[i] == sorted[i - 1])
            status =
                pg_error_set(error, PG_EINPUT, "seeds: found %u twice, expected distinct seeds",
                             (unsigned)sorted[i]);
    free(sorted);
    return status;
}

int pg_job_set_seeds(struct pg_job *job, uint32_t *seeds, size_t count, struct pg_error *error)
{
    int status = check_seeds(seeds, count, error);
    if (status != 0)
        return status;
    free(job->seeds);
    job->seeds = seeds;
    job->seed_count = count;
    return 0;
}

int pg_job_count_seeds(struct pg_job *job, size_t count, struct pg_error *error)
{
    uint32_t *seeds = malloc(count * sizeof *seeds);
    if (seeds == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < count; i++)
        seeds[i] = (uint32_t)i;
    free(job->seeds);
    job->seeds = seeds;
    job->seed_count = count;
    return 0;
}

static int order_steps(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

int pg_job_set_snapshots(struct pg_job *job, int64_t *steps, size_t count, struct pg_error *error)
{
    qsort(steps, count, sizeof *steps, order_steps);
    for (size_t i = 1; i < count; i++)
        if (steps[i] == steps[i - 1])
            return pg_error_set(error, PG_EINPUT, "%s: found %lld twice, expected distinct steps",
                                pg_field_snapshot.name, (long long)steps[i]);
    free(job->snapshots);
    job->snapshots = steps;
    job->snapshot_count = count;
    return 0;
}

bool pg_job_has_same_snapshots(const struct pg_job *a, const struct pg_job *b)
{
    return a->snapshot_count == b->snapshot_count &&
           (a->snapshot_count == 0 ||
            memcmp(a->snapshots, b->snapshots, a->snapshot_count * sizeof *a->snapshots) == 0);
}

int pg_job_find_axis(const struct pg_job *job, size_t setting)
{
    for (size_t i = 0; i < job->axis_count; i++)
        for (size_t k = 0; k < job->axes[i].member_count; k++)
            if (job->axes[i].members[k].setting == setting)
                return (int)i;
    return -1;
}
