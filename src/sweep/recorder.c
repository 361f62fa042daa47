/* SPDX-License-Identifier: MIT */
/*
 * One write per variable and stretch of rows instead of one per row; and no finished row waits
 * longer than a second for the disk, however long the runs beside it take.
 */
#include "recorder.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

static const size_t block_bytes = (size_t)8 << 20;
static const double wait_seconds = 1.0, nothing_waits = -1.0;

uint32_t pg_recorder_capacity(const struct pg_layout *layout)
{
    size_t bytes = 1;
    for (size_t i = 0; i < layout->variable_count; i++)
        if (pg_layout_is_payload(layout, i))
            bytes += pg_layout_row_bytes(layout, i);
    size_t rows = block_bytes / bytes;
    if (rows < 1)
        return 1;
    return rows < PG_RECORDER_ROWS_MAX ? (uint32_t)rows : PG_RECORDER_ROWS_MAX;
}

int pg_recorder_init(struct pg_recorder *recorder, const struct pg_layout *layout,
                     struct pg_store *store, struct pg_error *error)
{
    memset(recorder, 0, sizeof *recorder);
    recorder->store = store;
    recorder->oldest = nothing_waits;
    return pg_block_init(&recorder->block, layout, pg_recorder_capacity(layout), error);
}

void pg_recorder_release(struct pg_recorder *recorder)
{
    pg_block_release(&recorder->block);
}

static bool waits(const struct pg_recorder *recorder, size_t index)
{
    return index < recorder->count && recorder->statuses[index] != PG_ROW_TODO;
}

/* Each stretch of finished rows is one write. */
static int write_finished(struct pg_recorder *recorder, struct pg_error *error)
{
    int status = 0;
    for (size_t end, begin = 0; begin < recorder->count && status == 0; begin = end + 1) {
        for (end = begin; waits(recorder, end);)
            end++;
        status = pg_store_write(recorder->store, &recorder->block, begin, end, recorder->statuses,
                                error);
        memset(recorder->statuses + begin, PG_ROW_TODO, end - begin);
    }
    return status;
}

int pg_recorder_begin(struct pg_recorder *recorder, uint64_t first_row, size_t count,
                      struct pg_error *error)
{
    assert(count <= recorder->block.capacity);
    int status = write_finished(recorder, error);
    recorder->block.first_row = first_row;
    recorder->count = count;
    memset(recorder->statuses, PG_ROW_TODO, count);
    for (size_t i = 0; i < count; i++)
        pg_block_clear_row(&recorder->block, i);
    return status;
}

int pg_recorder_finish(struct pg_recorder *recorder, size_t index, uint8_t status, double now,
                       struct pg_error *error)
{
    assert(index < recorder->count);
    recorder->statuses[index] = status;
    if (recorder->oldest < 0.0)
        recorder->oldest = now;
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
