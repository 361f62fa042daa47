/* SPDX-License-Identifier: MIT */
/* Reads with plain system calls: stretches are short where grids interleave, and HDF5 is slow. */
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "places.h"

static int out_of_memory(const struct pg_feed *feed, struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "out of memory: the rows of '%s'", feed->reader->path);
}

static int order_entries(const void *a, const void *b)
{
    const struct pg_feed_entry *left = a, *right = b;
    return (left->to > right->to) - (left->to < right->to);
}

static bool is_finished(uint8_t status)
{
    return status == PG_ROW_DONE || status == PG_ROW_DIVERGED || status == PG_ROW_FAILED;
}

static int list_entries(struct pg_feed *feed, const uint64_t *rows, struct pg_error *error)
{
    uint64_t row_count = pg_layout_row_count(&feed->reader->layout);
    feed->statuses = malloc(row_count + 1);
    feed->entries = calloc(row_count + 1, sizeof *feed->entries);
    if (feed->statuses == NULL || feed->entries == NULL)
        return out_of_memory(feed, error);
    int status = pg_reader_statuses(feed->reader, feed->statuses, error);
    for (uint64_t row = 0; row < row_count && status == 0; row++)
        if (is_finished(feed->statuses[row]))
            feed->entries[feed->entry_count++] = (struct pg_feed_entry){rows[row], row};
    qsort(feed->entries, feed->entry_count, sizeof *feed->entries, order_entries);
    return status;
}

static int open_file(struct pg_feed *feed, struct pg_error *error)
{
    feed->places = calloc(feed->reader->layout.variable_count, sizeof *feed->places);
    if (feed->places == NULL)
        return out_of_memory(feed, error);
    feed->fd = open(feed->reader->path, O_RDONLY | O_CLOEXEC);
    if (feed->fd < 0)
        return pg_error_set(error, PG_EMACHINE, "cannot open '%s': %s", feed->reader->path,
                            strerror(errno));
    return pg_places_find(feed->reader->file, &feed->reader->layout, feed->places, error);
}

int pg_feed_init(struct pg_feed *feed, const struct pg_row_origin *origin,
                 const struct pg_layout *layout, size_t capacity, struct pg_error *error)
{
    *feed = (struct pg_feed){.reader = origin->reader, .fd = -1};
    int status = pg_placement_init(&feed->placement, &feed->reader->layout, layout, origin->missing,
                                   origin->missing_count, error);
    if (status == 0)
        status = open_file(feed, error);
    if (status != 0)
        return pg_error_prefix(error, "'%s'", feed->reader->path);
    status = list_entries(feed, origin->rows, error);
    if (status == 0)
        status = pg_block_init(&feed->block, &feed->reader->layout, capacity, error);
    feed->crcs = calloc(capacity, sizeof *feed->crcs);
    return status == 0 && feed->crcs == NULL ? out_of_memory(feed, error) : status;
}

void pg_feed_release(struct pg_feed *feed)
{
    if (feed->reader == NULL)
        return;
    pg_placement_release(&feed->placement);
    pg_block_release(&feed->block);
    if (feed->fd >= 0)
        (void)close(feed->fd);
    free(feed->places);
    free(feed->statuses);
    free(feed->entries);
    free(feed->crcs);
}

bool pg_feed_next(struct pg_feed *feed, uint64_t end)
{
    feed->count = 0;
    while (feed->next < feed->entry_count && feed->entries[feed->next].to < end &&
           feed->count < feed->block.capacity) {
        uint64_t row = feed->entries[feed->next].from;
        if (feed->count > 0 && row != feed->first + feed->count)
            break;
        if (feed->count == 0)
            feed->first = row;
        feed->count++;
        feed->next++;
    }
    return feed->count > 0;
}

static int read_rows(struct pg_feed *feed, size_t variable, void *ret_rows, struct pg_error *error)
{
    size_t bytes = pg_layout_row_bytes(&feed->reader->layout, variable);
    off_t at = feed->places[variable] + (off_t)(feed->first * bytes);
    int failure = pg_place_read(feed->fd, ret_rows, feed->count * bytes, at);
    if (failure == 0)
        return 0;
    return pg_error_set(error, PG_EMACHINE, "cannot read variable '%s' of '%s': %s",
                        feed->reader->layout.variables[variable].name, feed->reader->path,
                        strerror(failure));
}

int pg_feed_read(struct pg_feed *feed, struct pg_error *error)
{
    const struct pg_layout *layout = &feed->reader->layout;
    int status = read_rows(feed, PG_VARIABLE_ROW_CRC, feed->crcs, error);
    for (size_t i = 0; i < layout->variable_count && status == 0; i++)
        if (feed->places[i] >= 0 && pg_layout_is_payload(layout, i))
            status = read_rows(feed, i, pg_block_at(&feed->block, i, 0), error);
    return status;
}

uint64_t pg_feed_row(const struct pg_feed *feed, size_t index)
{
    return feed->entries[feed->next - feed->count + index].to;
}

uint8_t pg_feed_status(const struct pg_feed *feed, size_t index)
{
    return feed->statuses[feed->first + index];
}
