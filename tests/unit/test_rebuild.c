/* SPDX-License-Identifier: MIT */
/*
 * Files made from others. Every value is a function of the coordinates that it stands at, so that
 * what must stand where follows from them, however the grids and lengths differ.
 */
#include <dirent.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "phasegrid/store.h"

enum { RATE, SEED, STEP, PLACE, NAME, DIMS };
enum { STATUS, ROW_CRC, LOSS, SHAPED, NAMED, COST, CORE, VARIABLES };
enum { ROWS_MAX = 64, NO_CORE = 9 };

/* A file: its grid and lengths, and which of its rows have which status. */
struct file {
    const char *name;
    double rates[4];
    int64_t seeds[4];
    const char *names[4]; /* along the text dimension */
    size_t rate_count, seed_count, place_count, name_count;
    bool has_core;
    uint8_t statuses[ROWS_MAX];
    double cost; /* of every row: volatile */
};

static const struct file small = {
    .name = "small.h5",
    .rates = {0.1, 0.2},
    .seeds = {5, 3},
    .names = {"b", "a"},
    .rate_count = 2,
    .seed_count = 2,
    .place_count = 2,
    .name_count = 2,
    .statuses = {PG_ROW_DONE, PG_ROW_DIVERGED, PG_ROW_FAILED, PG_ROW_TODO},
    .cost = 1.0};

/* Seeds behind, a rate in front, longer dimensions, names in another order, a variable more. */
static const struct file large = {.name = "large.h5",
                                  .rates = {0.4, 0.1, 0.2},
                                  .seeds = {5, 3, 8},
                                  .names = {"a", "c", "b"},
                                  .rate_count = 3,
                                  .seed_count = 3,
                                  .place_count = 3,
                                  .name_count = 3,
                                  .has_core = true};

struct shape {
    struct pg_dimension dims[DIMS];
    struct pg_variable variables[VARIABLES];
    struct pg_layout layout;
};

static const int64_t steps[] = {0, 10, 100};

static void describe(const struct file *file, struct shape *shape)
{
    static const char *const statuses[] = {"todo", "done", "diverged", "failed", NULL};
    *shape = (struct shape){
        .dims = {[RATE] = {"rate",
                           NULL,
                           NULL,
                           file->rate_count,
                           PG_COORDINATE_REAL,
                           {.reals = file->rates}},
                 [SEED] = {"seed",
                           NULL,
                           NULL,
                           file->seed_count,
                           PG_COORDINATE_INTEGER,
                           {.integers = file->seeds}},
                 [STEP] = {"step", NULL, NULL, 3, PG_COORDINATE_INTEGER, {.integers = steps}},
                 [PLACE] =
                     {"place", NULL, NULL, file->place_count, PG_COORDINATE_INDEX, {.reals = NULL}},
                 [NAME] = {"name",
                           NULL,
                           NULL,
                           file->name_count,
                           PG_COORDINATE_TEXT,
                           {.texts = file->names}}},
        .variables =
            {[STATUS] = {.name = "status", .meanings = statuses},
             [ROW_CRC] = {.name = "row_crc", .type = PG_I64, .is_volatile = true, .fill = -1},
             [LOSS] =
                 {.name = "loss", .type = PG_F32, .dim_count = 1, .dims = {STEP}, .fill = PG_NAN},
             [SHAPED] = {.name = "shaped",
                         .type = PG_F64,
                         .dim_count = 3,
                         .dims = {STEP, PLACE, NAME},
                         .fill = PG_NAN},
             [NAMED] =
                 {.name = "named", .type = PG_I32, .dim_count = 1, .dims = {NAME}, .fill = -2},
             [COST] = {.name = "cost", .type = PG_F64, .fill = PG_NAN, .is_volatile = true},
             [CORE] = {.name = "core", .fill = 255, .is_volatile = true}},
    };
    shape->layout = (struct pg_layout){.dims = shape->dims,
                                       .dim_count = DIMS,
                                       .grid_count = 2,
                                       .variables = shape->variables,
                                       .variable_count = file->has_core ? VARIABLES : CORE};
}

/* ---- what stands at coordinates ---- */

static double value_at(double rate, int64_t seed, size_t step, size_t place, const char *name)
{
    return 1000.0 * rate + (double)seed + 0.01 * (double)step + 0.001 * (double)place +
           (name != NULL ? (double)name[0] : 0.0);
}

