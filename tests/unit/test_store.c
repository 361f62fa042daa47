/* SPDX-License-Identifier: MIT */
/*
 * The results file on one rank: what is written reads back, what is wrong is said, and nothing is
 * left behind. How other programs read it: tests/e2e/test_store_readers.py.
 */
#include <dirent.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
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
#include <zlib.h>

#include <cmocka.h>

#include "store_place.h"

/* Every payload variable, by rows of any first and count: the selection of rows is not a box. */
static void test_round_trip(void **state)
{
    struct place *place = *state;
    struct pg_block expected;
    create_sample(place);
    assert_ok(pg_block_init(&expected, &place->cube.layout, SAMPLE_ROWS, &place->error),
              &place->error);
    for (size_t row = 0; row < SAMPLE_ROWS; row++) {
        if (row < SAMPLE_WRITTEN)
            sample_cube_fill_row(&expected, row, row);
        else
            pg_block_clear_row(&expected, row);
    }
    struct pg_reader *reader = open_reader(place);
    for (size_t v = 0; v < SAMPLE_VARIABLE_COUNT; v++) {
        if (!pg_layout_is_payload(&place->cube.layout, v))
            continue;
        size_t bytes = pg_layout_row_bytes(&place->cube.layout, v);
        for (size_t first = 0; first < SAMPLE_ROWS; first++) {
            for (size_t count = 1; first + count <= SAMPLE_ROWS; count++) {
                unsigned char data[SAMPLE_ROWS * SAMPLE_STEPS * SAMPLE_PLACES * 8];
                assert_ok(pg_reader_rows(reader, v, first, count, data, &place->error),
                          &place->error);
                assert_memory_equal(data, pg_block_at(&expected, v, first), count * bytes);
            }
        }
    }
    pg_reader_close(reader);
    pg_block_release(&expected);
}

/* Blocks of any first and count land where they belong and nowhere else. */
static void test_blocks_land_in_their_rows(void **state)
{
    struct place *place = *state;
    static const struct {
        uint64_t first;
        size_t count;
    } blocks[] = {{3, 1}, {23, 1}, {5, 7}, {13, 9}};
    bool is_written[SAMPLE_ROWS] = {false};
    double embeddings[SAMPLE_ROWS][SAMPLE_STEPS * SAMPLE_PLACES];
    uint8_t statuses[SAMPLE_ROWS];
    create(place);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        write_rows(place, blocks[i].first, blocks[i].count);
        for (size_t k = 0; k < blocks[i].count; k++)
            is_written[blocks[i].first + k] = true;
    }
    struct pg_reader *reader = open_reader(place);
    assert_ok(pg_reader_statuses(reader, statuses, &place->error), &place->error);
    assert_ok(pg_reader_rows(reader, EMBEDDINGS, 0, SAMPLE_ROWS, embeddings, &place->error),
              &place->error);
    pg_reader_close(reader);
    for (size_t row = 0; row < SAMPLE_ROWS; row++) {
        uint8_t written = row == SAMPLE_DIVERGED ? PG_ROW_DIVERGED : PG_ROW_DONE;
        assert_int_equal(statuses[row], is_written[row] ? written : PG_ROW_TODO);
        for (size_t i = 0; i < SAMPLE_STEPS * SAMPLE_PLACES; i++) {
            double value = (double)(100 * row + 10 * (i / 2) + i % 2) + 0.5;
            assert_true(is_written[row] ? embeddings[row][i] == value : isnan(embeddings[row][i]));
        }
    }
}

