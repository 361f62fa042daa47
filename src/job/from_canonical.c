/* SPDX-License-Identifier: MIT */
/*
 * A job back from its canonical JSON, which comes out of a results file and may be damaged: every
 * value is checked as if a person had written it, and every failure is PG_EMISMATCH (but memory).
 * A setting that the text lacks takes its default: the file is older than the setting.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"

/* One field of the job, named in messages. */
static int refuse(struct pg_error *error, const char *what, const char *expected)
{
    return pg_error_set(error, PG_EINPUT, "%s: expected %s", what, expected);
}

static int read_list(const struct pg_setting *setting, const json_t *json,
                     struct pg_value *ret_value, struct pg_error *error)
{
    if (!json_is_array(json) || json_array_size(json) > PG_LIST_MAX)
        return refuse(error, setting->name, "a list of up to 16 integers");
    ret_value->list_count = json_array_size(json);
    for (size_t i = 0; i < ret_value->list_count; i++) {
        const json_t *item = json_array_get(json, i);
        if (!json_is_integer(item))
            return refuse(error, setting->name, "a list of integers");
        ret_value->list[i] = json_integer_value(item);
    }
    return 0;
}

static int read_value(const struct pg_setting *setting, const json_t *json,
                      struct pg_value *ret_value, struct pg_error *error)
{
    struct pg_value value = {.type = setting->type};
    int status = 0;
    bool is_text = setting->type == PG_VALUE_NAME || setting->type == PG_VALUE_MATRIX;
    if (is_text && json_is_string(json))
        return pg_value_parse(setting, json_string_value(json), ret_value, error);
    if (setting->type == PG_VALUE_LIST)
        status = read_list(setting, json, &value, error);
    else if (setting->type == PG_VALUE_REAL && json_is_number(json))
        value.real = json_number_value(json);
    else if (setting->type == PG_VALUE_INTEGER && json_is_integer(json))
        value.integer = json_integer_value(json);
    else
        status = refuse(error, setting->name, "another type of value");
    *ret_value = value;
    return status != 0 ? status : pg_value_check(setting, ret_value, error);
}

static int read_integer(const struct pg_setting *field, const json_t *json, int64_t *ret_integer,
                        struct pg_error *error)
{
    struct pg_value value = {0};
    int status = read_value(field, json, &value, error);
    *ret_integer = value.integer;
    return status;
}

static int read_settings(struct pg_job *job, json_t *settings, struct pg_error *error)
{
    const char *name;
    json_t *json;
    if (!json_is_object(settings))
        return refuse(error, "settings", "an object");
    json_object_foreach(settings, name, json)
    {
        int setting = pg_schema_find(job->schema, name);
        if (setting < 0)
            return refuse(error, name, "a setting that this version has");
        int status =
            read_value(&job->schema->settings[setting], json, &job->values[setting], error);
        if (status != 0)
            return status;
    }
    return 0;
}

static int find_swept(const struct pg_job *job, const json_t *settings, const char *name,
                      size_t *ret_setting, struct pg_error *error)
{
    int setting = name == NULL ? -1 : pg_schema_find(job->schema, name);
    if (setting < 0)
        return refuse(error, "grid", "names of settings that this version has");
    if (pg_job_find_axis(job, (size_t)setting) >= 0 || json_object_get(settings, name) != NULL)
        return refuse(error, name, "one place, under settings or in the grid");
    *ret_setting = (size_t)setting;
    return 0;
}

static int read_member(struct pg_job *job, const json_t *settings, const json_t *json,
                       struct pg_axis *axis, struct pg_error *error)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *values = json_object_get(json, "values");
    size_t setting = 0, count = json_array_size(values);
    int status = find_swept(job, settings, name, &setting, error);
    if (status != 0)
        return status;
    if (count == 0 || count > PG_AXIS_VALUES_MAX || (axis->count != 0 && axis->count != count))
        return refuse(error, name, "1 to 100000 values, as many as the rest of its zip has");
    struct pg_axis_member *member = &axis->members[axis->member_count++];
    member->setting = setting;
    member->values = calloc(count, sizeof *member->values);
    if (member->values == NULL)
        return pg_job_refuse_memory(error);
    axis->count = count;
    for (size_t i = 0; i < count && status == 0; i++)
        status = read_value(&job->schema->settings[setting], json_array_get(values, i),
                            &member->values[i], error);
    return status;
}

static int read_axis(struct pg_job *job, const json_t *settings, const json_t *json,
                     struct pg_error *error)
{
    struct pg_axis *axis = &job->axes[job->axis_count++];
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *members = json_object_get(json, "members");
    bool is_zip = json_is_true(json_object_get(json, "zip"));
    size_t count = json_array_size(members);
    if (name == NULL || count == 0 || count > job->schema->count || (count > 1 && !is_zip))
        return refuse(error, "grid", "axes with a name and members");
    int status = pg_axis_begin(axis, name, is_zip, count, error);
    for (size_t k = 0; k < count && status == 0; k++)
        status = read_member(job, settings, json_array_get(members, k), axis, error);
    return status != 0 ? status : pg_axis_check(axis, job->schema, error);
}

static int read_grid(struct pg_job *job, const json_t *settings, const json_t *grid,
                     struct pg_error *error)
{
    if (!json_is_array(grid) || json_array_size(grid) > PG_AXES_MAX)
        return refuse(error, "grid", "a list of up to 16 axes");
    int status = pg_job_reserve_axes(job, json_array_size(grid), error);
    for (size_t i = 0; i < json_array_size(grid) && status == 0; i++)
        status = read_axis(job, settings, json_array_get(grid, i), error);
    return status;
}

