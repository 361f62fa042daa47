/* SPDX-License-Identifier: MIT */
/*
 * Four forms: values: [..], linspace and logspace {from, to, count}, range {from, to, step}, the
 * last including `to` where a step hits it. from and to are values of the setting and keep its
 * range; what lies between is rounded to 12 significant digits, and to the nearest integer where
 * the setting is one.
 */
#include "axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "spacing.h"

enum { PATH_MAX_BYTES = 160, COUNT_FIELDS = 3 };

const char *const pg_axis_fields[PG_AXIS_FIELDS] = {"name",     "values", "linspace",
                                                    "logspace", "range",  "zip"};

static const char *const spaced_fields[COUNT_FIELDS] = {"from", "to", "count"};
static const char *const range_fields[COUNT_FIELDS] = {"from", "to", "step"};

/* A computed form while it is read. */
struct form {
    const struct pg_setting *setting;
    const struct pg_entry *entry;
    const char *name; /* "linspace" */
    bool is_log, is_range;
    struct pg_entry fields[COUNT_FIELDS]; /* from, to, count or step */
    double from, to, step;
    size_t count;
};

static int allocate(size_t count, struct pg_value **ret_values, struct pg_error *error)
{
    *ret_values = calloc(count, sizeof **ret_values);
    return *ret_values == NULL ? pg_job_refuse_memory(error) : 0;
}

static int read_listed(const struct pg_entry *entry, const struct pg_setting *setting,
                       struct pg_value **ret_values, size_t *ret_count, struct pg_error *error)
{
    char what[PATH_MAX_BYTES];
    (void)snprintf(what, sizeof what, "%s.values", setting->name);
    size_t count = pg_entry_kind(entry) == PG_YAML_LIST ? pg_entry_count(entry) : 0;
    if (count == 0 || count > PG_AXIS_VALUES_MAX)
        return pg_entry_refuse(entry, what, "a list of 1 to 100000 values", error);
    int status = allocate(count, ret_values, error);
    struct pg_entry item;
    size_t index = 0;
    for (void *at = NULL; status == 0 && pg_entry_next(entry, &at, &item);)
        status = pg_entry_value(&item, setting, &(*ret_values)[index++], error);
    *ret_count = index;
    return status;
}

/* One number of the form; `limits` says what it may be, and is named after its place here. */
static int read_number(const struct form *form, size_t field, struct pg_setting limits,
                       double *ret_number, struct pg_error *error)
{
    char path[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "%s.%s.%s", form->setting->name, form->name,
                   form->is_range ? range_fields[field] : spaced_fields[field]);
    limits.name = path;
    struct pg_value value = {0};
    int status = pg_entry_value(&form->fields[field], &limits, &value, error);
    *ret_number = value.type == PG_VALUE_REAL ? value.real : (double)value.integer;
    return status;
}

static int refuse_form(const struct form *form, const char *found, const char *expected,
                       struct pg_error *error)
{
    (void)pg_error_set(error, PG_EINPUT, "%s.%s: found %s, expected %s", form->setting->name,
                       form->name, found, expected);
    return pg_place_refuse(&form->entry->place, error);
}

static int read_fields(struct form *form, struct pg_error *error)
{
    char what[PATH_MAX_BYTES], found[PATH_MAX_BYTES];
    const char *const *names = form->is_range ? range_fields : spaced_fields;
    (void)snprintf(what, sizeof what, "%s.%s", form->setting->name, form->name);
    int status = pg_entry_fields(form->entry, what, names, COUNT_FIELDS, form->fields, error);
    for (size_t i = 0; i < COUNT_FIELDS && status == 0; i++) {
        (void)snprintf(found, sizeof found, "no %s", names[i]);
        if (!pg_entry_exists(&form->fields[i]))
            status = refuse_form(
                form, found, form->is_range ? "from, to and step" : "from, to and count", error);
    }
    return status;
}

static int read_ends(struct form *form, struct pg_error *error)
{
    struct pg_setting limits = *form->setting;
    if (form->is_log && limits.min <= 0.0) {
        limits.min = 0.0;
        limits.above_min = true;
    }
    int status = read_number(form, 0, limits, &form->from, error);
    return status != 0 ? status : read_number(form, 1, limits, &form->to, error);
}

static int read_count(struct form *form, struct pg_error *error)
{
    static const struct pg_setting limits = {
        "count", PG_VALUE_INTEGER, 2, PG_AXIS_VALUES_MAX, false, "2", NULL, "1", "values"};
    double count;
    int status = read_number(form, 2, limits, &count, error);
    if (status == 0)
        form->count = (size_t)count;
    return status;
}

