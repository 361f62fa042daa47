/* SPDX-License-Identifier: MIT */
/*
 * Pieces stand one behind the other without gaps. The first one that does not fit makes the state
 * short, and everything behind it is left alone, too.
 */
#include "phasegrid/state.h"

#include <stdint.h>
#include <string.h>

struct pg_state pg_state_measure(void)
{
    return (struct pg_state){.mode = PG_STATE_MEASURE};
}

struct pg_state pg_state_save(void *bytes, size_t size)
{
    return (struct pg_state){.mode = PG_STATE_SAVE, .bytes = bytes, .size = size};
}

struct pg_state pg_state_load(const void *bytes, size_t size)
{
    unsigned char *read_only = (unsigned char *)(uintptr_t)bytes;
    return (struct pg_state){.mode = PG_STATE_LOAD, .bytes = read_only, .size = size};
}

void *pg_state_take(struct pg_state *state, size_t size)
{
    size_t begin = state->used;
    if (state->mode != PG_STATE_MEASURE && size > state->size - begin)
        state->is_short = true;
    if (state->is_short)
        return NULL;
    state->used += size;
    return state->mode == PG_STATE_MEASURE ? NULL : state->bytes + begin;
}

void pg_state_pass(struct pg_state *state, void *data, size_t size)
{
    void *at = pg_state_take(state, size);
    if (at == NULL || size == 0)
        return;
    if (state->mode == PG_STATE_SAVE)
        memcpy(at, data, size);
    else
        memcpy(data, at, size);
}
