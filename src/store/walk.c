/* SPDX-License-Identifier: MIT */
/*
 * Looks at everything in a file that a reader or a writer may ask for later, so that what is
 * damaged shows here. Raw data of variables is not read but for its ends: its row_crc tells.
 */
#include "walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attributes.h"
#include "rows.h"

struct walk {
    struct pg_reader *reader;
    uint64_t file_size;
    struct pg_error *error;
    int status;
};

static int fail(const struct walk *walk, const char *name, const char *what)
{
    return pg_h5_fail(walk->error, PG_EMISMATCH, "'%s' is damaged: cannot read %s of '/%s'",
                      walk->reader->path, what, name);
}

/* HDF5 reads zeros where the file has ended. */
static int check_place(const struct walk *walk, hid_t dataset, const char *name)
{
    haddr_t offset = H5Dget_offset(dataset);
    hsize_t size = H5Dget_storage_size(dataset);
    if (offset == HADDR_UNDEF || (offset <= walk->file_size && size <= walk->file_size - offset))
        return 0;
    return pg_error_set(walk->error, PG_EMISMATCH,
                        "'%s' is truncated: '/%s' stands at bytes %llu to %llu of a file of %llu",
                        walk->reader->path, name, (unsigned long long)offset,
                        (unsigned long long)(offset + size - 1),
                        (unsigned long long)walk->file_size);
}

/* All of a dataset that the layout does not know. */
static int read_whole(const struct walk *walk, hid_t dataset, const char *name)
{
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    size_t size = H5Tget_size(type);
    void *data = NULL;
    int status = 0;
    if (count > 0 && size > 0 && (uint64_t)count <= walk->file_size / size)
        data = calloc((size_t)count, size);
    if (count < 0 || size == 0 ||
        (data != NULL && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0))
        status = fail(walk, name, "the data");
    free(data);
    pg_h5_release(space);
    pg_h5_release(type);
    return status;
}

static int look_at(const struct walk *walk, hid_t object, const char *name)
{
    struct pg_attributes attributes;
    int status = pg_attributes_read(object, &walk->reader->pool, &attributes, walk->error);
    if (status != 0)
        return pg_error_prefix(walk->error, "'%s': '/%s'", walk->reader->path, name);
    if (H5Iget_type(object) != H5I_DATASET)
        return 0;
    status = check_place(walk, object, name);
    return status == 0 && strchr(name, '/') != NULL ? read_whole(walk, object, name) : status;
}

static herr_t visit(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
    struct walk *walk = context;
    (void)info;
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    walk->status = object < 0 ? fail(walk, name, "the header") : look_at(walk, object, name);
    pg_h5_release(object);
    return walk->status != 0 ? -1 : 0;
}

/* Where they stand in the file is part of its structure. */
static int read_ends(struct pg_reader *reader, struct pg_error *error)
{
    const struct pg_layout *layout = &reader->layout;
    int status = 0;
    for (size_t i = 0; i < layout->variable_count && status == 0; i++) {
        uint64_t rows = pg_rows_count(layout, i);
        if (layout->variables[i].texts != NULL || rows == 0)
            continue;
        void *row = malloc(pg_layout_row_bytes(layout, i) + 1);
        if (row == NULL)
            return pg_error_set(error, PG_EMACHINE, "out of memory: a row of '%s'",
                                layout->variables[i].name);
        status = pg_reader_rows(reader, i, 0, 1, row, error);
        if (status == 0)
            status = pg_reader_rows(reader, i, rows - 1, 1, row, error);
        free(row);
    }
    return status;
}

int pg_walk_file(struct pg_reader *reader, struct pg_error *error)
{
    struct stat found;
    struct walk walk = {.reader = reader, .error = error};
    if (stat(reader->path, &found) != 0)
        return pg_error_set(error, PG_EMACHINE, "cannot look at '%s': %s", reader->path,
                            strerror(errno));
    walk.file_size = (uint64_t)found.st_size;
    if (H5Ovisit2(reader->file, H5_INDEX_NAME, H5_ITER_NATIVE, visit, &walk, H5O_INFO_BASIC) < 0)
        return walk.status != 0 ? walk.status : fail(&walk, "", "the objects");
    return read_ends(reader, error);
}
