/* SPDX-License-Identifier: MIT */
/*
 * A new file from the rows of others.
 *
 * The new file is written block by block, each variable in one piece, front to back. Every origin
 * is a feed: its rows in the order of the new file, of which those that fall into the block are
 * read in stretches, checked against their CRCs, and placed. What no feed has stays fill. So each
 * byte of the origins is read once and each of the new file written once, in whatever way the
 * grids lie in each other.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc.h"
#include "create.h"
#include "feed.h"
#include "leftovers.h"
#include "phasegrid/row_difference.h"
#include "places.h"
#include "provenance.h"
#include "reader.h"

enum { BLOCK_BYTES = 8 << 20, BLOCK_ROWS_MAX = 4096, NOBODY = -1 };

/* The new file while it is written. */
struct rebuild {
    const struct pg_rebuilding *what;
    const struct pg_layout *layout;
    struct pg_feed *feeds; /* (origin_count) */
    int fd;
    off_t *places;                /* (variable_count) */
    struct pg_block block, spare; /* spare: one row, to compare with */
    uint8_t *statuses;            /* (capacity) */
    int64_t *crcs;
    int *owners; /* which feed a row came from, or NOBODY */
};

/* ---- rows into the block ---- */

/* "run 17 (decoder_lr 0.001, seed 0)" */
static void print_run(const struct pg_layout *layout, uint64_t row, char *text, size_t size)
{
    uint64_t stride = pg_layout_row_count(layout);
    size_t used = (size_t)snprintf(text, size, "run %llu (", (unsigned long long)row);
    for (size_t i = 0; i < layout->grid_count && used < size; i++) {
        char value[100];
        stride /= layout->dims[i].length;
        pg_coordinate_print(&layout->dims[i], (size_t)(row / stride % layout->dims[i].length),
                            value, sizeof value);
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", i > 0 ? ", " : "",
                                 layout->dims[i].name, value);
    }
    if (used < size)
        (void)snprintf(text + used, size - used, ")");
}

static int refuse_overlap(const struct rebuild *rebuild, const struct pg_feed *feed, size_t index,
                          const char *variable, struct pg_error *error)
{
    char run[600];
    const struct pg_feed *other = &rebuild->feeds[rebuild->owners[index]];
    print_run(rebuild->layout, rebuild->block.first_row + index, run, sizeof run);
    return pg_error_set(error, PG_EMISMATCH, "'%s' and '%s' disagree in %s: they differ in '%s'",
                        other->reader->path, feed->reader->path, run, variable);
}

/* The row in `spare` against the one that stands in the block. */
static int compare(const struct rebuild *rebuild, const struct pg_feed *feed, size_t index,
                   struct pg_error *error)
{
    const struct pg_layout *layout = rebuild->layout;
    for (size_t i = 0; i < layout->variable_count; i++) {
        if (!pg_layout_is_payload(layout, i) || layout->variables[i].is_volatile)
            continue;
        if (memcmp(pg_block_at(&rebuild->block, i, index), pg_block_at(&rebuild->spare, i, 0),
                   pg_layout_row_bytes(layout, i)) != 0)
            return refuse_overlap(rebuild, feed, index, layout->variables[i].name, error);
    }
    return 0;
}

static void put(struct rebuild *rebuild, const struct pg_feed *feed, size_t stretch_index,
                size_t index, uint8_t status)
{
    pg_placement_put(&feed->placement, &feed->block, stretch_index, &rebuild->block, index);
    rebuild->statuses[index] = status;
    rebuild->owners[index] = (int)(feed - rebuild->feeds);
}

/* Row `stretch_index` of the feed's stretch to row `index` of the block. */
static int take_row(struct rebuild *rebuild, const struct pg_feed *feed, size_t stretch_index,
                    size_t index, struct pg_error *error)
{
    uint8_t status = pg_feed_status(feed, stretch_index), there = rebuild->statuses[index];
    if (rebuild->owners[index] == NOBODY || (there == PG_ROW_FAILED && status != PG_ROW_FAILED)) {
        put(rebuild, feed, stretch_index, index, status);
        return 0;
    }
    if (status == PG_ROW_FAILED)
        return 0;
    if (status != there)
        return refuse_overlap(rebuild, feed, index,
                              rebuild->layout->variables[PG_VARIABLE_STATUS].name, error);
    pg_placement_put(&feed->placement, &feed->block, stretch_index, &rebuild->spare, 0);
    return compare(rebuild, feed, index, error);
}

