/* SPDX-License-Identifier: MIT */
/*
 * The rows of an origin in the order in which a new file needs them, a stretch at a time: rows that
 * follow each other in the origin.
 */
#ifndef PHASEGRID_STORE_FEED_H
#define PHASEGRID_STORE_FEED_H

#include "placement.h"
#include "reader.h"

struct pg_feed_entry {
    uint64_t to, from; /* rows of the new file and of the origin */
};

struct pg_feed {
    struct pg_reader *reader; /* borrowed */
    struct pg_placement placement;
    int fd;
    off_t *places;                 /* (variable_count) of the origin */
    uint8_t *statuses;             /* (its rows) */
    struct pg_feed_entry *entries; /* (entry_count) finished rows, ascending by `to` */
    size_t entry_count, next;
    /* The stretch: entries next - count .. next - 1, rows first .. first + count - 1. */
    uint64_t first;
    size_t count;
    struct pg_block block; /* what is read, once it is */
    int64_t *crcs;         /* (capacity) */
};

/* capacity: rows of the longest stretch. */
int pg_feed_init(struct pg_feed *feed, const struct pg_row_origin *origin,
                 const struct pg_layout *layout, size_t capacity,
                 struct pg_error *error) PG_CHECK_RESULT;
void pg_feed_release(struct pg_feed *feed);

/* The next stretch of rows whose place is before row `end` of the new file; false: there is none
   left. */
bool pg_feed_next(struct pg_feed *feed, uint64_t end);
int pg_feed_read(struct pg_feed *feed, struct pg_error *error) PG_CHECK_RESULT;

/* Of row `index` of the stretch: its row in the new file, and its status. */
uint64_t pg_feed_row(const struct pg_feed *feed, size_t index);
uint8_t pg_feed_status(const struct pg_feed *feed, size_t index);

#endif
