/* SPDX-License-Identifier: MIT */
/*
 * A damaged file ends a child process, never ours: mutated copies of a cube are opened, and where
 * they open, read to the end. PHASEGRID_TEST_MUTATIONS=n tries n of them.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "phasegrid/random.h"
#include "store_place.h"

enum { KEY = 1, MUTATIONS = 500, CHANGES_MAX = 8, BYTES_MAX = 1 << 20 };

static unsigned char original[BYTES_MAX], mutated[BYTES_MAX];

static size_t read_all(const char *path, unsigned char *ret)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(ret, 1, BYTES_MAX, file);
    (void)fclose(file);
    assert_in_range(size, 1, BYTES_MAX - 1);
    return size;
}

static void write_all(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Changes some bytes, by mutation number: anywhere, to anything, or by one bit. */
static void mutate(uint32_t number, size_t size)
{
    uint32_t words[4];
    memcpy(mutated, original, size);
    for (uint32_t change = 0; change < 1 + number % CHANGES_MAX; change++) {
        pg_philox((const uint32_t[4]){number, change}, (const uint32_t[2]){KEY}, words);
        if (words[1] % 2 == 0)
            mutated[words[0] % size] = (unsigned char)words[2];
        else
            mutated[words[0] % size] ^= (unsigned char)(1U << words[2] % 8);
    }
}

/* Whatever it says, it says: a status of ours with a text. */
static void open_and_read(struct place *place, unsigned *ret_refused)
{
    struct pg_reader *reader = NULL;
    char hex[65];
    place->error.text[0] = '\0';
    int status = pg_reader_open(place->path, &reader, &place->error);
    if (status == 0)
        status = pg_reader_digest(reader, hex, &place->error);
    pg_reader_close(reader);
    assert_true(status == 0 || status == PG_EMISMATCH || status == PG_EINPUT ||
                status == PG_EMACHINE);
    if (status != 0)
        assert_true(place->error.text[0] != '\0');
    *ret_refused += status != 0;
}

static void test_mutated_files(void **state)
{
    struct place *place = *state;
    const char *wanted = getenv("PHASEGRID_TEST_MUTATIONS");
    uint32_t count = wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 10) : MUTATIONS;
    unsigned refused = 0;
    create_sample(place);
    size_t size = read_all(place->path, original);
    for (uint32_t number = 0; number < count; number++) {
        mutate(number, size);
        write_all(place->path, mutated, size);
        open_and_read(place, &refused);
    }
    print_message("%u of %u mutated files were refused\n", refused, count);
    assert_in_range(refused, 1, count - 1);
}

/* A file cut short anywhere is refused, or holds all that is asked of it. */
static void test_truncated_files(void **state)
{
    struct place *place = *state;
    unsigned refused = 0, tried = 0;
    create_sample(place);
    size_t size = read_all(place->path, original);
    for (size_t length = 1; length < size; length += 1 + size / 200, tried++) {
        write_all(place->path, original, length);
        open_and_read(place, &refused);
    }
    assert_int_equal(refused, tried);
}

static void test_a_sound_file_and_what_is_none(void **state)
{
    struct place *place = *state;
    create_sample(place);
    assert_ok(pg_store_probe(place->path, &place->error), &place->error);
    write_all(place->path, (const unsigned char *)"experiment: addition\n", 21);
    assert_int_equal(pg_store_probe(place->path, &place->error), PG_EMISMATCH);
    assert_says(&place->error, "is not an HDF5 file; expected a results file");
}

/* Signals that the caller ignores or blocks do not keep the child alive, nor is it left behind. */
static void test_the_callers_signals_do_not_matter(void **state)
{
    struct place *place = *state;
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    create_sample(place);
    assert_ok(pg_store_probe(place->path, &place->error), &place->error);
    (void)signal(SIGCHLD, before);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mutated_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_sound_file_and_what_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_callers_signals_do_not_matter, set_up, tear_down),
    };
    (void)MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests_name("probe", tests, NULL, NULL);
    (void)MPI_Finalize();
    return failed;
}
