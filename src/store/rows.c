/* SPDX-License-Identifier: MIT */
/*
 * Consecutive rows as a selection of an N-dimensional dataset.
 *
 * Rows are numbered row-major over the leading dimensions, so consecutive rows are one contiguous
 * piece of the file, but not one box of the dataspace. They are cut into the fewest boxes (at most
 * 2 N - 1: rising to whole slices, then falling again), whose union is selected. HDF5 walks a
 * selection in row-major order and joins neighbours, so the union is again one read or write.
 */
#include "rows.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

size_t pg_rows_lead(const struct pg_layout *layout, size_t variable)
{
    switch (layout->variables[variable].scope) {
    case PG_SCOPE_RUN:
        return layout->grid_count;
    case PG_SCOPE_CELL:
        return layout->grid_count - 1;
    case PG_SCOPE_AXIS:
        return 0;
    }
    return 0;
}

size_t pg_rows_dims(const struct pg_layout *layout, size_t variable, size_t *ret_dims)
{
    const struct pg_variable *of = &layout->variables[variable];
    size_t lead = pg_rows_lead(layout, variable);
    assert(lead + of->dim_count <= H5S_MAX_RANK);
    for (size_t i = 0; i < lead; i++)
        ret_dims[i] = i;
    for (size_t i = 0; i < of->dim_count; i++)
        ret_dims[lead + i] = of->dims[i];
    return lead + of->dim_count;
}

uint64_t pg_rows_count(const struct pg_layout *layout, size_t variable)
{
    uint64_t rows = 1;
    for (size_t i = 0; i < pg_rows_lead(layout, variable); i++)
        rows *= layout->dims[i].length;
    return rows;
}

/* A box of the dataspace; whole along the variable's own dimensions. */
struct box {
    hsize_t start[H5S_MAX_RANK], count[H5S_MAX_RANK];
};

/* The largest box that begins at row `first` and holds at most `count` consecutive rows; lengths
   (lead). Returns its rows. */
static uint64_t next_box(const hsize_t *lengths, size_t lead, uint64_t first, uint64_t count,
                         struct box *box)
{
    uint64_t slice = 1, rest = first, rows;
    size_t split = lead - 1; /* dimensions behind this one are whole */
    while (split > 0 && first % (slice * lengths[split]) == 0 && count >= slice * lengths[split])
        slice *= lengths[split--];
    rest /= slice;
    for (size_t i = lead; i-- > 0;) {
        bool is_whole = i > split;
        box->start[i] = is_whole ? 0 : rest % lengths[i];
        box->count[i] = is_whole ? lengths[i] : 1;
        rest /= is_whole ? 1 : lengths[i];
    }
    rows = count / slice;
    if (rows > lengths[split] - box->start[split])
        rows = lengths[split] - box->start[split];
    box->count[split] = rows;
    return rows * slice;
}

static int select_rows(hid_t space, const hsize_t *lengths, size_t lead, uint64_t first,
                       uint64_t count)
{
    H5S_seloper_t operation = H5S_SELECT_SET;
    struct box box = {{0}, {0}};
    size_t rank = (size_t)H5Sget_simple_extent_ndims(space);
    for (size_t i = lead; i < rank; i++)
        box.count[i] = lengths[i];
    while (lead > 0 && count > 0) {
        uint64_t rows = next_box(lengths, lead, first, count, &box);
        if (H5Sselect_hyperslab(space, operation, box.start, NULL, box.count, NULL) < 0)
            return -1;
        operation = H5S_SELECT_OR;
        first += rows;
        count -= rows;
    }
    return 0;
}

static hid_t file_space(const struct pg_rows *rows)
{
    const struct pg_layout *layout = rows->layout;
    size_t dims[H5S_MAX_RANK], rank = pg_rows_dims(layout, rows->variable, dims);
    hsize_t lengths[H5S_MAX_RANK];
    for (size_t i = 0; i < rank; i++)
        lengths[i] = layout->dims[dims[i]].length;
    hid_t space = rank > 0 ? H5Screate_simple((int)rank, lengths, NULL) : H5Screate(H5S_SCALAR);
    size_t lead = pg_rows_lead(layout, rows->variable);
    if (space >= 0 && select_rows(space, lengths, lead, rows->first, rows->count) < 0) {
        pg_h5_release(space);
        return H5I_INVALID_HID;
    }
    return space;
}

static int fail(const struct pg_rows *rows, int status, const char *what, struct pg_error *error)
{
    return pg_h5_fail(error, status, "cannot %s rows %llu to %llu of '%s'", what,
                      (unsigned long long)rows->first,
                      (unsigned long long)(rows->first + rows->count - 1),
                      rows->layout->variables[rows->variable].name);
}

/* MPI-IO tells HDF5 nothing but that a write failed; the system's own word is mostly left. */
static int fail_write(const struct pg_rows *rows, int reason, struct pg_error *error)
{
    static const int of_disks[] = {ENOSPC, EDQUOT, EIO, EROFS, EFBIG, ESTALE, ENXIO, ENODEV};
    for (size_t i = 0; i < sizeof of_disks / sizeof of_disks[0]; i++)
        if (reason == of_disks[i])
            return pg_error_set(error, PG_EMACHINE, "cannot write rows %llu to %llu of '%s': %s",
                                (unsigned long long)rows->first,
                                (unsigned long long)(rows->first + rows->count - 1),
                                rows->layout->variables[rows->variable].name, strerror(reason));
    return fail(rows, PG_EMACHINE, "write", error);
}

/* Exactly one of `from` and `to` is given. */
static int transfer(const struct pg_rows *rows, const void *from, void *to, struct pg_error *error)
{
    const hsize_t elements = rows->count * pg_layout_row_elements(rows->layout, rows->variable);
    hid_t type = pg_h5_memory_type(rows->layout->variables[rows->variable].type);
    hid_t memory = H5Screate_simple(1, &elements, NULL), file = file_space(rows);
    int status = 0;
    errno = 0;
    if (from != NULL && H5Dwrite(rows->dataset, type, memory, file, H5P_DEFAULT, from) < 0)
        status = fail_write(rows, errno, error);
    if (to != NULL && H5Dread(rows->dataset, type, memory, file, H5P_DEFAULT, to) < 0)
        status = fail(rows, PG_EMISMATCH, "read", error);
    pg_h5_release(file);
    pg_h5_release(memory);
    return status;
}

int pg_rows_write(const struct pg_rows *rows, const void *data, struct pg_error *error)
{
    return transfer(rows, data, NULL, error);
}

int pg_rows_read(const struct pg_rows *rows, void *ret_data, struct pg_error *error)
{
    return transfer(rows, NULL, ret_data, error);
}
