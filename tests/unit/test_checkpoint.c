/* SPDX-License-Identifier: MIT */
/*
 * Checkpoint files: what is written is found by its key, the furthest first; damage takes the
 * damaged record and no other; what a full disk leaves is the old file.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "phasegrid/checkpoint.h"
#include "store_place.h"

enum { HEADER = 80, STATE_MAX = 64 };

static const char first_name[] = "00c0ffee-0", second_name[] = "00c0ffee-12";

/* The record of run `number` at step `progress`: a state of `size` bytes that says both. */
static struct pg_checkpoint_record record_of(int number, int64_t progress, size_t size,
                                             unsigned char state[STATE_MAX])
{
    struct pg_checkpoint_record record = {
        .progress = progress, .seconds = 0.5 * (double)progress, .state = state, .size = size};
    memset(record.key.cell, 0x40 + number / 2, sizeof record.key.cell);
    record.key.seed = (uint32_t)(number % 2);
    for (size_t i = 0; i < size; i++)
        state[i] = (unsigned char)(17 * number + 3 * (int)progress + (int)i);
    return record;
}

static void write_records(struct place *place, const char *name,
                          const struct pg_checkpoint_record *records, size_t count)
{
    assert_ok(pg_checkpoint_write(place->path, name, records, count, PG_SYNC_GROUP, &place->error),
              &place->error);
}

static void write_one(struct place *place, const char *name, int number, int64_t progress)
{
    unsigned char state[STATE_MAX];
    const struct pg_checkpoint_record record = record_of(number, progress, 20, state);
    write_records(place, name, &record, 1);
}

static struct pg_checkpoints *open_all(struct place *place)
{
    struct pg_checkpoints *checkpoints;
    assert_ok(pg_checkpoints_open(place->path, &checkpoints, &place->error), &place->error);
    return checkpoints;
}

/* The run's record as written, or none; tells which. */
static bool is_there(struct place *place, const struct pg_checkpoints *checkpoints, int number,
                     int64_t progress, size_t size)
{
    unsigned char state[STATE_MAX];
    const struct pg_checkpoint_record expected = record_of(number, progress, size, state);
    struct pg_checkpoint_record found;
    int64_t found_progress = -1;
    if (!pg_checkpoints_find(checkpoints, &expected.key, &found_progress))
        return false;
    int status = pg_checkpoints_read(checkpoints, &expected.key, &found, &place->error);
    if (status != 0) {
        assert_int_equal(status, PG_EMISMATCH);
        assert_null(found.state);
        return false;
    }
    assert_int_equal(found_progress, progress);
    assert_int_equal(found.progress, progress);
    assert_true(found.seconds == 0.5 * (double)progress);
    assert_int_equal(found.size, size);
    assert_memory_equal(found.state, state, size);
    pg_checkpoint_record_release(&found);
    return true;
}

static void test_round_trip(void **state)
{
    struct place *place = *state;
    unsigned char states[3][STATE_MAX];
    const struct pg_checkpoint_record records[] = {record_of(3, 100, 64, states[0]),
                                                   record_of(2, 7, 0, states[1]),
                                                   record_of(0, 0, 13, states[2])};
    write_records(place, first_name, records, 3);
    write_one(place, second_name, 9, 1);
    struct pg_checkpoints *checkpoints = open_all(place);
    assert_int_equal(pg_checkpoints_count(checkpoints), 4);
    assert_true(is_there(place, checkpoints, 3, 100, 64));
    assert_true(is_there(place, checkpoints, 2, 7, 0));
    assert_true(is_there(place, checkpoints, 0, 0, 13));
    assert_true(is_there(place, checkpoints, 9, 1, 20));
    assert_false(is_there(place, checkpoints, 1, 0, 13));
    pg_checkpoints_close(checkpoints);
    pg_checkpoints_close(NULL);
}

static void test_file_is_replaced_and_removed(void **state)
{
    struct place *place = *state;
    write_one(place, first_name, 1, 10);
    write_one(place, first_name, 2, 20);
    assert_int_equal(count_files(place->folder, false), 1);
    struct pg_checkpoints *checkpoints = open_all(place);
    assert_int_equal(pg_checkpoints_count(checkpoints), 1);
    assert_true(is_there(place, checkpoints, 2, 20, 20));
    pg_checkpoints_close(checkpoints);
    pg_checkpoint_remove(place->path, first_name);
    pg_checkpoint_remove(place->path, first_name);
    assert_int_equal(count_files(place->folder, false), 0);
}

static void test_none(void **state)
{
    struct place *place = *state;
    struct pg_checkpoints *checkpoints = open_all(place);
    assert_int_equal(pg_checkpoints_count(checkpoints), 0);
    assert_false(is_there(place, checkpoints, 0, 0, 0));
    pg_checkpoints_close(checkpoints);
}

