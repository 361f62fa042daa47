/* SPDX-License-Identifier: MIT */
/* What tells two jobs apart, one line for each thing, in the words of the job file. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "build.h"

enum { WORD_MAX = 160, SHOWN_NUMBERS = 8 };

/* Lines added to a text of limited size; what does not fit is dropped as whole lines. */
struct report {
    char *text;
    size_t size, used;
};

static void add_line(struct report *report, const char *format, ...) PG_PRINTF(2, 3);

static void add_line(struct report *report, const char *format, ...)
{
    char line[3 * WORD_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t needed = strlen(line) + (report->used > 0 ? 1 : 0);
    if (report->used + needed >= report->size)
        return;
    (void)snprintf(report->text + report->used, report->size - report->used, "%s%s",
                   report->used > 0 ? "\n" : "", line);
    report->used += needed;
}

/* "an axis", or the setting's value; "no setting" where the experiment's version lacks it. */
static const char *setting_word(const struct pg_job *job, size_t setting, char *word)
{
    if (pg_job_find_axis(job, setting) >= 0)
        return "an axis";
    pg_value_print(&job->schema->settings[setting], &job->values[setting], word, WORD_MAX);
    return word;
}

static void compare_settings(const struct pg_job *file, const struct pg_job *job,
                             struct report *report)
{
    for (size_t i = 0; i < job->schema->count; i++) {
        bool swept_in_file = pg_job_find_axis(file, i) >= 0;
        bool swept_in_job = pg_job_find_axis(job, i) >= 0;
        bool is_same = swept_in_file == swept_in_job &&
                       (swept_in_job || pg_value_equal(&file->values[i], &job->values[i]));
        char in_file[WORD_MAX], in_job[WORD_MAX];
        if (!is_same)
            add_line(report, "settings.%s: %s in the file, %s in the job",
                     job->schema->settings[i].name, setting_word(file, i, in_file),
                     setting_word(job, i, in_job));
    }
}

/* "decoder_lr, shape (decoder_width, decoder_depth)" or "no axes" */
static const char *axes_word(const struct pg_job *job, char *word)
{
    size_t used = 0;
    if (job->axis_count == 0)
        return "no axes";
    for (size_t i = 0; i < job->axis_count; i++) {
        const struct pg_axis *axis = &job->axes[i];
        for (size_t k = 0; k < axis->member_count && used < WORD_MAX; k++) {
            const char *name = job->schema->settings[axis->members[k].setting].name;
            const char *before = i > 0 || k > 0 ? ", " : "";
            used += (size_t)(axis->is_zip
                                 ? snprintf(word + used, WORD_MAX - used, "%s%s.%s", before,
                                            axis->name, name)
                                 : snprintf(word + used, WORD_MAX - used, "%s%s", before, name));
        }
    }
    return word;
}

static void compare_members(const struct pg_setting *setting, const struct pg_axis *file,
                            const struct pg_axis *job, size_t member, struct report *report)
{
    for (size_t i = 0; i < job->count; i++) {
        const struct pg_value *ours = &job->members[member].values[i];
        const struct pg_value *theirs = &file->members[member].values[i];
        char in_file[WORD_MAX], in_job[WORD_MAX];
        if (pg_value_equal(ours, theirs))
            continue;
        pg_value_print(setting, theirs, in_file, sizeof in_file);
        pg_value_print(setting, ours, in_job, sizeof in_job);
        add_line(report, "grid.%s: value %zu is %s in the file, %s in the job", setting->name,
                 i + 1, in_file, in_job);
        return;
    }
}

static bool has_same_axes(const struct pg_job *file, const struct pg_job *job)
{
    bool is_same = file->axis_count == job->axis_count;
    for (size_t i = 0; is_same && i < job->axis_count; i++) {
        const struct pg_axis *a = &file->axes[i], *b = &job->axes[i];
        is_same = a->is_zip == b->is_zip && a->member_count == b->member_count &&
                  strcmp(a->name, b->name) == 0;
        for (size_t k = 0; is_same && k < a->member_count; k++)
            is_same = a->members[k].setting == b->members[k].setting;
    }
    return is_same;
}

static void compare_grids(const struct pg_job *file, const struct pg_job *job,
                          struct report *report)
{
    char in_file[WORD_MAX], in_job[WORD_MAX];
    if (!has_same_axes(file, job)) {
        add_line(report, "grid: %s in the file, %s in the job", axes_word(file, in_file),
                 axes_word(job, in_job));
        return;
    }
    for (size_t i = 0; i < job->axis_count; i++) {
        const struct pg_axis *a = &file->axes[i], *b = &job->axes[i];
        if (a->count != b->count)
            add_line(report, "grid.%s: %zu values in the file, %zu in the job", b->name, a->count,
                     b->count);
        else
            for (size_t k = 0; k < b->member_count; k++)
                compare_members(&job->schema->settings[b->members[k].setting], a, b, k, report);
    }
}

/* "0, 1, 2", of long lists the beginning and how many there are. */
static const char *seeds_word(const struct pg_job *job, char *word)
{
    size_t used = 0, shown = job->seed_count < SHOWN_NUMBERS ? job->seed_count : SHOWN_NUMBERS;
    for (size_t i = 0; i < shown; i++)
        used += (size_t)snprintf(word + used, WORD_MAX - used, "%s%u", i > 0 ? ", " : "",
                                 (unsigned)job->seeds[i]);
    if (shown < job->seed_count)
        (void)snprintf(word + used, WORD_MAX - used, ", ... (%zu)", job->seed_count);
    return word;
}

static const char *snapshots_word(const struct pg_job *job, char *word)
{
    size_t used = 0;
    size_t shown = job->snapshot_count < SHOWN_NUMBERS ? job->snapshot_count : SHOWN_NUMBERS;
    if (job->snapshot_count == 0)
        return "none";
    for (size_t i = 0; i < shown; i++)
        used += (size_t)snprintf(word + used, WORD_MAX - used, "%s%lld", i > 0 ? ", " : "",
                                 (long long)job->snapshots[i]);
    if (shown < job->snapshot_count)
        (void)snprintf(word + used, WORD_MAX - used, ", ... (%zu)", job->snapshot_count);
    return word;
}

static void compare_lists(const struct pg_job *file, const struct pg_job *job,
                          struct report *report)
{
    char in_file[WORD_MAX], in_job[WORD_MAX];
    if (file->seed_count != job->seed_count ||
        memcmp(file->seeds, job->seeds, job->seed_count * sizeof *job->seeds) != 0)
        add_line(report, "seeds: %s in the file, %s in the job", seeds_word(file, in_file),
                 seeds_word(job, in_job));
    if (file->snapshot_count != job->snapshot_count ||
        (job->snapshot_count > 0 && memcmp(file->snapshots, job->snapshots,
                                           job->snapshot_count * sizeof *job->snapshots) != 0))
        add_line(report, "record.parameters: %s in the file, %s in the job",
                 snapshots_word(file, in_file), snapshots_word(job, in_job));
}

static void compare_choices(const struct pg_job *file, const struct pg_job *job,
                            struct report *report)
{
    if (file->record_points != job->record_points)
        add_line(report, "record.points: %zu in the file, %zu in the job", file->record_points,
                 job->record_points);
    if (file->record_spacing != job->record_spacing)
        add_line(report, "record.spacing: %s in the file, %s in the job",
                 pg_field_spacing.names[file->record_spacing],
                 pg_field_spacing.names[job->record_spacing]);
    if (file->stop != job->stop)
        add_line(report, "stop: %s in the file, %s in the job", pg_field_stop.names[file->stop],
                 pg_field_stop.names[job->stop]);
    if (file->independent_streams != job->independent_streams)
        add_line(report, "streams: %s in the file, %s in the job",
                 pg_field_streams.names[file->independent_streams ? 1 : 0],
                 pg_field_streams.names[job->independent_streams ? 1 : 0]);
}

void pg_job_difference(const struct pg_job *file, const struct pg_job *job, char *text, size_t size)
{
    struct report report = {text, size, 0};
    text[0] = '\0';
    if (strcmp(file->schema->experiment, job->schema->experiment) != 0) {
        add_line(&report, "experiment: %s in the file, %s in the job", file->schema->experiment,
                 job->schema->experiment);
        return;
    }
    compare_settings(file, job, &report);
    compare_grids(file, job, &report);
    compare_lists(file, job, &report);
    compare_choices(file, job, &report);
}
