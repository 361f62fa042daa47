/* SPDX-License-Identifier: MIT */
/* Many small allocations that live and die together. */
#ifndef PHASEGRID_POOL_H
#define PHASEGRID_POOL_H

#include <stddef.h>

struct pg_pool_piece;
struct pg_pool {
    struct pg_pool_piece *last;
};

void *pg_pool_take(struct pg_pool *pool, size_t size); /* zeroed; NULL: no memory */
char *pg_pool_copy(struct pg_pool *pool, const char *text);
void pg_pool_release(struct pg_pool *pool);

#endif
