/* SPDX-License-Identifier: MIT */
/*
 * A job grown along its own axes. New values stand behind those that there are, so that a place
 * along an axis stays what it was. What the runs that are there recorded must stay as well, and so
 * the longest budget.
 *
 *     weight_decay=11,12           values as in a job file's list, without its brackets or with
 *     widths=[5,4],[6]             lists: each is one value
 *     decoder_width=50 decoder_lr=1e-3    a zip: every member, with as many values each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "build.h"
#include "phasegrid/quote.h"
#include "words.h"

enum { PLACE_TEXT_MAX = 512 };

/* What one setting gets. */
struct addition {
    struct pg_value *values;
    size_t count; /* 0: nothing */
};

struct growth {
    const struct pg_job *job;
    struct addition *additions; /* (schema->count) */
    uint32_t *seeds;            /* new ones */
    size_t seed_count;
};

/* ---- reading what is asked for ---- */

/* Reads "[value, value]". */
typedef int read_list(struct growth *growth, const struct pg_entry *entry, size_t setting,
                      struct pg_error *error);

static int read_with(struct growth *growth, const char *name, const char *text, read_list *read,
                     size_t setting, struct pg_error *error)
{
    const struct pg_source source = {.name = name, .text = text, .size = strlen(text)};
    struct pg_yaml *yaml = NULL;
    struct pg_entry root = {0};
    int status = pg_yaml_parse(&source, &yaml, &root, error);
    if (status == 0)
        status = read(growth, &root, setting, error);
    pg_yaml_destroy(yaml);
    return status;
}

/* Values are wrapped in a list, unless `text` is that already; the caller frees the text. */
static char *wrap(const char *text, const struct pg_setting *setting)
{
    const char *list = setting->type == PG_VALUE_LIST ? "[[" : "[";
    bool is_wrapped = strncmp(text, list, strlen(list)) == 0;
    size_t size = strlen(text) + sizeof "[]";
    char *wrapped = malloc(size);
    if (wrapped != NULL)
        (void)snprintf(wrapped, size, is_wrapped ? "%s" : "[%s]", text);
    return wrapped;
}

static int read_values(struct growth *growth, const struct pg_entry *entry, size_t setting,
                       struct pg_error *error)
{
    struct addition *addition = &growth->additions[setting];
    const struct pg_entry fields[PG_AXIS_FIELDS] = {[PG_AXIS_VALUES] = *entry};
    return pg_axis_read_values(fields, &growth->job->schema->settings[setting], &addition->values,
                               &addition->count, error);
}

/* The names that --axis takes. */
static int refuse_axis(const struct pg_job *job, const char *name, struct pg_error *error)
{
    char found[2 * PG_QUOTE_SIZE], quoted[PG_QUOTE_SIZE];
    const char *names[PG_AXES_MAX * 8];
    size_t count = 0;
    (void)pg_quote_always(name, quoted);
    for (size_t i = 0; i < job->axis_count; i++)
        for (size_t k = 0; k < job->axes[i].member_count; k++)
            if (count < sizeof names / sizeof names[0])
                names[count++] = job->schema->settings[job->axes[i].members[k].setting].name;
    (void)snprintf(found, sizeof found, "%s%s", quoted,
                   pg_schema_find(job->schema, name) >= 0 ? ", which has one value in all runs"
                                                          : "");
    if (strcmp(name, "seed") == 0 || strcmp(name, "seeds") == 0)
        return pg_error_set(error, PG_EINPUT, "axis: found %s, expected --seeds for them", quoted);
    if (count == 0)
        return pg_error_set(error, PG_EINPUT, "axis: found %s, but the grid has no axes", found);
    for (size_t i = 0; i < job->axis_count; i++)
        if (job->axes[i].is_zip && strcmp(job->axes[i].name, name) == 0)
            return pg_error_set(error, PG_EINPUT,
                                "axis: found the zip %s, expected its settings one by one, each "
                                "with as many values",
                                quoted);
    return pg_word_refuse("axis", found, name, names, count, error);
}

