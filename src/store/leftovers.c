/* SPDX-License-Identifier: MIT */
/*
 * Files that a killed launch leaves beside X.h5: OMPIO's X.h5.locktest.N and X.h5-N.lock, and an
 * unfinished X.h5.creating-N of our own (N: decimal digits). X.h5 exists when this runs, so that
 * nobody can still publish such a file.
 */
#include "leftovers.h"

#include <dirent.h>
#include <libgen.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct pattern {
    const char *before, *after;
} patterns[] = {{".locktest.", ""}, {"-", ".lock"}, {".creating-", ""}};

static bool is_leftover(const char *name, const char *file)
{
    size_t stem = strlen(file);
    if (strncmp(name, file, stem) != 0)
        return false;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        const char *rest = name + stem;
        size_t before = strlen(patterns[i].before), digits;
        if (strncmp(rest, patterns[i].before, before) != 0)
            continue;
        digits = strspn(rest + before, "0123456789");
        if (digits > 0 && strcmp(rest + before + digits, patterns[i].after) == 0)
            return true;
    }
    return false;
}

static void remove_in(DIR *folder, const char *file)
{
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (is_leftover(entry->d_name, file))
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
}

void pg_leftovers_remove(const char *path)
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