static void test_layout_comes_back(void **state)
{
    struct place *place = *state;
    create(place);
    struct pg_reader *reader = open_reader(place);
    const struct pg_layout *found = pg_reader_layout(reader), *made = &place->cube.layout;
    assert_int_equal(found->dim_count, SAMPLE_DIM_COUNT);
    assert_int_equal(found->grid_count, SEED + 1);
    assert_int_equal(found->variable_count, SAMPLE_VARIABLE_COUNT);
    for (size_t i = 0; i < SAMPLE_DIM_COUNT; i++) {
        assert_string_equal(found->dims[i].name, made->dims[i].name);
        assert_string_equal(found->dims[i].long_name, made->dims[i].long_name);
        assert_int_equal(found->dims[i].length, made->dims[i].length);
    }
    assert_string_equal(found->dims[OPTIMISER].coordinate.texts[1], "sgd-µ");
    assert_true(found->dims[RATE].coordinate.reals[2] == 1e-1);
    assert_int_equal(found->dims[PAIR].coordinate.integers[1], 1);
    assert_int_equal(found->dims[SEED].coordinate.integers[1], 7);
    for (size_t i = 0; i < SAMPLE_VARIABLE_COUNT; i++) {
        const struct pg_variable *is = &found->variables[i], *was = &made->variables[i];
        assert_string_equal(is->name, was->name);
        assert_int_equal(is->scope, was->scope);
        assert_int_equal(is->dim_count, was->dim_count);
        assert_memory_equal(is->dims, was->dims, was->dim_count * sizeof was->dims[0]);
        assert_int_equal(is->is_volatile, was->is_volatile);
        assert_true(is->texts != NULL || is->type == was->type);
        assert_true(is->fill == was->fill || (isnan(is->fill) && isnan(was->fill)));
        assert_int_equal(is->attribute_count, was->attribute_count);
    }
    pg_reader_close(reader);
}

static void test_attributes_come_back(void **state)
{
    struct place *place = *state;
    char *text = NULL;
    create(place);
    struct pg_reader *reader = open_reader(place);
    const struct pg_variable *variables = pg_reader_layout(reader)->variables;
    assert_string_equal(variables[PHASE].meanings[3], "confusion");
    assert_null(variables[PHASE].meanings[4]);
    assert_string_equal(variables[PHASE].unwritten_meaning, "not_run");
    assert_string_equal(variables[STATUS].meanings[0], "todo");
    assert_null(variables[STATUS].unwritten_meaning);
    assert_null(variables[STEPS_TO_TEST].meanings);
    assert_string_equal(variables[STEPS_TO_TEST].unwritten_meaning, "not_run");
    assert_string_equal(variables[SHAPE].texts[1], "200-200-é");
    assert_string_equal(variables[LOSS].attributes[0].name, "threshold");
    assert_true(variables[LOSS].attributes[0].number == 0.9);
    assert_string_equal(variables[LOSS].attributes[4].text, "see é");
    assert_string_equal(pg_reader_layout(reader)->attributes[2].name, "numerics");
    assert_true(pg_reader_layout(reader)->attributes[2].number == 3);
    assert_ok(pg_reader_text(reader, "job", &text, &place->error), &place->error);
    assert_string_equal(text, place->cube.long_text);
    free(text);
    assert_int_equal(pg_reader_text(reader, "none", &text, &place->error), PG_EMISMATCH);
    assert_says(&place->error, "lacks the root attribute 'none'");
    assert_null(text);
    pg_reader_close(reader);
}

static void test_cell_and_axis_data(void **state)
{
    struct place *place = *state;
    int32_t rows[3 * SAMPLE_SEGMENTS];
    int64_t widths[SAMPLE_PAIRS];
    create(place);
    struct pg_reader *reader = open_reader(place);
    assert_ok(pg_reader_rows(reader, SEGMENT_ROWS, 9, 3, rows, &place->error), &place->error);
    static const int32_t expected[] = {10, 5, 200, 10, 6, 50, 10, 6, 200};
    assert_memory_equal(rows, expected, sizeof expected);
    assert_ok(pg_reader_rows(reader, ENCODER_WIDTH, 0, 1, widths, &place->error), &place->error);
    assert_int_equal(widths[0], 50);
    assert_int_equal(widths[1], 200);
    pg_reader_close(reader);
}

