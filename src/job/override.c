/* SPDX-License-Identifier: MIT */
/*
 * --set name=value. The value is YAML of its own, so that it is read, and refused, as it would be
 * in the file; a title is taken as it stands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/quote.h"
#include "reader.h"
#include "words.h"

static const struct section {
    const char *name;
    int (*read)(struct pg_job_reader *reader, const struct pg_entry *entry, struct pg_error *error);
} sections[] = {
    {"seeds", pg_read_seeds},
    {"stop", pg_read_stop},
    {"streams", pg_read_streams},
    {"record.points", pg_read_points},
    {"record.spacing", pg_read_spacing},
    {"record.parameters", pg_read_parameters},
    {"llc.at", pg_read_llc_at},
    {"llc.every", pg_read_llc_every},
};

enum { SECTIONS = sizeof sections / sizeof sections[0] };

/* Every name that --set takes, for the message; settings come first. */
static int refuse_name(const struct pg_job_reader *reader, const char *name, struct pg_error *error)
{
    const struct pg_schema *schema = reader->job->schema;
    const char **names = calloc(schema->count + SECTIONS + 1, sizeof *names);
    if (names == NULL)
        return pg_job_refuse_memory(error);
    size_t count = 0;
    for (size_t i = 0; i < schema->count; i++)
        names[count++] = schema->settings[i].name;
    for (size_t i = 0; i < SECTIONS; i++)
        names[count++] = sections[i].name;
    names[count++] = "title";
    char quoted[PG_QUOTE_SIZE];
    int status = pg_word_refuse("name", pg_quote_always(name, quoted), name, names, count, error);
    free(names);
    return status;
}

static int set_setting(struct pg_job_reader *reader, size_t setting, const struct pg_entry *entry,
                       struct pg_error *error)
{
    struct pg_job *job = reader->job;
    int axis = pg_job_find_axis(job, setting);
    reader->is_set[setting] = true;
    if (axis < 0)
        return pg_entry_value(entry, &job->schema->settings[setting], &job->values[setting], error);
    (void)pg_error_set(error, PG_EINPUT,
                       "%s: found in the grid of this job (axis %s), expected a setting that is "
                       "not an axis",
                       job->schema->settings[setting].name, job->axes[axis].name);
    return pg_place_refuse(&entry->place, error);
}

static int set_named(struct pg_job_reader *reader, const char *name, const struct pg_entry *entry,
                     struct pg_error *error)
{
    int setting = pg_schema_find(reader->job->schema, name);
    if (setting >= 0)
        return set_setting(reader, (size_t)setting, entry, error);
    for (size_t i = 0; i < SECTIONS; i++)
        if (strcmp(sections[i].name, name) == 0)
            return sections[i].read(reader, entry, error);
    int status = refuse_name(reader, name, error);
    return status == PG_EINPUT ? pg_place_refuse(&entry->place, error) : status;
}

static int set_parsed(struct pg_job_reader *reader, const char *name, const struct pg_source *value,
                      struct pg_error *error)
{
    struct pg_entry entry = {.place = {value, 0}}; /* nothing */
    struct pg_yaml *yaml = NULL;
    int status = 0;
    if (value->text[strspn(value->text, " ")] != '\0')
        status = pg_yaml_parse(value, &yaml, &entry, error);
    if (status == 0)
        status = set_named(reader, name, &entry, error);
    pg_yaml_destroy(yaml);
    return status;
}

int pg_read_override(struct pg_job_reader *reader, const char *text, struct pg_override *override,
                     struct pg_error *error)
{
    const char *equals = strchr(text, '=');
    char shown[PG_QUOTE_SIZE];
    (void)snprintf(override->name, sizeof override->name, "--set %s", pg_quote_never(text, shown));
    if (equals == NULL)
        return pg_error_set(error, PG_EINPUT, "%s: found no '=', expected name=value",
                            override->name);
    override->source =
        (struct pg_source){override->name, equals + 1, strlen(equals + 1), .is_file = false};
    char *name = strndup(text, (size_t)(equals - text));
    if (name == NULL)
        return pg_job_refuse_memory(error);
    int status = strcmp(name, "title") == 0
                     ? pg_job_set_text(&reader->job->title, equals + 1, strlen(equals + 1), error)
                     : set_parsed(reader, name, &override->source, error);
    free(name);
    return status;
}
