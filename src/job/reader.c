/* SPDX-License-Identifier: MIT */
/*
 * A job file from its first byte to a checked job. The experiment comes first, because it says
 * which settings there are; then the sections, then what --set changes, then what must hold for
 * the whole.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "words.h"

enum section {
    TITLE,
    EXPERIMENT,
    SETTINGS,
    GRID,
    SEEDS,
    RECORD,
    LLC,
    STOP,
    STREAMS,
    SECTIONS,
};

static const char *const section_names[SECTIONS] = {
    "title", "experiment", "settings", "grid", "seeds", "record", "llc", "stop", "streams"};

/* In the order of reading; settings before the grid, which must not sweep what is set. */
static const struct {
    enum section section;
    int (*read)(struct pg_job_reader *reader, const struct pg_entry *entry, struct pg_error *error);
} steps[] = {
    {TITLE, pg_read_title}, {SETTINGS, pg_read_settings}, {LLC, pg_read_llc},
    {GRID, pg_read_grid},   {SEEDS, pg_read_seeds},       {RECORD, pg_read_record},
    {STOP, pg_read_stop},   {STREAMS, pg_read_streams},
};

static int refuse_experiment(const struct pg_job_reader *reader, const char *found,
                             const char *word, struct pg_error *error)
{
    const char **names = calloc(reader->schema_count + 1, sizeof *names);
    if (names == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < reader->schema_count; i++)
        names[i] = reader->schemas[i]->experiment;
    int status = pg_word_refuse("experiment", found, word, names, reader->schema_count, error);
    free(names);
    return status;
}

/* Finds the experiment and begins the job. */
static int begin_job(struct pg_job_reader *reader, const struct pg_entry *root,
                     const struct pg_entry *experiment, struct pg_error *error)
{
    const struct pg_entry *at = pg_entry_exists(experiment) ? experiment : root;
    const char *name = at == root ? "" : pg_entry_text(experiment);
    char found[PG_QUOTE_SIZE];
    for (size_t i = 0; i < reader->schema_count; i++)
        if (strcmp(reader->schemas[i]->experiment, name) == 0)
            return pg_job_create(reader->schemas[i], &reader->job, error);
    int status = refuse_experiment(
        reader, name[0] == '\0' ? "nothing" : pg_quote_always(name, found), name, error);
    return status == PG_EINPUT ? pg_place_refuse(&at->place, error) : status;
}

static int read_sections(struct pg_job_reader *reader, const struct pg_entry *root,
                         struct pg_error *error)
{
    struct pg_entry entries[SECTIONS];
    int status = pg_entry_fields(root, "job", section_names, SECTIONS, entries, error);
    if (status == 0)
        status = begin_job(reader, root, &entries[EXPERIMENT], error);
    if (status != 0)
        return status;
    reader->is_set = calloc(reader->job->schema->count + 1, sizeof *reader->is_set);
    if (reader->is_set == NULL)
        return pg_job_refuse_memory(error);
    reader->grid = reader->parameters = reader->llc = root->place;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == 0; i++)
        if (pg_entry_exists(&entries[steps[i].section]))
            status = steps[i].read(reader, &entries[steps[i].section], error);
    return status;
}

static int read_file(struct pg_job_reader *reader, const struct pg_source *source,
                     struct pg_error *error)
{
    struct pg_yaml *yaml;
    struct pg_entry root;
    int status = pg_yaml_parse(source, &yaml, &root, error);
    if (status != 0)
        return status;
    status = read_sections(reader, &root, error);
    pg_yaml_destroy(yaml);
    return status != 0 ? status
                       : pg_job_set_text(&reader->job->text, source->text, source->size, error);
}

static int check_whole(const struct pg_job_reader *reader, struct pg_error *error)
{
    if (pg_job_check_size(reader->job, error) != 0)
        return pg_place_refuse(&reader->grid, error);
    if (pg_job_check_snapshots(reader->job, error) != 0)
        return pg_place_refuse(&reader->parameters, error);
    return pg_check_llc(reader, error);
}

static int read_all(struct pg_job_reader *reader, const struct pg_source *source,
                    const char *const *texts, size_t count, struct pg_error *error)
{
    struct pg_override *overrides = calloc(count + 1, sizeof *overrides);
    if (overrides == NULL)
        return pg_job_refuse_memory(error);
    int status = read_file(reader, source, error);
    for (size_t i = 0; i < count && status == 0; i++)
        status = pg_read_override(reader, texts[i], &overrides[i], error);
    if (status == 0)
        status = check_whole(reader, error);
    free(overrides);
    return status;
}

int pg_job_parse(const char *path, const char *text, size_t size,
                 const struct pg_schema *const *schemas, size_t schema_count,
                 const char *const *overrides, size_t override_count, struct pg_job **ret_job,
                 struct pg_error *error)
{
    const struct pg_source source = {path, text, size, .is_file = true};
    struct pg_error ours; /* messages are built in steps, even when nobody reads them */
    struct pg_job_reader reader = {.schemas = schemas, .schema_count = schema_count};
    int status = read_all(&reader, &source, overrides, override_count, &ours);
    free(reader.is_set);
    if (status != 0) {
        pg_job_destroy(reader.job);
        return pg_error_set(error, status, "%s", ours.text);
    }
    *ret_job = reader.job;
    return 0;
}

int pg_job_read(const char *path, const struct pg_schema *const *schemas, size_t schema_count,
                const char *const *overrides, size_t override_count, struct pg_job **ret_job,
                struct pg_error *error)
{
    char *text;
    size_t size;
    int status = pg_source_load(path, &text, &size, error);
    if (status != 0)
        return status;
    status = pg_job_parse(path, text, size, schemas, schema_count, overrides, override_count,
                          ret_job, error);
    free(text);
    return status;
}
