/* SPDX-License-Identifier: MIT */
/*
 * Reading a results file without MPI, also while others write it: metadata does not change after
 * creation, and raw data is read from the file each time.
 */
#include "reader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "places.h"
#include "read_layout.h"
#include "rows.h"

enum { BYTES_AT_ONCE = 1 << 20 };

/* What can be said without HDF5, which waits at a pipe and says little about an empty file. */
static int check_path(const char *path, struct pg_error *error)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return pg_error_set(error, PG_EINPUT, "cannot open '%s': %s", path, strerror(errno));
    if (!S_ISREG(found.st_mode))
        return pg_error_set(error, PG_EINPUT, "'%s' is %s; expected a results file", path,
                            S_ISDIR(found.st_mode) ? "a folder" : "no regular file");
    if (found.st_size == 0)
        return pg_error_set(error, PG_EMISMATCH, "'%s' is empty; expected a results file", path);
    return 0;
}

/* HDF5's "truncated file: eof = 50000, sblock->base_addr = 0, stored_eof = 123456", as it is meant.
 */
static void explain_truncation(const char *path, struct pg_error *error)
{
    unsigned long long there, expected;
    const char *at = error != NULL ? strstr(error->text, "truncated file: eof = ") : NULL;
    if (at != NULL &&
        sscanf(at, "truncated file: eof = %20llu, sblock->base_addr = %*u, stored_eof = %20llu",
               &there, &expected) == 2)
        (void)pg_error_set(error, PG_EMISMATCH,
                           "'%s' is truncated: %llu of its %llu bytes are there", path, there,
                           expected);
}

static int open_file(struct pg_reader *reader, struct pg_error *error)
{
    hid_t access_list = pg_h5_access(MPI_COMM_NULL);
    htri_t is_hdf5 = H5Fis_hdf5(reader->path);
    int status = 0;
    if (is_hdf5 < 0)
        status = pg_h5_fail(error, PG_EINPUT, "cannot open '%s'", reader->path);
    else if (is_hdf5 == 0)
        status = pg_error_set(error, PG_EMISMATCH,
                              "'%s' is not an HDF5 file; expected a results file", reader->path);
    if (status == 0) {
        reader->file = H5Fopen(reader->path, H5F_ACC_RDONLY, access_list);
        if (reader->file < 0)
            status = pg_h5_fail(error, PG_EMISMATCH, "'%s' is damaged", reader->path);
        explain_truncation(reader->path, status != 0 ? error : NULL);
    }
    pg_h5_release(access_list);
    if (status == 0) {
        status = pg_layout_read(reader->file, &reader->pool, &reader->layout, error);
        if (status != 0)
            (void)pg_error_prefix(error, "'%s' is not a sound results file", reader->path);
    }
    return status;
}

int pg_reader_open_unprobed(const char *path, struct pg_reader **ret_reader, struct pg_error *error)
{
    *ret_reader = NULL;
    pg_h5_begin();
    int status = check_path(path, error);
    if (status != 0)
        return status;
    struct pg_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: opening '%s'", path);
    reader->file = H5I_INVALID_HID;
    reader->fd = -1;
    reader->path = strdup(path);
    if (reader->path == NULL)
        status = pg_error_set(error, PG_EMACHINE, "out of memory: opening '%s'", path);
    if (status == 0)
        status = open_file(reader, error);
    if (status != 0) {
        pg_reader_close(reader);
        return status;
    }
    *ret_reader = reader;
    return 0;
}

static bool is_file(hid_t file, const struct stat *wanted)
{
    char name[PATH_MAX];
    struct stat found;
    return H5Fget_name(file, name, sizeof name) > 0 && stat(name, &found) == 0 &&
           found.st_dev == wanted->st_dev && found.st_ino == wanted->st_ino;
}

/* A file that this process has open was looked at when it was opened, and HDF5 hands out the same
   one again; in a child of the process, whose descriptors are closed, it would be unreadable. */
static bool is_open_already(const char *path)
{
    enum { FILES_MAX = 64 };
    hid_t files[FILES_MAX];
    struct stat wanted;
    bool is_open = false;
    pg_h5_begin();
    ssize_t count = H5Fget_obj_ids(H5F_OBJ_ALL, H5F_OBJ_FILE, FILES_MAX, files);
    if (stat(path, &wanted) != 0)
        return false;
    for (ssize_t i = 0; i < count && !is_open; i++)
        is_open = is_file(files[i], &wanted);
    return is_open;
}

int pg_reader_open(const char *path, struct pg_reader **ret_reader, struct pg_error *error)
{
    *ret_reader = NULL;
    int status = is_open_already(path) ? 0 : pg_store_probe(path, error);
    return status == 0 ? pg_reader_open_unprobed(path, ret_reader, error) : status;
}

