/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program: a disk that goes wrong in the middle. After BROKEN_DISK_AFTER syncs by
 * this process of files whose path ends in ".h5", their writes and syncs wait until the file
 * BROKEN_DISK exists; then they fail with the error number BROKEN_DISK_ERROR, if there is one.
 */
#undef _FILE_OFFSET_BITS /* it would make pwrite and pwrite64 one name */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_results_file(int fd)
{
    char link[64], path[4096];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length > 3 && memcmp(path + length - 3, ".h5", 3) == 0;
}

static long syncs; /* of results files; the program that is tested has one thread that writes */

/* Whether this call fails, errno being set then; it may have to wait for that. */
static bool is_broken(int fd)
{
    const char *sign = getenv("BROKEN_DISK"), *after = getenv("BROKEN_DISK_AFTER");
    const char *number = getenv("BROKEN_DISK_ERROR");
    int before = errno;
    if (sign == NULL || after == NULL || syncs < strtol(after, NULL, 10) || !is_results_file(fd))
        return false;
    while (access(sign, F_OK) != 0)
        (void)usleep(1000);
    errno = number != NULL ? (int)strtol(number, NULL, 10) : before;
    return number != NULL;
}

static void count_sync(int fd)
{
    int before = errno;
    syncs += is_results_file(fd);
    errno = before;
}

/* The function behind ours; POSIX has it that a pointer to an object can hold it. */
#define NEXT(type, name)                                                                           \
    type next;                                                                                     \
    void *found = dlsym(RTLD_NEXT, name);                                                          \
    memcpy(&next, &found, sizeof next)

typedef ssize_t (*write_at)(int, const void *, size_t, off_t);
typedef ssize_t (*write_pieces)(int, const struct iovec *, int, off_t);
typedef int (*sync_file)(int);

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    NEXT(write_at, "pwrite");
    return is_broken(fd) ? -1 : next(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    NEXT(write_at, "pwrite64");
    return is_broken(fd) ? -1 : next(fd, data, size, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    NEXT(write_pieces, "pwritev");
    return is_broken(fd) ? -1 : next(fd, pieces, count, offset);
}

int fdatasync(int fd)
{
    NEXT(sync_file, "fdatasync");
    if (is_broken(fd))
        return -1;
    count_sync(fd);
    return next(fd);
}

int fsync(int fd)
{
    NEXT(sync_file, "fsync");
    if (is_broken(fd))
        return -1;
    count_sync(fd);
    return next(fd);
}