static int read_seeds(struct pg_job *job, const json_t *json, struct pg_error *error)
{
    size_t count = json_array_size(json);
    if (count == 0 || count > PG_SEEDS_MAX)
        return refuse(error, "seeds", "a list of 1 to 1e6 seeds");
    uint32_t *seeds = calloc(count, sizeof *seeds);
    if (seeds == NULL)
        return pg_job_refuse_memory(error);
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        int64_t seed;
        status = read_integer(&pg_field_seed, json_array_get(json, i), &seed, error);
        seeds[i] = (uint32_t)seed;
    }
    if (status == 0)
        status = pg_job_set_seeds(job, seeds, count, error);
    if (status != 0)
        free(seeds);
    return status;
}

static int read_snapshots(struct pg_job *job, const json_t *json, struct pg_error *error)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json) || count > PG_SNAPSHOTS_MAX)
        return refuse(error, pg_field_snapshot.name, "a list of up to 1000 steps");
    int64_t *steps = calloc(count + 1, sizeof *steps);
    if (steps == NULL)
        return pg_job_refuse_memory(error);
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = read_integer(&pg_field_snapshot, json_array_get(json, i), &steps[i], error);
    if (status == 0)
        status = pg_job_set_snapshots(job, steps, count, error);
    if (status != 0)
        free(steps);
    return status;
}

/* What is not there is none. */
static int read_llc(struct pg_job *job, const json_t *json, struct pg_error *error)
{
    static const struct pg_setting step = {
        "llc.at", PG_VALUE_INTEGER, PG_LLC_FINAL, 1e15, false, "0", NULL, "1", "a step"};
    const json_t *at = json_object_get(json, "at"), *every = json_object_get(json, "every");
    size_t count = json_array_size(at);
    if (every != NULL)
        return read_integer(&pg_field_llc_every, every, &job->llc_every, error);
    if (at == NULL)
        return 0;
    if (!json_is_array(at) || count == 0 || count > PG_SNAPSHOTS_MAX)
        return refuse(error, step.name, "a list of up to 1000 steps");
    int64_t *steps = calloc(count, sizeof *steps);
    if (steps == NULL)
        return pg_job_refuse_memory(error);
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = read_integer(&step, json_array_get(at, i), &steps[i], error);
    if (status == 0)
        status = pg_job_set_llc_at(job, steps, count, error);
    if (status != 0)
        free(steps);
    return status;
}

static int read_choices(struct pg_job *job, const json_t *root, struct pg_error *error)
{
    const json_t *record = json_object_get(root, "record");
    int64_t points = 0, spacing = 0, stop = 0, streams = 0;
    int status = read_integer(&pg_field_points, json_object_get(record, "points"), &points, error);
    if (status == 0)
        status =
            read_integer(&pg_field_spacing, json_object_get(record, "spacing"), &spacing, error);
    if (status == 0)
        status = read_integer(&pg_field_stop, json_object_get(root, "stop"), &stop, error);
    if (status == 0)
        status = read_integer(&pg_field_streams, json_object_get(root, "streams"), &streams, error);
    job->record_points = (size_t)points;
    job->record_spacing = spacing == 0 ? PG_SPACING_LOG : PG_SPACING_LINEAR;
    job->stop = stop == 0 ? PG_STOP_BUDGET : PG_STOP_DECIDED;
    job->independent_streams = streams != 0;
    return status;
}

static int read_job(struct pg_job *job, const json_t *root, struct pg_error *error)
{
    json_t *settings = json_object_get(root, "settings");
    int status = read_settings(job, settings, error);
    if (status == 0)
        status = read_grid(job, settings, json_object_get(root, "grid"), error);
    if (status == 0)
        status = read_seeds(job, json_object_get(root, "seeds"), error);
    if (status == 0)
        status = read_choices(job, root, error);
    if (status == 0)
        status = read_snapshots(job, json_object_get(json_object_get(root, "record"), "parameters"),
                                error);
    if (status == 0)
        status = read_llc(job, json_object_get(root, "llc"), error);
    if (status == 0)
        status = pg_job_check_size(job, error);
    return status != 0 ? status : pg_job_check_snapshots(job, error);
}

static int begin(const json_t *root, const struct pg_schema *const *schemas, size_t schema_count,
                 struct pg_job **ret_job, struct pg_error *error)
{
    const char *name = json_string_value(json_object_get(root, "experiment"));
    for (size_t i = 0; name != NULL && i < schema_count; i++)
        if (strcmp(schemas[i]->experiment, name) == 0)
            return pg_job_create(schemas[i], ret_job, error);
    return refuse(error, "experiment", "an experiment that this version has");
}

int pg_job_from_canonical(const char *text, const struct pg_schema *const *schemas,
                          size_t schema_count, struct pg_job **ret_job, struct pg_error *error)
{
    json_error_t about;
    struct pg_error ours = {0};
    struct pg_job *job = NULL;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &about);
    int status = root == NULL ? pg_error_set(&ours, PG_EINPUT, "%s", about.text)
                              : begin(root, schemas, schema_count, &job, &ours);
    if (job != NULL)
        status = read_job(job, root, &ours);
    json_decref(root);
    if (status == 0) {
        *ret_job = job;
        return 0;
    }
    pg_job_destroy(job);
    if (status == PG_EINPUT)
        status = PG_EMISMATCH;
    return pg_error_set(error, status, "the job in the file is not valid: %s", ours.text);
}
