/* SPDX-License-Identifier: MIT */
/*
 * Numbers print with the digits that read back the same, codes with their meaning. Two numbers that
 * still look alike (NaNs of different bits, 0 and -0) are told by their bytes.
 */
#include "phasegrid/row_difference.h"

#include <stdio.h>
#include <string.h>

void pg_coordinate_print(const struct pg_dimension *dim, size_t index, char *text, size_t size)
{
    switch (dim->kind) {
    case PG_COORDINATE_INDEX:
        (void)snprintf(text, size, "%zu", index);
        break;
    case PG_COORDINATE_INTEGER:
        (void)snprintf(text, size, "%lld", (long long)dim->coordinate.integers[index]);
        break;
    case PG_COORDINATE_REAL:
        (void)snprintf(text, size, "%.17g", dim->coordinate.reals[index]);
        break;
    case PG_COORDINATE_TEXT:
        (void)snprintf(text, size, "'%s'", dim->coordinate.texts[index]);
        break;
    }
}

static int64_t integer_at(const struct pg_dimension *dim, size_t index)
{
    return dim->kind == PG_COORDINATE_INDEX ? (int64_t)index : dim->coordinate.integers[index];
}

static bool is_equal_at(const struct pg_dimension *a, const struct pg_dimension *b, size_t index)
{
    if (a->kind == PG_COORDINATE_TEXT)
        return strcmp(a->coordinate.texts[index], b->coordinate.texts[index]) == 0;
    if (a->kind == PG_COORDINATE_REAL)
        return memcmp(&a->coordinate.reals[index], &b->coordinate.reals[index], sizeof(double)) ==
               0;
    return integer_at(a, index) == integer_at(b, index);
}

static enum pg_coordinate storage_kind(const struct pg_dimension *dim)
{
    return dim->kind == PG_COORDINATE_INDEX ? PG_COORDINATE_INTEGER : dim->kind;
}

bool pg_coordinate_equal(const struct pg_dimension *a, const struct pg_dimension *b)
{
    bool is_equal = a->length == b->length && storage_kind(a) == storage_kind(b);
    for (size_t i = 0; is_equal && i < a->length; i++)
        is_equal = is_equal_at(a, b, i);
    return is_equal;
}

static const char *meaning_of(const struct pg_variable *variable, unsigned code)
{
    for (unsigned i = 0; variable->meanings != NULL && variable->meanings[i] != NULL; i++)
        if (i == code)
            return variable->meanings[i];
    return (double)code == variable->fill ? variable->unwritten_meaning : NULL;
}

static void print_code(const struct pg_variable *variable, unsigned code, char text[64])
{
    const char *meaning = meaning_of(variable, code);
    if (meaning != NULL)
        (void)snprintf(text, 64, "%u (%s)", code, meaning);
    else
        (void)snprintf(text, 64, "%u", code);
}

static void print_element(const struct pg_variable *variable, const void *element, char text[64])
{
    union {
        uint8_t u8;
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
    } value = {0};
    memcpy(&value, element, pg_data_type_size(variable->type));
    switch (variable->type) {
    case PG_U8:
        print_code(variable, value.u8, text);
        break;
    case PG_I32:
        (void)snprintf(text, 64, "%d", value.i32);
        break;
    case PG_I64:
        (void)snprintf(text, 64, "%lld", (long long)value.i64);
        break;
    case PG_F32:
        (void)snprintf(text, 64, "%.9g", (double)value.f32);
        break;
    case PG_F64:
        (void)snprintf(text, 64, "%.17g", value.f64);
        break;
    }
}

static void append_bytes(const void *element, size_t size, char text[64])
{
    const unsigned char *bytes = element;
    size_t used = strlen(text);
    used += (size_t)snprintf(text + used, 64 - used, " (0x");
    for (size_t i = size; i-- > 0 && used + 4 < 64;) /* little-endian */
        used += (size_t)snprintf(text + used, 64 - used, "%02x", bytes[i]);
    (void)snprintf(text + used, 64 - used, ")");
}

/* "name (step 120, class 3)" */
static void print_place(const struct pg_layout *layout, size_t variable, size_t element, char *text,
                        size_t size)
{
    const struct pg_variable *of = &layout->variables[variable];
    size_t used = (size_t)snprintf(text, size, "%s", of->name);
    size_t below = pg_layout_row_elements(layout, variable);
    for (size_t i = 0; i < of->dim_count && used < size; i++) {
        const struct pg_dimension *dim = &layout->dims[of->dims[i]];
        char value[80];
        below /= dim->length;
        pg_coordinate_print(dim, element / below % dim->length, value, sizeof value);
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", i > 0 ? ", " : " (",
                                 dim->name, value);
    }
    if (of->dim_count > 0 && used < size)
        (void)snprintf(text + used, size - used, ")");
}

bool pg_difference_find(const struct pg_layout *layout, size_t variable, const void *a,
                        const void *b, struct pg_difference *ret_difference)
{
    const struct pg_variable *of = &layout->variables[variable];
    size_t count = pg_layout_row_elements(layout, variable), size = pg_data_type_size(of->type);
    const unsigned char *left = a, *right = b;
    size_t at = 0;
    while (at < count && memcmp(left + at * size, right + at * size, size) == 0)
        at++;
    if (of->texts != NULL || at == count)
        return false;
    print_place(layout, variable, at, ret_difference->place, sizeof ret_difference->place);
    print_element(of, left + at * size, ret_difference->a);
    print_element(of, right + at * size, ret_difference->b);
    if (strcmp(ret_difference->a, ret_difference->b) == 0) {
        append_bytes(left + at * size, size, ret_difference->a);
        append_bytes(right + at * size, size, ret_difference->b);
    }
    return true;
}
