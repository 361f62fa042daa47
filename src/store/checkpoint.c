/* SPDX-License-Identifier: MIT */
/*
 * Writing checkpoint files (checkpoint_file.h has their format): whole under a temporary name,
 * fsync, rename, fsync of the folder. Under its own name a file is the last one that was finished,
 * or absent.
 */
#include "phasegrid/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "beside.h"
#include "checkpoint_file.h"

uint32_t pg_checkpoint_header_crc(const struct pg_checkpoint_header *header)
{
    size_t size = offsetof(struct pg_checkpoint_header, header_crc);
    return (uint32_t)crc32_z(crc32(0, NULL, 0), (const void *)header, size);
}

size_t pg_checkpoint_padding(uint64_t size)
{
    size_t behind = (size_t)(size % PG_CHECKPOINT_ALIGNMENT);
    return behind > 0 ? PG_CHECKPOINT_ALIGNMENT - behind : 0;
}

bool pg_checkpoint_is_name(const char *name, size_t length)
{
    size_t launch = strspn(name, "0123456789abcdef");
    if (launch == 0 || name[launch] != '-')
        return false;
    size_t rank = strspn(name + launch + 1, "0123456789");
    return rank > 0 && launch + 1 + rank == length;
}

static bool write_bytes(int fd, const void *bytes, size_t size)
{
    const char *rest = bytes;
    while (size > 0) {
        ssize_t written = write(fd, rest, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        rest += written;
        size -= (size_t)written;
    }
    return true;
}

static bool write_record(int fd, const struct pg_checkpoint_record *record)
{
    static const char zeros[PG_CHECKPOINT_ALIGNMENT] = {0};
    struct pg_checkpoint_header header = {
        .magic = PG_CHECKPOINT_MAGIC,
        .seed = record->key.seed,
        .state_crc = (uint32_t)crc32_z(crc32(0, NULL, 0), record->state, record->size),
        .progress = record->progress,
        .seconds = record->seconds,
        .size = record->size,
    };
    memcpy(header.cell, record->key.cell, sizeof header.cell);
    header.header_crc = pg_checkpoint_header_crc(&header);
    return write_bytes(fd, &header, sizeof header) &&
           write_bytes(fd, record->state, record->size) &&
           write_bytes(fd, zeros, pg_checkpoint_padding(record->size));
}

static int write_file(const char *path, const struct pg_checkpoint_record *records, size_t count,
                      bool is_synced, struct pg_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), reason = 0;
    bool is_whole = fd >= 0;
    for (size_t i = 0; i < count && is_whole; i++)
        is_whole = write_record(fd, &records[i]);
    if (is_whole && is_synced)
        is_whole = fsync(fd) == 0;
    if (!is_whole)
        reason = errno;
    /* A network file system may say only now that the disk is full. */
    if (fd >= 0 && close(fd) != 0 && reason == 0)
        reason = errno;
    if (reason != 0)
        return pg_error_set(error, PG_EMACHINE, "cannot write checkpoint '%s': %s", path,
                            strerror(reason));
    return 0;
}

/* The temporary file takes the place of the other. */
static int publish(const char *temporary, const char *path, bool is_synced, struct pg_error *error)
{
    if (rename(temporary, path) != 0)
        return pg_error_set(error, PG_EMACHINE, "cannot write checkpoint '%s': %s", path,
                            strerror(errno));
    return is_synced ? pg_beside_sync_folder(path, error) : 0;
}

/* The path of a checkpoint file; behind it, in the same memory, that of its temporary file. */
static int paths_of(const char *results_path, const char *name, char **ret_path,
                    char **ret_temporary, struct pg_error *error)
{
    char *stem;
    int status = pg_beside(results_path, PG_CHECKPOINT_SUFFIX, &stem, error);
    *ret_path = *ret_temporary = NULL;
    if (status != 0)
        return status;
    size_t size = strlen(stem) + strlen(name) + sizeof PG_CHECKPOINT_UNFINISHED;
    *ret_path = malloc(2 * size);
    if (*ret_path == NULL) {
        status =
            pg_error_set(error, PG_EMACHINE, "out of memory: a checkpoint of '%s'", results_path);
    } else {
        *ret_temporary = *ret_path + size;
        (void)snprintf(*ret_path, size, "%s%s", stem, name);
        (void)snprintf(*ret_temporary, size, "%s%s" PG_CHECKPOINT_UNFINISHED, stem, name);
    }
    free(stem);
    return status;
}

int pg_checkpoint_write(const char *results_path, const char *name,
                        const struct pg_checkpoint_record *records, size_t count, enum pg_sync sync,
                        struct pg_error *error)
{
    char *path, *temporary;
    bool is_synced = sync != PG_SYNC_NONE;
    assert(pg_checkpoint_is_name(name, strlen(name)));
    int status = paths_of(results_path, name, &path, &temporary, error);
    if (status != 0)
        return status;
    status = write_file(temporary, records, count, is_synced, error);
    if (status == 0)
        status = publish(temporary, path, is_synced, error);
    if (status != 0)
        (void)unlink(temporary);
    free(path);
    return status;
}

void pg_checkpoint_remove(const char *results_path, const char *name)
{
    char *path, *temporary;
    if (paths_of(results_path, name, &path, &temporary, NULL) != 0)
        return;
    (void)unlink(path);
    (void)unlink(temporary);
    free(path);
}
