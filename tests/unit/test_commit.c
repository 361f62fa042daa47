/* SPDX-License-Identifier: MIT */
/*
 * The order of a commit, seen from the disk: whenever the store asks for its data to be put there,
 * the payload of the rows is in the file and their statuses are not; and when the disk says no,
 * they never come.
 */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_place.h"

enum { ROW = 7, SYNCS_MAX = 16 };

/* What the file held of row ROW at each fdatasync. */
static struct watch {
    int fd;
    off_t status_at, embeddings_at;
    bool fails;
    int count;
    uint8_t statuses[SYNCS_MAX];
    double embeddings[SYNCS_MAX][SAMPLE_STEPS * SAMPLE_PLACES];
} watch;

int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
    (void)fd;
    assert_in_range(watch.count, 0, SYNCS_MAX - 1);
    if (watch.fd >= 0) {
        assert_int_equal(pread(watch.fd, &watch.statuses[watch.count], 1, watch.status_at), 1);
        assert_int_equal(pread(watch.fd, watch.embeddings[watch.count], sizeof watch.embeddings[0],
                               watch.embeddings_at),
                         sizeof watch.embeddings[0]);
    }
    watch.count++;
    errno = EIO;
    return watch.fails ? -1 : 0;
}

static off_t place_in_file(hid_t file, const char *name, size_t row_bytes)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(dataset >= 0);
    haddr_t offset = H5Dget_offset(dataset);
    assert_true(offset != HADDR_UNDEF && H5Dclose(dataset) >= 0);
    return (off_t)(offset + ROW * row_bytes);
}

/* Creates the file, opens it for writing in this mode and for watching. */
static struct pg_store *begin(struct place *place, enum pg_sync sync)
{
    create(place);
    hid_t file = H5Fopen(place->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    memset(&watch, 0, sizeof watch);
    watch.status_at = place_in_file(file, "status", 1);
    watch.embeddings_at =
        place_in_file(file, place->cube.variables[EMBEDDINGS].name, sizeof watch.embeddings[0]);
    assert_true(H5Fclose(file) >= 0);
    watch.fd = open(place->path, O_RDONLY | O_CLOEXEC);
    assert_true(watch.fd >= 0);
    struct pg_store *store = open_store(place);
    pg_store_set_sync(store, sync);
    return store;
}

static int write_row(struct place *place, struct pg_store *store)
{
    struct pg_block block;
    uint8_t done = PG_ROW_DONE;
    assert_ok(pg_block_init(&block, &place->cube.layout, 1, &place->error), &place->error);
    sample_cube_fill_row(&block, 0, ROW);
    block.first_row = ROW;
    int status = pg_store_write(store, &block, 0, 1, &done, &place->error);
    pg_block_release(&block);
    return status;
}

static uint8_t status_now(void)
{
    uint8_t status = 255;
    assert_int_equal(pread(watch.fd, &status, 1, watch.status_at), 1);
    return status;
}

/* At the first fdatasync: payload, no status. */
static void assert_payload_came_first(struct place *place)
{
    struct pg_block block;
    assert_true(watch.count > 0);
    assert_int_equal(watch.statuses[0], PG_ROW_TODO);
    assert_ok(pg_block_init(&block, &place->cube.layout, 1, &place->error), &place->error);
    sample_cube_fill_row(&block, 0, ROW);
    assert_memory_equal(watch.embeddings[0], pg_block_at(&block, EMBEDDINGS, 0),
                        sizeof watch.embeddings[0]);
    pg_block_release(&block);
}

static void end(struct place *place, struct pg_store *store)
{
    assert_ok(pg_store_close(store, &place->error), &place->error);
    (void)close(watch.fd);
    watch.fd = -1;
}

static void test_each_run(void **state)
{
    struct place *place = *state;
    struct pg_store *store = begin(place, PG_SYNC_RUN);
    assert_ok(write_row(place, store), &place->error);
    assert_int_equal(watch.count, 1);
    assert_payload_came_first(place);
    assert_int_equal(status_now(), PG_ROW_DONE);
    end(place, store);
}

static void test_in_groups(void **state)
{
    struct place *place = *state;
    struct pg_store *store = begin(place, PG_SYNC_GROUP);
    assert_ok(write_row(place, store), &place->error);
    assert_ok(pg_store_flush(store, &place->error), &place->error);
    assert_int_equal(watch.count, 1);
    assert_payload_came_first(place);
    assert_int_equal(status_now(), PG_ROW_DONE);
    end(place, store);
}

static void test_never(void **state)
{
    struct place *place = *state;
    struct pg_store *store = begin(place, PG_SYNC_NONE);
    assert_ok(write_row(place, store), &place->error);
    assert_ok(pg_store_flush(store, &place->error), &place->error);
    assert_int_equal(status_now(), PG_ROW_DONE);
    end(place, store);
    assert_int_equal(watch.count, 0);
}

/* The system tells of a lost write once; the next fdatasync succeeds and proves nothing. */
static void test_disk_that_fails(void **state)
{
    struct place *place = *state;
    struct pg_store *store = begin(place, PG_SYNC_RUN);
    watch.fails = true;
    assert_int_equal(write_row(place, store), PG_EMACHINE);
    assert_says(&place->error, "x.h5' to disk: Input/output error");
    watch.fails = false;
    assert_ok(pg_store_flush(store, &place->error), &place->error);
    assert_int_equal(status_now(), PG_ROW_TODO);
    assert_ok(pg_store_close(store, &place->error), &place->error);
    assert_int_equal(status_now(), PG_ROW_TODO);
    (void)close(watch.fd);
    watch.fd = -1;
}

/* Forgetting is on disk before anything is written over. */
static void test_forgotten_row(void **state)
{
    struct place *place = *state;
    const uint64_t row = ROW;
    struct pg_store *store = begin(place, PG_SYNC_RUN);
    assert_ok(write_row(place, store), &place->error);
    int before = watch.count;
    assert_ok(pg_store_forget(store, &row, 1, &place->error), &place->error);
    assert_int_equal(watch.count, before + 1);
    assert_int_equal(watch.statuses[before], PG_ROW_TODO);
    end(place, store);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_never, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disk_that_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgotten_row, set_up, tear_down),
    };
    watch.fd = -1;
    (void)MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests_name("commit", tests, NULL, NULL);
    (void)MPI_Finalize();
    return failed;
}
