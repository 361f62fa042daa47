/* SPDX-License-Identifier: MIT */
/*
 * Variable by variable, some rows at a time, noting which rows differ; then the first of those is
 * looked at once more for what differs in it.
 *
 * Rows that follow each other in one file need not in the other (a seed more lies between them): as
 * many rows of a are taken at once as stand in a stretch of b that fits the memory.
 */
#include "phasegrid/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "rows.h"

enum { BYTES_AT_ONCE = 4 << 20 };

struct comparing {
    struct pg_reader *a, *b;
    const uint64_t *rows;
    uint64_t row_count;
    uint8_t *statuses; /* (row_count) of a */
    uint8_t *differs;  /* (row_count) */
    /* Of the variable that is compared: */
    size_t variable, twin; /* in a, in b */
    size_t bytes, twin_bytes;
    unsigned char *left, *right, *placed; /* rows of a, of b; one of a as b would have it */
};

static uint64_t row_in_b(const struct comparing *of, uint64_t row)
{
    return of->rows != NULL ? of->rows[row] : row;
}

static bool has_result(uint8_t status)
{
    return status == PG_ROW_DONE || status == PG_ROW_DIVERGED;
}

/* ---- one row of both ---- */

static size_t own_length(const struct pg_layout *layout, size_t variable, size_t dim)
{
    return layout->dims[layout->variables[variable].dims[dim]].length;
}

/* Element `at` of a row of a, as an element of b's longer row. */
static size_t place_of(const struct comparing *of, size_t at)
{
    const struct pg_layout *a = &of->a->layout, *b = &of->b->layout;
    size_t place = 0, stride = 1;
    for (size_t d = a->variables[of->variable].dim_count; d-- > 0;) {
        size_t length = own_length(a, of->variable, d);
        place += at % length * stride;
        at /= length;
        stride *= own_length(b, of->twin, d);
    }
    return place;
}

/* The row of a with the lengths of b; where these are the same it is the row itself. */
static const unsigned char *place_row(const struct comparing *of, const unsigned char *row)
{
    const struct pg_layout *b = &of->b->layout;
    const struct pg_variable *twin = &b->variables[of->twin];
    size_t size = pg_data_type_size(twin->type);
    if (of->bytes == of->twin_bytes)
        return row;
    pg_data_type_fill(twin->type, twin->fill, pg_layout_row_elements(b, of->twin), of->placed);
    for (size_t i = 0; i < of->bytes / size; i++)
        memcpy(of->placed + place_of(of, i) * size, row + i * size, size);
    return of->placed;
}

/* ---- many rows of one variable ---- */

/* How many rows from `first` on are taken at once, and the stretch of b in which they stand. */
static uint64_t take_stretch(const struct comparing *of, uint64_t first, uint64_t *ret_span)
{
    uint64_t most = of->twin_bytes < BYTES_AT_ONCE ? BYTES_AT_ONCE / of->twin_bytes : 1;
    uint64_t begin = row_in_b(of, first), last = begin, count = 1;
    while (first + count < of->row_count && row_in_b(of, first + count) > last &&
           row_in_b(of, first + count) - begin < most) {
        last = row_in_b(of, first + count);
        count++;
    }
    *ret_span = last - begin + 1;
    return count;
}

static void note_differences(struct comparing *of, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = row_in_b(of, first + i) - row_in_b(of, first);
        if (has_result(of->statuses[first + i]) && !of->differs[first + i])
            of->differs[first + i] = memcmp(place_row(of, of->left + i * of->bytes),
                                            of->right + at * of->twin_bytes, of->twin_bytes) != 0;
    }
}

static int compare_rows(struct comparing *of, struct pg_error *error)
{
    int status = 0;
    for (uint64_t first = 0, count; first < of->row_count && status == 0; first += count) {
        uint64_t span;
        count = take_stretch(of, first, &span);
        status = pg_reader_rows(of->a, of->variable, first, count, of->left, error);
        if (status == 0)
            status = pg_reader_rows(of->b, of->twin, row_in_b(of, first), span, of->right, error);
        if (status == 0)
            note_differences(of, first, count);
    }
    return status;
}

static void forget_variable(struct comparing *of)
{
    free(of->left);
    free(of->right);
    free(of->placed);
    of->left = of->right = of->placed = NULL;
}

static bool fits(const struct comparing *of)
{
    const struct pg_layout *a = &of->a->layout, *b = &of->b->layout;
    const struct pg_variable *one = &a->variables[of->variable], *other = &b->variables[of->twin];
    bool is_fit = one->type == other->type && other->scope == PG_SCOPE_RUN &&
                  one->dim_count == other->dim_count;
    for (size_t d = 0; d < one->dim_count && is_fit; d++)
        is_fit = own_length(a, of->variable, d) <= own_length(b, of->twin, d);
    return is_fit;
}

