/* SPDX-License-Identifier: MIT */
/*
 * One allocation with named parts. A function that lays things out runs twice: over an empty arena
 * (`pg_arena_measure`), which only counts, and over a filled one, which hands out pieces. Training
 * allocates nothing after that.
 */
#ifndef PHASEGRID_ARENA_H
#define PHASEGRID_ARENA_H

#include <stddef.h>

#include "phasegrid/error.h"

struct pg_arena {
    unsigned char *bytes; /* NULL while measuring */
    size_t size;          /* bytes owned; 0 while measuring */
    size_t used;
};

void pg_arena_measure(struct pg_arena *arena);

/* Allocates `size` zeroed bytes, aligned to 64. */
int pg_arena_init(struct pg_arena *arena, size_t size, struct pg_error *error) PG_CHECK_RESULT;
void pg_arena_release(struct pg_arena *arena);

/* The next `size` bytes, aligned to 64; NULL while measuring. */
void *pg_arena_take(struct pg_arena *arena, size_t size);

#endif
