/* SPDX-License-Identifier: MIT */
/*
 * What a job may say: a table of settings per experiment, and the values they take. The job reader
 * knows settings only through these tables; an experiment reads its values only through the
 * accessors.
 */
#ifndef PHASEGRID_SETTING_H
#define PHASEGRID_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

enum { PG_LIST_MAX = 16 };

enum pg_value_type {
    PG_VALUE_REAL,
    PG_VALUE_INTEGER,
    PG_VALUE_NAME,   /* one of setting->names */
    PG_VALUE_LIST,   /* up to PG_LIST_MAX integers, each within [min, max] */
    PG_VALUE_MATRIX, /* of 0 and 1, square, or none (phasegrid/matrix.h) */
};

struct pg_value {
    enum pg_value_type type;
    double real;               /* REAL */
    int64_t integer;           /* INTEGER; NAME: the index into setting->names */
    int64_t list[PG_LIST_MAX]; /* LIST */
    size_t list_count;
    const char *matrix; /* MATRIX: kept by the process */
};

struct pg_setting {
    const char *name;
    enum pg_value_type type;
    double min, max;          /* allowed, inclusive unless above_min; LIST: of each element */
    bool above_min;           /* min itself is not allowed */
    const char *fallback;     /* the default, in job-file spelling: "1e-4", "adamw", "[]" */
    const char *const *names; /* NAME: what is allowed, NULL-terminated */
    const char *unit;         /* "1" for pure numbers, "steps", ... */
    const char *help;         /* one line */
};

/* The settings of one experiment. */
struct pg_schema {
    const char *experiment;
    const struct pg_setting *settings;
    size_t count;
};

/* values[i] belongs to schema->settings[i]. Borrowed, never owned. */
struct pg_values {
    const struct pg_schema *schema;
    const struct pg_value *at;
};

/* Index of the setting with that name, or -1. */
int pg_schema_find(const struct pg_schema *schema, const char *name);

/* Values by name; asking for a name or type that the schema lacks is a programming error. */
double pg_values_real(const struct pg_values *values, const char *name);
int64_t pg_values_integer(const struct pg_values *values, const char *name);
const struct pg_value *pg_values_list(const struct pg_values *values, const char *name);
const char *pg_values_name(const struct pg_values *values, const char *name);
const char *pg_values_matrix(const struct pg_values *values, const char *name);

/* Reads `text` (a number, a name, "[5, 4, 6]", or "01/10") as a value of the setting: type and
   range are checked; the message says what was found and what is allowed, without naming a place.
 */
int pg_value_parse(const struct pg_setting *setting, const char *text, struct pg_value *ret_value,
                   struct pg_error *error) PG_CHECK_RESULT;

/* Type and range of a value; the same messages. */
int pg_value_check(const struct pg_setting *setting, const struct pg_value *value,
                   struct pg_error *error) PG_CHECK_RESULT;

/* Fails as pg_value_parse() does; `found` says what stands there ("a map", "nothing"). */
int pg_value_refuse(const struct pg_setting *setting, const char *found,
                    struct pg_error *error) PG_CHECK_RESULT;

bool pg_value_equal(const struct pg_value *a, const struct pg_value *b);

/* Spelling for people and coordinates: 0.001, adamw, 5-4-6-3 ("none" for the empty list
   and matrix, a short name for a large one). Reals
   print with the fewest digits that read back the same. `text` holds at least 128 bytes. */
void pg_value_print(const struct pg_setting *setting, const struct pg_value *value, char *text,
                    size_t size);

#endif
