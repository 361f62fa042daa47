/* SPDX-License-Identifier: MIT */
/*
 * The section `llc`: at which steps the local learning coefficient is estimated, and the settings
 * that say how, without their llc_ in front: `chains` is the setting llc_chains.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

static const char prefix[] = "llc_";

bool pg_job_has_llc(const struct pg_job *job)
{
    return job->llc_at_count > 0 || job->llc_every > 0;
}

bool pg_job_has_same_llc(const struct pg_job *a, const struct pg_job *b)
{
    return a->llc_every == b->llc_every && a->llc_at_count == b->llc_at_count &&
           (a->llc_at_count == 0 ||
            memcmp(a->llc_at, b->llc_at, a->llc_at_count * sizeof *a->llc_at) == 0);
}

bool pg_setting_is_llc(const struct pg_setting *setting)
{
    return strncmp(setting->name, prefix, sizeof prefix - 1) == 0;
}

/* ---- steps ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int pg_job_set_llc_at(struct pg_job *job, int64_t *steps, size_t count, struct pg_error *error)
{
    qsort(steps, count, sizeof *steps, by_size);
    for (size_t i = 1; i < count; i++)
        if (steps[i] == steps[i - 1])
            return pg_error_set(error, PG_EINPUT, "llc.at: found a step twice, expected each once");
    free(job->llc_at);
    job->llc_at = steps;
    job->llc_at_count = count;
    return 0;
}

/* The steps of `every`, or of `at` with the budget for `final`; ret_steps has room. */
static size_t list_steps(const struct pg_job *job, int64_t budget, int64_t *ret_steps)
{
    size_t count = 0;
    for (int64_t step = job->llc_every; job->llc_every > 0 && step < budget; step += job->llc_every)
        ret_steps[count++] = step;
    for (size_t i = 0; i < job->llc_at_count; i++)
        if (job->llc_at[i] >= 0)
            ret_steps[count++] = job->llc_at[i];
    bool has_final = job->llc_every > 0 || (job->llc_at_count > 0 && job->llc_at[0] < 0);
    if (has_final && (count == 0 || ret_steps[count - 1] < budget))
        ret_steps[count++] = budget;
    return count;
}

