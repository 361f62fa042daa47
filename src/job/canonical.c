/* SPDX-License-Identifier: MIT */
/*
 * The canonical JSON of a job: sorted keys, no white space, reals with 17 significant digits. A
 * setting stands under "settings" or in the grid:
 *   {"experiment":"addition","grid":[{"members":[{"name":"decoder_lr","values":[0.001,0.01]}],
 *    "name":"decoder_lr","zip":false}],"record":{"parameters":[],"points":64,"spacing":"log"},
 *    "seeds":[0,1],"settings":{"steps":1000},"stop":"budget","streams":"shared"}
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "build.h"

/* NULL on failure, as in all of jansson, whose functions pass it on. */
static json_t *value_to_json(const struct pg_setting *setting, const struct pg_value *value)
{
    switch (value->type) {
    case PG_VALUE_REAL:
        return json_real(value->real);
    case PG_VALUE_INTEGER:
        return json_integer(value->integer);
    case PG_VALUE_NAME:
        return json_string(setting->names[value->integer]);
    case PG_VALUE_MATRIX:
        return json_string(value->matrix[0] != '\0' ? value->matrix : "none");
    case PG_VALUE_LIST:
        break;
    }
    json_t *list = json_array();
    bool whole = list != NULL;
    for (size_t i = 0; whole && i < value->list_count; i++)
        whole = json_array_append_new(list, json_integer(value->list[i])) == 0;
    if (whole)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *member_to_json(const struct pg_job *job, const struct pg_axis *axis, size_t member)
{
    const struct pg_setting *setting = &job->schema->settings[axis->members[member].setting];
    json_t *values = json_array();
    bool whole = values != NULL;
    for (size_t i = 0; whole && i < axis->count; i++)
        whole = json_array_append_new(
                    values, value_to_json(setting, &axis->members[member].values[i])) == 0;
    if (whole)
        return json_pack("{s:s, s:o}", "name", setting->name, "values", values);
    json_decref(values);
    return NULL;
}

static json_t *axis_to_json(const struct pg_job *job, const struct pg_axis *axis)
{
    json_t *members = json_array();
    bool whole = members != NULL;
    for (size_t k = 0; whole && k < axis->member_count; k++)
        whole = json_array_append_new(members, member_to_json(job, axis, k)) == 0;
    if (whole)
        return json_pack("{s:s, s:b, s:o}", "name", axis->name, "zip", (int)axis->is_zip, "members",
                         members);
    json_decref(members);
    return NULL;
}

static json_t *grid_to_json(const struct pg_job *job)
{
    json_t *grid = json_array();
    bool whole = grid != NULL;
    for (size_t i = 0; whole && i < job->axis_count; i++)
        whole = json_array_append_new(grid, axis_to_json(job, &job->axes[i])) == 0;
    if (whole)
        return grid;
    json_decref(grid);
    return NULL;
}

static json_t *settings_to_json(const struct pg_job *job)
{
    json_t *settings = json_object();
    bool whole = settings != NULL;
    for (size_t i = 0; whole && i < job->schema->count; i++) {
        const struct pg_setting *setting = &job->schema->settings[i];
        if (pg_job_find_axis(job, i) < 0)
            whole = json_object_set_new(settings, setting->name,
                                        value_to_json(setting, &job->values[i])) == 0;
    }
    if (whole)
        return settings;
    json_decref(settings);
    return NULL;
}

static json_t *seeds_to_json(const struct pg_job *job)
{
    json_t *seeds = json_array();
    bool whole = seeds != NULL;
    for (size_t i = 0; whole && i < job->seed_count; i++)
        whole = json_array_append_new(seeds, json_integer(job->seeds[i])) == 0;
    if (whole)
        return seeds;
    json_decref(seeds);
    return NULL;
}

static json_t *record_to_json(const struct pg_job *job)
{
    json_t *steps = json_array();
    bool whole = steps != NULL;
    for (size_t i = 0; whole && i < job->snapshot_count; i++)
        whole = json_array_append_new(steps, json_integer(job->snapshots[i])) == 0;
    if (whole)
        return json_pack("{s:o, s:I, s:s}", "parameters", steps, "points",
                         (json_int_t)job->record_points, "spacing",
                         pg_field_spacing.names[job->record_spacing]);
    json_decref(steps);
    return NULL;
}

/* {"every":500}, or {"at":[-1,100]} with -1 for final. */
static json_t *llc_to_json(const struct pg_job *job)
{
    if (job->llc_every > 0)
        return json_pack("{s:I}", "every", (json_int_t)job->llc_every);
    json_t *steps = json_array();
    bool whole = steps != NULL;
    for (size_t i = 0; whole && i < job->llc_at_count; i++)
        whole = json_array_append_new(steps, json_integer(job->llc_at[i])) == 0;
    if (whole)
        return json_pack("{s:o}", "at", steps);
    json_decref(steps);
    return NULL;
}

/* json_pack() fails as a whole, and gives back what it took, when one part is NULL. */
static json_t *job_to_json(const struct pg_job *job)
{
    json_t *json = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:s}", "experiment",
                             job->schema->experiment, "grid", grid_to_json(job), "record",
                             record_to_json(job), "seeds", seeds_to_json(job), "settings",
                             settings_to_json(job), "stop", pg_field_stop.names[job->stop],
                             "streams", pg_field_streams.names[job->independent_streams ? 1 : 0]);
    if (json == NULL || !pg_job_has_llc(job) ||
        json_object_set_new(json, "llc", llc_to_json(job)) == 0)
        return json;
    json_decref(json);
    return NULL;
}

/* Releases `json`, which may be NULL. */
static char *print(json_t *json)
{
    char *text = json == NULL
                     ? NULL
                     : json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(json);
    return text;
}

char *pg_job_canonical(const struct pg_job *job)
{
    return print(job_to_json(job));
}

static json_t *cell_to_json(const struct pg_job *job, uint64_t cell)
{
    json_t *settings = json_object();
    bool whole = settings != NULL;
    for (size_t i = 0; whole && i < job->schema->count; i++) {
        const struct pg_setting *setting = &job->schema->settings[i];
        if (pg_setting_is_llc(setting) && !pg_job_has_llc(job))
            continue;
        whole = json_object_set_new(settings, setting->name,
                                    value_to_json(setting, pg_job_cell_value(job, cell, i))) == 0;
    }
    if (whole)
        return json_pack("{s:s, s:o}", "experiment", job->schema->experiment, "settings", settings);
    json_decref(settings);
    return NULL;
}

char *pg_job_cell_text(const struct pg_job *job, uint64_t cell)
{
    assert(cell < pg_job_cell_count(job));
    return print(cell_to_json(job, cell));
}