static int refuse_crc(const struct pg_feed *feed, size_t stretch_index, struct pg_error *error)
{
    char run[600];
    print_run(&feed->reader->layout, feed->first + stretch_index, run, sizeof run);
    return pg_error_set(error, PG_EMISMATCH,
                        "'%s' is damaged in %s: its CRC is %08llx, expected %08llx; `phasegrid "
                        "repair %s` marks such runs to do again",
                        feed->reader->path, run,
                        (unsigned long long)pg_row_crc(&feed->block, stretch_index),
                        (unsigned long long)feed->crcs[stretch_index], feed->reader->path);
}

static int take_stretch(struct rebuild *rebuild, struct pg_feed *feed, struct pg_error *error)
{
    int status = pg_feed_read(feed, error);
    for (size_t i = 0; i < feed->count && status == 0; i++) {
        if (pg_row_crc(&feed->block, i) != feed->crcs[i])
            return refuse_crc(feed, i, error);
        size_t index = (size_t)(pg_feed_row(feed, i) - rebuild->block.first_row);
        status = take_row(rebuild, feed, i, index, error);
    }
    return status;
}

/* ---- blocks into the file ---- */

static int write_rows(const struct rebuild *rebuild, size_t variable, const void *rows,
                      size_t count, struct pg_error *error)
{
    size_t bytes = pg_layout_row_bytes(rebuild->layout, variable);
    off_t at = rebuild->places[variable] + (off_t)(rebuild->block.first_row * bytes);
    int failure = pg_place_write(rebuild->fd, rows, count * bytes, at);
    if (failure == 0)
        return 0;
    return pg_error_set(error, PG_EMACHINE, "cannot write variable '%s' of '%s': %s",
                        rebuild->layout->variables[variable].name, rebuild->what->path,
                        strerror(failure));
}

static int write_block(const struct rebuild *rebuild, size_t count, struct pg_error *error)
{
    int status = write_rows(rebuild, PG_VARIABLE_STATUS, rebuild->statuses, count, error);
    for (size_t i = 0; i < count; i++)
        if (rebuild->owners[i] != NOBODY)
            rebuild->crcs[i] = pg_row_crc(&rebuild->block, i);
    if (status == 0)
        status = write_rows(rebuild, PG_VARIABLE_ROW_CRC, rebuild->crcs, count, error);
    for (size_t i = 0; i < rebuild->layout->variable_count && status == 0; i++)
        if (rebuild->places[i] >= 0 && pg_layout_is_payload(rebuild->layout, i))
            status = write_rows(rebuild, i, pg_block_at(&rebuild->block, i, 0), count, error);
    return status;
}

/* As rows are that nobody has written. */
static void clear_block(struct rebuild *rebuild, size_t count)
{
    const struct pg_variable *variables = rebuild->layout->variables;
    for (size_t i = 0; i < count; i++) {
        pg_block_clear_row(&rebuild->block, i);
        rebuild->owners[i] = NOBODY;
    }
    pg_data_type_fill(PG_U8, variables[PG_VARIABLE_STATUS].fill, count, rebuild->statuses);
    pg_data_type_fill(PG_I64, variables[PG_VARIABLE_ROW_CRC].fill, count, rebuild->crcs);
}

static int write_rows_of_all(struct rebuild *rebuild, struct pg_error *error)
{
    uint64_t row_count = pg_layout_row_count(rebuild->layout);
    int status = 0;
    for (uint64_t first = 0; first < row_count && status == 0;) {
        uint64_t left = row_count - first;
        size_t count = left < rebuild->block.capacity ? (size_t)left : rebuild->block.capacity;
        rebuild->block.first_row = first;
        clear_block(rebuild, count);
        for (size_t i = 0; i < rebuild->what->origin_count && status == 0; i++)
            while (status == 0 && pg_feed_next(&rebuild->feeds[i], first + count))
                status = take_stretch(rebuild, &rebuild->feeds[i], error);
        if (status == 0)
            status = write_block(rebuild, count, error);
        first += count;
    }
    return status;
}

/* ---- setting up ---- */

static int out_of_memory(const struct rebuild *rebuild, struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "out of memory: writing '%s'", rebuild->what->path);
}

static size_t row_capacity(const struct pg_layout *layout)
{
    size_t bytes = 1;
    for (size_t i = 0; i < layout->variable_count; i++)
        if (pg_layout_is_payload(layout, i))
            bytes += pg_layout_row_bytes(layout, i);
    size_t rows = BLOCK_BYTES / bytes;
    return rows < 1 ? 1 : rows > BLOCK_ROWS_MAX ? BLOCK_ROWS_MAX : rows;
}

