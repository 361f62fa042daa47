/* SPDX-License-Identifier: MIT */
/*
 * One write per variable and stretch of rows instead of one per row; and no finished row waits
 * longer than a second for the disk, however long the runs beside it take.
 *
 *     free -> taken -> finished -> written, and free again
 *
 * Rows are taken in the order in which they begin, which is mostly that of the file, and stand in
 * the block side by side, round after round; so a stretch of the block is one of the file, but for
 * runs that are still in training.
 */
#include "recorder.h"

#include <assert.h>
#include <string.h>

enum state { FREE, TAKEN, FINISHED };

static const size_t block_bytes = (size_t)8 << 20;
static const double wait_seconds = 1.0, nothing_waits = -1.0;

static size_t row_bytes(const struct pg_layout *layout)
{
    size_t bytes = 1;
    for (size_t i = 0; i < layout->variable_count; i++)
        if (pg_layout_is_payload(layout, i))
            bytes += pg_layout_row_bytes(layout, i);
    return bytes;
}

static size_t row_capacity(const struct pg_layout *layout, size_t lanes)
{
    size_t rows = block_bytes / row_bytes(layout), least = lanes > 1 ? 2 * lanes : 1;
    assert(least <= PG_RECORDER_ROWS_MAX);
    if (rows < least)
        return least;
    return rows < PG_RECORDER_ROWS_MAX ? rows : PG_RECORDER_ROWS_MAX;
}

uint64_t pg_recorder_bytes(const struct pg_layout *layout, size_t lanes)
{
    return (uint64_t)row_bytes(layout) * row_capacity(layout, lanes);
}

int pg_recorder_init(struct pg_recorder *recorder, const struct pg_layout *layout, size_t lanes,
                     struct pg_store *store, struct pg_error *error)
{
    memset(recorder, 0, sizeof *recorder);
    recorder->store = store;
    recorder->oldest = nothing_waits;
    return pg_block_init(&recorder->block, layout, row_capacity(layout, lanes), error);
}

void pg_recorder_release(struct pg_recorder *recorder)
{
    pg_block_release(&recorder->block);
}

/* ---- finished rows to the file ---- */

/* Behind the finished rows from `begin` on that follow each other in the file. */
static size_t stretch_end(const struct pg_recorder *recorder, size_t begin)
{
    size_t end = begin;
    while (end < recorder->block.capacity && recorder->states[end] == FINISHED &&
           recorder->rows[end] - recorder->rows[begin] == end - begin)
        end++;
    return end;
}

static int write_finished(struct pg_recorder *recorder, struct pg_error *error)
{
    int status = 0;
    for (size_t end, begin = 0; begin < recorder->block.capacity && status == 0; begin = end) {
        end = stretch_end(recorder, begin);
        if (end == begin) {
            end++;
            continue;
        }
        recorder->block.first_row = recorder->rows[begin] - begin; /* the store adds `begin` */
        status = pg_store_write(recorder->store, &recorder->block, begin, end, recorder->statuses,
                                error);
        memset(recorder->states + begin, FREE, end - begin);
    }
    return status;
}

/* ---- room ---- */

/* The first free room from `index` on; the capacity: there is none. */
static size_t find_room(const struct pg_recorder *recorder, size_t index)
{
    while (index < recorder->block.capacity && recorder->states[index] != FREE)
        index++;
    return index;
}

int pg_recorder_take(struct pg_recorder *recorder, uint64_t row, size_t *ret_index,
                     struct pg_error *error)
{
    size_t index = find_room(recorder, recorder->next);
    if (index == recorder->block.capacity) {
        int status = write_finished(recorder, error);
        if (status != 0)
            return status;
        index = find_room(recorder, 0);
    }
    assert(index < recorder->block.capacity);
    recorder->states[index] = TAKEN;
    recorder->rows[index] = row;
    recorder->next = index + 1;
    pg_block_clear_row(&recorder->block, index);
    *ret_index = index;
    return 0;
}

int pg_recorder_finish(struct pg_recorder *recorder, size_t index, uint8_t status, double now,
                       struct pg_error *error)
{
    assert(recorder->states[index] == TAKEN);
    recorder->states[index] = FINISHED;
    recorder->statuses[index] = status;
    if (recorder->oldest < 0.0)
        recorder->oldest = now;
    if (pg_store_get_sync(recorder->store) == PG_SYNC_RUN)
        return pg_recorder_flush(recorder, error);
    return pg_recorder_tick(recorder, now, error);
}

int pg_recorder_tick(struct pg_recorder *recorder, double now, struct pg_error *error)
{
    bool is_due = recorder->oldest >= 0.0 && now - recorder->oldest >= wait_seconds;
    return is_due ? pg_recorder_flush(recorder, error) : 0;
}

int pg_recorder_flush(struct pg_recorder *recorder, struct pg_error *error)
{
    int status = write_finished(recorder, error);
    recorder->oldest = nothing_waits;
    return status == 0 ? pg_store_flush(recorder->store, error) : status;
}
