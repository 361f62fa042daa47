/* SPDX-License-Identifier: MIT */
/*
 * Filling the rows of a new file, which takes their disk space. HDF5 could do it while it creates
 * the datasets, but 1.10.8 does not survive a full disk there: the file cannot be closed any more,
 * and the process crashes when it ends. So HDF5 lays out the file, and plain writes at the
 * datasets' places fill it, whose failure is clean.
 */
#include "fill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "places.h"

enum { CHUNK_ELEMENTS = 1 << 17 }; /* at most 1 MiB */

static int find_places(const char *path, const struct pg_layout *layout, off_t *ret_places,
                       struct pg_error *error)
{
    hid_t access_list = pg_h5_access(MPI_COMM_NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access_list);
    int status = file < 0 ? pg_h5_fail(error, PG_EMACHINE, "cannot open '%s'", path)
                          : pg_places_find(file, layout, ret_places, error);
    pg_h5_release(file);
    pg_h5_release(access_list);
    return status;
}

static int fill_variable(int fd, const struct pg_layout *layout, size_t variable, off_t place,
                         unsigned char *chunk)
{
    const struct pg_variable *of = &layout->variables[variable];
    size_t chunk_size = CHUNK_ELEMENTS * pg_data_type_size(of->type);
    uint64_t left = pg_layout_row_count(layout) * pg_layout_row_bytes(layout, variable);
    off_t at = place;
    int failure = 0;
    pg_data_type_fill(of->type, of->fill, CHUNK_ELEMENTS, chunk);
    while (left > 0 && failure == 0) {
        size_t size = left < chunk_size ? (size_t)left : chunk_size;
        failure = pg_place_write(fd, chunk, size, at);
        at += (off_t)size;
        left -= size;
    }
    return failure;
}

static int fill_places(const char *path, const struct pg_layout *layout, const off_t *places,
                       unsigned char *chunk, struct pg_error *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC), status = 0;
    if (fd < 0)
        return pg_error_set(error, PG_EMACHINE, "cannot open '%s': %s", path, strerror(errno));
    for (size_t i = 0; i < layout->variable_count && status == 0; i++) {
        if (places[i] < 0)
            continue;
        int failure = fill_variable(fd, layout, i, places[i], chunk);
        if (failure != 0)
            status = pg_error_set(error, PG_EMACHINE, "cannot fill variable '%s' of '%s': %s",
                                  layout->variables[i].name, path, strerror(failure));
    }
    (void)close(fd);
    return status;
}

int pg_fill_file(const char *path, const struct pg_layout *layout, struct pg_error *error)
{
    off_t *places = calloc(layout->variable_count, sizeof *places);
    unsigned char *chunk = malloc(CHUNK_ELEMENTS * sizeof(double));
    int status = 0;
    if (places == NULL || chunk == NULL)
        status = pg_error_set(error, PG_EMACHINE, "out of memory: filling '%s'", path);
    if (status == 0)
        status = find_places(path, layout, places, error);
    if (status == 0)
        status = fill_places(path, layout, places, chunk, error);
    free(chunk);
    free(places);
    return status;
}
