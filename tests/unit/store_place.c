/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_place.h"

int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    *state = place;
    if (place == NULL)
        return -1;
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/test_phasegrid.XXXXXX");
    if (mkdtemp(place->folder) == NULL)
        return -1;
    (void)snprintf(place->path, sizeof place->path, "%s/x.h5", place->folder);
    (void)snprintf(place->other, sizeof place->other, "%s/y.h5", place->folder);
    sample_cube_init(&place->cube);
    return 0;
}

int count_files(const char *folder, bool remove_them)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    int count = 0;
    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL) {
        count += entry->d_name[0] != '.';
        if (remove_them && entry->d_name[0] != '.')
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    }
    (void)closedir(entries);
    return count;
}

int tear_down(void **state)
{
    struct place *place = *state;
    (void)count_files(place->folder, true);
    (void)rmdir(place->folder);
    sample_cube_release(&place->cube);
    free(place);
    return 0;
}

void place_name(const struct place *place, const char *name, char ret_path[256])
{
    (void)snprintf(ret_path, 256, "%s/%s", place->folder, name);
}

void place_write(const struct place *place, const char *name, const void *bytes, size_t size)
{
    char path[256];
    place_name(place, name, path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

unsigned char *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    unsigned char *bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    bytes[size] = '\0';
    assert_int_equal(fclose(file), 0);
    *ret_size = (size_t)size;
    return bytes;
}

void assert_says(const struct pg_error *error, const char *expected)
{
    if (strstr(error->text, expected) == NULL)
        fail_msg("expected \"...%s...\", found \"%s\"", expected, error->text);
}

void assert_ok(int status, const struct pg_error *error)
{
    if (status != 0)
        fail_msg("status %d: %s", status, error->text);
}

struct pg_store *open_store(struct place *place)
{
    struct pg_store *store = NULL;
    assert_ok(
        pg_store_open(place->path, &place->cube.layout, MPI_COMM_WORLD, &store, &place->error),
        &place->error);
    return store;
}

struct pg_reader *open_reader(struct place *place)
{
    struct pg_reader *reader = NULL;
    assert_ok(pg_reader_open(place->path, &reader, &place->error), &place->error);
    return reader;
}

void create(struct place *place)
{
    assert_ok(pg_store_create(place->path, &place->cube.layout, &place->error), &place->error);
}

void write_rows(struct place *place, uint64_t first, size_t count)
{
    struct pg_store *store = open_store(place);
    assert_ok(sample_cube_write(store, &place->cube.layout, first, count, &place->error),
              &place->error);
    assert_ok(pg_store_close(store, &place->error), &place->error);
}

void create_sample(struct place *place)
{
    create(place);
    write_rows(place, 0, SAMPLE_WRITTEN);
}

void digest_of(struct place *place, char hex[65])
{
    struct pg_reader *reader = open_reader(place);
    assert_ok(pg_reader_digest(reader, hex, &place->error), &place->error);
    pg_reader_close(reader);
    assert_int_equal(strlen(hex), 64);
}
