/* SPDX-License-Identifier: MIT */
/*
 * What is damaged in a results file is found where it is: one byte after the other is changed at a
 * place that HDF5 itself names. And two files are compared, also where one has grown.
 */
#include <fcntl.h>
#include <hdf5.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "phasegrid/comparison.h"
#include "phasegrid/frame.h"
#include "phasegrid/row_check.h"
#include "store_place.h"

static void write_rows_to(const char *path, const struct pg_layout *layout, uint64_t first,
                          size_t count)
{
    struct pg_error error;
    struct pg_store *store = NULL;
    assert_ok(pg_store_open(path, layout, MPI_COMM_WORLD, &store, &error), &error);
    assert_ok(sample_cube_write(store, layout, first, count, &error), &error);
    assert_ok(pg_store_close(store, &error), &error);
}

/* Rows 0 .. SAMPLE_WRITTEN - 1 are finished, one of them diverged. */
static int set_up_sample(void **state)
{
    if (set_up(state) != 0)
        return -1;
    create_sample(*state);
    return 0;
}

/* Where the raw data of a dataset begin. */
static off_t offset_of(const char *path, const char *name)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    haddr_t offset = H5Dget_offset(dataset);
    assert_true(offset != HADDR_UNDEF);
    H5Dclose(dataset);
    H5Fclose(file);
    return (off_t)offset;
}

static void flip(const char *path, off_t at, uint8_t mask)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static void check(struct place *place, struct pg_row_check *ret_check)
{
    struct pg_reader *reader;
    assert_ok(pg_reader_open(place->path, &reader, &place->error), &place->error);
    assert_ok(pg_reader_check(reader, ret_check, &place->error), &place->error);
    pg_reader_close(reader);
}

/* `row` alone has the fault; SAMPLE_ROWS: no row has. */
static void assert_fault(struct place *place, uint64_t row, enum pg_row_fault fault)
{
    struct pg_row_check found;
    check(place, &found);
    for (uint64_t i = 0; i < SAMPLE_ROWS; i++)
        assert_int_equal(found.faults[i], i == row ? fault : PG_FAULT_NONE);
    assert_int_equal(pg_row_check_fault_count(&found), row < SAMPLE_ROWS);
    pg_row_check_release(&found);
}

static void test_sound(void **state)
{
    struct place *place = *state;
    struct pg_row_check found;
    check(place, &found);
    assert_int_equal(found.row_count, SAMPLE_ROWS);
    assert_int_equal(found.remains, 0);
    for (uint64_t row = 0; row < SAMPLE_ROWS; row++)
        assert_int_equal(found.statuses[row], row >= SAMPLE_WRITTEN    ? PG_ROW_TODO
                                              : row == SAMPLE_DIVERGED ? PG_ROW_DIVERGED
                                                                       : PG_ROW_DONE);
    pg_row_check_release(&found);
    assert_fault(place, SAMPLE_ROWS, PG_FAULT_NONE);
}

/* The first and the last byte of the first, the diverged and the last finished row. */
static void test_every_payload_variable(void **state)
{
    struct place *place = *state;
    static const uint64_t rows[] = {0, SAMPLE_DIVERGED, SAMPLE_WRITTEN - 1};
    for (size_t v = 0; v < SAMPLE_VARIABLE_COUNT; v++) {
        if (!pg_layout_is_payload(&place->cube.layout, v))
            continue;
        off_t begin = offset_of(place->path, place->cube.variables[v].name);
        size_t bytes = pg_layout_row_bytes(&place->cube.layout, v);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            for (int is_last = 0; is_last < 2; is_last++) {
                off_t at = begin + (off_t)(rows[i] * bytes + (is_last ? bytes - 1 : 0));
                flip(place->path, at, (uint8_t)(1 << (v % 8)));
                assert_fault(place, rows[i], PG_FAULT_CRC);
                flip(place->path, at, (uint8_t)(1 << (v % 8)));
            }
    }
}

static void test_crc_and_status(void **state)
{
    struct place *place = *state;
    off_t crcs = offset_of(place->path, "row_crc"), statuses = offset_of(place->path, "status");
    flip(place->path, crcs + 8 * 3 + 5, 0x10); /* a byte that is 0 in every CRC */
    assert_fault(place, 3, PG_FAULT_CRC);
    flip(place->path, crcs + 8 * 3 + 5, 0x10);
    for (int bit = 2; bit < 8; bit++) {
        flip(place->path, statuses + 3, (uint8_t)(1 << bit));
        assert_fault(place, 3, PG_FAULT_STATUS);
        flip(place->path, statuses + 3, (uint8_t)(1 << bit));
    }
}

