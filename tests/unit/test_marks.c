/* SPDX-License-Identifier: MIT */
/* Statuses: when they are written in each sync mode, and how they are taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_place.h"

static void read_statuses(struct place *place, uint8_t ret_statuses[SAMPLE_ROWS])
{
    struct pg_reader *reader = open_reader(place);
    assert_ok(pg_reader_statuses(reader, ret_statuses, &place->error), &place->error);
    pg_reader_close(reader);
}

static void write_row(struct place *place, struct pg_store *store, uint64_t row)
{
    struct pg_block block;
    uint8_t done = PG_ROW_DONE;
    assert_ok(pg_block_init(&block, &place->cube.layout, 1, &place->error), &place->error);
    sample_cube_fill_row(&block, 0, row);
    block.first_row = row;
    assert_ok(pg_store_write(store, &block, 0, 1, &done, &place->error), &place->error);
    pg_block_release(&block);
}

/* RUN: marked when the write returns. GROUP and NONE: only with the next flush. */
static void test_sync_modes(void **state)
{
    struct place *place = *state;
    static const uint8_t expected[] = {
        [PG_SYNC_GROUP] = PG_ROW_TODO, [PG_SYNC_RUN] = PG_ROW_DONE, [PG_SYNC_NONE] = PG_ROW_TODO};
    uint8_t statuses[SAMPLE_ROWS];
    create(place);
    struct pg_store *store = open_store(place);
    for (uint64_t sync = 0; sync < sizeof expected; sync++) {
        pg_store_set_sync(store, (enum pg_sync)sync);
        write_row(place, store, sync);
        read_statuses(place, statuses);
        assert_int_equal(statuses[sync], expected[sync]);
        assert_ok(pg_store_flush(store, &place->error), &place->error);
        read_statuses(place, statuses);
        assert_int_equal(statuses[sync], PG_ROW_DONE);
    }
    assert_ok(pg_store_close(store, &place->error), &place->error);
}

static void test_names_of_modes(void **state)
{
    (void)state;
    assert_string_equal(pg_sync_names[PG_SYNC_GROUP], "group");
    assert_string_equal(pg_sync_names[PG_SYNC_RUN], "run");
    assert_string_equal(pg_sync_names[PG_SYNC_NONE], "none");
    assert_null(pg_sync_names[PG_SYNC_NONE + 1]);
}

static void assert_only_these_are_todo(struct place *place, const uint64_t *rows, size_t count)
{
    uint8_t statuses[SAMPLE_ROWS];
    read_statuses(place, statuses);
    for (size_t row = 0; row < SAMPLE_WRITTEN; row++) {
        uint8_t expected = row == SAMPLE_DIVERGED ? PG_ROW_DIVERGED : PG_ROW_DONE;
        for (size_t i = 0; i < count; i++)
            if (rows[i] == row)
                expected = PG_ROW_TODO;
        assert_int_equal(statuses[row], expected);
    }
}

static const uint64_t taken_back[] = {0, SAMPLE_DIVERGED, SAMPLE_WRITTEN - 1};
enum { TAKEN = sizeof taken_back / sizeof taken_back[0] };

static void test_open_store_forgets(void **state)
{
    struct place *place = *state;
    create_sample(place);
    struct pg_store *store = open_store(place);
    assert_ok(pg_store_forget(store, taken_back, TAKEN, &place->error), &place->error);
    assert_only_these_are_todo(place, taken_back, TAKEN);
    assert_ok(pg_store_close(store, &place->error), &place->error);
    assert_only_these_are_todo(place, taken_back, TAKEN);
}

/* A status that waits for its group does not come back. */
static void test_a_row_written_a_moment_ago(void **state)
{
    struct place *place = *state;
    const uint64_t row = 7;
    uint8_t statuses[SAMPLE_ROWS];
    create(place);
    struct pg_store *store = open_store(place);
    write_row(place, store, row);
    write_row(place, store, row + 1);
    assert_ok(pg_store_forget(store, &row, 1, &place->error), &place->error);
    assert_ok(pg_store_close(store, &place->error), &place->error);
    read_statuses(place, statuses);
    assert_int_equal(statuses[row], PG_ROW_TODO);
    assert_int_equal(statuses[row + 1], PG_ROW_DONE);
}

/* Nothing else of the file changes, not even by a byte. */
static void test_closed_file_is_marked(void **state)
{
    struct place *place = *state;
    static unsigned char before[1 << 20], after[1 << 20];
    create_sample(place);
    FILE *file = fopen(place->path, "rb");
    assert_non_null(file);
    size_t size = fread(before, 1, sizeof before, file);
    (void)fclose(file);
    assert_in_range(size, 1, sizeof before - 1);
    assert_ok(pg_store_mark_todo(place->path, taken_back, TAKEN, &place->error), &place->error);
    assert_only_these_are_todo(place, taken_back, TAKEN);
    file = fopen(place->path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(after, 1, sizeof after, file), size);
    (void)fclose(file);
    size_t changed = 0;
    for (size_t i = 0; i < size; i++)
        changed += before[i] != after[i];
    assert_int_equal(changed, TAKEN);
}

static void test_a_run_that_is_none(void **state)
{
    struct place *place = *state;
    const uint64_t rows[] = {0, SAMPLE_ROWS};
    create_sample(place);
    assert_int_equal(pg_store_mark_todo(place->path, rows, 2, &place->error), PG_EINPUT);
    assert_says(&place->error, "has 24 runs; there is no run 24");
    assert_only_these_are_todo(place, NULL, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sync_modes, set_up, tear_down),
        cmocka_unit_test(test_names_of_modes),
        cmocka_unit_test_setup_teardown(test_open_store_forgets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_row_written_a_moment_ago, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_file_is_marked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_that_is_none, set_up, tear_down),
    };
    (void)MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests_name("marks", tests, NULL, NULL);
    (void)MPI_Finalize();
    return failed;
}
