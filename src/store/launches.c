/* SPDX-License-Identifier: MIT */
/*
 * The launches of a results file, as far as its rows still hold them. The file may be anyone's, so
 * a column counts only with the length that the format says; one that a file of an earlier version
 * lacks leaves "not known".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provenance.h"
#include "reader.h"

enum { ROWS = PG_PROVENANCE_ROWS, WIDTH = PG_PROVENANCE_TEXT };
_Static_assert((int)PG_LAUNCH_TEXT == (int)PG_PROVENANCE_TEXT + 1, "a text and its end");

struct columns {
    int64_t number[ROWS], ranks[ROWS];
    int64_t finished_before[ROWS], steps_kept_before[ROWS], finished_after[ROWS];
    double started[ROWS], ended[ROWS];
    char host[ROWS][WIDTH], slurm_job[ROWS][WIDTH], reason[ROWS][WIDTH];
};

static hid_t open_column(hid_t file, const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/%s/%s", pg_provenance_group, name);
    return H5Dopen2(file, path, H5P_DEFAULT);
}

/* `elements` of the memory type `type`; the file must have as many. */
static int read_column(hid_t file, const char *name, hid_t type, size_t elements, void *ret_data,
                       struct pg_error *error)
{
    hid_t dataset = open_column(file, name);
    if (dataset < 0)
        return pg_h5_fail(error, PG_EMISMATCH, "the file lacks /%s/%s", pg_provenance_group, name);
    hid_t space = H5Dget_space(dataset);
    hssize_t found = H5Sget_simple_extent_npoints(space);
    int status = 0;
    if (found != (hssize_t)elements)
        status = pg_error_set(error, PG_EMISMATCH, "/%s/%s has %lld elements, expected %zu",
                              pg_provenance_group, name, (long long)found, elements);
    else if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, ret_data) < 0)
        status = pg_h5_fail(error, PG_EMISMATCH, "cannot read /%s/%s", pg_provenance_group, name);
    pg_h5_release(space);
    pg_h5_release(dataset);
    return status;
}

/* A column that may be missing. */
static int read_new_column(hid_t file, const char *name, int64_t ret_values[ROWS],
                           struct pg_error *error)
{
    for (size_t i = 0; i < ROWS; i++)
        ret_values[i] = -1;
    if (!pg_provenance_has(file, name))
        return 0;
    return read_column(file, name, H5T_NATIVE_INT64, ROWS, ret_values, error);
}

static int read_numbers(hid_t file, struct columns *columns, struct pg_error *error)
{
    int status = read_column(file, "number", H5T_NATIVE_INT64, ROWS, columns->number, error);
    if (status == 0)
        status = read_column(file, "ranks", H5T_NATIVE_INT64, ROWS, columns->ranks, error);
    if (status == 0)
        status = read_column(file, "started", H5T_NATIVE_DOUBLE, ROWS, columns->started, error);
    if (status == 0)
        status = read_column(file, "ended", H5T_NATIVE_DOUBLE, ROWS, columns->ended, error);
    if (status == 0)
        status = read_new_column(file, "finished_before", columns->finished_before, error);
    if (status == 0)
        status = read_new_column(file, "steps_kept_before", columns->steps_kept_before, error);
    if (status == 0)
        status = read_new_column(file, "finished_after", columns->finished_after, error);
    return status;
}

static int read_texts(hid_t file, struct columns *columns, struct pg_error *error)
{
    const size_t size = (size_t)ROWS * WIDTH;
    int status = read_column(file, "host", H5T_C_S1, size, columns->host, error);
    if (status == 0)
        status = read_column(file, "slurm_job", H5T_C_S1, size, columns->slurm_job, error);
    if (status == 0)
        status = read_column(file, "reason", H5T_C_S1, size, columns->reason, error);
    return status;
}

static void take_text(const char from[WIDTH], char ret_text[PG_LAUNCH_TEXT])
{
    memcpy(ret_text, from, WIDTH);
    ret_text[WIDTH] = '\0';
}

static void take_row(const struct columns *columns, size_t row, struct pg_launch_record *ret_launch)
{
    *ret_launch = (struct pg_launch_record){.number = columns->number[row],
                                            .started = columns->started[row],
                                            .ended = columns->ended[row],
                                            .ranks = (int32_t)columns->ranks[row],
                                            .finished_before = columns->finished_before[row],
                                            .steps_kept_before = columns->steps_kept_before[row],
                                            .finished_after = columns->finished_after[row]};
    take_text(columns->host[row], ret_launch->host);
    take_text(columns->slurm_job[row], ret_launch->slurm_job);
    take_text(columns->reason[row], ret_launch->reason);
}

static int order_launches(const void *a, const void *b)
{
    const struct pg_launch_record *left = a, *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

static size_t take_rows(const struct columns *columns, struct pg_launch_record *launches)
{
    size_t count = 0;
    for (size_t row = 0; row < ROWS; row++)
        if (columns->number[row] >= 0)
            take_row(columns, row, &launches[count++]);
    qsort(launches, count, sizeof *launches, order_launches);
    return count;
}

int pg_reader_launches(struct pg_reader *reader, struct pg_launch_record **ret_launches,
                       size_t *ret_count, uint64_t *ret_total, struct pg_error *error)
{
    struct columns *columns = malloc(sizeof *columns);
    struct pg_launch_record *launches = calloc(ROWS, sizeof *launches);
    int64_t total = 0;
    int status = 0;
    if (columns == NULL || launches == NULL)
        status =
            pg_error_set(error, PG_EMACHINE, "out of memory: the launches of '%s'", reader->path);
    if (status == 0)
        status = read_numbers(reader->file, columns, error);
    if (status == 0)
        status = read_texts(reader->file, columns, error);
    if (status == 0)
        status =
            read_column(reader->file, pg_provenance_counter, H5T_NATIVE_INT64, 1, &total, error);
    if (status == 0) {
        *ret_count = take_rows(columns, launches);
        *ret_total = total > (int64_t)*ret_count ? (uint64_t)total : *ret_count;
        *ret_launches = launches;
    } else {
        free(launches);
        *ret_launches = NULL;
        (void)pg_error_prefix(error, "'%s'", reader->path);
    }
    free(columns);
    return status;
}
