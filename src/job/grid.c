/* SPDX-License-Identifier: MIT */
/*
 * The grid: a list of axes, each one setting or a zip of several that move together. A setting
 * stands in one place only: under `settings`, in one axis, or in one zip.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "axis.h"
#include "phasegrid/quote.h"
#include "reader.h"

enum { AXIS_NAME_MAX = 64, FIELDS_WITHOUT_ZIP = PG_AXIS_ZIP };

/* The text of the field "name". */
static int read_name(const struct pg_entry *axis, const struct pg_entry *name, const char *what,
                     const char **ret_name, struct pg_error *error)
{
    if (!pg_entry_exists(name)) {
        (void)pg_error_set(error, PG_EINPUT, "%s: found no name, expected the key name", what);
        return pg_place_refuse(&axis->place, error);
    }
    enum pg_yaml_kind kind = pg_entry_kind(name);
    if (kind != PG_YAML_PLAIN && kind != PG_YAML_TEXT)
        return pg_entry_refuse(name, "name", "a name", error);
    *ret_name = pg_entry_text(name);
    return 0;
}

/* The setting that `name` sweeps, when nothing else sets or sweeps it. */
static int claim_setting(const struct pg_job_reader *reader, const struct pg_entry *entry,
                         const char *name, size_t *ret_setting, struct pg_error *error)
{
    int status = pg_find_setting(reader, entry, "grid", name, ret_setting, error);
    if (status != 0)
        return status;
    if (reader->is_set[*ret_setting])
        (void)pg_error_set(error, PG_EINPUT,
                           "%s: found both under settings and in the grid, expected one of them",
                           name);
    else if (pg_job_find_axis(reader->job, *ret_setting) >= 0)
        (void)pg_error_set(error, PG_EINPUT, "%s: found twice in the grid, expected one axis",
                           name);
    else
        return 0;
    return pg_place_refuse(&entry->place, error);
}

/* Adds a member to the last axis of the job. */
static int read_member(const struct pg_job_reader *reader, const struct pg_entry *axis_entry,
                       const struct pg_entry fields[PG_AXIS_FIELDS], struct pg_axis *axis,
                       size_t *ret_count, struct pg_error *error)
{
    const char *name = "";
    size_t setting = 0;
    int status = read_name(axis_entry, &fields[PG_AXIS_NAME], "grid", &name, error);
    if (status == 0)
        status = claim_setting(reader, &fields[PG_AXIS_NAME], name, &setting, error);
    if (status != 0)
        return status;
    struct pg_axis_member *member = &axis->members[axis->member_count++];
    member->setting = setting;
    return pg_axis_read_values(fields, &reader->job->schema->settings[setting], &member->values,
                               ret_count, error);
}

static int read_single(const struct pg_job_reader *reader, const struct pg_entry *entry,
                       const struct pg_entry fields[PG_AXIS_FIELDS], struct pg_axis *axis,
                       struct pg_error *error)
{
    const char *name = "";
    int status = read_name(entry, &fields[PG_AXIS_NAME], "grid", &name, error);
    if (status == 0)
        status = pg_axis_begin(axis, name, false, 1, error);
    return status != 0 ? status : read_member(reader, entry, fields, axis, &axis->count, error);
}

static bool is_identifier(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > AXIS_NAME_MAX || isdigit((unsigned char)name[0]))
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if (!isascii((unsigned char)*at) || (!isalnum((unsigned char)*at) && *at != '_'))
            return false;
    return true;
}

/* A zip's own name must not be taken for anything else. */
static int check_zip_name(const struct pg_job_reader *reader, const struct pg_entry *entry,
                          const char *name, struct pg_error *error)
{
    char quoted[PG_QUOTE_SIZE];
    const char *wrong = NULL;
    if (!is_identifier(name))
        wrong = "letters, digits and _, up to 64 of them";
    else if (pg_schema_find(reader->job->schema, name) >= 0)
        wrong = "a name of the zip's own, not that of a setting";
    else if (strcmp(name, "seed") == 0)
        wrong = "a name other than that of the seeds' dimension";
    for (size_t i = 0; i + 1 < reader->job->axis_count; i++)
        if (strcmp(reader->job->axes[i].name, name) == 0)
            wrong = "a name that no other axis has";
    if (wrong == NULL)
        return 0;
    (void)pg_error_set(error, PG_EINPUT, "name: found %s, expected %s",
                       pg_quote_always(name, quoted), wrong);
    return pg_place_refuse(&entry->place, error);
}