/* A launch through a symbolic link finds what one through the name has written. */
static void test_link_is_the_same_file(void **state)
{
    struct place *place = *state, other = *place;
    (void)snprintf(other.path, sizeof other.path, "%s/link", place->folder);
    place_write(place, "x.h5", "", 0);
    assert_int_equal(symlink(place->path, other.path), 0);
    write_one(place, first_name, 1, 10);
    struct pg_checkpoints *checkpoints = open_all(&other);
    assert_true(is_there(place, checkpoints, 1, 10, 20));
    pg_checkpoints_close(checkpoints);
}

static void flip(const char *path, off_t offset)
{
    unsigned char byte = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0 && pread(fd, &byte, 1, offset) == 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    assert_int_equal(close(fd), 0);
}

static void test_furthest_that_is_sound(void **state)
{
    struct place *place = *state;
    char path[256];
    write_one(place, first_name, 1, 10);
    write_one(place, second_name, 1, 30);
    write_one(place, "00c0ffee-2", 1, 20);
    struct pg_checkpoints *checkpoints = open_all(place);
    assert_int_equal(pg_checkpoints_count(checkpoints), 1);
    assert_true(is_there(place, checkpoints, 1, 30, 20));
    place_name(place, "x.h5.checkpoint-00c0ffee-12", path);
    flip(path, HEADER + 5); /* its state: not seen before it is read */
    unsigned char expected[STATE_MAX];
    struct pg_checkpoint_record found;
    const struct pg_checkpoint_record second = record_of(1, 20, 20, expected);
    assert_ok(pg_checkpoints_read(checkpoints, &second.key, &found, &place->error), &place->error);
    assert_int_equal(found.progress, 20);
    assert_memory_equal(found.state, expected, 20);
    pg_checkpoint_record_release(&found);
    pg_checkpoints_close(checkpoints);
}

/* ---- damage ---- */

static const size_t sizes[3] = {64, 13, 24};

static unsigned char *make_three(struct place *place, char path[256], size_t *ret_size)
{
    unsigned char states[3][STATE_MAX];
    struct pg_checkpoint_record records[3];
    for (int i = 0; i < 3; i++)
        records[i] = record_of(i, 100 + i, sizes[i], states[i]);
    write_records(place, first_name, records, 3);
    place_name(place, "x.h5.checkpoint-00c0ffee-0", path);
    return read_file(path, ret_size);
}

static size_t rounded(size_t size)
{
    return (size + 7) / 8 * 8;
}

static int count_sound(struct place *place, bool is_sound[3])
{
    int count = 0;
    struct pg_checkpoints *checkpoints = open_all(place);
    for (int i = 0; i < 3; i++) {
        is_sound[i] = is_there(place, checkpoints, i, 100 + i, sizes[i]);
        count += is_sound[i];
    }
    pg_checkpoints_close(checkpoints);
    return count;
}

/* Every byte in turn: the record that it belongs to is lost, and only that. */
static void test_every_damaged_byte(void **state)
{
    struct place *place = *state;
    char path[256];
    bool is_sound[3];
    size_t size, begin = 0;
    free(make_three(place, path, &size));
    for (int record = 0; record < 3; record++) {
        for (size_t i = 0; i < HEADER + sizes[record]; i++) {
            bool is_spare = i >= HEADER - 4 && i < HEADER;
            flip(path, (off_t)(begin + i));
            assert_int_equal(count_sound(place, is_sound), is_spare ? 3 : 2);
            assert_int_equal(is_sound[record], is_spare);
            flip(path, (off_t)(begin + i));
        }
        begin += HEADER + rounded(sizes[record]);
    }
    assert_int_equal(begin, size);
}

