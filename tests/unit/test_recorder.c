/* SPDX-License-Identifier: MIT */
/*
 * Rows that begin in order and are finished in any: each reaches the store once, with its own
 * values and status, and in few writes. The store here is a list of what was written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/random.h"
#include "recorder.h"

enum { ROWS = 1000, LANES_MAX = 16 };

static struct pg_dimension seed = {.name = "seed", .length = ROWS};
static struct pg_variable variables[] = {
    {.name = "status", .type = PG_U8},
    {.name = "row_crc", .type = PG_I64},
    {.name = "value", .type = PG_I64, .fill = -1},
};
static const struct pg_layout layout = {
    .dims = &seed, .dim_count = 1, .grid_count = 1, .variables = variables, .variable_count = 3};
enum { VALUE = 2 };

static uint8_t written[ROWS]; /* status */
static size_t write_count, flush_count;
static enum pg_sync sync_mode;

/* ---- the store ---- */

int pg_store_write(struct pg_store *store, const struct pg_block *block, size_t begin, size_t end,
                   const uint8_t *statuses, struct pg_error *error)
{
    (void)store;
    (void)error;
    assert_true(begin < end && end <= block->capacity);
    for (size_t i = begin; i < end; i++) {
        uint64_t row = block->first_row + i;
        const int64_t *value = pg_block_at(block, VALUE, i);
        assert_true(row < ROWS);
        assert_int_equal(written[row], PG_ROW_TODO);
        assert_int_equal(*value, 7 * row);
        written[row] = statuses[i];
    }
    write_count++;
    return 0;
}

int pg_store_flush(struct pg_store *store, struct pg_error *error)
{
    (void)store;
    (void)error;
    flush_count++;
    return 0;
}

enum pg_sync pg_store_get_sync(const struct pg_store *store)
{
    (void)store;
    return sync_mode;
}

/* ---- a worker ---- */

struct worker {
    struct pg_recorder recorder;
    uint64_t next; /* row */
    size_t indices[LANES_MAX];
    size_t active, lanes;
};

static void begin_worker(struct worker *worker, size_t lanes)
{
    struct pg_error error;
    memset(worker, 0, sizeof *worker);
    memset(written, PG_ROW_TODO, sizeof written);
    write_count = flush_count = 0;
    worker->lanes = lanes;
    assert_int_equal(pg_recorder_init(&worker->recorder, &layout, lanes, NULL, &error), 0);
}

static void begin_row(struct worker *worker)
{
    struct pg_error error;
    size_t *index = &worker->indices[worker->active++];
    assert_int_equal(pg_recorder_take(&worker->recorder, worker->next++, index, &error), 0);
    const int64_t *value = pg_block_at(&worker->recorder.block, VALUE, *index);
    assert_int_equal(*value, -1); /* cleared */
}

static uint8_t status_of(uint64_t row)
{
    return row % 3 == 0 ? PG_ROW_DIVERGED : PG_ROW_DONE;
}

static void end_row(struct worker *worker, size_t lane, double now)
{
    struct pg_error error;
    size_t index = worker->indices[lane];
    uint64_t row = worker->recorder.rows[index];
    int64_t *value = pg_block_at(&worker->recorder.block, VALUE, index);
    *value = 7 * (int64_t)row;
    worker->indices[lane] = worker->indices[--worker->active];
    assert_int_equal(pg_recorder_finish(&worker->recorder, index, status_of(row), now, &error), 0);
}

static void end_worker(struct worker *worker)
{
    struct pg_error error;
    assert_int_equal(pg_recorder_flush(&worker->recorder, &error), 0);
    pg_recorder_release(&worker->recorder);
    for (uint64_t row = 0; row < ROWS; row++)
        assert_int_equal(written[row], status_of(row));
}

/* ---- tests ---- */

/* One after the other: every write is a whole block. */
static void test_one_by_one(void **state)
{
    (void)state;
    struct worker worker;
    begin_worker(&worker, 1);
    for (size_t i = 0; i < ROWS; i++) {
        begin_row(&worker);
        end_row(&worker, 0, 0.0);
    }
    end_worker(&worker);
    assert_int_equal(write_count, (ROWS + PG_RECORDER_ROWS_MAX - 1) / PG_RECORDER_ROWS_MAX);
    assert_int_equal(flush_count, 1);
}