/* The CRC over a row's payload, put together here by hand in the order of the layout. */
static void test_row_crc(void **state)
{
    struct place *place = *state;
    static const size_t payload[] = {LOSS, EMBEDDINGS, PHASE, STEPS_TO_TEST, COUNTS, FINISHED_AT};
    struct pg_block block;
    int64_t crcs[SAMPLE_ROWS];
    create_sample(place);
    struct pg_reader *reader = open_reader(place);
    assert_ok(pg_reader_rows(reader, ROW_CRC, 0, SAMPLE_ROWS, crcs, &place->error), &place->error);
    pg_reader_close(reader);
    assert_ok(pg_block_init(&block, &place->cube.layout, 1, &place->error), &place->error);
    for (size_t row = 0; row < SAMPLE_ROWS; row++) {
        unsigned char bytes[1000];
        size_t used = 0;
        sample_cube_fill_row(&block, 0, row);
        for (size_t i = 0; i < sizeof payload / sizeof payload[0]; i++) {
            size_t size = pg_layout_row_bytes(&place->cube.layout, payload[i]);
            memcpy(bytes + used, pg_block_at(&block, payload[i], 0), size);
            used += size;
        }
        uLong crc = row < SAMPLE_WRITTEN ? crc32(crc32(0, NULL, 0), bytes, (uInt)used) : 0;
        assert_int_equal(crcs[row], crc);
    }
    pg_block_release(&block);
}

/* Statuses follow the data once a second; a reader that stays open sees them. */
static void test_statuses_wait_for_flush(void **state)
{
    struct place *place = *state;
    struct pg_block block;
    uint8_t statuses[SAMPLE_ROWS], done = PG_ROW_DONE;
    create(place);
    struct pg_store *store = open_store(place);
    struct pg_reader *reader = open_reader(place);
    assert_ok(pg_block_init(&block, &place->cube.layout, 1, &place->error), &place->error);
    sample_cube_fill_row(&block, 0, 9);
    block.first_row = 9;
    assert_ok(pg_store_write(store, &block, 0, 1, &done, &place->error), &place->error);
    assert_ok(pg_reader_statuses(reader, statuses, &place->error), &place->error);
    assert_int_equal(statuses[9], PG_ROW_TODO);
    assert_ok(pg_store_flush_due(store, &place->error), &place->error);
    assert_ok(pg_reader_statuses(reader, statuses, &place->error), &place->error);
    assert_int_equal(statuses[9], PG_ROW_TODO);
    (void)usleep(1050000);
    assert_ok(pg_store_flush_due(store, &place->error), &place->error);
    assert_ok(pg_reader_statuses(reader, statuses, &place->error), &place->error);
    assert_int_equal(statuses[9], PG_ROW_DONE);
    pg_block_release(&block);
    pg_reader_close(reader);
    assert_ok(pg_store_close(store, &place->error), &place->error);
}

static void test_close_flushes(void **state)
{
    struct place *place = *state;
    struct pg_block block;
    uint8_t statuses[SAMPLE_ROWS], given[2] = {PG_ROW_FAILED, PG_ROW_DONE};
    create(place);
    struct pg_store *store = open_store(place);
    assert_ok(pg_block_init(&block, &place->cube.layout, 2, &place->error), &place->error);
    pg_block_clear_row(&block, 0);
    sample_cube_fill_row(&block, 1, 4);
    block.first_row = 3;
    assert_ok(pg_store_write(store, &block, 0, 2, given, &place->error), &place->error);
    pg_block_release(&block);
    assert_ok(pg_store_close(store, &place->error), &place->error);
    struct pg_reader *reader = open_reader(place);
    assert_ok(pg_reader_statuses(reader, statuses, &place->error), &place->error);
    pg_reader_close(reader);
    assert_int_equal(statuses[2], PG_ROW_TODO);
    assert_int_equal(statuses[3], PG_ROW_FAILED);
    assert_int_equal(statuses[4], PG_ROW_DONE);
}

