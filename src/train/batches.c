/* SPDX-License-Identifier: MIT */
/*
 * Mini-batches: the first `size` places of a Fisher-Yates shuffle of the identity, with counters
 * (place, step). The shuffle is undone after each draw, so that a batch depends on its step alone
 * and costs no more than its size.
 */
#include "phasegrid/trainer.h"

void pg_batches_arrange(struct pg_batches *batches, size_t pool, size_t size,
                        struct pg_arena *arena)
{
    batches->pool = pool;
    batches->size = size;
    batches->order = pg_arena_take(arena, pool * sizeof *batches->order);
    batches->swaps = pg_arena_take(arena, size * sizeof *batches->swaps);
}

void pg_batches_prepare(struct pg_batches *batches, const struct pg_random *random)
{
    batches->random = *random;
    for (size_t i = 0; i < batches->pool; i++)
        batches->order[i] = (uint32_t)i;
}

static void swap(uint32_t *order, size_t i, size_t j)
{
    uint32_t kept = order[i];
    order[i] = order[j];
    order[j] = kept;
}

void pg_batches_draw(const struct pg_batches *batches, int64_t step, uint32_t *ret_samples)
{
    uint32_t low = (uint32_t)((uint64_t)step & 0xffffffffu),
             high = (uint32_t)((uint64_t)step >> 32);
    for (size_t i = 0; i < batches->size; i++) {
        uint32_t left = (uint32_t)(batches->pool - i);
        uint32_t skip = pg_random_below(&batches->random, left, (uint32_t)i, low, high);
        batches->swaps[i] = (uint32_t)i + skip;
        swap(batches->order, i, batches->swaps[i]);
        ret_samples[i] = batches->order[i];
    }
    for (size_t i = batches->size; i-- > 0;)
        swap(batches->order, i, batches->swaps[i]);
}