static void fill_row(const struct file *file, struct pg_block *block, size_t index, uint64_t row)
{
    double rate = file->rates[row / file->seed_count];
    int64_t seed = file->seeds[row % file->seed_count];
    float *loss = pg_block_at(block, LOSS, index);
    double *shaped = pg_block_at(block, SHAPED, index);
    int32_t *named = pg_block_at(block, NAMED, index);
    for (size_t s = 0; s < 3; s++) {
        loss[s] = (float)value_at(rate, seed, s, 0, NULL);
        for (size_t p = 0; p < file->place_count; p++)
            for (size_t n = 0; n < file->name_count; n++)
                *shaped++ = value_at(rate, seed, s, p, file->names[n]);
    }
    for (size_t n = 0; n < file->name_count; n++)
        named[n] = (int32_t)value_at(rate, seed, 0, 0, file->names[n]);
    *(double *)pg_block_at(block, COST, index) = file->cost;
}

/* ---- files ---- */

struct place {
    char folder[64];
    struct pg_error error;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    *state = place;
    if (place == NULL)
        return -1;
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/test_rebuild.XXXXXX");
    return mkdtemp(place->folder) == NULL || chdir(place->folder) != 0 ? -1 : 0;
}

static int count_files(bool remove_them)
{
    DIR *entries = opendir(".");
    const struct dirent *entry;
    int count = 0;
    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL) {
        count += entry->d_name[0] != '.';
        if (remove_them && entry->d_name[0] != '.')
            (void)unlink(entry->d_name);
    }
    (void)closedir(entries);
    return count;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    (void)count_files(true);
    (void)chdir("/");
    (void)rmdir(place->folder);
    free(place);
    return 0;
}

static void assert_ok(int status, const struct pg_error *error)
{
    if (status != 0)
        fail_msg("status %d: %s", status, error->text);
}

static void assert_says(const struct place *place, const char *expected)
{
    if (strstr(place->error.text, expected) == NULL)
        fail_msg("expected \"...%s...\", found \"%s\"", expected, place->error.text);
}

static const struct pg_launch launch = {"0.1", "abc", "here", "cpu", "avx2", "", 3, 17.0, 5, 600};

/* Writes the rows that have a status; of those to do, data without one, as a kill leaves it. */
static void make(struct place *place, const struct file *file, int launches)
{
    struct shape shape;
    struct pg_store *store = NULL;
    struct pg_block block;
    describe(file, &shape);
    size_t rows = (size_t)pg_layout_row_count(&shape.layout);
    assert_ok(pg_store_create(file->name, &shape.layout, &place->error), &place->error);
    assert_ok(pg_store_open(file->name, &shape.layout, MPI_COMM_SELF, &store, &place->error),
              &place->error);
    assert_ok(pg_block_init(&block, &shape.layout, rows, &place->error), &place->error);
    for (size_t i = 0; i < rows; i++) {
        pg_block_clear_row(&block, i);
        fill_row(file, &block, i, i);
    }
    assert_ok(pg_store_write(store, &block, 0, rows, file->statuses, &place->error), &place->error);
    const struct pg_launch_end end = {18.0, file->name, 6};
    for (int i = 0; i < launches; i++) {
        assert_ok(pg_store_launch_begin(store, &launch, &place->error), &place->error);
        assert_ok(pg_store_launch_end(store, &end, &place->error), &place->error);
    }
    assert_ok(pg_store_close(store, &place->error), &place->error);
    pg_block_release(&block);
}

static struct pg_reader *open_reader(struct place *place, const char *path)
{
    struct pg_reader *reader = NULL;
    assert_ok(pg_reader_open(path, &reader, &place->error), &place->error);
    return reader;
}

/* Where the rows of `file` stand in `to`. */
static void map_rows(const struct file *file, const struct file *to, uint64_t *rows)
{
    for (size_t r = 0; r < file->rate_count; r++)
        for (size_t s = 0; s < file->seed_count; s++) {
            size_t rate = 0, seed = 0;
            while (memcmp(&to->rates[rate], &file->rates[r], sizeof(double)) != 0)
                rate++;
            while (to->seeds[seed] != file->seeds[s])
                seed++;
            rows[r * file->seed_count + s] = rate * to->seed_count + seed;
        }
}