/* Side by side, ending at random; the first row stays to the last. What a round through the block
   writes is broken, at most, at each run in training, at each that trained when the round began and
   has its place among newer ones, and once more behind that. */
static void test_side_by_side(void **state)
{
    (void)state;
    for (uint32_t lanes = 2; lanes <= LANES_MAX; lanes++) {
        struct pg_random random = pg_random_make(lanes, PG_STREAM_TEST, 0);
        struct worker worker;
        begin_worker(&worker, lanes);
        for (uint32_t event = 0; worker.next < ROWS || worker.active > 0; event++) {
            while (worker.active < lanes && worker.next < ROWS)
                begin_row(&worker);
            bool others = worker.active > 1;
            size_t lane =
                others ? 1 + pg_random_below(&random, (uint32_t)worker.active - 1, event, 0, 0) : 0;
            end_row(&worker, lane, 0.0);
        }
        end_worker(&worker);
        size_t rounds = 1 + ROWS / (PG_RECORDER_ROWS_MAX - lanes);
        assert_true(write_count <= rounds * (3 * lanes + 1));
    }
}

/* A second after the first row was finished, all finished ones are safe; one in training is not. */
static void test_no_row_waits(void **state)
{
    (void)state;
    struct worker worker;
    struct pg_error error;
    begin_worker(&worker, 2);
    begin_row(&worker);
    begin_row(&worker);
    end_row(&worker, 1, 10.0);
    begin_row(&worker);
    end_row(&worker, 1, 10.5);
    assert_int_equal(pg_recorder_tick(&worker.recorder, 10.9, &error), 0);
    assert_int_equal(write_count, 0);
    assert_int_equal(pg_recorder_tick(&worker.recorder, 11.0, &error), 0);
    assert_int_equal(write_count, 1);
    assert_int_equal(flush_count, 1);
    assert_int_equal(written[0], PG_ROW_TODO);
    assert_int_equal(written[1], status_of(1));
    assert_int_equal(written[2], status_of(2));
    assert_int_equal(pg_recorder_tick(&worker.recorder, 12.5, &error), 0);
    assert_int_equal(flush_count, 1);
    pg_recorder_release(&worker.recorder);
}

/* With PG_SYNC_RUN, none waits for another. */
static void test_each_by_itself(void **state)
{
    (void)state;
    struct worker worker;
    begin_worker(&worker, 2);
    sync_mode = PG_SYNC_RUN;
    begin_row(&worker);
    begin_row(&worker);
    end_row(&worker, 1, 10.0);
    assert_int_equal(written[1], status_of(1));
    assert_int_equal(written[0], PG_ROW_TODO);
    assert_int_equal(flush_count, 1);
    end_row(&worker, 0, 10.0);
    assert_int_equal(written[0], status_of(0));
    assert_int_equal(flush_count, 2);
    pg_recorder_release(&worker.recorder);
    sync_mode = PG_SYNC_GROUP;
}

static size_t capacity(const struct pg_layout *of, size_t lanes)
{
    struct pg_recorder recorder;
    struct pg_error error;
    assert_int_equal(pg_recorder_init(&recorder, of, lanes, NULL, &error), 0);
    size_t rows = recorder.block.capacity;
    pg_recorder_release(&recorder);
    return rows;
}

/* Rows of a mebibyte: as many as fit in eight, but no fewer than two packs. */
static void test_capacity(void **state)
{
    (void)state;
    struct pg_dimension dims[] = {seed, {.name = "place", .length = (size_t)1 << 17}};
    struct pg_variable wide[3];
    memcpy(wide, variables, sizeof wide);
    wide[VALUE].dim_count = 1;
    wide[VALUE].dims[0] = 1;
    const struct pg_layout wide_layout = {
        .dims = dims, .dim_count = 2, .grid_count = 1, .variables = wide, .variable_count = 3};
    assert_in_range(capacity(&wide_layout, 1), 7, 8);
    assert_int_equal(capacity(&wide_layout, 6), 12);
    assert_int_equal(capacity(&layout, 16), PG_RECORDER_ROWS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_by_one),   cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_no_row_waits), cmocka_unit_test(test_each_by_itself),
        cmocka_unit_test(test_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