static int read_axis(struct growth *growth, const char *name, const char *text,
                     struct pg_error *error)
{
    const struct pg_job *job = growth->job;
    int setting = pg_schema_find(job->schema, name);
    if (setting < 0 || pg_job_find_axis(job, (size_t)setting) < 0)
        return refuse_axis(job, name, error);
    if (growth->additions[setting].count > 0)
        return pg_error_set(error, PG_EINPUT,
                            "%s: found twice, expected all its new values at once", name);
    char *wrapped = wrap(text, &job->schema->settings[setting]);
    if (wrapped == NULL)
        return pg_job_refuse_memory(error);
    int status = read_with(growth, "--axis", wrapped, read_values, (size_t)setting, error);
    free(wrapped);
    return status;
}

static int read_assignment(struct growth *growth, const char *text, struct pg_error *error)
{
    char quoted[PG_QUOTE_SIZE];
    const char *equals = strchr(text, '=');
    if (equals == NULL)
        return pg_error_set(error, PG_EINPUT, "axis: found %s, expected name=value,value",
                            pg_quote_always(text, quoted));
    char *name = strndup(text, (size_t)(equals - text));
    if (name == NULL)
        return pg_job_refuse_memory(error);
    int status = read_axis(growth, name, equals + 1, error);
    free(name);
    return status;
}

/* ---- seeds ---- */

static void add_seed(struct growth *growth, int64_t seed)
{
    growth->seeds[growth->seed_count++] = (uint32_t)seed;
}

/* "5": so many in all, which the file's own seeds must be the first of. */
static int count_seeds(struct growth *growth, int64_t count, struct pg_error *error)
{
    const struct pg_job *job = growth->job;
    for (size_t i = 0; i < job->seed_count; i++)
        if (job->seeds[i] != i)
            return pg_error_set(error, PG_EINPUT,
                                "seeds: found %lld (0 to %lld), expected a list of those to add "
                                "(7,8), since the seeds that are there are not 0, 1, 2 and so on",
                                (long long)count, (long long)count - 1);
    if ((uint64_t)count <= job->seed_count)
        return pg_error_set(error, PG_EINPUT,
                            "seeds: found %lld, expected more than the %zu that are there, or a "
                            "list of those to add (7,8)",
                            (long long)count, job->seed_count);
    growth->seeds = calloc((size_t)count, sizeof *growth->seeds);
    if (growth->seeds == NULL)
        return pg_job_refuse_memory(error);
    for (int64_t seed = (int64_t)job->seed_count; seed < count; seed++)
        add_seed(growth, seed);
    return 0;
}

static int list_seeds(struct growth *growth, const struct pg_entry *entry, struct pg_error *error)
{
    growth->seeds = calloc(pg_entry_count(entry) + 1, sizeof *growth->seeds);
    if (growth->seeds == NULL)
        return pg_job_refuse_memory(error);
    struct pg_entry item;
    for (void *at = NULL; pg_entry_next(entry, &at, &item);) {
        int64_t seed;
        int status = pg_entry_integer(&item, &pg_field_seed, &seed, error);
        if (status != 0)
            return status;
        add_seed(growth, seed);
    }
    return 0;
}

static int read_seed_entry(struct growth *growth, const struct pg_entry *entry, size_t setting,
                           struct pg_error *error)
{
    int64_t count;
    (void)setting;
    if (pg_entry_kind(entry) == PG_YAML_LIST && pg_entry_count(entry) > 0)
        return list_seeds(growth, entry, error);
    int status = pg_entry_integer(entry, &pg_field_seed_count, &count, error);
    return status != 0 ? status : count_seeds(growth, count, error);
}

