/* SPDX-License-Identifier: MIT */
/* A folder for a test of the store, with the sample cube that may be created there. */
#ifndef PHASEGRID_TESTS_STORE_PLACE_H
#define PHASEGRID_TESTS_STORE_PLACE_H

#include <stdbool.h>

#include "sample_cube.h"

struct place {
    char folder[64], path[80], other[80]; /* other: a second file, not created */
    struct sample_cube cube;
    struct pg_error error;
};

/* cmocka's: *state is the place. */
int set_up(void **state);
int tear_down(void **state);

/* Files in the folder; removes them when asked. */
int count_files(const char *folder, bool remove_them);

/* A file of that name in the folder: its path; made of these bytes; the whole of one, malloc'ed and
   with a NUL behind. */
void place_name(const struct place *place, const char *name, char ret_path[256]);
void place_write(const struct place *place, const char *name, const void *bytes, size_t size);
unsigned char *read_file(const char *path, size_t *ret_size);

void assert_says(const struct pg_error *error, const char *expected);
void assert_ok(int status, const struct pg_error *error);

struct pg_store *open_store(struct place *place);
struct pg_reader *open_reader(struct place *place);
void create(struct place *place);
void write_rows(struct place *place, uint64_t first, size_t count);
void create_sample(struct place *place); /* created, with its first rows written */
void digest_of(struct place *place, char hex[65]);

#endif
