/* SPDX-License-Identifier: MIT */
/*
 * One row per launch, all made at creation, since nothing may be added while workers run. The
 * first half of the rows keeps the first launches for ever; once all are used, later launches
 * reuse the second half in turn. `launch_count` says how many launches there were, `number` which
 * one a row belongs to (-1: none yet). A row with a start and no end is a launch that was killed.
 * What stood at its start tells from the next row, or from what stands now, what it brought.
 *
 * Text is netCDF's: characters of one byte along a bare netCDF dimension, `_Encoding` = "utf-8".
 */
#include "provenance.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>
#include "define.h"

const char pg_provenance_group[] = "provenance", pg_provenance_counter[] = "launch_count";
static const char text_dim_name[] = "text_width";

/* Columns of numbers. */
static const struct column {
    const char *name, *long_name, *units;
    enum pg_data_type type;
    double fill;
    bool is_new; /* files that an earlier version made may lack it */
} columns[] = {
    {"number", "Number of the launch, from 0; -1: row not used", NULL, PG_I64, -1, false},
    {"started", "Start of the launch", "seconds since 1970-01-01 00:00:00", PG_F64, PG_NAN, false},
    {"ended", "End of the launch; none: killed or still running",
     "seconds since 1970-01-01 00:00:00", PG_F64, PG_NAN, false},
    {"ranks", "MPI ranks of the launch", "1", PG_I32, 0, false},
    {"finished_before", "Runs with a result when the launch began; -1: not known", "1", PG_I64, -1,
     true},
    {"steps_kept_before", "Model-steps kept in checkpoints when the launch began; -1: not known",
     "1", PG_I64, -1, true},
    {"finished_after", "Runs with a result when the launch ended; -1: not known", "1", PG_I64, -1,
     true},
};

/* Columns of text. */
static const struct text_column {
    const char *name, *long_name;
} text_columns[] = {
    {"version", "Version of phasegrid"},
    {"commit", "Commit of the source"},
    {"host", "Host of rank 0"},
    {"cpu", "CPU of rank 0"},
    {"kernel", "Instruction set of the kernels"},
    {"slurm_job", "Slurm job; empty: none"},
    {"reason", "Why the launch ended"},
};

const char *const pg_provenance_columns[] = {"number",
                                             "started",
                                             "ended",
                                             "ranks",
                                             "finished_before",
                                             "steps_kept_before",
                                             "finished_after",
                                             "version",
                                             "commit",
                                             "host",
                                             "cpu",
                                             "kernel",
                                             "slurm_job",
                                             "reason",
                                             NULL};

enum {
    COLUMN_COUNT = sizeof columns / sizeof columns[0],
    TEXT_COLUMN_COUNT = sizeof text_columns / sizeof text_columns[0],
};

uint64_t pg_provenance_size(void)
{
    uint64_t row = sizeof(int64_t); /* the coordinate */
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        row += pg_data_type_size(columns[i].type);
    row += (uint64_t)TEXT_COLUMN_COUNT * PG_PROVENANCE_TEXT;
    return row * PG_PROVENANCE_ROWS;
}

uint64_t pg_provenance_row(int64_t number)
{
    const int64_t rows = PG_PROVENANCE_ROWS, half = rows / 2;
    return (uint64_t)(number < rows ? number : half + (number - rows) % half);
}