/* As a killed launch leaves them: data without a status (whole), and half of a row. */
static void test_remains_are_no_damage(void **state)
{
    struct place *place = *state;
    struct pg_row_check found;
    off_t loss = offset_of(place->path, "loss");
    flip(place->path, offset_of(place->path, "status") + 3, PG_ROW_DONE);
    flip(place->path, loss + (off_t)((SAMPLE_WRITTEN + 1) * SAMPLE_STEPS * sizeof(float)), 1);
    check(place, &found);
    assert_int_equal(found.remains, 2);
    assert_int_equal(found.whole_remains, 1);
    assert_int_equal(pg_row_check_fault_count(&found), 0);
    pg_row_check_release(&found);
}

/* ---- outside of the rows ---- */

static int check_frame(struct place *place)
{
    struct pg_reader *reader;
    assert_ok(pg_reader_open(place->path, &reader, &place->error), &place->error);
    int status = pg_reader_check_frame(reader, &place->cube.layout, &place->error);
    pg_reader_close(reader);
    return status;
}

static void test_frame(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *name, *said;
        off_t at;
    } damages[] = {
        {"learning_rate", "value 2 of dimension 'learning_rate'", 8},
        {"seed", "value 1 of dimension 'seed' is 2 in the file, 3", 0},
        {"pair", "value 2 of dimension 'pair' is 0 in the file, 1", 8},
        {"segment_rows", "segment_rows (segment 'decoder.0.weight') is 0 in the file, 1", 4},
        {"encoder_width", "encoder_width (pair 0) is 51 in the file, 50", 0},
        {"decoder_lr", "decoder_lr (pair 1) is ", 8},
    };
    assert_ok(check_frame(place), &place->error);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        off_t at = offset_of(place->path, damages[i].name) + damages[i].at;
        flip(place->path, at, 1);
        assert_int_equal(check_frame(place), PG_EMISMATCH);
        assert_says(&place->error, "is damaged outside of its rows");
        assert_says(&place->error, damages[i].said);
        flip(place->path, at, 1);
    }
    assert_ok(check_frame(place), &place->error);
}

/* Where `text` stands in the file. */
static off_t find_text(const char *path, const char *text)
{
    FILE *stream = fopen(path, "rb");
    char window[64] = "";
    size_t length = strlen(text);
    off_t at = 0;
    assert_non_null(stream);
    while (fseek(stream, at, SEEK_SET) == 0 && fread(window, 1, length, stream) == length &&
           memcmp(window, text, length) != 0)
        at++;
    (void)fclose(stream);
    assert_memory_equal(window, text, length);
    return at;
}

static void test_texts(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *text, *said;
    } damages[] = {
        {"A sample:", "attribute 'title' of the file"},
        {"comprehension grokking", "attribute 'flag_meanings' of 'phase'"},
        {"Training loss", "attribute 'long_name' of 'loss'"},
        {"200-200-", "value 2 of 'shape'"},
        {"sgd-", "value 2 of dimension 'optimiser'"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        off_t at = find_text(place->path, damages[i].text) + 2;
        flip(place->path, at, 1);
        assert_int_equal(check_frame(place), PG_EMISMATCH);
        assert_says(&place->error, damages[i].said);
        flip(place->path, at, 1);
    }
}

/* A text that the job's layout does not give (the job file, a title) is covered all the same. */
static void test_text_of_nobody(void **state)
{
    struct place *place = *state;
    place->cube.layout.attribute_count = 1;
    assert_ok(check_frame(place), &place->error);
    flip(place->path, find_text(place->path, "A sample:"), 1);
    assert_int_equal(check_frame(place), PG_EMISMATCH);
    assert_says(&place->error, "frame_crc does not fit");
}

/* Words that a later version would choose otherwise are no damage; another layout is told as such.
 */
static void test_another_version(void **state)
{
    struct place *place = *state;
    place->cube.variables[LOSS].long_name = "Loss over the training set";
    place->cube.attributes[1].text = "Another title";
    assert_ok(check_frame(place), &place->error);
    place->cube.variables[LOSS].name = "train_loss";
    assert_int_equal(check_frame(place), PG_EMISMATCH);
    assert_says(&place->error, "is as it was written, but this version");
    assert_says(&place->error, "lacks variable 'train_loss'");
}

/* ---- two files ---- */

static void compare(struct place *place, const uint64_t *rows, struct pg_comparison *ret)
{
    struct pg_reader *a, *b;
    assert_ok(pg_reader_open(place->path, &a, &place->error), &place->error);
    assert_ok(pg_reader_open(place->other, &b, &place->error), &place->error);
    assert_ok(pg_reader_compare(a, b, rows, ret, &place->error), &place->error);
    pg_reader_close(a);
    pg_reader_close(b);
}

