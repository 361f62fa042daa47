/* SPDX-License-Identifier: MIT */
/*
 * Values of settings: read from text, checked, compared, printed. Numbers are decimal as in YAML's
 * core schema, without infinities, NaN and other bases; an integer may be written as an integral
 * real (1e4). A list is "[5, 4, 6]", a matrix "01/10" or "none". Zero has no sign, so that equal
 * values print alike.
 */
#include "phasegrid/setting.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/matrix.h"
#include "phasegrid/nearest.h"
#include "phasegrid/quote.h"

enum { NUMBER_MAX = 64, NAMES_MAX = 64, EXPECTED_MAX = 512, DIGITS_MAX = 17 };

static const double integer_real_max = 9007199254740992.0; /* 2^53: all integers are exact */

int pg_schema_find(const struct pg_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (strcmp(schema->settings[i].name, name) == 0)
            return (int)i;
    return -1;
}

static const struct pg_value *value_of(const struct pg_values *values, const char *name,
                                       enum pg_value_type type)
{
    int index = pg_schema_find(values->schema, name);
    assert(index >= 0 && values->schema->settings[index].type == type);
    assert(values->at[index].type == type);
    (void)type;
    return &values->at[index];
}

double pg_values_real(const struct pg_values *values, const char *name)
{
    return value_of(values, name, PG_VALUE_REAL)->real;
}

int64_t pg_values_integer(const struct pg_values *values, const char *name)
{
    return value_of(values, name, PG_VALUE_INTEGER)->integer;
}

const struct pg_value *pg_values_list(const struct pg_values *values, const char *name)
{
    return value_of(values, name, PG_VALUE_LIST);
}

const char *pg_values_name(const struct pg_values *values, const char *name)
{
    const struct pg_value *value = value_of(values, name, PG_VALUE_NAME);
    return values->schema->settings[pg_schema_find(values->schema, name)].names[value->integer];
}

const char *pg_values_matrix(const struct pg_values *values, const char *name)
{
    return value_of(values, name, PG_VALUE_MATRIX)->matrix;
}

/* 1e-05 as 1e-5, 1e+20 as 1e20. */
static void shorten_exponent(char *text)
{
    char *at = strchr(text, 'e');
    if (at == NULL)
        return;
    char *digits = at + 1;
    if (*digits == '-')
        at = digits++;
    else if (*digits == '+')
        digits++;
    while (digits[0] == '0' && digits[1] != '\0')
        digits++;
    memmove(at + 1, digits, strlen(digits) + 1);
}

/* 0.0001, 100000 and 4294967295, but 1e-5 and 1e6: no long rows of zeros. */
static bool is_plain(int exponent, int decimals)
{
    return exponent >= -4 && (exponent < 6 || (exponent < 16 && decimals + 3 >= exponent));
}

/* The fewest digits that read back the same. */
static void print_real(double real, char *text, size_t size)
{
    char digits[NUMBER_MAX];
    int decimals = 0;
    do
        (void)snprintf(digits, sizeof digits, "%.*e", decimals, real);
    while (strtod(digits, NULL) != real && ++decimals < DIGITS_MAX);
    const char *mark = strchr(digits, 'e');
    int exponent = mark == NULL ? 0 : (int)strtol(mark + 1, NULL, 10);
    if (mark != NULL && is_plain(exponent, decimals)) {
        int behind_point = decimals > exponent ? decimals - exponent : 0;
        (void)snprintf(text, size, "%.*f", behind_point, real);
    } else {
        shorten_exponent(digits);
        (void)snprintf(text, size, "%s", digits);
    }
}

static void print_list(const struct pg_value *value, const char *between, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < value->list_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i > 0 ? between : "",
                                 (long long)value->list[i]);
}

static void print_matrix(const struct pg_value *value, char *text, size_t size)
{
    char label[PG_MATRIX_LABEL_SIZE];
    pg_matrix_label(value->matrix, label);
    (void)snprintf(text, size, "%s", label);
}

void pg_value_print(const struct pg_setting *setting, const struct pg_value *value, char *text,
                    size_t size)
{
    assert(size > 0);
    text[0] = '\0';
    switch (value->type) {
    case PG_VALUE_REAL:
        print_real(value->real, text, size);
        break;
    case PG_VALUE_INTEGER:
        (void)snprintf(text, size, "%lld", (long long)value->integer);
        break;
    case PG_VALUE_NAME:
        (void)snprintf(text, size, "%s", setting->names[value->integer]);
        break;
    case PG_VALUE_LIST:
        if (value->list_count == 0)
            (void)snprintf(text, size, "none");
        else
            print_list(value, "-", text, size);
        break;
    case PG_VALUE_MATRIX:
        print_matrix(value, text, size);
        break;
    }
}

static bool has_unit(const struct pg_setting *setting)
{
    return setting->unit != NULL && strcmp(setting->unit, "1") != 0 && setting->unit[0] != '\0';
}