static int read_seeds(struct growth *growth, const char *text, struct pg_error *error)
{
    bool is_list = strchr(text, ',') != NULL && text[0] != '[';
    size_t size = strlen(text) + sizeof "[]";
    char *wrapped = malloc(size);
    if (wrapped == NULL)
        return pg_job_refuse_memory(error);
    (void)snprintf(wrapped, size, is_list ? "[%s]" : "%s", text);
    int status = read_with(growth, "--seeds", wrapped, read_seed_entry, 0, error);
    free(wrapped);
    return status;
}

/* ---- putting it together ---- */

/* How many places the axis gains; the members of a zip must agree. */
static int count_places(const struct growth *growth, const struct pg_axis *axis, size_t *ret_count,
                        struct pg_error *error)
{
    const struct pg_setting *settings = growth->job->schema->settings;
    size_t first = axis->members[0].setting;
    *ret_count = growth->additions[first].count;
    for (size_t k = 1; k < axis->member_count; k++) {
        size_t setting = axis->members[k].setting, count = growth->additions[setting].count;
        if (count != *ret_count)
            return pg_error_set(error, PG_EINPUT,
                                "%s: found %zu new values, expected %zu, as many as %s gets in the "
                                "zip %s",
                                settings[setting].name, count, *ret_count, settings[first].name,
                                axis->name);
    }
    return 0;
}

/* "2", or "decoder_width 50, decoder_lr 1e-3" */
static void print_place(const struct pg_axis *axis, const struct pg_schema *schema, size_t place,
                        char *text, size_t size)
{
    char value[128];
    size_t used = 0;
    for (size_t k = 0; k < axis->member_count && used < size; k++) {
        const struct pg_setting *setting = &schema->settings[axis->members[k].setting];
        pg_value_print(setting, &axis->members[k].values[place], value, sizeof value);
        used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", k > 0 ? ", " : "",
                                 axis->is_zip ? setting->name : "", axis->is_zip ? " " : "", value);
    }
}

static int check_new(const struct pg_axis *axis, const struct pg_schema *schema, size_t old_count,
                     struct pg_error *error)
{
    char text[PLACE_TEXT_MAX];
    for (size_t i = old_count; i < axis->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (pg_axis_compare(axis, i, axis, k) != 0)
                continue;
            print_place(axis, schema, i, text, sizeof text);
            return pg_error_set(error, PG_EINPUT, "%s: found %s, which is %s", axis->name, text,
                                k < old_count ? "there already" : "given twice");
        }
    }
    return 0;
}

static int check_new_seeds(const struct growth *growth, struct pg_error *error)
{
    const struct pg_job *job = growth->job;
    for (size_t i = 0; i < growth->seed_count; i++)
        for (size_t k = 0; k < job->seed_count; k++)
            if (growth->seeds[i] == job->seeds[k])
                return pg_error_set(error, PG_EINPUT, "seeds: found %u, which is there already",
                                    (unsigned)growth->seeds[i]);
    return 0;
}

static int check_budget(const struct pg_job *job, const struct pg_job *grown,
                        struct pg_error *error)
{
    int64_t before = pg_job_longest_budget(job), after = pg_job_longest_budget(grown);
    if (before == after)
        return 0;
    return pg_error_set(error, PG_EINPUT,
                        "steps: found %lld, expected at most %lld, the longest budget: a longer "
                        "one would move the recorded steps of the runs that are there",
                        (long long)after, (long long)before);
}

static int fill_axis(const struct growth *growth, size_t index, struct pg_axis *grown,
                     struct pg_error *error)
{
    const struct pg_axis *axis = &growth->job->axes[index];
    for (size_t i = 0; i < axis->count; i++)
        pg_axis_copy_place(axis, i, grown, i);
    for (size_t k = 0; k < axis->member_count; k++)
        for (size_t i = axis->count; i < grown->count; i++)
            grown->members[k].values[i] =
                growth->additions[axis->members[k].setting].values[i - axis->count];
    return check_new(grown, growth->job->schema, axis->count, error);
}

