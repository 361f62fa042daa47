/* SPDX-License-Identifier: MIT */
/* What tells two jobs apart, one line for each thing, in the words of the job file. */
#include <stdio.h>
#include <string.h>

#include "build.h"

enum { WORD_MAX = 160, SHOWN_NUMBERS = 8 };

/* Lines added to a text of limited size; what does not fit is dropped as whole lines. */
struct report {
    char *text;
    size_t size, used;
    const char *first, *second; /* what the two jobs are called */
};

/* "what: A in the file, B in the job" */
static void add_line(struct report *report, const char *what, const char *in_first,
                     const char *in_second)
{
    char line[6 * WORD_MAX];
    (void)snprintf(line, sizeof line, "%s: %s in %s, %s in %s", what, in_first, report->first,
                   in_second, report->second);
    size_t needed = strlen(line) + (report->used > 0 ? 1 : 0);
    if (report->used + needed >= report->size)
        return;
    (void)snprintf(report->text + report->used, report->size - report->used, "%s%s",
                   report->used > 0 ? "\n" : "", line);
    report->used += needed;
}

static void add_numbers(struct report *report, const char *what, const char *unit, int64_t in_first,
                        int64_t in_second)
{
    char first[WORD_MAX], second[WORD_MAX];
    (void)snprintf(first, sizeof first, "%lld%s", (long long)in_first, unit);
    (void)snprintf(second, sizeof second, "%lld", (long long)in_second);
    if (in_first != in_second)
        add_line(report, what, first, second);
}

static void add_names(struct report *report, const struct pg_setting *field, size_t in_first,
                      size_t in_second)
{
    if (in_first != in_second)
        add_line(report, field->name, field->names[in_first], field->names[in_second]);
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
        char what[WORD_MAX], in_file[WORD_MAX], in_job[WORD_MAX];
        (void)snprintf(what, sizeof what, "settings.%s", job->schema->settings[i].name);
        if (!is_same)
            add_line(report, what, setting_word(file, i, in_file), setting_word(job, i, in_job));
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
        char what[WORD_MAX], value[WORD_MAX], in_file[2 * WORD_MAX], in_job[WORD_MAX];
        if (pg_value_equal(ours, theirs))
            continue;
        (void)snprintf(what, sizeof what, "grid.%s", setting->name);
        pg_value_print(setting, theirs, value, sizeof value);
        (void)snprintf(in_file, sizeof in_file, "value %zu is %s", i + 1, value);
        pg_value_print(setting, ours, in_job, sizeof in_job);
        add_line(report, what, in_file, in_job);
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

static void compare_axes(const struct pg_job *file, const struct pg_job *job, struct report *report)
{
    char in_file[WORD_MAX], in_job[WORD_MAX];
    if (!has_same_axes(file, job))
        add_line(report, "grid", axes_word(file, in_file), axes_word(job, in_job));
}

/* Of the same axes. */
static void compare_places(const struct pg_job *file, const struct pg_job *job,
                           struct report *report)
{
    for (size_t i = 0; i < job->axis_count; i++) {
        const struct pg_axis *a = &file->axes[i], *b = &job->axes[i];
        char what[WORD_MAX];
        (void)snprintf(what, sizeof what, "grid.%s", b->name);
        add_numbers(report, what, " values", (int64_t)a->count, (int64_t)b->count);
        for (size_t k = 0; k < b->member_count && a->count == b->count; k++)
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

static const char *llc_word(const struct pg_job *job, char *word)
{
    size_t used = 0;
    size_t shown = job->llc_at_count < SHOWN_NUMBERS ? job->llc_at_count : SHOWN_NUMBERS;
    if (!pg_job_has_llc(job))
        return "none";
    if (job->llc_every > 0)
        (void)snprintf(word, WORD_MAX, "every %lld", (long long)job->llc_every);
    for (size_t i = 0; i < shown; i++)
        used += (size_t)snprintf(word + used, WORD_MAX - used, "%s%lld", i > 0 ? ", " : "at ",
                                 (long long)job->llc_at[i]);
    return word;
}

static void compare_seeds(const struct pg_job *file, const struct pg_job *job,
                          struct report *report)
{
    char in_file[WORD_MAX], in_job[WORD_MAX];
    if (file->seed_count != job->seed_count ||
        memcmp(file->seeds, job->seeds, job->seed_count * sizeof *job->seeds) != 0)
        add_line(report, "seeds", seeds_word(file, in_file), seeds_word(job, in_job));
}

static void compare_records(const struct pg_job *file, const struct pg_job *job,
                            struct report *report)
{
    char in_file[WORD_MAX], in_job[WORD_MAX];
    if (!pg_job_has_same_snapshots(file, job))
        add_line(report, pg_field_snapshot.name, snapshots_word(file, in_file),
                 snapshots_word(job, in_job));
    if (!pg_job_has_same_llc(file, job))
        add_line(report, "llc", llc_word(file, in_file), llc_word(job, in_job));
    add_numbers(report, pg_field_points.name, "", (int64_t)file->record_points,
                (int64_t)job->record_points);
    add_names(report, &pg_field_spacing, file->record_spacing, job->record_spacing);
    add_names(report, &pg_field_stop, file->stop, job->stop);
    add_names(report, &pg_field_streams, file->independent_streams ? 1 : 0,
              job->independent_streams ? 1 : 0);
}

static bool compare_experiments(const struct pg_job *file, const struct pg_job *job,
                                struct report *report)
{
    if (strcmp(file->schema->experiment, job->schema->experiment) == 0)
        return true;
    add_line(report, "experiment", file->schema->experiment, job->schema->experiment);
    return false;
}

void pg_job_difference(const struct pg_job *file, const struct pg_job *job, char *text, size_t size)
{
    struct report report = {text, size, 0, "the file", "the job"};
    text[0] = '\0';
    if (!compare_experiments(file, job, &report))
        return;
    compare_settings(file, job, &report);
    compare_axes(file, job, &report);
    if (has_same_axes(file, job))
        compare_places(file, job, &report);
    compare_seeds(file, job, &report);
    compare_records(file, job, &report);
}

void pg_job_difference_of_frames(const struct pg_job_named *a, const struct pg_job_named *b,
                                 char *text, size_t size)
{
    struct report report = {text, size, 0, a->name, b->name};
    text[0] = '\0';
    if (!compare_experiments(a->job, b->job, &report))
        return;
    compare_settings(a->job, b->job, &report);
    compare_axes(a->job, b->job, &report);
    compare_records(a->job, b->job, &report);
    if (text[0] == '\0')
        add_numbers(&report, "longest budget, which decides the recorded steps", " steps",
                    pg_job_longest_budget(a->job), pg_job_longest_budget(b->job));
}