/* A second launch finds what the first one did, and clears up what a killed one left. */
static void test_resume(void **state)
{
    struct place *place = *state;
    static const char *const leftovers[] = {
        "x.h5.locktest.0", "x.h5-1234.lock",        "x.h5-1234-56.lock",
        "x.h5.creating-9", "x.h5.owner.claiming-7", "x.h5.checkpoint-00ff-1.writing"};
    static const char *const others[] = {"x.h5.locktest",          "x.h5-12a.lock",
                                         "x.h5-12-.lock",          "y.h5-12.lock",
                                         "x.h5.checkpoint-00ff-1", "x.h5.checkpoint-x-1.writing"};
    uint8_t statuses[SAMPLE_ROWS];
    char path[200];
    create_sample(place);
    for (size_t i = 0; i < 12; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", place->folder,
                       i < 6 ? leftovers[i] : others[i - 6]);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fclose(file);
    }
    struct pg_store *store = open_store(place);
    assert_ok(pg_store_close(store, &place->error), &place->error);
    struct pg_reader *reader = open_reader(place);
    assert_ok(pg_reader_statuses(reader, statuses, &place->error), &place->error);
    pg_reader_close(reader);
    assert_int_equal(statuses[SAMPLE_WRITTEN - 1], PG_ROW_DONE);
    assert_int_equal(statuses[SAMPLE_WRITTEN], PG_ROW_TODO);
    assert_int_equal(count_files(place->folder, false), 1 + 6);
    write_rows(place, SAMPLE_WRITTEN, SAMPLE_ROWS - SAMPLE_WRITTEN);
    reader = open_reader(place);
    assert_ok(pg_reader_statuses(reader, statuses, &place->error), &place->error);
    pg_reader_close(reader);
    for (size_t i = 0; i < SAMPLE_ROWS; i++)
        assert_int_not_equal(statuses[i], PG_ROW_TODO);
}

/* Each change of the job that its file does not have, and what is said about it. */
static void change_value(struct sample_cube *cube)
{
    cube->rates[1] = 0.02;
}
static void change_length(struct sample_cube *cube)
{
    cube->dims[STEP].length = 3;
}
static void change_name(struct sample_cube *cube)
{
    cube->dims[RATE].name = "weight_decay";
}
static void change_text(struct sample_cube *cube)
{
    static const char *const names[] = {"adamw", "sgd"};
    cube->dims[OPTIMISER].coordinate.texts = names;
}
static void change_kind(struct sample_cube *cube)
{
    static const int64_t numbers[] = {1, 2, 3};
    cube->dims[RATE].kind = PG_COORDINATE_INTEGER;
    cube->dims[RATE].coordinate.integers = numbers;
}
static void change_type(struct sample_cube *cube)
{
    cube->variables[LOSS].type = PG_F64;
}
static void change_shape(struct sample_cube *cube)
{
    cube->variables[COUNTS].dims[0] = PLACE;
}
static void add_variable(struct sample_cube *cube)
{
    cube->variables[PHASE].name = "rqi";
}
static void drop_variable(struct sample_cube *cube)
{
    cube->layout.variable_count--;
}
static void drop_axis(struct sample_cube *cube)
{
    cube->layout.grid_count--;
}

