/* SPDX-License-Identifier: MIT */
#include "submit_paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int put(char *path, size_t size, const char *stem, const char *suffix,
               struct pg_error *error)
{
    int length = snprintf(path, size, "%s%s", stem, suffix);
    return length >= 0 && (size_t)length < size
               ? 0
               : pg_error_set(error, PG_EINPUT, "%s%s: the path is too long", stem, suffix);
}

/* The results' folder must be there; the file need not. */
static int find_results(const char *path, struct pg_submit_paths *paths, struct pg_error *error)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    int length = slash == NULL ? snprintf(folder, sizeof folder, ".")
                 : slash == path
                     ? snprintf(folder, sizeof folder, "/")
                     : snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (length < 0 || (size_t)length >= sizeof folder || realpath(folder, paths->folder) == NULL)
        return pg_error_set(error, PG_EINPUT, "%s: the folder of the results: %s", folder,
                            strerror(errno));
    if (name[0] == '\0')
        return pg_error_set(error, PG_EINPUT, "%s: is a folder; -o needs the name of a file", path);
    length = snprintf(paths->results, sizeof paths->results, "%s/%s",
                      strcmp(paths->folder, "/") == 0 ? "" : paths->folder, name);
    return length >= 0 && (size_t)length < sizeof paths->results
               ? 0
               : pg_error_set(error, PG_EINPUT, "%s: the path is too long", path);
}

/* A "%" of the path is none of Slurm's. */
static void make_log_pattern(struct pg_submit_paths *paths, bool is_array)
{
    char *at = paths->log;
    for (const char *from = paths->results; *from != '\0'; from++) {
        if (*from == '%')
            *at++ = '%';
        *at++ = *from;
    }
    (void)strcpy(at, is_array ? ".%a.log" : ".log");
}

int pg_submit_find_paths(const char *job, const char *results, bool is_array,
                         struct pg_submit_paths *ret_paths, struct pg_error *error)
{
    ssize_t length = readlink("/proc/self/exe", ret_paths->program, sizeof ret_paths->program - 1);
    if (length < 0)
        return pg_error_set(error, PG_EMACHINE, "/proc/self/exe: %s", strerror(errno));
    ret_paths->program[length] = '\0';
    if (realpath(job, ret_paths->job) == NULL)
        return pg_error_set(error, PG_EINPUT, "%s: %s", job, strerror(errno));
    int status = find_results(results, ret_paths, error);
    if (status == 0)
        status =
            put(ret_paths->script, sizeof ret_paths->script, ret_paths->results, ".sbatch", error);
    if (status == 0)
        status = put(ret_paths->merge_script, sizeof ret_paths->merge_script, ret_paths->results,
                     ".merge.sbatch", error);
    if (status == 0 &&
        (strpbrk(ret_paths->results, "\n\r") != NULL || strpbrk(ret_paths->job, "\n\r") != NULL))
        status = pg_error_set(
            error, PG_EINPUT, "a path with a line break cannot stand in a batch script: %s",
            strpbrk(ret_paths->job, "\n\r") != NULL ? ret_paths->job : ret_paths->results);
    if (status == 0)
        make_log_pattern(ret_paths, is_array);
    return status;
}