static const struct pg_attribute missing[] = {{"core", NULL, NO_CORE}};

/* Rebuilds `to` at `path` from files; returns the status. */
static int rebuild(struct place *place, const char *path, const struct file *to,
                   const struct file *const *files, size_t count, bool replaces)
{
    struct shape shape;
    struct pg_row_origin origins[4];
    uint64_t rows[4][ROWS_MAX];
    describe(to, &shape);
    for (size_t i = 0; i < count; i++) {
        map_rows(files[i], to, rows[i]);
        origins[i] =
            (struct pg_row_origin){open_reader(place, files[i]->name), rows[i], missing, 1};
    }
    const struct pg_rebuilding rebuilding = {path,     &shape.layout, origins,  count,
                                             replaces, &launch,       "rebuilt"};
    int status = pg_store_rebuild(&rebuilding, &place->error);
    for (size_t i = 0; i < count; i++)
        pg_reader_close(origins[i].reader);
    return status;
}

/* ---- what must stand in the new file ---- */

static bool has_name(const struct file *file, const char *name)
{
    for (size_t i = 0; i < file->name_count; i++)
        if (strcmp(file->names[i], name) == 0)
            return true;
    return false;
}

/* The row as it must be: the origin's values at their coordinates, fill around them. */
static void expect_row(const struct file *to, const struct file *from, struct pg_block *block,
                       uint64_t row)
{
    fill_row(to, block, 0, row);
    double *shaped = pg_block_at(block, SHAPED, 0);
    int32_t *named = pg_block_at(block, NAMED, 0);
    for (size_t i = 0; i < 3 * to->place_count * to->name_count; i++)
        if (i / to->name_count % to->place_count >= from->place_count ||
            !has_name(from, to->names[i % to->name_count]))
            shaped[i] = PG_NAN;
    for (size_t n = 0; n < to->name_count; n++)
        if (!has_name(from, to->names[n]))
            named[n] = -2;
    *(double *)pg_block_at(block, COST, 0) = from->cost;
    *(uint8_t *)pg_block_at(block, CORE, 0) = NO_CORE;
}

/* from: the origin of the row's data; NULL: it is still to do. */
static void assert_row(struct place *place, struct pg_reader *reader, const struct file *to,
                       const struct file *from, uint64_t row, uint8_t expected_status)
{
    struct shape shape;
    struct pg_block block;
    unsigned char found[4096];
    uint8_t status = 77;
    int64_t crc = 0;
    uLong expected_crc = crc32(0, NULL, 0);
    describe(to, &shape);
    assert_ok(pg_block_init(&block, &shape.layout, 1, &place->error), &place->error);
    pg_block_clear_row(&block, 0);
    if (from != NULL)
        expect_row(to, from, &block, row);
    for (size_t i = LOSS; i < shape.layout.variable_count; i++) {
        size_t bytes = pg_layout_row_bytes(&shape.layout, i);
        assert_true(bytes <= sizeof found);
        assert_ok(pg_reader_rows(reader, i, row, 1, found, &place->error), &place->error);
        assert_memory_equal(found, pg_block_at(&block, i, 0), bytes);
        expected_crc = crc32_z(expected_crc, found, bytes);
    }
    assert_ok(pg_reader_rows(reader, STATUS, row, 1, &status, &place->error), &place->error);
    assert_ok(pg_reader_rows(reader, ROW_CRC, row, 1, &crc, &place->error), &place->error);
    assert_int_equal(status, expected_status);
    assert_int_equal(crc, from == NULL ? -1 : (int64_t)expected_crc);
    pg_block_release(&block);
}

/* All of `to`, made from `small` alone. */
static void assert_grown(struct place *place, const char *path)
{
    struct pg_reader *reader = open_reader(place, path);
    uint64_t rows[ROWS_MAX];
    map_rows(&small, &large, rows);
    for (uint64_t row = 0; row < 9; row++) {
        uint8_t status = PG_ROW_TODO;
        for (size_t i = 0; i < 4; i++)
            if (rows[i] == row)
                status = small.statuses[i];
        assert_row(place, reader, &large, status == PG_ROW_TODO ? NULL : &small, row, status);
    }
    pg_reader_close(reader);
}

