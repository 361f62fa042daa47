/* SPDX-License-Identifier: MIT */
/*
 * A target without libFuzzer: runs every file of the folders given, in the order of their names,
 * and says how many they were. What once made a target crash stands in its corpus, so this is a
 * regression test that needs no clang.
 */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* From a copy of exactly its size, so that sanitizers see a step beyond it. */
static bool replay_file(const char *path)
{
    uint8_t *data = NULL;
    FILE *file = fopen(path, "rb");
    bool is_read = file != NULL && fseek(file, 0, SEEK_END) == 0;
    long size = is_read ? ftell(file) : -1;
    if (size >= 0) {
        data = malloc((size_t)size);
        is_read = data != NULL || size == 0;
        rewind(file);
        is_read = is_read && fread(data, 1, (size_t)size, file) == (size_t)size;
    }
    if (file != NULL)
        (void)fclose(file);
    if (is_read)
        (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    else
        (void)fprintf(stderr, "cannot read '%s'\n", path);
    free(data);
    return is_read;
}

static int replay_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort), replayed = 0;
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        bool is_file = entries[i]->d_name[0] != '.' && length < PATH_MAX;
        replayed += is_file && replay_file(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    int replayed = 0;
    for (int i = 1; i < argc; i++)
        replayed += replay_folder(argv[i]);
    (void)printf("%d inputs\n", replayed);
    return replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