/* The dimension `launch`, whose coordinate is the row. */
static hid_t define_launch_scale(hid_t group)
{
    const hsize_t rows = PG_PROVENANCE_ROWS;
    int64_t values[PG_PROVENANCE_ROWS];
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t scale = pg_define_dataset(group, "launch", PG_I64, space, 0, H5D_FILL_TIME_ALLOC);
    for (size_t i = 0; i < PG_PROVENANCE_ROWS; i++)
        values[i] = (int64_t)i;
    if (scale >= 0 &&
        (H5Dwrite(scale, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ||
         H5DSset_scale(scale, "launch") < 0)) {
        pg_h5_release(scale);
        scale = H5I_INVALID_HID;
    }
    pg_h5_release(space);
    return scale;
}

/* A netCDF dimension without coordinate: netCDF-4 knows it by the NAME of the scale. */
static hid_t define_text_scale(hid_t group)
{
    const hsize_t width = PG_PROVENANCE_TEXT;
    char name[100];
    (void)snprintf(name, sizeof name, "This is a netCDF dimension but not a netCDF variable.%10d",
                   PG_PROVENANCE_TEXT);
    hid_t space = H5Screate_simple(1, &width, NULL);
    hid_t list = pg_define_ordered(H5P_DATASET_CREATE);
    hid_t scale =
        H5Dcreate2(group, text_dim_name, H5T_IEEE_F32BE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (scale >= 0 && H5DSset_scale(scale, name) < 0) {
        pg_h5_release(scale);
        scale = H5I_INVALID_HID;
    }
    pg_h5_release(list);
    pg_h5_release(space);
    return scale;
}

static int define_column(hid_t group, const struct column *column, hid_t launch_scale,
                         struct pg_error *error)
{
    const hsize_t rows = PG_PROVENANCE_ROWS;
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t dataset = pg_define_dataset(group, column->name, column->type, space, column->fill,
                                      H5D_FILL_TIME_ALLOC);
    int status = 0;
    if (dataset < 0 || H5DSattach_scale(dataset, launch_scale, 0) < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot create /provenance/%s", column->name);
    if (status == 0)
        status = pg_h5_put_text(dataset, "long_name", column->long_name, error);
    if (status == 0 && column->units != NULL)
        status = pg_h5_put_text(dataset, "units", column->units, error);
    if (status == 0 && column->type == PG_F64)
        status = pg_h5_put_numbers(dataset, "_FillValue", PG_F64, &column->fill, 0, error);
    pg_h5_release(dataset);
    pg_h5_release(space);
    return status;
}

static hid_t create_text_dataset(hid_t group, const char *name)
{
    const hsize_t lengths[2] = {PG_PROVENANCE_ROWS, PG_PROVENANCE_TEXT};
    hid_t space = H5Screate_simple(2, lengths, NULL);
    hid_t list = pg_define_ordered(H5P_DATASET_CREATE), dataset = H5I_INVALID_HID;
    if (H5Pset_layout(list, H5D_CONTIGUOUS) >= 0 &&
        H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0 &&
        H5Pset_fill_time(list, H5D_FILL_TIME_ALLOC) >= 0)
        dataset = H5Dcreate2(group, name, H5T_C_S1, space, H5P_DEFAULT, list, H5P_DEFAULT);
    pg_h5_release(list);
    pg_h5_release(space);
    return dataset;
}

static int define_text_column(hid_t group, const struct text_column *column, hid_t launch_scale,
                              hid_t text_scale, struct pg_error *error)
{
    hid_t dataset = create_text_dataset(group, column->name);
    int status = 0;
    if (dataset < 0 || H5DSattach_scale(dataset, launch_scale, 0) < 0 ||
        H5DSattach_scale(dataset, text_scale, 1) < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot create /provenance/%s", column->name);
    if (status == 0)
        status = pg_h5_put_text(dataset, "long_name", column->long_name, error);
    if (status == 0)
        status = pg_h5_put_text(dataset, "_Encoding", "utf-8", error);
    pg_h5_release(dataset);
    return status;
}

static int define_counter(hid_t group, struct pg_error *error)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t dataset =
        pg_define_dataset(group, pg_provenance_counter, PG_I64, space, 0, H5D_FILL_TIME_ALLOC);
    int status = 0;
    if (dataset < 0)
        status =
            pg_h5_fail(error, PG_EMACHINE, "cannot create /provenance/%s", pg_provenance_counter);
    else
        status = pg_h5_put_text(dataset, "long_name", "Launches so far", error);
    pg_h5_release(dataset);
    pg_h5_release(space);
    return status;
}

static int define_columns(hid_t group, struct pg_error *error)
{
    hid_t launch = define_launch_scale(group);
    if (launch < 0)
        return pg_h5_fail(error, PG_EMACHINE, "cannot create dimension /provenance/launch");
    hid_t text = define_text_scale(group);
    int status = 0;
    if (text < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot create /provenance/%s", text_dim_name);
    if (status == 0)
        status = define_counter(group, error);
    for (size_t i = 0; i < COLUMN_COUNT && status == 0; i++)
        status = define_column(group, &columns[i], launch, error);
    for (size_t i = 0; i < TEXT_COLUMN_COUNT && status == 0; i++)
        status = define_text_column(group, &text_columns[i], launch, text, error);
    pg_h5_release(text);
    pg_h5_release(launch);
    return status;
}

int pg_provenance_define(hid_t file, struct pg_error *error)
{
    hid_t list = pg_define_ordered(H5P_GROUP_CREATE);
    hid_t group = H5Gcreate2(file, pg_provenance_group, H5P_DEFAULT, list, H5P_DEFAULT);
    int status = group < 0 ? pg_h5_fail(error, PG_EMACHINE, "cannot create /provenance")
                           : define_columns(group, error);
    pg_h5_release(group);
    pg_h5_release(list);
    return status;
}

bool pg_provenance_has(hid_t file, const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/%s/%s", pg_provenance_group, name);
    return H5Lexists(file, path, H5P_DEFAULT) > 0;
}

/* Opens /provenance/name; negative: failed, and said so. */
static hid_t open_column(hid_t file, const char *name, struct pg_error *error)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/%s/%s", pg_provenance_group, name);
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0)
        (void)pg_h5_fail(error, PG_EMISMATCH, "the file lacks %s", path);
    return dataset;
}

/* One row of a column: `width` elements of the column's memory type. */
static int write_row(hid_t file, const char *name, uint64_t row, size_t width, const void *data,
                     struct pg_error *error)
{
    const hsize_t start[2] = {row, 0}, count[2] = {1, width};
    hid_t dataset = open_column(file, name, error);
    if (dataset < 0)
        return PG_EMISMATCH;
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(2, count, NULL);
    hid_t stored = H5Dget_type(dataset), type = H5Tget_native_type(stored, H5T_DIR_DEFAULT);
    int status = 0;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, data) < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot write /provenance/%s", name);
    pg_h5_release(type);
    pg_h5_release(stored);
    pg_h5_release(memory);
    pg_h5_release(space);
    pg_h5_release(dataset);
    return status;
}

/* Cut so that no UTF-8 sequence is broken; padded with NUL. */
static int write_text(hid_t file, const char *name, uint64_t row, const char *text,
                      struct pg_error *error)
{
    char cell[PG_PROVENANCE_TEXT] = "";
    size_t length = text != NULL ? strlen(text) : 0;
    if (length > sizeof cell) {
        length = sizeof cell;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    if (length > 0)
        memcpy(cell, text, length);
    return write_row(file, name, row, sizeof cell, cell, error);
}

/* A new column that the file lacks is passed over. */
static int write_number(hid_t file, const struct column *column, uint64_t row, const void *number,
                        struct pg_error *error)
{
    if (column->is_new && !pg_provenance_has(file, column->name))
        return 0;
    return write_row(file, column->name, row, 1, number, error);
}

/* Counts this launch and tells its number. */
static int take_number(hid_t file, int64_t *ret_number, struct pg_error *error)
{
    hid_t dataset = open_column(file, pg_provenance_counter, error);
    int64_t count = 0;
    int status = 0;
    if (dataset < 0)
        return PG_EMISMATCH;
    if (H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &count) < 0)
        status =
            pg_h5_fail(error, PG_EMISMATCH, "cannot read /provenance/%s", pg_provenance_counter);
    if (status == 0 && count < 0)
        status = pg_error_set(error, PG_EMISMATCH, "/provenance/%s is %lld, expected 0 or more",
                              pg_provenance_counter, (long long)count);
    *ret_number = count++;
    if (status == 0 &&
        H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &count) < 0)
        status =
            pg_h5_fail(error, PG_EMACHINE, "cannot write /provenance/%s", pg_provenance_counter);
    pg_h5_release(dataset);
    return status;
}