/* Every length: the records that are whole are there. */
static void test_every_truncation(void **state)
{
    struct place *place = *state;
    char path[256];
    bool is_sound[3];
    size_t size;
    free(make_three(place, path, &size));
    for (size_t length = size; length-- > 0;) {
        size_t begin = 0;
        assert_int_equal(truncate(path, (off_t)length), 0);
        (void)count_sound(place, is_sound);
        for (int record = 0; record < 3; record++) {
            assert_int_equal(is_sound[record], begin + HEADER + sizes[record] <= length);
            begin += HEADER + rounded(sizes[record]);
        }
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u; /* Numerical Recipes, eq. (7.1.6) */
    return *seed >> 8;
}

/* Bytes of anyone's: several at once, also in the sizes; no failure, and no record but ours. */
static void test_hostile_files(void **state)
{
    struct place *place = *state;
    char path[256];
    bool is_sound[3];
    size_t size;
    uint32_t seed = 1;
    unsigned char *sound = make_three(place, path, &size), bytes[512];
    assert_true(size <= sizeof bytes);
    for (int round = 0; round < 2000; round++) {
        memcpy(bytes, sound, size);
        size_t length = next_random(&seed) % 4 == 0 ? next_random(&seed) % size : size;
        for (uint32_t i = next_random(&seed) % 20; i > 0; i--)
            bytes[next_random(&seed) % size] = (unsigned char)next_random(&seed);
        place_write(place, "x.h5.checkpoint-00c0ffee-0", bytes, length);
        (void)count_sound(place, is_sound);
    }
    free(sound);
}

/* Names and kinds of files that are not checkpoints. */
static void test_other_files(void **state)
{
    struct place *place = *state;
    static const char *const names[] = {
        "x.h5.checkpoint-",   "x.h5.checkpoint-notes", "x.h5.checkpoint-00c0ffee-0.writing",
        "x.h5.checkpoint-1-", "y.h5.checkpoint-1-0",   "x.h5.checkpoint-G-0"};
    char path[256];
    size_t size;
    unsigned char *bytes = make_three(place, path, &size);
    assert_int_equal(unlink(path), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        place_write(place, names[i], bytes, size);
    free(bytes);
    assert_int_equal(mkfifo(path, 0600), 0);
    place_name(place, "x.h5.checkpoint-1-1", path);
    assert_int_equal(mkdir(path, 0700), 0);
    place_name(place, "x.h5.checkpoint-1-2", path);
    assert_int_equal(symlink("y.h5.checkpoint-1-0", path), 0);
    struct pg_checkpoints *checkpoints = open_all(place);
    assert_int_equal(pg_checkpoints_count(checkpoints), 0);
    pg_checkpoints_close(checkpoints);
    place_name(place, "x.h5.checkpoint-1-1", path);
    assert_int_equal(rmdir(path), 0);
}

static void test_full_disk_keeps_the_old_file(void **state)
{
    struct place *place = *state;
    unsigned char states[3][STATE_MAX];
    struct pg_checkpoint_record records[3];
    struct rlimit limit, small;
    for (int i = 0; i < 3; i++)
        records[i] = record_of(i, 5, 64, states[i]);
    write_one(place, first_name, 1, 10);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 200;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int status =
        pg_checkpoint_write(place->path, first_name, records, 3, PG_SYNC_GROUP, &place->error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, PG_EMACHINE);
    assert_says(&place->error, "x.h5.checkpoint-00c0ffee-0");
    assert_says(&place->error, "File too large");
    assert_int_equal(count_files(place->folder, false), 1);
    struct pg_checkpoints *checkpoints = open_all(place);
    assert_true(is_there(place, checkpoints, 1, 10, 20));
    pg_checkpoints_close(checkpoints);
}

/* ---- settled, and from rank to rank ---- */

static bool is_even(void *context, const struct pg_run_key *key)
{
    (*(int *)context)++;
    return key->seed == 0;
}

static void test_settled_files_go(void **state)
{
    struct place *place = *state;
    unsigned char states[2][STATE_MAX];
    const struct pg_checkpoint_record both[] = {record_of(2, 1, 9, states[0]),
                                                record_of(3, 1, 9, states[1])};
    int asked = 0;
    write_one(place, "a-0", 0, 1);
    write_one(place, "a-1", 1, 1);
    write_records(place, "a-2", both, 2);
    write_one(place, "a-3", 2, 5); /* the furthest of run 2 */
    struct pg_checkpoints *checkpoints = open_all(place);
    assert_int_equal(pg_checkpoints_steps(checkpoints), 1 + 1 + 5 + 1);
    pg_checkpoints_remove_settled(checkpoints, is_even, &asked);
    assert_int_equal(pg_checkpoints_steps(checkpoints), 1 + 1 + 1);
    pg_checkpoints_close(checkpoints);
    assert_int_equal(asked, 5);
    checkpoints = open_all(place);
    assert_int_equal(count_files(place->folder, false), 2);
    assert_false(is_there(place, checkpoints, 0, 1, 20));
    assert_true(is_there(place, checkpoints, 1, 1, 20));
    assert_true(is_there(place, checkpoints, 3, 1, 9));
    assert_true(is_there(place, checkpoints, 2, 1, 9));
    pg_checkpoints_close(checkpoints);
}

static void test_pack(void **state)
{
    struct place *place = *state;
    struct pg_checkpoints *there;
    void *bytes;
    size_t size;
    bool is_sound[3];
    char path[256];
    free(make_three(place, path, &size));
    write_one(place, second_name, 7, 1);
    struct pg_checkpoints *here = open_all(place);
    assert_ok(pg_checkpoints_pack(here, &bytes, &size, &place->error), &place->error);
    pg_checkpoints_close(here);
    assert_int_equal(count_sound(place, is_sound), 3);
    assert_ok(pg_checkpoints_unpack(place->path, bytes, size, &there, &place->error),
              &place->error);
    assert_int_equal(pg_checkpoints_count(there), 4);
    for (int i = 0; i < 3; i++)
        assert_true(is_there(place, there, i, 100 + i, sizes[i]));
    assert_true(is_there(place, there, 7, 1, 20));
    pg_checkpoints_close(there);
    for (size_t length = 0; length < size; length++) {
        assert_int_equal(pg_checkpoints_unpack(place->path, bytes, length, &there, &place->error),
                         PG_EINPUT);
        assert_null(there);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_is_replaced_and_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_link_is_the_same_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_furthest_that_is_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_damaged_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_truncation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk_keeps_the_old_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settled_files_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pack, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
