/* SPDX-License-Identifier: MIT */
/*
 * A state is copied as it is handed over and written when all have come. A run that ends leaves its
 * record in the file until the next one is written, or until no run of the file is in training; its
 * row must be on disk before either.
 */
#include "keeper.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pg_keeper_init(struct pg_keeper *keeper, const char *results_path, const char *launch,
                    int rank, double every, enum pg_sync sync)
{
    memset(keeper, 0, sizeof *keeper);
    keeper->results_path = results_path;
    keeper->every = every;
    keeper->sync = sync;
    keeper->due = HUGE_VAL;
    (void)snprintf(keeper->name, sizeof keeper->name, "%s-%d", launch, rank);
}

static void forget_gathered(struct pg_keeper *keeper)
{
    for (size_t i = 0; i < keeper->count; i++)
        free((void *)(uintptr_t)keeper->records[i].state);
    keeper->count = 0;
    keeper->is_lost = false;
}

void pg_keeper_release(struct pg_keeper *keeper)
{
    forget_gathered(keeper);
}

void pg_keeper_enter(struct pg_keeper *keeper, size_t ticket, double now)
{
    assert(!keeper->runs[ticket].is_active);
    keeper->runs[ticket].is_active = true;
    keeper->runs[ticket].is_in_file = false;
    keeper->runs[ticket].since = now;
    keeper->due = fmin(keeper->due, now + keeper->every);
}

void pg_keeper_leave(struct pg_keeper *keeper, size_t ticket)
{
    keeper->runs[ticket].is_active = false;
    if (!keeper->runs[ticket].is_in_file)
        return;
    keeper->runs[ticket].is_in_file = false;
    keeper->unfinished--;
}

bool pg_keeper_asks(struct pg_keeper *keeper, double now)
{
    double earliest = HUGE_VAL;
    if (now < keeper->due || keeper->every <= 0.0)
        return false;
    for (size_t i = 0; i < PG_RECORDER_ROWS_MAX; i++)
        if (keeper->runs[i].is_active)
            earliest = fmin(earliest, keeper->runs[i].since);
    bool is_due = now >= earliest + keeper->every;
    for (size_t i = 0; i < PG_RECORDER_ROWS_MAX && is_due; i++)
        keeper->runs[i].since = now;
    keeper->due = (is_due ? now : earliest) + keeper->every;
    return is_due;
}

void pg_keeper_gather(struct pg_keeper *keeper, size_t ticket,
                      const struct pg_checkpoint_record *record)
{
    void *copy = malloc(record->size + 1);
    if (copy == NULL || keeper->count == PG_RECORDER_ROWS_MAX) {
        keeper->is_lost = true;
        free(copy);
        return;
    }
    memcpy(copy, record->state, record->size);
    keeper->records[keeper->count] = *record;
    keeper->records[keeper->count].state = copy;
    keeper->tickets[keeper->count++] = ticket;
}

/* The file holds what was gathered, and nothing else. */
static void note_file(struct pg_keeper *keeper)
{
    keeper->has_file = true;
    keeper->unfinished = 0;
    for (size_t i = 0; i < PG_RECORDER_ROWS_MAX; i++)
        keeper->runs[i].is_in_file = false;
    for (size_t i = 0; i < keeper->count; i++) {
        bool is_active = keeper->runs[keeper->tickets[i]].is_active;
        keeper->runs[keeper->tickets[i]].is_in_file = is_active;
        keeper->unfinished += is_active;
    }
}

int pg_keeper_write(struct pg_keeper *keeper, struct pg_error *error)
{
    int status = 0;
    if (keeper->is_lost)
        status =
            pg_error_set(error, PG_EMACHINE, "no checkpoint: out of memory: the states of %zu runs",
                         keeper->count + 1);
    else if (keeper->count > 0)
        status = pg_checkpoint_write(keeper->results_path, keeper->name, keeper->records,
                                     keeper->count, keeper->sync, error);
    if (status == 0 && keeper->count > 0)
        note_file(keeper);
    forget_gathered(keeper);
    return status;
}

bool pg_keeper_is_settled(const struct pg_keeper *keeper)
{
    return keeper->has_file && keeper->unfinished == 0;
}

void pg_keeper_remove(struct pg_keeper *keeper)
{
    pg_checkpoint_remove(keeper->results_path, keeper->name);
    keeper->has_file = false;
}
