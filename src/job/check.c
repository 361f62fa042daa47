/* SPDX-License-Identifier: MIT */
/*
 * What must hold for a job as a whole: no repeated place along an axis, no more runs than can be
 * counted, no snapshot behind the longest budget. The budget is the setting "steps", where an
 * experiment has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"

enum { VALUE_TEXT_MAX = 128 };

static int compare_lists(const struct pg_value *a, const struct pg_value *b)
{
    size_t shared = a->list_count < b->list_count ? a->list_count : b->list_count;
    for (size_t i = 0; i < shared; i++)
        if (a->list[i] != b->list[i])
            return a->list[i] < b->list[i] ? -1 : 1;
    return (a->list_count > b->list_count) - (a->list_count < b->list_count);
}

static int compare_values(const struct pg_value *a, const struct pg_value *b)
{
    switch (a->type) {
    case PG_VALUE_REAL:
        return (a->real > b->real) - (a->real < b->real);
    case PG_VALUE_INTEGER:
    case PG_VALUE_NAME:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case PG_VALUE_LIST:
        return compare_lists(a, b);
    case PG_VALUE_MATRIX:
        return strcmp(a->matrix, b->matrix);
    }
    return 0;
}

int pg_axis_compare(const struct pg_axis *a, size_t place_a, const struct pg_axis *b,
                    size_t place_b)
{
    int order = 0;
    for (size_t k = 0; k < a->member_count && order == 0; k++)
        order = compare_values(&a->members[k].values[place_a], &b->members[k].values[place_b]);
    return order;
}

static int order_places(const void *a, const void *b, void *context)
{
    const size_t *left = a, *right = b;
    int order = pg_axis_compare(context, *left, context, *right);
    return order != 0 ? order : (*left > *right) - (*left < *right);
}

static int refuse_repeat(const struct pg_axis *axis, const struct pg_schema *schema, size_t first,
                         size_t second, struct pg_error *error)
{
    char text[VALUE_TEXT_MAX];
    const struct pg_axis_member *member = &axis->members[0];
    pg_value_print(&schema->settings[member->setting], &member->values[first], text, sizeof text);
    return pg_error_set(
        error, PG_EINPUT, "%s: found %s%s at places %zu and %zu, expected each value once",
        axis->name, text, axis->is_zip ? " (and the rest of its zip)" : "", first + 1, second + 1);
}

int pg_axis_check(const struct pg_axis *axis, const struct pg_schema *schema,
                  struct pg_error *error)
{
    size_t *order = malloc((axis->count + 1) * sizeof *order);
    if (order == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < axis->count; i++)
        order[i] = i;
    struct pg_axis copy = *axis;
    qsort_r(order, axis->count, sizeof *order, order_places, &copy);
    int status = 0;
    for (size_t i = 1; i < axis->count && status == 0; i++)
        if (pg_axis_compare(axis, order[i - 1], axis, order[i]) == 0)
            status = refuse_repeat(axis, schema, order[i - 1], order[i], error);
    free(order);
    return status;
}

static int refuse_size(const struct pg_job *job, struct pg_error *error)
{
    char product[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < job->axis_count && used < sizeof product; i++)
        used +=
            (size_t)snprintf(product + used, sizeof product - used, "%zu x ", job->axes[i].count);
    return pg_error_set(error, PG_EINPUT,
                        "grid: found %s%zu runs (axes x seeds), expected at most %llu in all",
                        product, job->seed_count, (unsigned long long)pg_job_runs_max);
}

int pg_job_check_size(const struct pg_job *job, struct pg_error *error)
{
    uint64_t runs = job->seed_count;
    for (size_t i = 0; i < job->axis_count; i++) {
        if (job->axes[i].count > pg_job_runs_max / runs)
            return refuse_size(job, error);
        runs *= job->axes[i].count;
    }
    return 0;
}

int64_t pg_job_longest_budget(const struct pg_job *job)
{
    int setting = pg_schema_find(job->schema, "steps");
    if (setting < 0 || job->schema->settings[setting].type != PG_VALUE_INTEGER)
        return -1;
    int axis_index = pg_job_find_axis(job, (size_t)setting);
    if (axis_index < 0)
        return job->values[setting].integer;
    const struct pg_axis *axis = &job->axes[axis_index];
    int64_t longest = -1;
    for (size_t k = 0; k < axis->member_count; k++)
        for (size_t i = 0; axis->members[k].setting == (size_t)setting && i < axis->count; i++)
            if (axis->members[k].values[i].integer > longest)
                longest = axis->members[k].values[i].integer;
    return longest;
}

int pg_job_check_snapshots(const struct pg_job *job, struct pg_error *error)
{
    int64_t budget = pg_job_longest_budget(job);
    if (budget < 0 || job->snapshot_count == 0)
        return 0;
    int64_t last = job->snapshots[job->snapshot_count - 1];
    if (last <= budget)
        return 0;
    return pg_error_set(error, PG_EINPUT,
                        "%s: found step %lld, expected steps from 0 to %lld, the longest budget "
                        "(steps)",
                        pg_field_snapshot.name, (long long)last, (long long)budget);
}
