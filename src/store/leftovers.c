/* SPDX-License-Identifier: MIT */
/*
 * Files that a killed launch leaves beside X.h5: OMPIO's X.h5.locktest.N, X.h5-N.lock and, of ranks
 * on several nodes, X.h5-N-N.lock (sharedfp/lockedfile), and those of our own under their temporary
 * names, X.h5.creating-N, X.h5.owner.claiming-N and X.h5.checkpoint-L-N.writing (N: decimal digits,
 * L: hexadecimal). X.h5 exists and has one owner when this runs, so that nobody can still publish
 * such a file. OMPIO names its files after the path that it was given, the others stand beside the
 * file that a symbolic link leads to.
 */
#include "leftovers.h"

#include <dirent.h>
#include <libgen.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beside.h"
#include "checkpoint_file.h"

static const struct pattern {
    const char *before, *after;
    int numbers; /* at most, with "-" between them */
} patterns[] = {
    {".locktest.", "", 1}, {"-", ".lock", 2}, {".creating-", "", 1}, {".owner.claiming-", "", 1}};

/* What follows "N"; NULL if it is not there. */
static const char *past_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 ? text + digits : NULL;
}

/* What follows "N" or "N-N"; NULL if no number is there. */
static const char *past_numbers(const char *text, int most)
{
    const char *rest = past_number(text);
    return rest != NULL && most > 1 && *rest == '-' ? past_number(rest + 1) : rest;
}

/* `rest`: what follows the name of the results file. */
static bool fits(const struct pattern *pattern, const char *rest)
{
    size_t before = strlen(pattern->before);
    if (strncmp(rest, pattern->before, before) != 0)
        return false;
    const char *after = past_numbers(rest + before, pattern->numbers);
    return after != NULL && strcmp(after, pattern->after) == 0;
}

static bool is_unfinished_checkpoint(const char *rest)
{
    static const char before[] = PG_CHECKPOINT_SUFFIX, after[] = PG_CHECKPOINT_UNFINISHED;
    size_t length = strlen(rest), around = sizeof before + sizeof after - 2;
    return length > around && strncmp(rest, before, sizeof before - 1) == 0 &&
           strcmp(rest + length - (sizeof after - 1), after) == 0 &&
           pg_checkpoint_is_name(rest + sizeof before - 1, length - around);
}

static bool is_leftover(const char *name, const char *file)
{
    size_t stem = strlen(file);
    if (strncmp(name, file, stem) != 0)
        return false;
    bool is_one = is_unfinished_checkpoint(name + stem);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        is_one = is_one || fits(&patterns[i], name + stem);
    return is_one;
}

static void remove_in(DIR *folder, const char *file)
{
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (is_leftover(entry->d_name, file))
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
}

static void remove_beside(const char *path)
{
    char *folder_path = strdup(path), *file_path = strdup(path);
    if (folder_path != NULL && file_path != NULL) {
        DIR *folder = opendir(dirname(folder_path));
        if (folder != NULL) {
            remove_in(folder, basename(file_path));
            (void)closedir(folder);
        }
    }
    free(file_path);
    free(folder_path);
}

void pg_leftovers_remove(const char *path)
{
    char *resolved;
    remove_beside(path);
    if (pg_beside_resolve(path, &resolved, NULL) == 0 && strcmp(resolved, path) != 0)
        remove_beside(resolved);
    free(resolved);
}