static void test_mismatches(void **state)
{
    struct place *place = *state;
    static const struct {
        void (*change)(struct sample_cube *cube);
        const char *expected;
    } cases[] = {
        {change_value, "value 2 of dimension 'learning_rate' is 0.01 in the file, 0.02 in the job"},
        {change_length, "dimension 'step' has length 4 in the file, 3 in the job"},
        {change_name, "dimension 'learning_rate' in the file stands where the job has "
                      "'weight_decay'"},
        {change_text, "value 2 of dimension 'optimiser' is 'sgd-µ' in the file, 'sgd' in the job"},
        {change_kind, "dimension 'learning_rate' is float64 in the file, int64 in the job"},
        {change_type, "variable 'loss' is float32 (optimiser, learning_rate, pair, seed, step) in "
                      "the file, float64 (optimiser, learning_rate, pair, seed, step) in the job"},
        {change_shape, "pair, seed, place) in the job"},
        {add_variable, "the file lacks variable 'rqi' of the job"},
        {drop_variable, "variable 'shape' in the file is not of the job"},
        {drop_axis, "4 axes in the file, 3 in the job"},
    };
    create(place);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sample_cube other;
        struct pg_store *store;
        sample_cube_init(&other);
        cases[i].change(&other);
        assert_int_equal(
            pg_store_open(place->path, &other.layout, MPI_COMM_WORLD, &store, &place->error),
            PG_EMISMATCH);
        assert_null(store);
        assert_says(&place->error, place->path);
        assert_says(&place->error, cases[i].expected);
        sample_cube_release(&other);
    }
}

static void test_digest_same_for_same_content(void **state)
{
    struct place *place = *state;
    char once[65], in_pieces[65];
    create_sample(place);
    digest_of(place, once);
    (void)unlink(place->path);
    create(place);
    for (size_t row = SAMPLE_WRITTEN; row-- > 0;)
        write_rows(place, row, 1);
    digest_of(place, in_pieces);
    assert_string_equal(once, in_pieces);
}

/* Rewrites one element of a variable in the file. */
static void poke(struct place *place, const char *name, hsize_t element, double value)
{
    hid_t file = H5Fopen(place->path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    hsize_t lengths[H5S_MAX_RANK], at[H5S_MAX_RANK];
    int rank = H5Sget_simple_extent_dims(space, lengths, NULL);
    for (int i = rank; i-- > 0;) {
        at[i] = element % lengths[i];
        element /= lengths[i];
    }
    hid_t memory = H5Screate(H5S_SCALAR);
    assert_true(rank == 0 || H5Sselect_elements(space, H5S_SELECT_SET, 1, at) >= 0);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, &value) >= 0);
    assert_true(H5Sclose(memory) >= 0 && H5Sclose(space) >= 0);
    assert_true(H5Dclose(dataset) >= 0 && H5Fclose(file) >= 0);
}

static void test_digest_differs_where_it_should(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *name;
        hsize_t element;
        double value;
        bool differs;
    } cases[] = {
        {"counts", 4 * (SAMPLE_WRITTEN - 1), 18000, true}, /* 19000 */
        {"loss", 4 * SAMPLE_DIVERGED, 5.25, true},         /* rows that diverged count */
        {"learning_rate", 2, 0.2, true},
        {"segment_rows", 1, 2, true},
        {"encoder_width", 0, 51, true},
        {"status", SAMPLE_DIVERGED, PG_ROW_DONE, true},
        {"finished_at", 3, 1.0, false},                 /* volatile */
        {"row_crc", 3, 1.0, false},                     /* covers what is volatile */
        {"counts", 4 * (SAMPLE_WRITTEN + 1), 5, false}, /* not done: half a row may stand there */
        {"provenance/launch_count", 0, 12, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char before[65], after[65];
        create_sample(place);
        digest_of(place, before);
        poke(place, cases[i].name, cases[i].element, cases[i].value);
        digest_of(place, after);
        if ((strcmp(before, after) != 0) != cases[i].differs)
            fail_msg("%s: the digest %s", cases[i].name,
                     cases[i].differs ? "is the same" : "differs");
        (void)unlink(place->path);
    }
}

static void test_digest_knows_names(void **state)
{
    struct place *place = *state;
    char before[65], after[65];
    create_sample(place);
    digest_of(place, before);
    (void)unlink(place->path);
    place->cube.variables[COUNTS].name = "numbers";
    create_sample(place);
    digest_of(place, after);
    assert_string_not_equal(before, after);
}

