/* SPDX-License-Identifier: MIT */
/*
 * The smallest grid with all the values of several jobs. Shards name the job that they are parts
 * of, whose order of values no sorting could restore: where all the jobs lie in it, it is the
 * answer. Else the order of the values does not depend on that of the jobs, as long as the values
 * ascend in all of them, or descend in all.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"

struct union_of {
    const struct pg_job *const *jobs;
    const char *const *names;
    size_t count;
};

/* A place along an axis of one of the jobs. */
struct place {
    const struct pg_axis *axis;
    size_t at;
    size_t number; /* in the order of appearance */
};

static int check_frames(const struct union_of *of, struct pg_error *error)
{
    const struct pg_job_named first = {of->jobs[0], of->names[0]};
    char text[1500];
    for (size_t i = 1; i < of->count; i++) {
        const struct pg_job_named next = {of->jobs[i], of->names[i]};
        pg_job_difference_of_frames(&first, &next, text, sizeof text);
        if (text[0] != '\0')
            return pg_error_set(error, PG_EMISMATCH, "%s and %s are not of one job:\n%s",
                                first.name, next.name, text);
    }
    return 0;
}

/* ---- shards of one job ---- */

static bool are_all_within(const struct union_of *of, const struct pg_job *whole)
{
    for (size_t i = 0; i < of->count; i++)
        if (!pg_job_contains(whole, of->jobs[i]))
            return false;
    return true;
}

/* *ret_job stays NULL when there is no such job. */
static int find_whole(const struct union_of *of, struct pg_job **ret_job, struct pg_error *error)
{
    *ret_job = NULL;
    for (size_t i = 0; i < of->count; i++) {
        const struct pg_job *job = of->jobs[i];
        struct pg_job *whole;
        if (job->whole == NULL || (i > 0 && of->jobs[i - 1]->whole != NULL &&
                                   strcmp(of->jobs[i - 1]->whole, job->whole) == 0))
            continue;
        int status = pg_job_from_canonical(job->whole, &job->schema, 1, &whole, error);
        if (status != 0)
            return pg_error_prefix(error, "%s", of->names[i]);
        if (are_all_within(of, whole)) {
            *ret_job = whole;
            return 0;
        }
        pg_job_destroy(whole);
    }
    return 0;
}

/* ---- values that are in any job ---- */

static int compare_numbers(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int order_by_value(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    int order = pg_axis_compare(left->axis, left->at, right->axis, right->at);
    return order != 0 ? order : compare_numbers(left->number, right->number);
}

static int order_descending(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    return pg_axis_compare(right->axis, right->at, left->axis, left->at);
}

static int order_by_number(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    return compare_numbers(left->number, right->number);
}

/* places: axis after axis, each with its own. sign 1: ascending, -1: descending. */
static bool is_monotone(const struct place *places, size_t count, int sign)
{
    for (size_t i = 1; i < count; i++)
        if (places[i].axis == places[i - 1].axis &&
            sign * pg_axis_compare(places[i - 1].axis, places[i - 1].at, places[i].axis,
                                   places[i].at) >
                0)
            return false;
    return true;
}

/* Sorts the places of all jobs, keeps each value once, and returns how many there are. */
static size_t arrange(struct place *places, size_t count)
{
    bool ascends = is_monotone(places, count, 1), descends = is_monotone(places, count, -1);
    size_t kept = 0;
    qsort(places, count, sizeof *places, order_by_value);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || pg_axis_compare(places[kept - 1].axis, places[kept - 1].at, places[i].axis,
                                         places[i].at) != 0)
            places[kept++] = places[i];
    if (!ascends)
        qsort(places, kept, sizeof *places, descends ? order_descending : order_by_number);
    return kept;
}

/* axes (count): the same axis of all the jobs. *ret_places is the caller's. */
static int unite_axis(const struct pg_axis *const *axes, size_t count, struct place **ret_places,
                      size_t *ret_count, struct pg_error *error)
{
    size_t total = 0, number = 0;
    for (size_t i = 0; i < count; i++)
        total += axes[i]->count;
    struct place *places = calloc(total, sizeof *places);
    *ret_places = places;
    if (places == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < axes[i]->count; at++, number++)
            places[number] = (struct place){axes[i], at, number};
    *ret_count = arrange(places, total);
    return 0;
}

