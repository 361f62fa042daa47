/* SPDX-License-Identifier: MIT */
/*
 * One write per variable and block instead of one per row; and no finished row waits longer than a
 * second for the disk, however long the run after it takes.
 */
#include "recorder.h"

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
    int status = pg_block_init(&recorder->current, layout, 1, error);
    if (status == 0)
        status = pg_block_init(&recorder->finished, layout, pg_recorder_capacity(layout), error);
    if (status != 0)
        pg_recorder_release(recorder);
    return status;
}

void pg_recorder_release(struct pg_recorder *recorder)
{
    pg_block_release(&recorder->current);
    pg_block_release(&recorder->finished);
}

static int write_finished(struct pg_recorder *recorder, struct pg_error *error)
{
    int status = 0;
    if (recorder->finished.count > 0)
        status = pg_store_write(recorder->store, &recorder->finished, recorder->statuses, error);
    recorder->finished.count = 0;
    return status;
}

static void copy_row(const struct pg_block *from, struct pg_block *to, size_t index)
{
    for (size_t i = 0; i < to->layout->variable_count; i++)
        if (pg_layout_is_payload(to->layout, i))
            memcpy(pg_block_at(to, i, index), pg_block_at(from, i, 0),
                   pg_layout_row_bytes(to->layout, i));
}

int pg_recorder_add(struct pg_recorder *recorder, uint64_t row, uint8_t status, double now,
                    struct pg_error *error)
{
    struct pg_block *finished = &recorder->finished;
    bool follows = row == finished->first_row + finished->count;
    if (!follows || finished->count == finished->capacity) {
        int written = write_finished(recorder, error);
        if (written != 0)
            return written;
    }
    if (finished->count == 0)
        finished->first_row = row;
    copy_row(&recorder->current, finished, finished->count);
    recorder->statuses[finished->count++] = status;
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
