/* SPDX-License-Identifier: MIT */
/*
 * A new results file. Everything is created serially under a temporary name beside the final one,
 * then filled, which takes the disk space: a full disk is found here, and unwritten rows read as
 * what they are. Then close, fsync, rename, fsync of the folder: under its own name the file is
 * whole or does not exist. An existing file is replaced only where that was asked for: then there
 * is the old file or the new one, at any moment.
 */
#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "define.h"
#include "fill.h"
#include "provenance.h"
#include "rows.h"

/* Of the file beside raw data: superblock, heaps, group; per object its header with attributes. */
enum { FILE_OVERHEAD = 64 * 1024, OBJECT_OVERHEAD = 4 * 1024 };

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t attributes_size(const struct pg_attribute *attributes, size_t count)
{
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += 64 + strlen(attributes[i].name) +
                (attributes[i].text != NULL ? strlen(attributes[i].text) : 8);
    return size;
}

static uint64_t variable_size(const struct pg_layout *layout, size_t at)
{
    const struct pg_variable *variable = &layout->variables[at];
    size_t dims[H5S_MAX_RANK], rank = pg_rows_dims(layout, at, dims);
    uint64_t size = pg_data_type_size(variable->type);
    if (variable->texts != NULL)
        size = 64; /* reference and heap object of a short text */
    for (size_t i = 0; i < rank; i++)
        size = multiply(size, layout->dims[dims[i]].length);
    return add(size,
               OBJECT_OVERHEAD + attributes_size(variable->attributes, variable->attribute_count));
}

uint64_t pg_store_size(const struct pg_layout *layout)
{
    uint64_t size = FILE_OVERHEAD + pg_provenance_size();
    size = add(size, attributes_size(layout->attributes, layout->attribute_count));
    for (size_t i = 0; i < layout->dim_count; i++) {
        const struct pg_dimension *dim = &layout->dims[i];
        uint64_t element = dim->kind == PG_COORDINATE_TEXT ? 64 : 8;
        size = add(size, add(OBJECT_OVERHEAD, multiply(element, dim->length)));
    }
    for (size_t i = 0; i < layout->variable_count; i++)
        size = add(size, variable_size(layout, i));
    return size;
}