int pg_job_llc_steps(const struct pg_job *job, int64_t budget, int64_t **ret_steps,
                     size_t *ret_count, struct pg_error *error)
{
    size_t most = job->llc_at_count + 2;
    if (job->llc_every > 0)
        most += (size_t)(budget / job->llc_every);
    *ret_count = 0;
    *ret_steps = calloc(most, sizeof **ret_steps);
    if (*ret_steps == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory for the steps of LLC estimates");
    *ret_count = list_steps(job, budget, *ret_steps);
    return 0;
}

/* ---- reading ---- */

static int read_step(const struct pg_entry *entry, int64_t *ret_step, struct pg_error *error)
{
    if (strcmp(pg_entry_text(entry), "final") == 0) {
        *ret_step = PG_LLC_FINAL;
        return 0;
    }
    return pg_entry_integer(entry, &pg_field_llc_at, ret_step, error);
}

int pg_read_llc_at(struct pg_job_reader *reader, const struct pg_entry *entry,
                   struct pg_error *error)
{
    bool is_list = pg_entry_kind(entry) == PG_YAML_LIST;
    size_t count = is_list ? pg_entry_count(entry) : 1, read = 0;
    if (count == 0 || count > PG_SNAPSHOTS_MAX || pg_entry_kind(entry) == PG_YAML_MAP)
        return pg_entry_refuse(entry, pg_field_llc_at.name,
                               "final, a step, or a list of up to 1000 of them", error);
    int64_t *steps = calloc(count, sizeof *steps);
    if (steps == NULL)
        return pg_job_refuse_memory(error);
    struct pg_entry item = *entry;
    int status = is_list ? 0 : read_step(entry, &steps[read++], error);
    for (void *at = NULL; is_list && status == 0 && pg_entry_next(entry, &at, &item);)
        status = read_step(&item, &steps[read++], error);
    if (status == 0 && pg_job_set_llc_at(reader->job, steps, count, error) != 0)
        status = pg_place_refuse(&entry->place, error);
    if (status != 0)
        free(steps);
    reader->job->llc_every = status == 0 ? 0 : reader->job->llc_every;
    reader->llc = entry->place;
    return status;
}

int pg_read_llc_every(struct pg_job_reader *reader, const struct pg_entry *entry,
                      struct pg_error *error)
{
    int status = pg_entry_integer(entry, &pg_field_llc_every, &reader->job->llc_every, error);
    reader->job->llc_at_count = 0;
    reader->llc = entry->place;
    return status;
}

/* The word `auto` is the value 0 of the step size. */
static int read_value(struct pg_job_reader *reader, const struct pg_entry *entry, size_t index,
                      struct pg_error *error)
{
    struct pg_job *job = reader->job;
    const struct pg_setting *setting = &job->schema->settings[index];
    if (strcmp(setting->name, "llc_step_size") == 0 && strcmp(pg_entry_text(entry), "auto") == 0)
        return pg_value_parse(setting, "0", &job->values[index], error);
    return pg_entry_value(entry, setting, &job->values[index], error);
}

static int read_field(struct pg_job_reader *reader, const struct pg_entry *entry,
                      struct pg_error *error)
{
    char name[64];
    size_t index = 0;
    if (strcmp(entry->key, "at") == 0)
        return pg_read_llc_at(reader, entry, error);
    if (strcmp(entry->key, "every") == 0)
        return pg_read_llc_every(reader, entry, error);
    (void)snprintf(name, sizeof name, "%s%s", prefix, entry->key);
    int status = pg_find_setting(reader, entry, "llc", name, &index, error);
    if (status != 0)
        return status;
    if (reader->is_set[index]) {
        (void)pg_error_set(error, PG_EINPUT, "llc: %s is %s is given a second time", entry->key,
                           name);
        return pg_place_refuse(&entry->place, error);
    }
    reader->is_set[index] = true;
    return read_value(reader, entry, index, error);
}

static int refuse_when(const struct pg_entry *entry, const char *found, struct pg_error *error)
{
    (void)pg_error_set(error, PG_EINPUT,
                       "llc: found %s, expected `at: final`, `at: [100, 2000]` or `every: 500`",
                       found);
    return pg_place_refuse(&entry->place, error);
}

int pg_read_llc(struct pg_job_reader *reader, const struct pg_entry *entry, struct pg_error *error)
{
    bool has_at = false, has_every = false;
    struct pg_entry field;
    if (pg_entry_kind(entry) != PG_YAML_MAP)
        return pg_entry_refuse(entry, "llc", "a map: at or every, and how to estimate", error);
    if (pg_schema_find(reader->job->schema, "llc_chains") < 0) {
        (void)pg_error_set(error, PG_EINPUT, "llc: experiment %s estimates no LLC",
                           reader->job->schema->experiment);
        return pg_place_refuse(&entry->place, error);
    }
    for (void *at = NULL; pg_entry_next(entry, &at, &field);) {
        has_at = has_at || strcmp(field.key, "at") == 0;
        has_every = has_every || strcmp(field.key, "every") == 0;
        int status = read_field(reader, &field, error);
        if (status != 0)
            return status;
    }
    reader->llc = entry->place;
    if (has_at == has_every)
        return refuse_when(entry, has_at ? "both at and every" : "neither at nor every", error);
    return 0;
}

/* ---- the whole ---- */

/* A setting of estimates that the file gives, where there are none. */
static int check_idle(const struct pg_job_reader *reader, struct pg_error *error)
{
    const struct pg_job *job = reader->job;
    for (size_t i = 0; i < job->schema->count; i++)
        if (pg_setting_is_llc(&job->schema->settings[i]) &&
            (reader->is_set[i] || pg_job_find_axis(job, i) >= 0)) {
            (void)pg_error_set(error, PG_EINPUT,
                               "%s is given, but nothing says when to estimate; expected a section "
                               "such as `llc: {at: final}`",
                               job->schema->settings[i].name);
            return pg_place_refuse(&reader->grid, error);
        }
    return 0;
}

int pg_check_llc(const struct pg_job_reader *reader, struct pg_error *error)
{
    const struct pg_job *job = reader->job;
    int64_t budget = pg_job_longest_budget(job);
    int64_t last = job->llc_at_count > 0 ? job->llc_at[job->llc_at_count - 1] : 0;
    if (!pg_job_has_llc(job))
        return check_idle(reader, error);
    int status = 0;
    if (job->stop == PG_STOP_DECIDED)
        status = pg_error_set(error, PG_EINPUT,
                              "llc: with `stop: decided` runs end before their estimates; expected "
                              "`stop: budget`");
    else if (last > budget)
        status = pg_error_set(error, PG_EINPUT,
                              "%s: found step %lld, expected steps from 0 to %lld, the longest "
                              "budget (steps)",
                              pg_field_llc_at.name, (long long)last, (long long)budget);
    return status != 0 ? pg_place_refuse(&reader->llc, error) : 0;
}
