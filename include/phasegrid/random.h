/* SPDX-License-Identifier: MIT */
/*
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011), keyed by (seed, stream),
 * never by run number, rank, order or time. A draw is a function of its counter alone, so anything
 * can be drawn again, in any order, anywhere.
 */
#ifndef PHASEGRID_RANDOM_H
#define PHASEGRID_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum pg_stream {
    PG_STREAM_SPLIT = 1,
    PG_STREAM_TEMPLATES = 2,
    PG_STREAM_INITIAL = 3,
    PG_STREAM_BATCHES = 4,
    PG_STREAM_CHAINS = 5,
    PG_STREAM_ORDERS = 6, /* of the samples in an epoch */
    PG_STREAM_LABEL_NOISE = 7,
    PG_STREAM_DROPOUT = 8,
    PG_STREAM_CHOICE = 98, /* of runs to compute again */
    PG_STREAM_TEST = 99,
};

struct pg_random {
    uint32_t key[2]; /* seed, stream */
    uint32_t mix;    /* 0, or a hash of the cell under `streams: independent` */
};

/* The bijection itself. */
void pg_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4]);

struct pg_random pg_random_make(uint32_t seed, enum pg_stream stream, uint32_t mix);

/* Word a % 4 of the block with the counter (a / 4, b, c, mix). */
uint32_t pg_random_word(const struct pg_random *random, uint32_t a, uint32_t b, uint32_t c);

/* Uniform in [0, 1) with 24 bits. */
float pg_random_uniform(const struct pg_random *random, uint32_t a, uint32_t b, uint32_t c);

/* Standard normal (Box-Muller in double, own log and sincos: no libm, same bits everywhere). */
float pg_random_normal(const struct pg_random *random, uint32_t a, uint32_t b, uint32_t c);

/* Uniform in 0 .. bound - 1; bound in 1 .. 2^32 - 1 (multiply-shift, bias below bound / 2^64). */
uint32_t pg_random_below(const struct pg_random *random, uint32_t bound, uint32_t a, uint32_t b,
                         uint32_t c);

/* order (count): a uniform permutation of 0 .. count - 1 (Fisher-Yates, counters (i, b, c)). */
void pg_random_permutation(const struct pg_random *random, uint32_t b, uint32_t c, uint32_t *order,
                           size_t count);

#endif