static void test_size_is_about_right(void **state)
{
    struct place *place = *state;
    struct stat found;
    place->cube.dims[PLACE].length = 2000;
    create(place);
    assert_int_equal(stat(place->path, &found), 0);
    double said = (double)pg_store_size(&place->cube.layout), is = (double)found.st_size;
    assert_true(is <= said && said <= 1.1 * is);
    /* Filled, not only as long as that. */
    assert_true(512.0 * (double)found.st_blocks >= 0.98 * is);
}

static void test_too_large_cube(void **state)
{
    struct place *place = *state;
    place->cube.dims[PLACE].length = (size_t)1 << 52;
    assert_int_equal(pg_store_create(place->path, &place->cube.layout, &place->error), PG_EINPUT);
    assert_says(&place->error, "does not fit the disk");
    assert_says(&place->error, place->path);
    assert_says(&place->error, " EiB for 24 runs, and ");
    assert_says(&place->error, "iB are free");
    assert_int_equal(count_files(place->folder, false), 0);
    place->cube.dims[PLACE].length = (size_t)1 << 62; /* more than 64 bits of bytes */
    assert_int_equal(pg_store_create(place->path, &place->cube.layout, &place->error), PG_EINPUT);
    assert_says(&place->error, "16.0 EiB");
}

/* The disk "fills up" while the file is made: a limit on file size does the same to a write. */
static void test_full_disk_leaves_nothing(void **state)
{
    struct place *place = *state;
    struct rlimit before, small;
    place->cube.dims[PLACE].length = 20000;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4 << 20;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int status = pg_store_create(place->path, &place->cube.layout, &place->error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, PG_EMACHINE);
    assert_says(&place->error, " MiB: File too large");
    assert_int_equal(count_files(place->folder, false), 0);
    place->cube.dims[PLACE].length = SAMPLE_PLACES; /* and the next attempt works */
    create_sample(place);
}

static void test_folders_that_cannot_be_used(void **state)
{
    struct place *place = *state;
    assert_int_equal(pg_store_create("/nonexistent/x.h5", &place->cube.layout, &place->error),
                     PG_EMACHINE);
    assert_says(&place->error, "folder '/nonexistent': No such file or directory");
    assert_int_equal(pg_store_create("/proc/x.h5", &place->cube.layout, &place->error),
                     PG_EINPUT); /* a file system without room */
    assert_says(&place->error, "0 bytes are free in '/proc'");
}

static void test_folder_without_permission(void **state)
{
    enum { NOBODY = 65534 };
    struct place *place = *state;
    bool is_root = geteuid() == 0; /* root may write anywhere: it steps down meanwhile */
    assert_int_equal(chmod(place->folder, 0555), 0);
    assert_int_equal(is_root ? seteuid(NOBODY) : 0, 0);
    int status = pg_store_create(place->path, &place->cube.layout, &place->error);
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    (void)chmod(place->folder, 0700);
    assert_int_equal(status, PG_EMACHINE);
    assert_says(&place->error, "Permission denied");
}