static void print_bytes(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double amount = (double)bytes;
    size_t unit = 0;
    while (amount >= 1024.0 && unit + 1 < sizeof units / sizeof units[0]) {
        amount /= 1024.0;
        unit++;
    }
    (void)snprintf(text, 32, unit > 0 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

static int check_folder(const char *path, const char *folder, const struct pg_layout *layout,
                        struct pg_error *error)
{
    struct statvfs disk;
    uint64_t needed = pg_store_size(layout), there;
    char needed_text[32], there_text[32];
    if (statvfs(folder, &disk) != 0)
        return pg_error_set(error, PG_EMACHINE, "cannot create '%s': folder '%s': %s", path, folder,
                            strerror(errno));
    there = multiply(disk.f_bavail, disk.f_frsize);
    if (needed <= there)
        return 0;
    print_bytes(needed, needed_text);
    print_bytes(there, there_text);
    return pg_error_set(error, PG_EINPUT,
                        "the cube does not fit the disk: '%s' needs %s for %llu runs, and %s are "
                        "free in '%s'",
                        path, needed_text, (unsigned long long)pg_layout_row_count(layout),
                        there_text, folder);
}

int pg_store_check_room(const char *path, const struct pg_layout *layout, struct pg_error *error)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the path '%s'", path);
    int status = check_folder(path, dirname(copy), layout, error);
    free(copy);
    return status;
}

static int check_ranks(const struct pg_layout *layout, struct pg_error *error)
{
    for (size_t i = 0; i < layout->variable_count; i++) {
        size_t rank = layout->grid_count + layout->variables[i].dim_count;
        if (rank > H5S_MAX_RANK)
            return pg_error_set(error, PG_EINPUT,
                                "variable '%s' has %zu dimensions, %zu of them the grid's; HDF5 "
                                "allows %d",
                                layout->variables[i].name, rank, layout->grid_count, H5S_MAX_RANK);
    }
    return 0;
}

/* EINVAL: a file system that knows no fsync of folders. */
static int sync_path(const char *path, int flags, struct pg_error *error)
{
    int fd = open(path, flags | O_CLOEXEC), status = 0;
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        status = pg_error_set(error, PG_EMACHINE, "cannot write '%s' to disk: %s", path,
                              strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return status;
}

/* Makes the file, asks the system for its whole space, and leaves it empty again. Quotas and limits
   show here, before HDF5 meets them in the middle of its work: 1.10.8 cannot close a file then, and
   crashes at exit. A file system that cannot reserve is asked for the length alone. */
static int try_space(const char *path, uint64_t size, struct pg_error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), result;
    if (fd < 0)
        return pg_error_set(error, PG_EMACHINE, "cannot create '%s': %s", path, strerror(errno));
    result = fallocate(fd, 0, 0, (off_t)size);
    if (result != 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
        result = ftruncate(fd, (off_t)size);
    int reason = errno;
    (void)close(fd);
    if (result == 0)
        return 0;
    char text[32];
    print_bytes(size, text);
    return pg_error_set(error, PG_EMACHINE, "cannot create '%s' with %s: %s", path, text,
                        strerror(reason));
}

/* Whoever could read and write the old file may do so with the new one. */
static int replace(const char *temporary, const char *path, struct pg_error *error)
{
    struct stat old;
    if (stat(path, &old) != 0 || chmod(temporary, old.st_mode & 07777) != 0 ||
        rename(temporary, path) != 0)
        return pg_error_set(error, PG_EMACHINE, "cannot replace '%s': %s", path, strerror(errno));
    return 0;
}

/* Renames without replacing. Where the file system cannot do that in one step, looks first. */
static int publish(const char *temporary, const char *path, struct pg_error *error)
{
    int result = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);
    if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {
        errno = EEXIST;
        result = access(path, F_OK) == 0 ? -1 : rename(temporary, path);
    }
    if (result != 0)
        return pg_error_set(error, errno == EEXIST ? PG_EINPUT : PG_EMACHINE,
                            "cannot create '%s': %s", path, strerror(errno));
    return 0;
}

/* A new HDF5 file at `path`, closed again: whole but for the values of RUN variables. */
static int write_file(const char *path, const struct pg_layout *layout, struct pg_error *error)
{
    hid_t creation = pg_define_ordered(H5P_FILE_CREATE), access_list = pg_h5_access(MPI_COMM_NULL);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access_list);
    int status = 0;
    if (file < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot create '%s'", path);
    if (status == 0)
        status = pg_define_layout(file, layout, error);
    if (status == 0)
        status = pg_provenance_define(file, error);
    if (file >= 0 && H5Fclose(file) < 0 && status == 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot close '%s'", path);
    pg_h5_release(access_list);
    pg_h5_release(creation);
    return status;
}

static int check(const struct pg_creation *creation, const char *folder, struct pg_error *error)
{
    if (!creation->replaces && access(creation->path, F_OK) == 0)
        return pg_error_set(error, PG_EINPUT, "cannot create '%s': %s", creation->path,
                            strerror(EEXIST));
    int status = check_ranks(creation->layout, error);
    return status != 0 ? status : check_folder(creation->path, folder, creation->layout, error);
}

/* The whole file under its temporary name, on disk. */
static int write_temporary(const struct pg_creation *creation, const char *temporary,
                           struct pg_error *error)
{
    pg_h5_begin();
    int status = try_space(temporary, pg_store_size(creation->layout), error);
    if (status == 0)
        status = write_file(temporary, creation->layout, error);
    if (status == 0)
        status = creation->fill(creation, temporary, error);
    return status != 0 ? status : sync_path(temporary, O_RDWR, error);
}

static int create_in(const struct pg_creation *creation, const char *folder, struct pg_error *error)
{
    const char *path = creation->path;
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.creating-%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary)
        return pg_error_set(error, PG_EINPUT, "the path '%.200s...' is too long", path);
    int status = check(creation, folder, error);
    if (status != 0)
        return status;
    status = write_temporary(creation, temporary, error);
    if (status == 0)
        status =
            creation->replaces ? replace(temporary, path, error) : publish(temporary, path, error);
    if (status != 0) {
        (void)unlink(temporary);
        return status;
    }
    return sync_path(folder, O_RDONLY | O_DIRECTORY, error);
}

int pg_creation_run(const struct pg_creation *creation, struct pg_error *error)
{
    char *copy = strdup(creation->path);
    if (copy == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the path '%s'", creation->path);
    int status = create_in(creation, dirname(copy), error);
    free(copy);
    return status;
}

static int fill(const struct pg_creation *creation, const char *path, struct pg_error *error)
{
    return pg_fill_file(path, creation->layout, error);
}

int pg_store_create(const char *path, const struct pg_layout *layout, struct pg_error *error)
{
    const struct pg_creation creation = {.path = path, .layout = layout, .fill = fill};
    return pg_creation_run(&creation, error);
}
