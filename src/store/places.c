/* SPDX-License-Identifier: MIT */
/* Rows as bytes of the file, for what HDF5 is too slow for or does not survive. */
#include "places.h"

#include <errno.h>
#include <unistd.h>

static bool is_stored_as_ours(hid_t dataset, const struct pg_layout *layout, size_t variable)
{
    hid_t type = H5Dget_type(dataset), list = H5Dget_create_plist(dataset);
    uint64_t bytes = pg_layout_row_count(layout) * pg_layout_row_bytes(layout, variable);
    bool is_ours = H5Tequal(type, pg_h5_file_type(layout->variables[variable].type)) > 0 &&
                   H5Pget_layout(list) == H5D_CONTIGUOUS && H5Dget_storage_size(dataset) == bytes;
    pg_h5_release(list);
    pg_h5_release(type);
    return is_ours;
}

static int find_place(hid_t file, const struct pg_layout *layout, size_t variable, off_t *ret_place,
                      struct pg_error *error)
{
    const char *name = layout->variables[variable].name;
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    int status = 0;
    if (dataset < 0)
        status = pg_h5_fail(error, PG_EMISMATCH, "cannot open variable '%s'", name);
    else if (!is_stored_as_ours(dataset, layout, variable))
        status = pg_error_set(error, PG_EMISMATCH,
                              "variable '%s' is not stored contiguously in one of our types", name);
    else {
        haddr_t place = H5Dget_offset(dataset);
        *ret_place = (off_t)place;
        if (place == HADDR_UNDEF)
            status = pg_h5_fail(error, PG_EMISMATCH, "variable '%s' has no space", name);
    }
    pg_h5_release(dataset);
    return status;
}

int pg_places_find(hid_t file, const struct pg_layout *layout, off_t *ret_places,
                   struct pg_error *error)
{
    int status = 0;
    for (size_t i = 0; i < layout->variable_count && status == 0; i++) {
        ret_places[i] = -1;
        if (layout->variables[i].scope == PG_SCOPE_RUN && pg_layout_row_bytes(layout, i) > 0)
            status = find_place(file, layout, i, &ret_places[i], error);
    }
    return status;
}

int pg_place_write(int fd, const void *bytes, size_t size, off_t at)
{
    const unsigned char *rest = bytes;
    while (size > 0) {
        ssize_t written = pwrite(fd, rest, size, at);
        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0) {
            rest += written;
            size -= (size_t)written;
            at += written;
        }
    }
    return 0;
}

int pg_place_read(int fd, void *ret_bytes, size_t size, off_t at)
{
    unsigned char *rest = ret_bytes;
    while (size > 0) {
        ssize_t got = pread(fd, rest, size, at);
        if (got == 0 || (got < 0 && errno != EINTR))
            return got == 0 ? EIO : errno;
        if (got > 0) {
            rest += got;
            size -= (size_t)got;
            at += got;
        }
    }
    return 0;
}
