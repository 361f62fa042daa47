/* SPDX-License-Identifier: MIT */
/*
 * Names beside a results file. They are made from the resolved path: a launch through a symbolic
 * link finds the owner and the checkpoints of one that used the file's own name.
 */
#include "beside.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *path, const char *reason, struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "cannot use '%s': %s", path, reason);
}

/* A file that does not exist yet: its folder, resolved, and its name. */
static int resolve_new(const char *path, char **ret_path, struct pg_error *error)
{
    char folder[PATH_MAX], name[PATH_MAX], resolved[PATH_MAX];
    int length = snprintf(folder, sizeof folder, "%s", path);
    if (length < 0 || (size_t)length >= sizeof folder)
        return pg_error_set(error, PG_EINPUT, "the path '%.200s...' is too long", path);
    memcpy(name, folder, sizeof name);
    const char *parent = dirname(folder);
    if (realpath(parent, resolved) == NULL)
        return pg_error_set(error, PG_EMACHINE, "cannot use '%s': folder '%s': %s", path, parent,
                            strerror(errno));
    const char *end = strcmp(resolved, "/") == 0 ? "" : resolved;
    if (asprintf(ret_path, "%s/%s", end, basename(name)) < 0) {
        *ret_path = NULL;
        return fail(path, strerror(ENOMEM), error);
    }
    return 0;
}

int pg_beside_resolve(const char *results_path, char **ret_path, struct pg_error *error)
{
    *ret_path = realpath(results_path, NULL);
    if (*ret_path != NULL)
        return 0;
    return errno == ENOENT ? resolve_new(results_path, ret_path, error)
                           : fail(results_path, strerror(errno), error);
}

int pg_beside(const char *results_path, const char *suffix, char **ret_path, struct pg_error *error)
{
    char *resolved;
    int status = pg_beside_resolve(results_path, &resolved, error);
    *ret_path = NULL;
    if (status == 0 && asprintf(ret_path, "%s%s", resolved, suffix) < 0) {
        *ret_path = NULL;
        status = fail(results_path, strerror(ENOMEM), error);
    }
    free(resolved);
    return status;
}

int pg_beside_sync_folder(const char *path, struct pg_error *error)
{
    char copy[PATH_MAX];
    int length = snprintf(copy, sizeof copy, "%s", path);
    if (length < 0 || (size_t)length >= sizeof copy)
        return pg_error_set(error, PG_EINPUT, "the path '%.200s...' is too long", path);
    const char *folder = dirname(copy);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status = 0;
    /* EINVAL: a file system that knows no fsync of folders. */
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        status = pg_error_set(error, PG_EMACHINE, "cannot write '%s' to disk: %s", folder,
                              strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return status;
}