void pg_reader_close(struct pg_reader *reader)
{
    if (reader == NULL)
        return;
    pg_h5_release(reader->file);
    pg_pool_release(&reader->pool);
    if (reader->fd >= 0)
        (void)close(reader->fd);
    free(reader->places);
    free(reader->path);
    free(reader);
}

int pg_reader_text(struct pg_reader *reader, const char *name, char **ret_text,
                   struct pg_error *error)
{
    const struct pg_layout *layout = &reader->layout;
    const char *text = NULL;
    for (size_t i = 0; i < layout->attribute_count && text == NULL; i++)
        if (strcmp(layout->attributes[i].name, name) == 0)
            text = layout->attributes[i].text;
    *ret_text = NULL;
    if (text == NULL)
        return pg_error_set(error, PG_EMISMATCH, "'%s' lacks the root attribute '%s' (text)",
                            reader->path, name);
    *ret_text = strdup(text);
    if (*ret_text == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: attribute '%s'", name);
    return 0;
}

const struct pg_layout *pg_reader_layout(struct pg_reader *reader)
{
    return &reader->layout;
}

int pg_reader_rows(struct pg_reader *reader, size_t variable, uint64_t first, uint64_t count,
                   void *ret_data, struct pg_error *error)
{
    assert(variable < reader->layout.variable_count);
    const struct pg_variable *of = &reader->layout.variables[variable];
    assert(of->texts == NULL);
    if (count == 0)
        return 0;
    struct pg_rows rows = {H5Dopen2(reader->file, of->name, H5P_DEFAULT), &reader->layout, variable,
                           first, count};
    int status = rows.dataset < 0
                     ? pg_h5_fail(error, PG_EMISMATCH, "cannot open variable '%s'", of->name)
                     : pg_rows_read(&rows, ret_data, error);
    pg_h5_release(rows.dataset);
    return status == 0 ? 0 : pg_error_prefix(error, "'%s'", reader->path);
}

int pg_reader_statuses(struct pg_reader *reader, uint8_t *ret_statuses, struct pg_error *error)
{
    return pg_reader_rows(reader, PG_VARIABLE_STATUS, 0, pg_layout_row_count(&reader->layout),
                          ret_statuses, error);
}

/* Rows that stand in the file as in memory are read without HDF5, whose selections cost more than
   the CRC of what they give. A file that is stored otherwise (by h5repack) is left to HDF5. */
static int find_places(struct pg_reader *reader, struct pg_error *error)
{
    size_t count = reader->layout.variable_count;
    struct pg_error ignored;
    if (reader->places != NULL)
        return 0;
    if (reader->fd < 0)
        reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC);
    if (reader->fd < 0)
        return pg_error_set(error, PG_EMACHINE, "cannot open '%s': %s", reader->path,
                            strerror(errno));
    reader->places = malloc((count + 1) * sizeof *reader->places);
    if (reader->places == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: reading '%s'", reader->path);
    if (pg_places_find(reader->file, &reader->layout, reader->places, &ignored) != 0)
        for (size_t i = 0; i < count; i++)
            reader->places[i] = -1;
    return 0;
}

static int read_rows(struct pg_reader *reader, size_t variable, uint64_t first, uint64_t count,
                     unsigned char *rows, struct pg_error *error)
{
    size_t bytes = pg_layout_row_bytes(&reader->layout, variable);
    if (reader->places[variable] < 0)
        return pg_reader_rows(reader, variable, first, count, rows, error);
    int failure = pg_place_read(reader->fd, rows, count * bytes,
                                reader->places[variable] + (off_t)(first * bytes));
    if (failure != 0)
        return pg_error_set(error, failure == EIO ? PG_EMISMATCH : PG_EMACHINE,
                            "'%s': cannot read rows %llu to %llu of '%s': %s", reader->path,
                            (unsigned long long)first, (unsigned long long)(first + count - 1),
                            reader->layout.variables[variable].name, strerror(failure));
    return 0;
}

int pg_reader_stream(struct pg_reader *reader, size_t variable, const struct pg_rows_sink *sink,
                     struct pg_error *error)
{
    const struct pg_layout *layout = &reader->layout;
    size_t bytes = pg_layout_row_bytes(layout, variable);
    uint64_t row_count = pg_rows_count(layout, variable);
    if (layout->variables[variable].texts != NULL || bytes == 0)
        return 0;
    uint64_t at_once = bytes < BYTES_AT_ONCE ? BYTES_AT_ONCE / bytes : 1;
    int status = find_places(reader, error);
    if (status != 0)
        return status;
    unsigned char *rows = malloc(at_once * bytes);
    if (rows == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: %llu bytes of '%s'",
                            (unsigned long long)at_once * bytes, layout->variables[variable].name);
    for (uint64_t first = 0; first < row_count && status == 0; first += at_once) {
        uint64_t count = row_count - first < at_once ? row_count - first : at_once;
        status = read_rows(reader, variable, first, count, rows, error);
        if (status == 0)
            sink->take(sink->context, variable, first, count, rows);
    }
    free(rows);
    return status;
}
