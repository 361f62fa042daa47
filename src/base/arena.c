/* SPDX-License-Identifier: MIT */
/* A bump allocator that is first only counted, then filled; pieces are aligned to cache lines. */
#include "phasegrid/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

void pg_arena_measure(struct pg_arena *arena)
{
    memset(arena, 0, sizeof *arena);
}

int pg_arena_init(struct pg_arena *arena, size_t size, struct pg_error *error)
{
    size_t whole = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(arena, 0, sizeof *arena);
    arena->bytes = aligned_alloc(ALIGNMENT, whole > 0 ? whole : ALIGNMENT);
    if (arena->bytes == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu bytes for one run", size);
    memset(arena->bytes, 0, whole > 0 ? whole : ALIGNMENT);
    arena->size = whole;
    return 0;
}

void pg_arena_release(struct pg_arena *arena)
{
    free(arena->bytes);
    memset(arena, 0, sizeof *arena);
}

void *pg_arena_take(struct pg_arena *arena, size_t size)
{
    size_t at = arena->used;
    arena->used += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->bytes == NULL)
        return NULL;
    assert(arena->used <= arena->size);
    return arena->bytes + at;
}