static int fill_seeds(const struct growth *growth, struct pg_job *grown, struct pg_error *error)
{
    const struct pg_job *job = growth->job;
    int status = check_new_seeds(growth, error);
    if (status != 0)
        return status;
    uint32_t *seeds = calloc(grown->seed_count, sizeof *seeds);
    if (seeds == NULL)
        return pg_job_refuse_memory(error);
    for (size_t i = 0; i < grown->seed_count; i++)
        seeds[i] = i < job->seed_count ? job->seeds[i] : growth->seeds[i - job->seed_count];
    status = pg_job_set_seeds(grown, seeds, grown->seed_count, error);
    if (status != 0)
        free(seeds);
    return status;
}

static int fill(const struct growth *growth, struct pg_job *grown, struct pg_error *error)
{
    int status = 0;
    for (size_t i = 0; i < grown->axis_count && status == 0; i++)
        status = fill_axis(growth, i, &grown->axes[i], error);
    if (status == 0)
        status = fill_seeds(growth, grown, error);
    if (status == 0)
        status = pg_job_check_size(grown, error);
    if (status == 0)
        status = check_budget(growth->job, grown, error);
    return status != 0 ? status : pg_job_take_yaml_as_text(grown, error);
}

static int check_count(const char *what, size_t count, size_t most, struct pg_error *error)
{
    if (count <= most)
        return 0;
    return pg_error_set(error, PG_EINPUT, "%s: found %zu values in all, expected at most %zu", what,
                        count, most);
}

static int build(const struct growth *growth, struct pg_job **ret_job, struct pg_error *error)
{
    const struct pg_job *job = growth->job;
    size_t counts[PG_AXES_MAX + 1], added = growth->seed_count;
    struct pg_job *grown = NULL;
    for (size_t i = 0; i < job->axis_count; i++) {
        size_t more = 0;
        int status = count_places(growth, &job->axes[i], &more, error);
        counts[i] = job->axes[i].count + more;
        added += more;
        if (status == 0)
            status = check_count(job->axes[i].name, counts[i], PG_AXIS_VALUES_MAX, error);
        if (status != 0)
            return status;
    }
    counts[job->axis_count] = job->seed_count + growth->seed_count;
    if (check_count("seeds", counts[job->axis_count], PG_SEEDS_MAX, error) != 0)
        return PG_EINPUT;
    if (added == 0)
        return pg_error_set(error, PG_EINPUT, "found nothing to add, expected values or seeds");
    int status = pg_job_create_like(job, counts, &grown, error);
    if (status == 0)
        status = fill(growth, grown, error);
    if (status != 0)
        pg_job_destroy(grown);
    else
        *ret_job = grown;
    return status;
}

static void growth_release(struct growth *growth)
{
    for (size_t i = 0; growth->additions != NULL && i < growth->job->schema->count; i++)
        free(growth->additions[i].values);
    free(growth->additions);
    free(growth->seeds);
}

int pg_job_extend(const struct pg_job *job, const char *const *axes, size_t axis_count,
                  const char *seeds, struct pg_job **ret_job, struct pg_error *error)
{
    struct growth growth = {.job = job};
    struct pg_error ours; /* messages are built in steps, even when nobody reads them */
    growth.additions = calloc(job->schema->count + 1, sizeof *growth.additions);
    int status = growth.additions == NULL ? pg_job_refuse_memory(&ours) : 0;
    for (size_t i = 0; i < axis_count && status == 0; i++)
        status = read_assignment(&growth, axes[i], &ours);
    if (status == 0 && seeds != NULL)
        status = read_seeds(&growth, seeds, &ours);
    if (status == 0)
        status = build(&growth, ret_job, &ours);
    growth_release(&growth);
    return status == 0 ? 0 : pg_error_set(error, status, "%s", ours.text);
}
