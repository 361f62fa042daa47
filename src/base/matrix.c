/* SPDX-License-Identifier: MIT */
/*
 * Matrices as text. Values of settings are copied about freely and own nothing, so what is read is
 * kept in a list that only grows: a job has a handful of matrices.
 */
#include "phasegrid/matrix.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_TEXT = 40, FORM_MAX = PG_MATRIX_ROWS_MAX * (PG_MATRIX_ROWS_MAX + 1) };

static struct kept {
    struct kept *next;
    char matrix[];
} * all_kept;

static const char *keep(const char *form)
{
    if (form[0] == '\0')
        return "";
    for (const struct kept *at = all_kept; at != NULL; at = at->next)
        if (strcmp(at->matrix, form) == 0)
            return at->matrix;
    struct kept *kept = malloc(sizeof *kept + strlen(form) + 1);
    if (kept == NULL)
        return NULL;
    (void)memcpy(kept->matrix, form, strlen(form) + 1);
    kept->next = all_kept;
    all_kept = kept;
    return kept->matrix;
}

/* ---- reading ---- */

/* The normal form so far; `length` of the row that is being read, `columns` of the first. */
struct reading {
    char form[FORM_MAX];
    size_t used, rows, columns, length;
};

static int end_row(struct reading *reading, struct pg_error *error)
{
    if (reading->length == 0)
        return 0;
    reading->rows++;
    if (reading->rows == 1)
        reading->columns = reading->length;
    if (reading->length != reading->columns)
        return pg_error_set(error, PG_EINPUT, "row %zu has %zu numbers, expected %zu as in row 1",
                            reading->rows, reading->length, reading->columns);
    reading->length = 0;
    return 0;
}

static int add(struct reading *reading, char number, struct pg_error *error)
{
    if (number != '0' && number != '1') {
        bool is_shown = number > ' ' && number < 0x7f;
        return pg_error_set(error, PG_EINPUT,
                            "row %zu: found %c after %zu numbers, expected 0 or 1",
                            reading->rows + 1, is_shown ? number : '?', reading->length);
    }
    if (reading->length == PG_MATRIX_ROWS_MAX || reading->rows == PG_MATRIX_ROWS_MAX)
        return pg_error_set(error, PG_EINPUT, "found a matrix of more than %d rows or columns",
                            PG_MATRIX_ROWS_MAX);
    if (reading->length++ == 0 && reading->rows > 0)
        reading->form[reading->used++] = '/';
    reading->form[reading->used++] = number;
    return 0;
}

static bool is_between(char letter)
{
    return letter == ' ' || letter == '\t' || letter == ',' || letter == '\r';
}

static int read_form(struct reading *reading, const char *text, size_t size, struct pg_error *error)
{
    bool in_comment = false;
    for (size_t i = 0; i < size; i++) {
        bool ends_row = text[i] == '\n' || (text[i] == '/' && !in_comment);
        int status = 0;
        in_comment = text[i] != '\n' && (in_comment || text[i] == '#');
        if (ends_row)
            status = end_row(reading, error);
        else if (!in_comment && !is_between(text[i]))
            status = add(reading, text[i], error);
        if (status != 0)
            return status;
    }
    return end_row(reading, error);
}

int pg_matrix_read(const char *text, size_t size, const char **ret_matrix, struct pg_error *error)
{
    struct reading reading = {.used = 0};
    int status = read_form(&reading, text, size, error);
    if (status != 0)
        return status;
    if (reading.rows == 0 || reading.rows != reading.columns)
        return pg_error_set(error, PG_EINPUT,
                            "found %zu rows of %zu numbers, expected a square matrix", reading.rows,
                            reading.columns);
    reading.form[reading.used] = '\0';
    *ret_matrix = keep(reading.form);
    return *ret_matrix != NULL ? 0 : pg_error_set(error, PG_EMACHINE, "out of memory: a matrix");
}

/* ---- using ---- */

size_t pg_matrix_rows(const char *matrix)
{
    return strcspn(matrix, "/");
}

bool pg_matrix_at(const char *matrix, size_t row, size_t column)
{
    return matrix[row * (pg_matrix_rows(matrix) + 1) + column] == '1';
}

/* FNV-1a. */
static uint32_t hash(const char *text)
{
    uint32_t sum = UINT32_C(0x811c9dc5);
    for (; *text != '\0'; text++)
        sum = (sum ^ (unsigned char)*text) * UINT32_C(0x01000193);
    return sum;
}

void pg_matrix_label(const char *matrix, char label[PG_MATRIX_LABEL_SIZE])
{
    size_t rows = pg_matrix_rows(matrix);
    if (rows == 0)
        (void)snprintf(label, PG_MATRIX_LABEL_SIZE, "none");
    else if (strlen(matrix) <= SMALL_TEXT)
        (void)snprintf(label, PG_MATRIX_LABEL_SIZE, "%s", matrix);
    else
        (void)snprintf(label, PG_MATRIX_LABEL_SIZE, "%zux%zu-%08" PRIx32, rows, rows, hash(matrix));
}
