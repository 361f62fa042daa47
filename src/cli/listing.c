/* SPDX-License-Identifier: MIT */
/* One representation, two printings. */
#include "listing.h"

#include <stdio.h>
#include <string.h>

enum { FIELD_MAX = 256, COLUMNS_MAX = 12, GAP = 2 };

int pg_json_print(json_t *value, struct pg_error *error)
{
    if (value == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the listing as JSON");
    int status = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(value);
    if (status != 0 || putchar('\n') == EOF)
        return pg_error_set(error, PG_EMACHINE, "standard output: the listing was not written");
    return 0;
}

/* A field's text; `room` (FIELD_MAX) is used for numbers. */
static const char *field(const json_t *row, const char *column, char *room)
{
    const json_t *value = json_object_get(row, column);
    room[0] = '-';
    room[1] = '\0';
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        (void)snprintf(room, FIELD_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(room, FIELD_MAX, "%.6g", json_real_value(value));
    return room;
}

static int column_width(const json_t *rows, const char *column)
{
    size_t width = strlen(column), index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        char room[FIELD_MAX];
        size_t length = strlen(field(row, column, room));
        width = length > width ? length : width;
    }
    return (int)width;
}

static void print_row(const json_t *row, const char *const *columns, const int *widths)
{
    for (size_t i = 0; columns[i] != NULL; i++) {
        char room[FIELD_MAX];
        const char *text = row != NULL ? field(row, columns[i], room) : columns[i];
        if (columns[i + 1] == NULL)
            (void)printf("%s\n", text);
        else
            (void)printf("%-*s", widths[i] + GAP, text);
    }
}

void pg_listing_print_table(const json_t *rows, const char *const *columns)
{
    int widths[COLUMNS_MAX] = {0};
    size_t index;
    json_t *row;
    for (size_t i = 0; columns[i] != NULL && i < COLUMNS_MAX; i++)
        widths[i] = column_width(rows, columns[i]);
    print_row(NULL, columns, widths);
    json_array_foreach(rows, index, row) print_row(row, columns, widths);
}