static void test_values_go_where_their_coordinates_are(void **state)
{
    struct place *place = *state;
    const struct file *files[] = {&small};
    make(place, &small, 1);
    assert_ok(rebuild(place, "large.h5", &large, files, 1, false), &place->error);
    assert_grown(place, "large.h5");
    assert_int_equal(count_files(false), 2);
}

/* Over itself, through a symbolic link, with its mode; what a kill left is gone. */
static void test_replaces(void **state)
{
    struct place *place = *state;
    const struct file *files[] = {&small};
    struct stat status;
    make(place, &small, 1);
    assert_int_equal(chmod("small.h5", 0640), 0);
    assert_int_equal(symlink("small.h5", "link.h5"), 0);
    (void)close(open("small.h5.creating-12345", O_CREAT | O_WRONLY, 0600));
    assert_ok(rebuild(place, "link.h5", &large, files, 1, true), &place->error);
    assert_grown(place, "small.h5");
    assert_int_equal(lstat("link.h5", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(stat("small.h5", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(count_files(false), 2);
}

static void test_does_not_replace_unasked(void **state)
{
    struct place *place = *state;
    const struct file *files[] = {&small};
    make(place, &small, 1);
    assert_int_equal(rebuild(place, "small.h5", &large, files, 1, false), PG_EINPUT);
    assert_string_equal(place->error.text, "cannot create 'small.h5': File exists");
    assert_int_equal(count_files(false), 1);
}

/* A byte of a finished row's payload is another: found, named, and nothing changed. */
static void test_damaged_row(void **state)
{
    struct place *place = *state;
    const struct file *files[] = {&small};
    float bad = -1.0f;
    make(place, &small, 1);
    pg_reader_close(open_reader(place, "small.h5"));
    hid_t file = H5Fopen("small.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "loss", H5P_DEFAULT);
    haddr_t at = H5Dget_offset(dataset) + 3 * sizeof(float); /* row 1, step 0 */
    (void)H5Dclose(dataset);
    (void)H5Fclose(file);
    int fd = open("small.h5", O_WRONLY);
    assert_int_equal(pwrite(fd, &bad, sizeof bad, (off_t)at), sizeof bad);
    (void)close(fd);
    assert_int_equal(rebuild(place, "small.h5", &large, files, 1, true), PG_EMISMATCH);
    assert_says(place, "'small.h5' is damaged in run 1 (rate 0.1");
    assert_says(place, "seed 3): its CRC is ");
    assert_says(place, "phasegrid repair small.h5");
    assert_int_equal(count_files(false), 1);
    struct pg_reader *reader = open_reader(place, "small.h5");
    assert_int_equal(pg_layout_row_count(pg_reader_layout(reader)), 4);
    pg_reader_close(reader);
}

/* ---- several origins ---- */

static struct file like_small(const char *name, const uint8_t statuses[4], double cost)
{
    struct file file = small;
    file.name = name;
    file.cost = cost;
    memcpy(file.statuses, statuses, 4);
    return file;
}

static void test_union(void **state)
{
    struct place *place = *state;
    static const uint8_t first[] = {PG_ROW_DONE, PG_ROW_TODO, PG_ROW_FAILED, PG_ROW_FAILED},
                         second[] = {PG_ROW_DONE, PG_ROW_DIVERGED, PG_ROW_DONE, PG_ROW_TODO},
                         expected[] = {PG_ROW_DONE, PG_ROW_DIVERGED, PG_ROW_DONE, PG_ROW_FAILED};
    const struct file a = like_small("a.h5", first, 1.0), b = like_small("b.h5", second, 2.0);
    const struct file *const orders[2][2] = {{&a, &b}, {&b, &a}};
    make(place, &a, 1);
    make(place, &b, 1);
    for (size_t i = 0; i < 2; i++) {
        const struct file *const sources[] = {orders[i][0], &b, &b, &a};
        assert_ok(rebuild(place, "c.h5", &large, orders[i], 2, false), &place->error);
        struct pg_reader *reader = open_reader(place, "c.h5");
        uint64_t rows[ROWS_MAX];
        map_rows(&small, &large, rows);
        for (size_t k = 0; k < 4; k++)
            assert_row(place, reader, &large, sources[k], rows[k], expected[k]);
        pg_reader_close(reader);
        assert_int_equal(unlink("c.h5"), 0);
    }
}

static void test_union_disagrees(void **state)
{
    struct place *place = *state;
    static const uint8_t done[] = {PG_ROW_DONE, PG_ROW_DONE, PG_ROW_DONE, PG_ROW_DONE},
                         diverged[] = {PG_ROW_TODO, PG_ROW_TODO, PG_ROW_DIVERGED, PG_ROW_TODO};
    const struct file a = like_small("a.h5", done, 1.0), b = like_small("b.h5", diverged, 1.0);
    struct file c = like_small("c.h5", done, 1.0); /* its "a" is a "b", and so on */
    const struct file *const a_b[] = {&a, &b}, *const c_a[] = {&c, &a};
    make(place, &a, 1);
    make(place, &b, 1);
    c.names[0] = "c";
    make(place, &c, 1);
    assert_int_equal(rebuild(place, "d.h5", &large, a_b, 2, false), PG_EMISMATCH);
    assert_says(place, "'a.h5' and 'b.h5' disagree in run 6 (rate 0.2");
    assert_says(place, "seed 5): they differ in 'status'");
    assert_int_equal(rebuild(place, "d.h5", &large, c_a, 2, false), PG_EMISMATCH);
    assert_says(place, "'c.h5' and 'a.h5' disagree in run 3 (rate 0.1");
    assert_says(place, "seed 5): they differ in 'shaped'");
    assert_int_equal(count_files(false), 3);
}

/* ---- what has no place ---- */

static void test_no_place(void **state)
{
    struct place *place = *state;
    struct file narrow = large, nameless = large, coreless = large;
    const struct file *const small_only[] = {&small}, *const large_only[] = {&large};
    narrow.place_count = 1;
    nameless.name_count = 2;
    coreless.has_core = false;
    make(place, &small, 1);
    make(place, &large, 1);
    assert_int_equal(rebuild(place, "d.h5", &narrow, small_only, 1, false), PG_EMISMATCH);
    assert_string_equal(place->error.text, "'small.h5': place 2 of dimension 'place' has no place "
                                           "in the new file");
    assert_int_equal(rebuild(place, "d.h5", &nameless, small_only, 1, false), PG_EMISMATCH);
    assert_string_equal(place->error.text, "'small.h5': place 1 of dimension 'name' has no place "
                                           "in the new file");
    assert_int_equal(rebuild(place, "d.h5", &coreless, large_only, 1, false), PG_EMISMATCH);
    assert_string_equal(place->error.text,
                        "'large.h5': variable 'core' has no place in the new file");
    assert_int_equal(count_files(false), 2);
}

/* ---- provenance ---- */

static void read_column(const char *path, const char *name, hid_t type, void *data)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    (void)H5Dclose(dataset);
    (void)H5Fclose(file);
}

/* 700 launches of one file, 700 of another and ours: of 1,024 rows the first 512 keep launches 0 to
   511, and number n from 1,024 on has row 512 + (n - 1,024) mod 512. */
static void test_launches_are_kept(void **state)
{
    struct place *place = *state;
    struct file a = small, b = small;
    const struct file *const files[] = {&a, &b};
    static char reasons[1024][64];
    int64_t numbers[1024], count = 0;
    a.name = "a.h5";
    b.name = "b.h5";
    make(place, &a, 700);
    make(place, &b, 700);
    assert_ok(rebuild(place, "c.h5", &large, files, 2, false), &place->error);
    read_column("c.h5", "provenance/launch_count", H5T_NATIVE_INT64, &count);
    read_column("c.h5", "provenance/number", H5T_NATIVE_INT64, numbers);
    read_column("c.h5", "provenance/reason", H5T_C_S1, reasons);
    assert_int_equal(count, 1401);
    for (int64_t row = 0; row < 1024; row++) {
        int64_t number = row >= 512 && row + 512 < 1401 ? row + 512 : row;
        assert_int_equal(numbers[row], number);
        assert_string_equal(reasons[row], number < 700    ? "a.h5"
                                          : number < 1400 ? "b.h5"
                                                          : "rebuilt");
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_go_where_their_coordinates_are, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_does_not_replace_unasked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_union, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_union_disagrees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_launches_are_kept, set_up, tear_down),
    };
    MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