static int read_zip_member(const struct pg_job_reader *reader, const struct pg_entry *entry,
                           struct pg_axis *axis, struct pg_error *error)
{
    struct pg_entry fields[PG_AXIS_FIELDS] = {0};
    size_t count = 0, first = axis->count;
    int status = pg_entry_fields(entry, "zip", pg_axis_fields, FIELDS_WITHOUT_ZIP, fields, error);
    if (status == 0)
        status = read_member(reader, entry, fields, axis, &count, error);
    if (status != 0)
        return status;
    axis->count = count;
    if (axis->member_count == 1 || count == first)
        return 0;
    const struct pg_setting *settings = reader->job->schema->settings;
    (void)pg_error_set(error, PG_EINPUT,
                       "%s: found %zu values, expected %zu, as many as %s has in the zip %s",
                       settings[axis->members[axis->member_count - 1].setting].name, count, first,
                       settings[axis->members[0].setting].name, axis->name);
    return pg_place_refuse(&fields[PG_AXIS_NAME].place, error);
}

static int begin_zip(const struct pg_job_reader *reader, const struct pg_entry *entry,
                     const struct pg_entry fields[PG_AXIS_FIELDS], struct pg_axis *axis,
                     struct pg_error *error)
{
    const struct pg_entry *zip = &fields[PG_AXIS_ZIP];
    const char *name = "";
    for (enum pg_axis_field i = PG_AXIS_VALUES; i < PG_AXIS_ZIP; i++)
        if (pg_entry_exists(&fields[i]))
            return pg_entry_refuse(&fields[i], pg_axis_fields[i], "nothing beside zip", error);
    int status = read_name(entry, &fields[PG_AXIS_NAME], "zip", &name, error);
    if (status == 0)
        status = check_zip_name(reader, &fields[PG_AXIS_NAME], name, error);
    if (status != 0)
        return status;
    size_t count = pg_entry_kind(zip) == PG_YAML_LIST ? pg_entry_count(zip) : 0;
    if (count < 2 || count > reader->job->schema->count)
        return pg_entry_refuse(zip, "zip", "a list of at least two settings with their values",
                               error);
    return pg_axis_begin(axis, name, true, count, error);
}

static int read_zip(const struct pg_job_reader *reader, const struct pg_entry *entry,
                    const struct pg_entry fields[PG_AXIS_FIELDS], struct pg_axis *axis,
                    struct pg_error *error)
{
    int status = begin_zip(reader, entry, fields, axis, error);
    struct pg_entry member;
    for (void *at = NULL; status == 0 && pg_entry_next(&fields[PG_AXIS_ZIP], &at, &member);)
        status = read_zip_member(reader, &member, axis, error);
    return status;
}

static int read_axis(const struct pg_job_reader *reader, const struct pg_entry *entry,
                     struct pg_axis *axis, struct pg_error *error)
{
    struct pg_entry fields[PG_AXIS_FIELDS];
    int status = pg_entry_fields(entry, "grid", pg_axis_fields, PG_AXIS_FIELDS, fields, error);
    if (status != 0)
        return status;
    status = pg_entry_exists(&fields[PG_AXIS_ZIP])
                 ? read_zip(reader, entry, fields, axis, error)
                 : read_single(reader, entry, fields, axis, error);
    if (status != 0)
        return status;
    status = pg_axis_check(axis, reader->job->schema, error);
    return status == 0 ? 0 : pg_place_refuse(&fields[PG_AXIS_NAME].place, error);
}

int pg_read_grid(struct pg_job_reader *reader, const struct pg_entry *entry, struct pg_error *error)
{
    struct pg_job *job = reader->job;
    if (pg_entry_kind(entry) != PG_YAML_LIST || pg_entry_count(entry) > PG_AXES_MAX)
        return pg_entry_refuse(entry, "grid",
                               "a list of up to 16 axes such as {name: decoder_lr, values: [..]}",
                               error);
    int status = pg_job_reserve_axes(job, pg_entry_count(entry), error);
    struct pg_entry axis;
    for (void *at = NULL; status == 0 && pg_entry_next(entry, &at, &axis);)
        status = read_axis(reader, &axis, &job->axes[job->axis_count++], error);
    reader->grid = entry->place;
    return status;
}
