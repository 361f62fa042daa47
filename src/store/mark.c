/* SPDX-License-Identifier: MIT */
/*
 * Takes rows of a file that no sweep has open back to "to do". `status` is one contiguous piece of
 * the file, a byte a row, so that this is a write to the file itself: HDF5 would write metadata too
 * when it closes, which a crash could tear.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "reader.h"

static int find_statuses(struct pg_reader *reader, haddr_t *ret_offset, struct pg_error *error)
{
    hid_t dataset = H5Dopen2(reader->file, "status", H5P_DEFAULT);
    int status = 0;
    *ret_offset = dataset >= 0 ? H5Dget_offset(dataset) : HADDR_UNDEF;
    if (*ret_offset == HADDR_UNDEF)
        status = pg_h5_fail(error, PG_EMISMATCH, "'%s': 'status' has no place in the file",
                            reader->path);
    pg_h5_release(dataset);
    return status;
}

static int write_todo(const char *path, haddr_t offset, const uint64_t *rows, size_t count,
                      struct pg_error *error)
{
    const uint8_t todo = PG_ROW_TODO;
    int fd = open(path, O_WRONLY | O_CLOEXEC), reason = fd < 0 ? errno : 0;
    for (size_t i = 0; i < count && reason == 0; i++) {
        ssize_t written = pwrite(fd, &todo, 1, (off_t)(offset + rows[i]));
        if (written != 1)
            reason = written < 0 ? errno : ENOSPC;
    }
    if (reason == 0 && fdatasync(fd) != 0)
        reason = errno;
    if (fd >= 0)
        (void)close(fd);
    return reason == 0
               ? 0
               : pg_error_set(error, PG_EMACHINE, "cannot write '%s': %s", path, strerror(reason));
}

int pg_store_mark_todo(const char *path, const uint64_t *rows, size_t count, struct pg_error *error)
{
    struct pg_reader *reader;
    haddr_t offset;
    int status = pg_reader_open(path, &reader, error);
    if (status != 0)
        return status;
    uint64_t row_count = pg_layout_row_count(pg_reader_layout(reader));
    for (size_t i = 0; i < count && status == 0; i++)
        if (rows[i] >= row_count)
            status = pg_error_set(error, PG_EINPUT, "'%s' has %llu runs; there is no run %llu",
                                  path, (unsigned long long)row_count, (unsigned long long)rows[i]);
    if (status == 0)
        status = find_statuses(reader, &offset, error);
    pg_reader_close(reader);
    return status == 0 ? write_todo(path, offset, rows, count, error) : status;
}