/* " above 0 and up to 10 steps" */
static void describe_range(const struct pg_setting *setting, char *text, size_t size)
{
    char low[NUMBER_MAX], high[NUMBER_MAX];
    const char *unit = has_unit(setting) ? setting->unit : "";
    const char *space = has_unit(setting) ? " " : "";
    print_real(setting->min, low, sizeof low);
    print_real(setting->max, high, sizeof high);
    if (isfinite(setting->min) && isfinite(setting->max))
        (void)snprintf(text, size, " %s %s %s %s%s%s", setting->above_min ? "above" : "from", low,
                       setting->above_min ? "and up to" : "to", high, space, unit);
    else if (isfinite(setting->min))
        (void)snprintf(text, size, " %s %s%s%s", setting->above_min ? "above" : "of at least", low,
                       space, unit);
    else if (isfinite(setting->max))
        (void)snprintf(text, size, " up to %s%s%s", high, space, unit);
    else
        text[0] = '\0';
}

static size_t count_names(const struct pg_setting *setting)
{
    size_t count = 0;
    while (count < NAMES_MAX && setting->names[count] != NULL)
        count++;
    return count;
}

/* "one of adamw, sgd; did you mean adamw?" */
static void describe_names(const struct pg_setting *setting, const char *word, char *text,
                           size_t size)
{
    size_t count = count_names(setting), used = 0;
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "one of ",
                                 setting->names[i]);
    const char *near = word == NULL ? NULL : pg_nearest(word, setting->names, count);
    if (near != NULL && used < size)
        (void)snprintf(text + used, size - used, "; did you mean %s?", near);
}

/* word: what stands in a name's place, or NULL */
static void describe(const struct pg_setting *setting, const char *word, char *text, size_t size)
{
    char range[3 * NUMBER_MAX];
    describe_range(setting, range, sizeof range);
    switch (setting->type) {
    case PG_VALUE_REAL:
        (void)snprintf(text, size, "a number%s", range);
        break;
    case PG_VALUE_INTEGER:
        (void)snprintf(text, size, "an integer%s", range);
        break;
    case PG_VALUE_NAME:
        describe_names(setting, word, text, size);
        break;
    case PG_VALUE_LIST:
        (void)snprintf(text, size, "a list of up to %d integers%s", PG_LIST_MAX, range);
        break;
    case PG_VALUE_MATRIX:
        (void)snprintf(text, size, "a square matrix of 0 and 1 of up to %d rows, or none",
                       PG_MATRIX_ROWS_MAX);
        break;
    }
}

int pg_value_refuse(const struct pg_setting *setting, const char *found, struct pg_error *error)
{
    char expected[EXPECTED_MAX];
    describe(setting, NULL, expected, sizeof expected);
    return pg_error_set(error, PG_EINPUT, "%s: found %s, expected %s", setting->name, found,
                        expected);
}

static int refuse_text(const struct pg_setting *setting, const char *text, struct pg_error *error)
{
    char expected[EXPECTED_MAX], quoted[PG_QUOTE_SIZE];
    describe(setting, text, expected, sizeof expected);
    return pg_error_set(error, PG_EINPUT, "%s: found %s, expected %s", setting->name,
                        pg_quote(text, quoted), expected);
}

static const char *skip_digits(const char *at)
{
    while (isdigit((unsigned char)*at))
        at++;
    return at;
}

static const char *skip_sign(const char *at)
{
    return *at == '+' || *at == '-' ? at + 1 : at;
}

/* Where the number that `text` begins with ends, or `text` itself: there is none. */
static const char *skip_number(const char *text, bool *ret_is_integer)
{
    const char *whole = skip_sign(text), *end = skip_digits(whole);
    size_t digits = (size_t)(end - whole);
    *ret_is_integer = true;
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        digits += (size_t)(end - fraction);
        *ret_is_integer = false;
    }
    if (digits == 0)
        return text;
    if (*end == 'e' || *end == 'E') {
        const char *power = skip_sign(end + 1);
        end = skip_digits(power);
        *ret_is_integer = false;
        return end == power ? text : end;
    }
    return end;
}

static bool is_number(const char *text, bool *ret_is_integer)
{
    const char *end = skip_number(text, ret_is_integer);
    return end != text && *end == '\0';
}

static bool read_real(const char *text, double *ret_real)
{
    bool is_integer;
    if (!is_number(text, &is_integer))
        return false;
    *ret_real = strtod(text, NULL) + 0.0;
    return isfinite(*ret_real);
}

static bool read_integer(const char *text, int64_t *ret_integer)
{
    bool is_integer;
    double real;
    if (!is_number(text, &is_integer))
        return false;
    if (is_integer) {
        errno = 0;
        *ret_integer = strtoll(text, NULL, 10);
        return errno == 0;
    }
    if (!read_real(text, &real) || floor(real) != real || fabs(real) > integer_real_max)
        return false;
    *ret_integer = (int64_t)real;
    return true;
}

