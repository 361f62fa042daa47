/* SPDX-License-Identifier: MIT */
/* The sections of a job file except the grid: title, settings, seeds, record, stop, streams. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/quote.h"
#include "reader.h"
#include "words.h"

enum { FOUND_MAX = 2 * PG_QUOTE_SIZE + 64 };

/* Another experiment that has the setting, or NULL. */
static const char *experiment_with(const struct pg_job_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->schema_count; i++)
        if (pg_schema_find(reader->schemas[i], name) >= 0)
            return reader->schemas[i]->experiment;
    return NULL;
}

static int refuse_setting(const struct pg_job_reader *reader, const char *what, const char *name,
                          struct pg_error *error)
{
    const struct pg_schema *schema = reader->job->schema;
    char found[FOUND_MAX], quoted[PG_QUOTE_SIZE];
    const char *other = experiment_with(reader, name);
    (void)pg_quote_always(name, quoted);
    if (other == NULL)
        (void)snprintf(found, sizeof found, "%s", quoted);
    else
        (void)snprintf(found, sizeof found, "%s, which %s has but %s lacks", quoted, other,
                       schema->experiment);
    const char **names = calloc(schema->count + 1, sizeof *names);
    if (names == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < schema->count; i++)
        names[i] = schema->settings[i].name;
    int status = pg_word_refuse(what, found, name, names, schema->count, error);
    free(names);
    return status;
}

int pg_find_setting(const struct pg_job_reader *reader, const struct pg_entry *entry,
                    const char *what, const char *name, size_t *ret_setting, struct pg_error *error)
{
    int setting = pg_schema_find(reader->job->schema, name);
    if (setting >= 0) {
        *ret_setting = (size_t)setting;
        return 0;
    }
    int status = refuse_setting(reader, what, name, error);
    return status == PG_EINPUT ? pg_place_refuse(&entry->place, error) : status;
}

/* Several values under a setting were probably meant as an axis. */
static int hint_at_grid(const struct pg_entry *entry, const struct pg_setting *setting,
                        struct pg_error *error)
{
    struct pg_error plain = {0};
    char found[FOUND_MAX];
    bool is_list = pg_entry_kind(entry) == PG_YAML_LIST;
    (void)snprintf(found, sizeof found, "%s (several values make an axis: put them under grid)",
                   is_list ? "a list" : "a map");
    int status = pg_value_refuse(setting, found, &plain);
    (void)pg_error_set(error, status, "%s", plain.text);
    return pg_place_refuse(&entry->place, error);
}

static int read_setting(struct pg_job_reader *reader, const struct pg_entry *entry,
                        struct pg_error *error)
{
    struct pg_job *job = reader->job;
    size_t index = 0;
    int status = pg_find_setting(reader, entry, "settings", entry->key, &index, error);
    if (status != 0)
        return status;
    const struct pg_setting *setting = &job->schema->settings[index];
    if (reader->is_set[index]) {
        (void)pg_error_set(error, PG_EINPUT, "settings: the key \"%s\" stands here a second time",
                           setting->name);
        return pg_place_refuse(&entry->place, error);
    }
    reader->is_set[index] = true;
    enum pg_yaml_kind kind = pg_entry_kind(entry);
    if (kind == PG_YAML_MAP || (kind == PG_YAML_LIST && setting->type != PG_VALUE_LIST))
        return hint_at_grid(entry, setting, error);
    return pg_entry_value(entry, setting, &job->values[index], error);
}

int pg_read_settings(struct pg_job_reader *reader, const struct pg_entry *entry,
                     struct pg_error *error)
{
    if (pg_entry_kind(entry) != PG_YAML_MAP)
        return pg_entry_refuse(entry, "settings", "a map from names of settings to values", error);
    struct pg_entry setting;
    for (void *at = NULL; pg_entry_next(entry, &at, &setting);) {
        int status = read_setting(reader, &setting, error);
        if (status != 0)
            return status;
    }
    return 0;
}

int pg_read_title(struct pg_job_reader *reader, const struct pg_entry *entry,
                  struct pg_error *error)
{
    enum pg_yaml_kind kind = pg_entry_kind(entry);
    if (kind != PG_YAML_PLAIN && kind != PG_YAML_TEXT)
        return pg_entry_refuse(entry, "title", "a line of text", error);
    const char *text = pg_entry_text(entry);
    return pg_job_set_text(&reader->job->title, text, strlen(text), error);
}

static int refuse_repeated(const struct pg_entry *entry, void *list, struct pg_error *error)
{
    free(list);
    return pg_place_refuse(&entry->place, error);
}

