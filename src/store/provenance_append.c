/* SPDX-License-Identifier: MIT */
/*
 * The launches of a file taken over by another. Each keeps its columns and gets the number that
 * follows in the new file, and with it a row; where the rows do not suffice, later launches take
 * those of earlier ones, as pg_provenance_row() says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provenance.h"

/* A launch on its way from one row to another. */
struct move {
    int64_t number; /* in the first file */
    size_t row;     /* there */
};

struct append {
    hid_t from, to;
    struct move moves[PG_PROVENANCE_ROWS];
    size_t count;
    int64_t first; /* launches that `to` has already */
};

static int open_column(hid_t file, const char *name, hid_t *ret_dataset, struct pg_error *error)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/%s/%s", pg_provenance_group, name);
    *ret_dataset = H5Dopen2(file, path, H5P_DEFAULT);
    return *ret_dataset < 0 ? pg_h5_fail(error, PG_EMISMATCH, "a file lacks %s", path) : 0;
}

/* All of a column, `size` bytes in all; type: as in memory. */
static int read_column(hid_t dataset, const char *name, hid_t *ret_type, size_t *ret_size,
                       void **ret_data, struct pg_error *error)
{
    hid_t stored = H5Dget_type(dataset), space = H5Dget_space(dataset);
    hssize_t elements = H5Sget_simple_extent_npoints(space);
    *ret_type = H5Tget_native_type(stored, H5T_DIR_DEFAULT);
    *ret_size = elements > 0 ? (size_t)elements * H5Tget_size(*ret_type) : 0;
    *ret_data = calloc(1, *ret_size + 1);
    int status = 0;
    if (*ret_data == NULL)
        status = pg_error_set(error, PG_EMACHINE, "out of memory: the provenance");
    else if (H5Dread(dataset, *ret_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *ret_data) < 0)
        status = pg_h5_fail(error, PG_EMISMATCH, "cannot read /provenance/%s", name);
    pg_h5_release(space);
    pg_h5_release(stored);
    return status;
}

static int read_from(hid_t file, const char *name, size_t expected, void **ret_data,
                     struct pg_error *error)
{
    hid_t dataset, type = H5I_INVALID_HID;
    size_t size = 0;
    *ret_data = NULL;
    int status = open_column(file, name, &dataset, error);
    if (status == 0)
        status = read_column(dataset, name, &type, &size, ret_data, error);
    if (status == 0 && size != expected)
        status = pg_error_set(error, PG_EMISMATCH,
                              "/provenance/%s has %zu bytes in a file, expected %zu", name, size,
                              expected);
    pg_h5_release(type);
    pg_h5_release(dataset);
    return status;
}

/* Copies the moved rows into the column's data, and writes it. */
static int append_column(struct append *append, const char *name, struct pg_error *error)
{
    hid_t dataset, type = H5I_INVALID_HID;
    size_t size = 0;
    void *old = NULL, *data = NULL;
    int status = open_column(append->to, name, &dataset, error);
    if (status == 0)
        status = read_column(dataset, name, &type, &size, &data, error);
    if (status == 0)
        status = read_from(append->from, name, size, &old, error);
    size_t row_size = size / PG_PROVENANCE_ROWS;
    for (size_t i = 0; i < append->count && status == 0; i++) {
        const struct move *move = &append->moves[i];
        int64_t number = append->first + move->number;
        unsigned char *row = (unsigned char *)data + pg_provenance_row(number) * row_size;
        memcpy(row, (const unsigned char *)old + move->row * row_size, row_size);
        if (strcmp(name, pg_provenance_columns[0]) == 0)
            memcpy(row, &number, sizeof number);
    }
    if (status == 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot write /provenance/%s", name);
    free(old);
    free(data);
    pg_h5_release(type);
    pg_h5_release(dataset);
    return status;
}

static int order_moves(const void *a, const void *b)
{
    const struct move *left = a, *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

static int find_moves(struct append *append, struct pg_error *error)
{
    void *numbers = NULL;
    int status = read_from(append->from, pg_provenance_columns[0],
                           PG_PROVENANCE_ROWS * sizeof(int64_t), &numbers, error);
    for (size_t i = 0; i < PG_PROVENANCE_ROWS && status == 0; i++) {
        int64_t number = ((const int64_t *)numbers)[i];
        if (number >= 0)
            append->moves[append->count++] = (struct move){number, i};
    }
    qsort(append->moves, append->count, sizeof *append->moves, order_moves);
    free(numbers);
    return status;
}

static int read_counter(hid_t file, int64_t *ret_count, struct pg_error *error)
{
    void *count = NULL;
    int status = read_from(file, pg_provenance_counter, sizeof *ret_count, &count, error);
    if (status == 0)
        memcpy(ret_count, count, sizeof *ret_count);
    if (status == 0 && (*ret_count < 0 || *ret_count > INT64_MAX / 2))
        status = pg_error_set(error, PG_EMISMATCH, "/provenance/%s is %lld, expected 0 or more",
                              pg_provenance_counter, (long long)*ret_count);
    free(count);
    return status;
}

static int write_counter(hid_t file, int64_t count, struct pg_error *error)
{
    hid_t dataset;
    int status = open_column(file, pg_provenance_counter, &dataset, error);
    if (status == 0 &&
        H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &count) < 0)
        status =
            pg_h5_fail(error, PG_EMACHINE, "cannot write /provenance/%s", pg_provenance_counter);
    pg_h5_release(dataset);
    return status;
}

int pg_provenance_append(hid_t from, hid_t to, struct pg_error *error)
{
    int64_t count = 0;
    struct append *append = calloc(1, sizeof *append);
    if (append == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the provenance");
    append->from = from;
    append->to = to;
    int status = read_counter(from, &count, error);
    if (status == 0)
        status = read_counter(to, &append->first, error);
    if (status == 0)
        status = find_moves(append, error);
    for (size_t i = 0; pg_provenance_columns[i] != NULL && status == 0; i++)
        if (pg_provenance_has(from, pg_provenance_columns[i]))
            status = append_column(append, pg_provenance_columns[i], error);
    if (status == 0)
        status = write_counter(to, append->first + count, error);
    free(append);
    return status;
}