static int init(struct rebuild *rebuild, const struct pg_rebuilding *what, struct pg_error *error)
{
    size_t capacity = row_capacity(what->layout);
    *rebuild = (struct rebuild){.what = what, .layout = what->layout, .fd = -1};
    rebuild->feeds = calloc(what->origin_count + 1, sizeof *rebuild->feeds);
    rebuild->places = calloc(what->layout->variable_count, sizeof *rebuild->places);
    rebuild->statuses = calloc(capacity, sizeof *rebuild->statuses);
    rebuild->crcs = calloc(capacity, sizeof *rebuild->crcs);
    rebuild->owners = calloc(capacity, sizeof *rebuild->owners);
    if (rebuild->feeds == NULL || rebuild->places == NULL || rebuild->statuses == NULL ||
        rebuild->crcs == NULL || rebuild->owners == NULL)
        return out_of_memory(rebuild, error);
    int status = pg_block_init(&rebuild->block, what->layout, capacity, error);
    if (status == 0)
        status = pg_block_init(&rebuild->spare, what->layout, 1, error);
    for (size_t i = 0; i < what->origin_count && status == 0; i++)
        status = pg_feed_init(&rebuild->feeds[i], &what->origins[i], what->layout, capacity, error);
    return status;
}

static void release(struct rebuild *rebuild)
{
    for (size_t i = 0; rebuild->feeds != NULL && i < rebuild->what->origin_count; i++)
        pg_feed_release(&rebuild->feeds[i]);
    if (rebuild->fd >= 0)
        (void)close(rebuild->fd);
    pg_block_release(&rebuild->block);
    pg_block_release(&rebuild->spare);
    free(rebuild->feeds);
    free(rebuild->places);
    free(rebuild->statuses);
    free(rebuild->crcs);
    free(rebuild->owners);
}

/* ---- the file ---- */

static int write_provenance(const struct rebuild *rebuild, hid_t file, struct pg_error *error)
{
    const struct pg_rebuilding *what = rebuild->what;
    const struct pg_launch_end end = {what->launch->started, what->reason, what->launch->finished};
    int64_t number;
    int status = 0;
    for (size_t i = 0; i < what->origin_count && status == 0; i++)
        status = pg_provenance_append(what->origins[i].reader->file, file, error);
    if (status == 0)
        status = pg_provenance_begin(file, what->launch, &number, error);
    return status == 0 ? pg_provenance_end(file, number, &end, error) : status;
}

/* What HDF5 has to do, which then closes the file. */
static int prepare(struct rebuild *rebuild, const char *path, struct pg_error *error)
{
    hid_t access_list = pg_h5_access(MPI_COMM_NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access_list);
    int status = file < 0 ? pg_h5_fail(error, PG_EMACHINE, "cannot open '%s'", path)
                          : pg_places_find(file, rebuild->layout, rebuild->places, error);
    if (status == 0)
        status = write_provenance(rebuild, file, error);
    if (file >= 0 && H5Fclose(file) < 0 && status == 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot close '%s'", path);
    pg_h5_release(access_list);
    return status;
}

static int fill(const struct pg_creation *creation, const char *path, struct pg_error *error)
{
    struct rebuild *rebuild = creation->context;
    int status = prepare(rebuild, path, error);
    if (status != 0)
        return status;
    rebuild->fd = open(path, O_RDWR | O_CLOEXEC);
    if (rebuild->fd < 0)
        return pg_error_set(error, PG_EMACHINE, "cannot open '%s': %s", path, strerror(errno));
    return write_rows_of_all(rebuild, error);
}

/* A symbolic link stays one: what it points to is replaced. */
static int resolve(const struct pg_rebuilding *what, char resolved[PATH_MAX],
                   struct pg_error *error)
{
    if (!what->replaces && strlen(what->path) < PATH_MAX) {
        (void)snprintf(resolved, PATH_MAX, "%s", what->path);
        return 0;
    }
    if (realpath(what->path, resolved) == NULL)
        return pg_error_set(error, PG_EINPUT, "cannot find '%s': %s", what->path, strerror(errno));
    return 0;
}

int pg_store_rebuild(const struct pg_rebuilding *rebuilding, struct pg_error *error)
{
    struct rebuild rebuild;
    char path[PATH_MAX];
    int status = resolve(rebuilding, path, error);
    if (status != 0)
        return status;
    const struct pg_creation creation = {.path = path,
                                         .layout = rebuilding->layout,
                                         .replaces = rebuilding->replaces,
                                         .fill = fill,
                                         .context = &rebuild};
    pg_leftovers_remove(path);
    status = init(&rebuild, rebuilding, error);
    if (status == 0)
        status = pg_creation_run(&creation, error);
    release(&rebuild);
    return status;
}