/* The seeds of a job as an axis, for the same treatment. */
static int seeds_to_axis(const struct pg_job *job, struct pg_axis *axis, struct pg_error *error)
{
    int status = pg_axis_begin(axis, "seed", false, 1, error);
    if (status != 0)
        return status;
    axis->count = job->seed_count;
    axis->member_count = 1;
    axis->members[0].values = calloc(job->seed_count, sizeof *axis->members[0].values);
    if (axis->members[0].values == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < job->seed_count; i++)
        axis->members[0].values[i] =
            (struct pg_value){.type = PG_VALUE_INTEGER, .integer = job->seeds[i]};
    return 0;
}

/* Lists of places, of every axis and the seeds. */
struct lists {
    struct place *places[PG_AXES_MAX + 1];
    size_t counts[PG_AXES_MAX + 1];
    struct pg_axis *seeds;       /* (jobs) */
    const struct pg_axis **axes; /* (jobs): one axis of all the jobs */
};

static int unite_lists(const struct union_of *of, struct lists *lists, struct pg_error *error)
{
    size_t axis_count = of->jobs[0]->axis_count;
    int status = 0;
    lists->seeds = calloc(of->count, sizeof *lists->seeds);
    lists->axes = calloc(of->count, sizeof *lists->axes);
    if (lists->seeds == NULL || lists->axes == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < of->count && status == 0; i++)
        status = seeds_to_axis(of->jobs[i], &lists->seeds[i], error);
    for (size_t k = 0; k <= axis_count && status == 0; k++) {
        for (size_t i = 0; i < of->count; i++)
            lists->axes[i] = k < axis_count ? &of->jobs[i]->axes[k] : &lists->seeds[i];
        status = unite_axis(lists->axes, of->count, &lists->places[k], &lists->counts[k], error);
    }
    return status;
}

static void lists_release(struct lists *lists, size_t job_count)
{
    for (size_t i = 0; lists->seeds != NULL && i < job_count; i++)
        pg_axis_release(&lists->seeds[i]);
    for (size_t k = 0; k <= PG_AXES_MAX; k++)
        free(lists->places[k]);
    free(lists->seeds);
    free(lists->axes);
}

static int build(const struct union_of *of, const struct lists *lists, struct pg_job **ret_job,
                 struct pg_error *error)
{
    struct pg_job *job = NULL;
    int status = pg_job_create_like(of->jobs[0], lists->counts, &job, error);
    if (status != 0)
        return status;
    for (size_t k = 0; k < job->axis_count; k++)
        for (size_t i = 0; i < job->axes[k].count; i++)
            pg_axis_copy_place(lists->places[k][i].axis, lists->places[k][i].at, &job->axes[k], i);
    const struct place *seeds = lists->places[job->axis_count];
    for (size_t i = 0; i < job->seed_count; i++)
        job->seeds[i] = (uint32_t)seeds[i].axis->members[0].values[seeds[i].at].integer;
    *ret_job = job;
    return 0;
}

static int unite_values(const struct union_of *of, struct pg_job **ret_job, struct pg_error *error)
{
    struct lists lists = {0};
    int status = unite_lists(of, &lists, error);
    if (status == 0)
        status = build(of, &lists, ret_job, error);
    lists_release(&lists, of->count);
    return status;
}

static bool is_same_job(const struct pg_job *a, const struct pg_job *b)
{
    char text[200];
    pg_job_difference(a, b, text, sizeof text);
    return text[0] == '\0';
}

/* Title and text of the first job; but the text is that of its file, or of the job it is a shard
   of, and must be the new job's. */
static int describe(const struct union_of *of, bool is_whole, struct pg_job *job,
                    struct pg_error *error)
{
    const struct pg_job *first = of->jobs[0];
    int status = pg_job_set_text(&job->title, first->title, strlen(first->title), error);
    if (status != 0)
        return status;
    if (first->text[0] != '\0' && (is_whole || is_same_job(first, job)))
        return pg_job_set_text(&job->text, first->text, strlen(first->text), error);
    return pg_job_take_yaml_as_text(job, error);
}

int pg_job_unite(const struct pg_job *const *jobs, const char *const *names, size_t count,
                 struct pg_job **ret_job, struct pg_error *error)
{
    const struct union_of of = {jobs, names, count};
    struct pg_job *job = NULL;
    int status = check_frames(&of, error);
    if (status == 0)
        status = find_whole(&of, &job, error);
    bool is_whole = job != NULL;
    if (status == 0 && !is_whole)
        status = unite_values(&of, &job, error);
    if (status == 0)
        status = pg_job_check_size(job, error);
    if (status == 0)
        status = describe(&of, is_whole, job, error);
    if (status != 0) {
        pg_job_destroy(job);
        return status;
    }
    *ret_job = job;
    return 0;
}
