/* SPDX-License-Identifier: MIT */
/* Each piece knows the one taken before it. */
#include "phasegrid/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pg_pool_piece {
    struct pg_pool_piece *before;
    max_align_t bytes[];
};

void *pg_pool_take(struct pg_pool *pool, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct pg_pool_piece))
        return NULL;
    struct pg_pool_piece *piece = calloc(1, sizeof *piece + size);
    if (piece == NULL)
        return NULL;
    piece->before = pool->last;
    pool->last = piece;
    return piece->bytes;
}

char *pg_pool_copy(struct pg_pool *pool, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = pg_pool_take(pool, size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

void pg_pool_release(struct pg_pool *pool)
{
    while (pool->last != NULL) {
        struct pg_pool_piece *piece = pool->last;
        pool->last = piece->before;
        free(piece);
    }
}