int pg_provenance_begin(hid_t file, const struct pg_launch *launch, int64_t *ret_number,
                        struct pg_error *error)
{
    const char *const texts[TEXT_COLUMN_COUNT] = {launch->version,
                                                  launch->commit,
                                                  launch->host,
                                                  launch->cpu,
                                                  launch->kernel,
                                                  launch->slurm_job,
                                                  ""};
    const double running = PG_NAN;
    const int64_t not_known = -1;
    int status = take_number(file, ret_number, error);
    if (status != 0)
        return status;
    uint64_t row = pg_provenance_row(*ret_number);
    const void *const numbers[COLUMN_COUNT] = {
        ret_number,        &launch->started,    &running,  &launch->ranks,
        &launch->finished, &launch->steps_kept, &not_known};
    for (size_t i = 0; i < COLUMN_COUNT && status == 0; i++)
        status = write_number(file, &columns[i], row, numbers[i], error);
    for (size_t i = 0; i < TEXT_COLUMN_COUNT && status == 0; i++)
        status = write_text(file, text_columns[i].name, row, texts[i], error);
    return status;
}

int pg_provenance_end(hid_t file, int64_t number, const struct pg_launch_end *end,
                      struct pg_error *error)
{
    static const struct column finished = {.name = "finished_after", .is_new = true};
    uint64_t row = pg_provenance_row(number);
    int status = write_number(file, &finished, row, &end->finished, error);
    if (status == 0)
        status = write_row(file, "ended", row, 1, &end->ended, error);
    return status == 0 ? write_text(file, "reason", row, end->reason, error) : status;
}