static void test_compare(void **state)
{
    struct place *place = *state;
    struct pg_comparison found;
    assert_ok(pg_store_create(place->other, &place->cube.layout, &place->error), &place->error);
    write_rows_to(place->other, &place->cube.layout, 0, SAMPLE_WRITTEN);
    compare(place, NULL, &found);
    assert_int_equal(found.rows, SAMPLE_ROWS);
    assert_int_equal(found.differing, 0);
    off_t finished_at = offset_of(place->other, "finished_at");
    flip(place->other, finished_at + 8 * 2, 1); /* volatile: may differ */
    flip(place->other, offset_of(place->other, "embeddings") + (11 * 8 + 7) * 8 + 7, 0x80);
    flip(place->other, offset_of(place->other, "phase") + 9, 1);
    flip(place->other, offset_of(place->other, "loss") + 22 * 4 * 4, 1); /* to do in both */
    compare(place, NULL, &found);
    assert_int_equal(found.differing, 2);
    assert_int_equal(found.unfinished, 0);
    assert_int_equal(found.first, 9);
    assert_string_equal(found.difference.place, "phase");
    assert_string_equal(found.difference.a, "1 (grokking)");
    assert_string_equal(found.difference.b, "0 (comprehension)");
    flip(place->other, offset_of(place->other, "phase") + 9, 1);
    compare(place, NULL, &found);
    assert_int_equal(found.first, 11);
    assert_string_equal(found.difference.place, "embeddings (step 1000, place 1)");
    assert_string_equal(found.difference.a, "1131.5");
    assert_string_equal(found.difference.b, "-1131.5");
    write_rows_to(place->other, &place->cube.layout, SAMPLE_WRITTEN, 1);
    compare(place, NULL, &found);
    assert_int_equal(found.unfinished, 1);
    assert_int_equal(found.differing, 2);
}

enum { GROWN_SEEDS = 3, GROWN_PLACES = 3 };

/* A cube with one seed more, the new one in front, and one place more. */
static void grow(struct sample_cube *cube)
{
    static const int64_t seeds[GROWN_SEEDS] = {1, 3, 7};
    sample_cube_init(cube);
    cube->dims[SEED].length = GROWN_SEEDS;
    cube->dims[SEED].coordinate.integers = seeds;
    cube->dims[PLACE].length = GROWN_PLACES;
}

static uint64_t grown_row(uint64_t row)
{
    return row / SAMPLE_SEEDS * GROWN_SEEDS + 1 + row % SAMPLE_SEEDS;
}

/* The row of the small cube, with its embeddings in the grown one's places. */
static void write_grown(struct place *place, const struct pg_layout *layout)
{
    struct pg_block block;
    struct pg_store *store = NULL;
    const uint8_t done = PG_ROW_DONE, diverged = PG_ROW_DIVERGED;
    assert_ok(pg_block_init(&block, layout, 1, &place->error), &place->error);
    assert_ok(pg_store_open(place->other, layout, MPI_COMM_WORLD, &store, &place->error),
              &place->error);
    for (uint64_t row = 0; row < SAMPLE_WRITTEN; row++) {
        pg_block_clear_row(&block, 0);
        sample_cube_fill_row(&block, 0, row);
        double *embeddings = pg_block_at(&block, EMBEDDINGS, 0);
        for (size_t i = SAMPLE_STEPS; i-- > 0;) {
            embeddings[GROWN_PLACES * i + 2] = PG_NAN;
            for (size_t k = SAMPLE_PLACES; k-- > 0;)
                embeddings[GROWN_PLACES * i + k] = embeddings[SAMPLE_PLACES * i + k];
        }
        block.first_row = grown_row(row);
        assert_ok(pg_store_write(store, &block, 0, 1, row == SAMPLE_DIVERGED ? &diverged : &done,
                                 &place->error),
                  &place->error);
    }
    assert_ok(pg_store_close(store, &place->error), &place->error);
    pg_block_release(&block);
}

static void test_compare_with_a_grown_file(void **state)
{
    struct place *place = *state;
    struct sample_cube grown;
    struct pg_comparison found;
    uint64_t rows[SAMPLE_ROWS];
    grow(&grown);
    for (uint64_t row = 0; row < SAMPLE_ROWS; row++)
        rows[row] = grown_row(row);
    assert_ok(pg_store_create(place->other, &grown.layout, &place->error), &place->error);
    write_grown(place, &grown.layout);
    compare(place, rows, &found);
    assert_int_equal(found.differing, 0);
    /* Run 6: step 10, place 2, which the small cube does not have and which must be fill. */
    off_t row = offset_of(place->other, "embeddings") +
                (off_t)(grown_row(6) * SAMPLE_STEPS * GROWN_PLACES * sizeof(double));
    flip(place->other, row + 8 * (GROWN_PLACES + 2) + 7, 0x80);
    compare(place, rows, &found);
    assert_int_equal(found.differing, 1);
    assert_int_equal(found.first, 6);
    assert_string_equal(found.difference.place, "embeddings (step 10, place 2)");
    sample_cube_release(&grown);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_sample, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sound),          TEST(test_every_payload_variable),
        TEST(test_crc_and_status), TEST(test_remains_are_no_damage),
        TEST(test_frame),          TEST(test_texts),
        TEST(test_text_of_nobody), TEST(test_another_version),
        TEST(test_compare),        TEST(test_compare_with_a_grown_file),
    };
    MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