/* Finds the variable in b, and takes memory for both. */
static int take_variable(struct comparing *of, size_t variable, struct pg_error *error)
{
    const char *name = of->a->layout.variables[variable].name;
    int twin = pg_layout_find_variable(&of->b->layout, name);
    of->variable = variable;
    of->twin = twin >= 0 ? (size_t)twin : 0;
    if (twin < 0 || !fits(of))
        return pg_error_set(error, PG_EMISMATCH,
                            "variable '%s' of '%s' is %s in '%s'; expected one of the same type, "
                            "and no shorter",
                            name, of->a->path, twin < 0 ? "missing" : "another", of->b->path);
    of->bytes = pg_layout_row_bytes(&of->a->layout, variable);
    of->twin_bytes = pg_layout_row_bytes(&of->b->layout, of->twin);
    size_t room = of->twin_bytes < BYTES_AT_ONCE ? BYTES_AT_ONCE : of->twin_bytes;
    of->left = malloc(room + of->bytes);
    of->right = malloc(room + of->twin_bytes);
    of->placed = malloc(of->twin_bytes + 1);
    if (of->left != NULL && of->right != NULL && of->placed != NULL)
        return 0;
    return pg_error_set(error, PG_EMACHINE, "out of memory: comparing '%s'", name);
}

static int compare_variable(struct comparing *of, size_t variable, struct pg_error *error)
{
    int status = take_variable(of, variable, error);
    if (status == 0 && of->bytes > 0)
        status = compare_rows(of, error);
    forget_variable(of);
    return status;
}

static bool is_compared(const struct pg_layout *layout, size_t variable)
{
    return pg_layout_is_payload(layout, variable) && !layout->variables[variable].is_volatile;
}

/* Rows whose statuses differ do; of the others with a result the data are compared. */
static int compare_statuses(struct comparing *of, struct pg_comparison *comparison,
                            struct pg_error *error)
{
    uint64_t twin_count = pg_layout_row_count(&of->b->layout);
    uint8_t *others = malloc(twin_count + 1);
    if (others == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: statuses of '%s'", of->b->path);
    int status = pg_reader_statuses(of->a, of->statuses, error);
    if (status == 0)
        status = pg_reader_statuses(of->b, others, error);
    for (uint64_t row = 0; row < of->row_count && status == 0; row++) {
        uint8_t other = row_in_b(of, row) < twin_count ? others[row_in_b(of, row)] : PG_ROW_TODO;
        of->differs[row] = of->statuses[row] != other;
        comparison->unfinished += has_result(of->statuses[row]) != has_result(other);
    }
    free(others);
    return status;
}

/* ---- the first difference, in words ---- */

static int describe_variable(struct comparing *of, size_t variable, uint64_t row, bool *ret_is_here,
                             struct pg_difference *difference, struct pg_error *error)
{
    int status = take_variable(of, variable, error);
    if (status == 0)
        status = pg_reader_rows(of->a, variable, row, 1, of->left, error);
    if (status == 0)
        status = pg_reader_rows(of->b, of->twin, row_in_b(of, row), 1, of->right, error);
    if (status == 0)
        *ret_is_here = pg_difference_find(&of->b->layout, of->twin, place_row(of, of->left),
                                          of->right, difference);
    forget_variable(of);
    return status;
}

static int describe(struct comparing *of, struct pg_comparison *comparison, struct pg_error *error)
{
    const struct pg_layout *layout = &of->a->layout;
    bool is_here = false;
    int status = 0;
    for (size_t i = 0; i < layout->variable_count && status == 0 && !is_here; i++)
        if (i == PG_VARIABLE_STATUS || is_compared(layout, i))
            status = describe_variable(of, i, comparison->first, &is_here, &comparison->difference,
                                       error);
    return status;
}

static int compare(struct comparing *of, struct pg_comparison *comparison, struct pg_error *error)
{
    const struct pg_layout *layout = &of->a->layout;
    int status = compare_statuses(of, comparison, error);
    for (size_t i = 0; i < layout->variable_count && status == 0; i++)
        if (is_compared(layout, i))
            status = compare_variable(of, i, error);
    for (uint64_t row = of->row_count; row-- > 0;)
        if (of->differs[row]) {
            comparison->differing++;
            comparison->first = row;
        }
    if (status == 0 && comparison->differing > 0)
        status = describe(of, comparison, error);
    return status;
}

int pg_reader_compare(struct pg_reader *a, struct pg_reader *b, const uint64_t *rows,
                      struct pg_comparison *ret_comparison, struct pg_error *error)
{
    uint64_t row_count = pg_layout_row_count(&a->layout);
    struct comparing of = {.a = a, .b = b, .rows = rows, .row_count = row_count};
    *ret_comparison = (struct pg_comparison){.rows = row_count};
    of.statuses = malloc(row_count + 1);
    of.differs = calloc(row_count + 1, 1);
    int status = of.statuses != NULL && of.differs != NULL
                     ? compare(&of, ret_comparison, error)
                     : pg_error_set(error, PG_EMACHINE, "out of memory: the rows of '%s'", a->path);
    free(of.statuses);
    free(of.differs);
    return status;
}
