/* SPDX-License-Identifier: MIT */
/*
 * A run by its number or by its coordinates. Real values may be given with the three digits that
 * the phase map prints: the nearest of the axis's values counts, when it is within 0.5 %.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/quote.h"
#include "subject.h"

static const double real_tolerance = 5e-3;

/* One "name=value" after the other. */
struct coordinates {
    const struct pg_job *job;
    const char *text;
    size_t *indices; /* (axis_count + 1), seed last; SIZE_MAX: not named */
};

static double distance(const struct pg_value *a, const struct pg_value *b)
{
    if (a->type != PG_VALUE_REAL)
        return pg_value_equal(a, b) ? 0.0 : HUGE_VAL;
    double gap = fabs(a->real - b->real);
    return gap <= real_tolerance * fabs(b->real) ? gap : HUGE_VAL;
}

static int refuse_value(const struct pg_axis *axis, const struct pg_axis_member *member,
                        const struct pg_setting *setting, const char *found, struct pg_error *error)
{
    char known[1024] = "", quoted[PG_QUOTE_SIZE];
    size_t used = 0;
    for (size_t i = 0; i < axis->count && used + 130 < sizeof known; i++) {
        char value[128];
        pg_value_print(setting, &member->values[i], value, sizeof value);
        used +=
            (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", value);
    }
    return pg_error_set(error, PG_EINPUT, "%s has no value %s; its values are %s", setting->name,
                        pg_quote(found, quoted), known);
}

/* As the program prints it: 5-4-6-3 for a list. */
static bool is_spelled_so(const struct pg_setting *setting, const struct pg_value *value,
                          const char *found)
{
    char text[128];
    pg_value_print(setting, value, text, sizeof text);
    return strcmp(text, found) == 0;
}

static int find_on_axis(const struct coordinates *at, size_t axis_index,
                        const struct pg_axis_member *member, const char *found,
                        struct pg_error *error)
{
    const struct pg_axis *axis = &at->job->axes[axis_index];
    const struct pg_setting *setting = &at->job->schema->settings[member->setting];
    struct pg_value value;
    double least = HUGE_VAL;
    for (size_t i = 0; i < axis->count; i++)
        if (is_spelled_so(setting, &member->values[i], found)) {
            at->indices[axis_index] = i;
            return 0;
        }
    if (pg_value_parse(setting, found, &value, error) != 0)
        return pg_error_prefix(error, "%s", setting->name);
    for (size_t i = 0; i < axis->count; i++) {
        double gap = distance(&value, &member->values[i]);
        if (gap < least) {
            least = gap;
            at->indices[axis_index] = i;
        }
    }
    return isfinite(least) ? 0 : refuse_value(axis, member, setting, found, error);
}

static int find_seed(const struct coordinates *at, const char *found, struct pg_error *error)
{
    char *end = NULL, quoted[PG_QUOTE_SIZE];
    unsigned long long seed = strtoull(found, &end, 10);
    for (size_t i = 0; end != found && *end == '\0' && i < at->job->seed_count; i++)
        if (at->job->seeds[i] == seed) {
            at->indices[at->job->axis_count] = i;
            return 0;
        }
    return pg_error_set(error, PG_EINPUT, "seed has no value %s; there are %zu seeds, first %u",
                        pg_quote(found, quoted), at->job->seed_count, at->job->seeds[0]);
}

static int find_coordinate(const struct coordinates *at, const char *name, const char *found,
                           struct pg_error *error)
{
    if (strcmp(name, "seed") == 0)
        return find_seed(at, found, error);
    for (size_t i = 0; i < at->job->axis_count; i++)
        for (size_t m = 0; m < at->job->axes[i].member_count; m++) {
            const struct pg_axis_member *member = &at->job->axes[i].members[m];
            if (strcmp(at->job->schema->settings[member->setting].name, name) == 0)
                return find_on_axis(at, i, member, found, error);
        }
    return pg_error_set(error, PG_EINPUT, "'%s' is not an axis of this job", name);
}

/* What an axis is called by: its setting, or the first one of a zip. */
static const struct pg_setting *axis_setting(const struct coordinates *at, size_t axis)
{
    return &at->job->schema->settings[at->job->axes[axis].members[0].setting];
}

/* Every dimension must be named, or have one value only; the message lists what is missing. */
static int fill_missing(const struct coordinates *at, struct pg_error *error)
{
    for (size_t i = 0; i <= at->job->axis_count; i++) {
        bool is_seed = i == at->job->axis_count;
        size_t count = is_seed ? at->job->seed_count : at->job->axes[i].count;
        const char *name = is_seed ? "seed" : axis_setting(at, i)->name;
        if (at->indices[i] == SIZE_MAX && count > 1)
            return pg_error_set(error, PG_EINPUT,
                                "'%s' names no single run: '%s' has %zu values; give one as "
                                "%s=VALUE",
                                at->text, name, count, name);
        if (at->indices[i] == SIZE_MAX)
            at->indices[i] = 0;
    }
    return 0;
}

/* Commas inside of a list's brackets do not separate. */
static char *next_coordinate(char **rest)
{
    char *begin = *rest;
    int depth = 0;
    if (begin == NULL || *begin == '\0')
        return NULL;
    char *at = begin;
    for (; *at != '\0' && (*at != ',' || depth > 0); at++)
        depth += (*at == '[') - (*at == ']');
    *rest = *at == ',' ? at + 1 : at;
    *at = '\0';
    return begin;
}

static int read_coordinates(const struct coordinates *at, char *copy, struct pg_error *error)
{
    for (char *rest = copy, *part; (part = next_coordinate(&rest)) != NULL;) {
        char *equals = strchr(part, '=');
        if (equals == NULL)
            return pg_error_set(error, PG_EINPUT,
                                "'%s' is neither a run's number nor name=value,...", at->text);
        *equals = '\0';
        int status = find_coordinate(at, part, equals + 1, error);
        if (status != 0)
            return status;
    }
    return fill_missing(at, error);
}

static uint64_t number_of(const struct coordinates *at)
{
    uint64_t number = 0;
    for (size_t i = 0; i < at->job->axis_count; i++)
        number = number * at->job->axes[i].count + at->indices[i];
    return number * at->job->seed_count + at->indices[at->job->axis_count];
}

static int find_by_coordinates(const struct pg_job *job, const char *text, uint64_t *ret_run,
                               struct pg_error *error)
{
    struct coordinates at = {job, text, malloc((job->axis_count + 1) * sizeof *at.indices)};
    char *copy = strdup(text);
    if (at.indices == NULL || copy == NULL) {
        free(at.indices);
        free(copy);
        return pg_error_set(error, PG_EMACHINE, "out of memory: the coordinates of a run");
    }
    memset(at.indices, 0xff, (job->axis_count + 1) * sizeof *at.indices); /* all SIZE_MAX */
    int status = read_coordinates(&at, copy, error);
    if (status == 0)
        *ret_run = number_of(&at);
    free(at.indices);
    free(copy);
    return status;
}

int pg_results_find_run(const struct pg_results *results, const char *text, uint64_t *ret_run,
                        struct pg_error *error)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || text[0] == '-')
        return find_by_coordinates(results->subject.job, text, ret_run, error);
    if (errno != 0 || number >= results->run_count)
        return pg_error_set(error, PG_EINPUT, "run %s: the file has runs 0 to %" PRIu64, text,
                            results->run_count - 1);
    *ret_run = number;
    return 0;
}