static bool read_name(const struct pg_setting *setting, const char *text, int64_t *ret_index)
{
    for (size_t i = 0; setting->names[i] != NULL; i++) {
        if (strcmp(setting->names[i], text) == 0) {
            *ret_index = (int64_t)i;
            return true;
        }
    }
    return false;
}

/* One element and the ',' or ']' behind it. */
static bool read_element(const char **at, struct pg_value *value)
{
    char number[NUMBER_MAX];
    const char *begin = *at + strspn(*at, " "), *end = begin + strcspn(begin, ",] ");
    size_t length = (size_t)(end - begin);
    end += strspn(end, " ");
    if (length >= sizeof number || value->list_count == PG_LIST_MAX || *end == '\0')
        return false;
    memcpy(number, begin, length);
    number[length] = '\0';
    *at = end;
    return read_integer(number, &value->list[value->list_count++]);
}

static bool read_list(const char *text, struct pg_value *value)
{
    if (text[0] != '[')
        return false;
    const char *at = text + 1 + strspn(text + 1, " ");
    if (*at == ']')
        return at[1] == '\0';
    at = text;
    do {
        at++;
        if (!read_element(&at, value))
            return false;
    } while (*at == ',');
    return at[0] == ']' && at[1] == '\0';
}

static bool read_matrix(const char *text, struct pg_value *value)
{
    struct pg_error ignored;
    value->matrix = "";
    return strcmp(text, "none") == 0 ||
           pg_matrix_read(text, strlen(text), &value->matrix, &ignored) == 0;
}

static bool read_value(const struct pg_setting *setting, const char *text, struct pg_value *value)
{
    switch (setting->type) {
    case PG_VALUE_REAL:
        return read_real(text, &value->real);
    case PG_VALUE_INTEGER:
        return read_integer(text, &value->integer);
    case PG_VALUE_NAME:
        return read_name(setting, text, &value->integer);
    case PG_VALUE_LIST:
        return read_list(text, value);
    case PG_VALUE_MATRIX:
        return read_matrix(text, value);
    }
    return false;
}

static bool in_range(const struct pg_setting *setting, double number)
{
    return (setting->above_min ? number > setting->min : number >= setting->min) &&
           number <= setting->max;
}

static bool is_allowed(const struct pg_setting *setting, const struct pg_value *value)
{
    bool allowed = value->type == setting->type;
    switch (value->type) {
    case PG_VALUE_REAL:
        return allowed && isfinite(value->real) && in_range(setting, value->real);
    case PG_VALUE_INTEGER:
        return allowed && in_range(setting, (double)value->integer);
    case PG_VALUE_NAME:
        return allowed && value->integer >= 0 &&
               (uint64_t)value->integer < (uint64_t)count_names(setting);
    case PG_VALUE_LIST:
        allowed = allowed && value->list_count <= PG_LIST_MAX;
        for (size_t i = 0; allowed && i < value->list_count; i++)
            allowed = in_range(setting, (double)value->list[i]);
        return allowed;
    case PG_VALUE_MATRIX:
        return allowed && value->matrix != NULL;
    }
    return false;
}

int pg_value_parse(const struct pg_setting *setting, const char *text, struct pg_value *ret_value,
                   struct pg_error *error)
{
    struct pg_value value = {.type = setting->type};
    if (!read_value(setting, text, &value) || !is_allowed(setting, &value))
        return refuse_text(setting, text, error);
    *ret_value = value;
    return 0;
}

/* As it would stand in a job file, whatever setting it belongs to. */
static void spell(const struct pg_setting *setting, const struct pg_value *value, char *text,
                  size_t size)
{
    char list[PG_QUOTE_SIZE] = "";
    if (value->type == PG_VALUE_LIST) {
        print_list(value, ", ", list, sizeof list);
        (void)snprintf(text, size, "[%s]", list);
    } else if (value->type == PG_VALUE_NAME && setting->type != PG_VALUE_NAME) {
        (void)snprintf(text, size, "a name");
    } else if (value->type == PG_VALUE_NAME) {
        (void)snprintf(text, size, "name number %lld", (long long)value->integer);
    } else {
        pg_value_print(setting, value, text, size);
    }
}

int pg_value_check(const struct pg_setting *setting, const struct pg_value *value,
                   struct pg_error *error)
{
    char found[2 * PG_QUOTE_SIZE];
    if (is_allowed(setting, value))
        return 0;
    spell(setting, value, found, sizeof found);
    return pg_value_refuse(setting, found, error);
}

bool pg_value_equal(const struct pg_value *a, const struct pg_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case PG_VALUE_REAL:
        return !(a->real < b->real) && !(a->real > b->real);
    case PG_VALUE_INTEGER:
    case PG_VALUE_NAME:
        return a->integer == b->integer;
    case PG_VALUE_LIST:
        return a->list_count == b->list_count &&
               memcmp(a->list, b->list, a->list_count * sizeof a->list[0]) == 0;
    case PG_VALUE_MATRIX:
        return strcmp(a->matrix, b->matrix) == 0;
    }
    return false;
}