static int read_seed_list(struct pg_job_reader *reader, const struct pg_entry *entry,
                          struct pg_error *error)
{
    uint32_t *seeds = calloc(pg_entry_count(entry) + 1, sizeof *seeds);
    if (seeds == NULL)
        return pg_job_refuse_memory(error);
    struct pg_entry item;
    size_t count = 0;
    for (void *at = NULL; pg_entry_next(entry, &at, &item);) {
        int64_t seed;
        int status = pg_entry_integer(&item, &pg_field_seed, &seed, error);
        if (status != 0) {
            free(seeds);
            return status;
        }
        seeds[count++] = (uint32_t)seed;
    }
    int status = pg_job_set_seeds(reader->job, seeds, count, error);
    return status == 0 ? 0 : refuse_repeated(entry, seeds, error);
}

int pg_read_seeds(struct pg_job_reader *reader, const struct pg_entry *entry,
                  struct pg_error *error)
{
    int64_t count;
    if (pg_entry_kind(entry) == PG_YAML_LIST) {
        size_t length = pg_entry_count(entry);
        if (length >= 1 && length <= PG_SEEDS_MAX)
            return read_seed_list(reader, entry, error);
        return pg_entry_refuse(entry, "seeds", "how many (3: 0, 1, 2) or a list of 1 to 1e6 seeds",
                               error);
    }
    int status = pg_entry_integer(entry, &pg_field_seed_count, &count, error);
    return status != 0 ? status : pg_job_count_seeds(reader->job, (size_t)count, error);
}

int pg_read_stop(struct pg_job_reader *reader, const struct pg_entry *entry, struct pg_error *error)
{
    int64_t stop;
    int status = pg_entry_integer(entry, &pg_field_stop, &stop, error);
    reader->job->stop = stop == 0 ? PG_STOP_BUDGET : PG_STOP_DECIDED;
    return status;
}

int pg_read_streams(struct pg_job_reader *reader, const struct pg_entry *entry,
                    struct pg_error *error)
{
    int64_t streams;
    int status = pg_entry_integer(entry, &pg_field_streams, &streams, error);
    reader->job->independent_streams = streams != 0;
    return status;
}

int pg_read_points(struct pg_job_reader *reader, const struct pg_entry *entry,
                   struct pg_error *error)
{
    int64_t points;
    int status = pg_entry_integer(entry, &pg_field_points, &points, error);
    reader->job->record_points = (size_t)points;
    return status;
}

int pg_read_spacing(struct pg_job_reader *reader, const struct pg_entry *entry,
                    struct pg_error *error)
{
    int64_t spacing;
    int status = pg_entry_integer(entry, &pg_field_spacing, &spacing, error);
    reader->job->record_spacing = spacing == 0 ? PG_SPACING_LOG : PG_SPACING_LINEAR;
    return status;
}

int pg_read_parameters(struct pg_job_reader *reader, const struct pg_entry *entry,
                       struct pg_error *error)
{
    if (pg_entry_kind(entry) != PG_YAML_LIST || pg_entry_count(entry) > PG_SNAPSHOTS_MAX)
        return pg_entry_refuse(entry, pg_field_snapshot.name, "a list of up to 1000 steps", error);
    int64_t *steps = calloc(pg_entry_count(entry) + 1, sizeof *steps);
    if (steps == NULL)
        return pg_job_refuse_memory(error);
    struct pg_entry item;
    size_t count = 0;
    for (void *at = NULL; pg_entry_next(entry, &at, &item);) {
        int status = pg_entry_integer(&item, &pg_field_snapshot, &steps[count++], error);
        if (status != 0) {
            free(steps);
            return status;
        }
    }
    reader->parameters = entry->place;
    int status = pg_job_set_snapshots(reader->job, steps, count, error);
    return status == 0 ? 0 : refuse_repeated(entry, steps, error);
}

int pg_read_record(struct pg_job_reader *reader, const struct pg_entry *entry,
                   struct pg_error *error)
{
    static const char *const names[] = {"points", "spacing", "parameters"};
    static int (*const readers[])(struct pg_job_reader *, const struct pg_entry *,
                                  struct pg_error *) = {pg_read_points, pg_read_spacing,
                                                        pg_read_parameters};
    enum { COUNT = sizeof names / sizeof names[0] };
    struct pg_entry entries[COUNT];
    int status = pg_entry_fields(entry, "record", names, COUNT, entries, error);
    for (size_t i = 0; i < COUNT && status == 0; i++)
        if (pg_entry_exists(&entries[i]))
            status = readers[i](reader, &entries[i], error);
    return status;
}
