/* SPDX-License-Identifier: MIT */
/*
 * A job as a job file that people can edit. It says everything, defaults too, so that it means the
 * same to a later version. Names are quoted where a reader could take them for something else.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "build.h"
#include "source.h"

enum { VALUE_TEXT_MAX = 128 };

static bool is_utf8(const char *text)
{
    const struct pg_source source = {.name = "", .text = text, .size = strlen(text)};
    struct pg_error ignored;
    return pg_source_check(&source, &ignored) == 0;
}

/* In double quotes. Control characters are escaped; in a text that is no UTF-8, which no reader
   takes, '?' stands for every byte that is not ASCII. */
static void put_quoted(FILE *file, const char *text)
{
    bool is_valid = is_utf8(text);
    (void)fputc('"', file);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            (void)fprintf(file, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            (void)fprintf(file, "\\x%02x", (unsigned)*at);
        else
            (void)fputc(*at < 0x80 || is_valid ? *at : '?', file);
    }
    (void)fputc('"', file);
}

/* A word that no reader takes for a number, a truth value or nothing. */
static bool is_plain(const char *text)
{
    static const char *const taken[] = {"null", "true", "false", "yes", "no", "on",
                                        "off",  "y",    "n",     "inf", "nan"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcasecmp(taken[i], text) == 0)
            return false;
    for (const char *at = text; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && *at != '_')
            return false;
    return isalpha((unsigned char)text[0]) != 0;
}

static void put_name(FILE *file, const char *name)
{
    if (is_plain(name))
        (void)fputs(name, file);
    else
        put_quoted(file, name);
}

static void put_value(FILE *file, const struct pg_setting *setting, const struct pg_value *value)
{
    char text[VALUE_TEXT_MAX];
    switch (value->type) {
    case PG_VALUE_NAME:
        put_name(file, setting->names[value->integer]);
        break;
    case PG_VALUE_LIST:
        (void)fputc('[', file);
        for (size_t i = 0; i < value->list_count; i++)
            (void)fprintf(file, "%s%lld", i > 0 ? ", " : "", (long long)value->list[i]);
        (void)fputc(']', file);
        break;
    case PG_VALUE_MATRIX:
        put_name(file, value->matrix[0] != '\0' ? value->matrix : "none");
        break;
    case PG_VALUE_REAL:
    case PG_VALUE_INTEGER:
        pg_value_print(setting, value, text, sizeof text);
        (void)fputs(text, file);
        break;
    }
}

static void put_settings(FILE *file, const struct pg_job *job)
{
    size_t put = 0;
    for (size_t i = 0; i < job->schema->count; i++) {
        const struct pg_setting *setting = &job->schema->settings[i];
        if (pg_job_find_axis(job, i) >= 0 || (pg_setting_is_llc(setting) && !pg_job_has_llc(job)))
            continue;
        (void)fprintf(file, "%s  %s: ", put++ == 0 ? "settings:\n" : "", setting->name);
        put_value(file, setting, &job->values[i]);
        (void)fputc('\n', file);
    }
}

static void put_member(FILE *file, const struct pg_job *job, const struct pg_axis *axis,
                       size_t index)
{
    const struct pg_axis_member *member = &axis->members[index];
    const struct pg_setting *setting = &job->schema->settings[member->setting];
    (void)fprintf(file, "- {name: %s, values: [", setting->name);
    for (size_t i = 0; i < axis->count; i++) {
        if (i > 0)
            (void)fputs(", ", file);
        put_value(file, setting, &member->values[i]);
    }
    (void)fputs("]}\n", file);
}

static void put_axis(FILE *file, const struct pg_job *job, const struct pg_axis *axis)
{
    if (axis->is_zip) {
        (void)fputs("  - name: ", file);
        put_name(file, axis->name);
        (void)fputs("\n    zip:\n", file);
    }
    for (size_t k = 0; k < axis->member_count; k++) {
        (void)fputs(axis->is_zip ? "      " : "  ", file);
        put_member(file, job, axis, k);
    }
}

static void put_seeds(FILE *file, const struct pg_job *job)
{
    bool are_counted = true;
    for (size_t i = 0; i < job->seed_count; i++)
        are_counted = are_counted && job->seeds[i] == i;
    if (are_counted) {
        (void)fprintf(file, "seeds: %zu\n", job->seed_count);
        return;
    }
    for (size_t i = 0; i < job->seed_count; i++)
        (void)fprintf(file, "%s%u", i > 0 ? ", " : "seeds: [", (unsigned)job->seeds[i]);
    (void)fputs("]\n", file);
}

static void put_record(FILE *file, const struct pg_job *job)
{
    (void)fprintf(file, "record: {points: %zu, spacing: %s, parameters: [", job->record_points,
                  pg_field_spacing.names[job->record_spacing]);
    for (size_t i = 0; i < job->snapshot_count; i++)
        (void)fprintf(file, "%s%lld", i > 0 ? ", " : "", (long long)job->snapshots[i]);
    (void)fputs("]}\n", file);
}

static void put_llc(FILE *file, const struct pg_job *job)
{
    if (job->llc_every > 0)
        (void)fprintf(file, "llc: {every: %lld}\n", (long long)job->llc_every);
    for (size_t i = 0; i < job->llc_at_count; i++) {
        (void)fputs(i > 0 ? ", " : "llc: {at: [", file);
        if (job->llc_at[i] < 0)
            (void)fputs("final", file);
        else
            (void)fprintf(file, "%lld", (long long)job->llc_at[i]);
    }
    if (job->llc_at_count > 0)
        (void)fputs("]}\n", file);
}

static void put_job(FILE *file, const struct pg_job *job)
{
    if (job->title[0] != '\0') {
        (void)fputs("title: ", file);
        put_quoted(file, job->title);
        (void)fputc('\n', file);
    }
    (void)fprintf(file, "experiment: %s\n", job->schema->experiment);
    put_settings(file, job);
    if (job->axis_count > 0)
        (void)fputs("grid:\n", file);
    for (size_t i = 0; i < job->axis_count; i++)
        put_axis(file, job, &job->axes[i]);
    put_seeds(file, job);
    put_record(file, job);
    put_llc(file, job);
    (void)fprintf(file, "stop: %s\nstreams: %s\n", pg_field_stop.names[job->stop],
                  pg_field_streams.names[job->independent_streams ? 1 : 0]);
}

char *pg_job_yaml(const struct pg_job *job)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return NULL;
    put_job(file, job);
    bool is_whole = ferror(file) == 0;
    if (fclose(file) == 0 && is_whole)
        return text;
    free(text);
    return NULL;
}

int pg_job_take_yaml_as_text(struct pg_job *job, struct pg_error *error)
{
    char *yaml = pg_job_yaml(job);
    if (yaml == NULL)
        return pg_job_refuse_memory(error);
    free(job->text);
    job->text = yaml;
    return 0;
}