static void test_existing_file_is_kept(void **state)
{
    struct place *place = *state;
    char before[65], after[65];
    create_sample(place);
    digest_of(place, before);
    assert_int_equal(pg_store_create(place->path, &place->cube.layout, &place->error), PG_EINPUT);
    assert_says(&place->error, "File exists");
    digest_of(place, after);
    assert_string_equal(before, after);
    assert_int_equal(count_files(place->folder, false), 1);
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void assert_refused(struct place *place, int status, const char *expected)
{
    struct pg_reader *reader;
    struct pg_store *store;
    assert_int_equal(pg_reader_open(place->path, &reader, &place->error), status);
    assert_null(reader);
    assert_says(&place->error, place->path);
    assert_says(&place->error, expected);
    assert_int_equal(
        pg_store_open(place->path, &place->cube.layout, MPI_COMM_WORLD, &store, &place->error),
        status);
    assert_null(store);
    assert_says(&place->error, expected);
}

static void test_files_that_are_none(void **state)
{
    struct place *place = *state;
    assert_refused(place, PG_EINPUT, "No such file or directory");
    write_bytes(place->path, "", 0);
    assert_refused(place, PG_EMISMATCH, "is empty");
    write_bytes(place->path, "title: a job\n", 13);
    assert_refused(place, PG_EMISMATCH, "is not an HDF5 file");
    (void)unlink(place->path);
    create_sample(place);
    assert_int_equal(truncate(place->path, 50000), 0);
    assert_refused(place, PG_EMISMATCH, "is truncated: 50000 of its ");
    (void)unlink(place->path);
    assert_int_equal(mkfifo(place->path, 0600), 0);
    assert_refused(place, PG_EINPUT, "no regular file");
    (void)unlink(place->path);
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_refused(place, PG_EINPUT, "is a folder");
    assert_int_equal(rmdir(place->path), 0);
}

static void test_foreign_file(void **state)
{
    struct place *place = *state;
    hid_t file = H5Fcreate(place->path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0 && H5Fclose(file) >= 0);
    assert_refused(place, PG_EMISMATCH, "not one of phasegrid's");
}

/* Our file, with a part taken away by other hands. */
static void test_file_with_missing_parts(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *name, *expected;
    } cases[] = {{"status", "variable 1 is 'row_crc'; expected status, uint8 per run"},
                 {"learning_rate", "dimension 2 is 'pair'; expected 'learning_rate'"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        create(place);
        hid_t file = H5Fopen(place->path, H5F_ACC_RDWR, H5P_DEFAULT);
        assert_true(H5Ldelete(file, cases[i].name, H5P_DEFAULT) >= 0 && H5Fclose(file) >= 0);
        assert_refused(place, PG_EMISMATCH, cases[i].expected);
        (void)unlink(place->path);
    }
}

static int64_t read_number(struct place *place, const char *name, hsize_t index)
{
    int64_t values[1024] = {0};
    hid_t file = H5Fopen(place->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    assert_true(H5Dclose(dataset) >= 0 && H5Fclose(file) >= 0);
    return values[index];
}

/* 1,024 rows: the first half stays, launch 1024 stands in row 512, 1535 in 1023, 1536 in 512. */
static void test_launches_reuse_the_second_half(void **state)
{
    struct place *place = *state;
    static const struct pg_launch launch = {.version = "1", .started = 1.0};
    static const struct pg_launch_end end = {2.0, "done", 7};
    static const struct {
        int64_t number;
        hsize_t row;
    } stands[] = {{0, 0}, {511, 511}, {1536, 512}, {1025, 513}, {1535, 1023}};
    create(place);
    assert_int_equal(read_number(place, "provenance/number", 0), -1);
    struct pg_store *store = open_store(place);
    for (int i = 0; i < 1537; i++)
        assert_ok(pg_store_launch_begin(store, &launch, &place->error), &place->error);
    assert_ok(pg_store_launch_end(store, &end, &place->error), &place->error);
    assert_ok(pg_store_close(store, &place->error), &place->error);
    assert_int_equal(read_number(place, "provenance/launch_count", 0), 1537);
    for (size_t i = 0; i < sizeof stands / sizeof stands[0]; i++)
        assert_int_equal(read_number(place, "provenance/number", stands[i].row), stands[i].number);
    assert_int_equal(read_number(place, "provenance/ended", 512), 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_blocks_land_in_their_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_layout_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attributes_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cell_and_axis_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_row_crc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_statuses_wait_for_flush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_close_flushes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_resume, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mismatches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digest_same_for_same_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digest_differs_where_it_should, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digest_knows_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_is_about_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_large_cube, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folders_that_cannot_be_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder_without_permission, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_existing_file_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_with_missing_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_launches_reuse_the_second_half, set_up, tear_down),
    };
    (void)MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
    (void)MPI_Finalize();
    return failed;
}