static int read_step(struct form *form, struct pg_error *error)
{
    struct pg_setting limits = *form->setting;
    limits.min = -HUGE_VAL;
    limits.max = HUGE_VAL;
    limits.above_min = false;
    int status = read_number(form, 2, limits, &form->step, error);
    if (status != 0)
        return status;
    if (!(form->from <= form->to ? form->step > 0.0 : form->step < 0.0)) {
        (void)pg_error_set(error, PG_EINPUT,
                           "%s.range.step: found %g, expected a step that leads from %g to %g",
                           form->setting->name, form->step, form->from, form->to);
        return pg_place_refuse(&form->fields[2].place, error);
    }
    double count = pg_range_count(form->from, form->to, form->step);
    char found[PATH_MAX_BYTES];
    (void)snprintf(found, sizeof found, "%.0f values", count);
    if (!(count <= PG_AXIS_VALUES_MAX))
        return refuse_form(form, found, "at most 100000", error);
    form->count = (size_t)count;
    return 0;
}

static double compute(const struct form *form, size_t index)
{
    if (form->is_range)
        return pg_range_value(form->from, form->step, index);
    return form->is_log ? pg_logspace(form->from, form->to, form->count, index)
                        : pg_linspace(form->from, form->to, form->count, index);
}

static int fill(const struct form *form, struct pg_value *values, struct pg_error *error)
{
    for (size_t i = 0; i < form->count; i++) {
        double number = compute(form, i);
        values[i].type = form->setting->type;
        if (values[i].type == PG_VALUE_REAL)
            values[i].real = number;
        else
            values[i].integer = llround(number);
        if (pg_value_check(form->setting, &values[i], error) != 0)
            return pg_place_refuse(&form->entry->place, error);
    }
    return 0;
}

static int read_computed(struct form *form, struct pg_value **ret_values, size_t *ret_count,
                         struct pg_error *error)
{
    enum pg_value_type type = form->setting->type;
    if (type != PG_VALUE_REAL && type != PG_VALUE_INTEGER)
        return refuse_form(form, "a computed axis", "values, since the setting is not a number",
                           error);
    int status = read_fields(form, error);
    if (status == 0)
        status = read_ends(form, error);
    if (status == 0)
        status = form->is_range ? read_step(form, error) : read_count(form, error);
    if (status == 0)
        status = allocate(form->count, ret_values, error);
    *ret_count = form->count;
    return status != 0 ? status : fill(form, *ret_values, error);
}

/* The one form among the fields, or PG_AXIS_NAME, refused. */
static enum pg_axis_field choose(const struct pg_entry fields[PG_AXIS_FIELDS],
                                 const struct pg_setting *setting, struct pg_error *error)
{
    enum pg_axis_field form = PG_AXIS_NAME;
    for (enum pg_axis_field i = PG_AXIS_VALUES; i < PG_AXIS_ZIP; i++) {
        if (!pg_entry_exists(&fields[i]))
            continue;
        if (form != PG_AXIS_NAME) {
            (void)pg_error_set(error, PG_EINPUT, "%s: found both %s and %s, expected one of them",
                               setting->name, pg_axis_fields[form], pg_axis_fields[i]);
            (void)pg_place_refuse(&fields[i].place, error);
            return PG_AXIS_NAME;
        }
        form = i;
    }
    if (form == PG_AXIS_NAME) {
        (void)pg_error_set(error, PG_EINPUT,
                           "%s: found no values, expected one of values, linspace, logspace, range",
                           setting->name);
        (void)pg_place_refuse(&fields[PG_AXIS_NAME].place, error);
    }
    return form;
}

int pg_axis_read_values(const struct pg_entry fields[PG_AXIS_FIELDS],
                        const struct pg_setting *setting, struct pg_value **ret_values,
                        size_t *ret_count, struct pg_error *error)
{
    enum pg_axis_field chosen = choose(fields, setting, error);
    if (chosen == PG_AXIS_NAME)
        return PG_EINPUT;
    if (chosen == PG_AXIS_VALUES)
        return read_listed(&fields[chosen], setting, ret_values, ret_count, error);
    struct form form = {
        .setting = setting,
        .entry = &fields[chosen],
        .name = pg_axis_fields[chosen],
        .is_log = chosen == PG_AXIS_LOGSPACE,
        .is_range = chosen == PG_AXIS_RANGE,
    };
    return read_computed(&form, ret_values, ret_count, error);
}
