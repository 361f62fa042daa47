/* SPDX-License-Identifier: MIT */
/* Reals and integers stay numbers; names and lists become their spelling. */
#include "setting_values.h"

enum { TEXT_SIZE = 128 };

void *pg_take(struct pg_pool *pool, size_t count, size_t size, struct pg_error *error)
{
    size_t bytes;
    void *taken = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes))
        taken = pg_pool_take(pool, bytes);
    if (taken == NULL)
        pg_error_set(error, PG_EMACHINE,
                     "out of memory: %zu values of %zu bytes for the layout of the results", count,
                     size);
    return taken;
}

static int take_reals(const struct pg_value *values, size_t count, struct pg_pool *pool,
                      struct pg_setting_values *ret_values, struct pg_error *error)
{
    double *reals = pg_take(pool, count, sizeof *reals, error);
    for (size_t i = 0; reals != NULL && i < count; i++)
        reals[i] = values[i].real;
    ret_values->reals = reals;
    return reals != NULL ? 0 : PG_EMACHINE;
}

static int take_integers(const struct pg_value *values, size_t count, struct pg_pool *pool,
                         struct pg_setting_values *ret_values, struct pg_error *error)
{
    int64_t *integers = pg_take(pool, count, sizeof *integers, error);
    for (size_t i = 0; integers != NULL && i < count; i++)
        integers[i] = values[i].integer;
    ret_values->integers = integers;
    return integers != NULL ? 0 : PG_EMACHINE;
}

static int take_texts(const struct pg_setting *setting, const struct pg_value *values, size_t count,
                      struct pg_pool *pool, struct pg_setting_values *ret_values,
                      struct pg_error *error)
{
    const char **texts = pg_take(pool, count, sizeof *texts, error);
    char *spellings = pg_take(pool, count, TEXT_SIZE, error);
    if (texts == NULL || spellings == NULL)
        return PG_EMACHINE;
    for (size_t i = 0; i < count; i++) {
        char *spelling = spellings + i * TEXT_SIZE;
        pg_value_print(setting, &values[i], spelling, TEXT_SIZE);
        texts[i] = spelling;
    }
    ret_values->texts = texts;
    return 0;
}

int pg_setting_values_take(const struct pg_setting *setting, const struct pg_value *values,
                           size_t count, struct pg_pool *pool, struct pg_setting_values *ret_values,
                           struct pg_error *error)
{
    *ret_values = (struct pg_setting_values){.kind = PG_COORDINATE_TEXT};
    if (setting->type == PG_VALUE_REAL) {
        ret_values->kind = PG_COORDINATE_REAL;
        return take_reals(values, count, pool, ret_values, error);
    }
    if (setting->type == PG_VALUE_INTEGER) {
        ret_values->kind = PG_COORDINATE_INTEGER;
        return take_integers(values, count, pool, ret_values, error);
    }
    return take_texts(setting, values, count, pool, ret_values, error);
}
