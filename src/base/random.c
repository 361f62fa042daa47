/* SPDX-License-Identifier: MIT */
/*
 * Philox4x32-10 and what is drawn with it. The normal deviates use a logarithm and a sine of our
 * own, in double with explicit arithmetic only, so that they have the same bits with every
 * compiler, C library and machine.
 */
#include "phasegrid/random.h"

#include <assert.h>
#include <math.h>

#include "phasegrid/special.h"

void pg_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    ret_words[0] = c0;
    ret_words[1] = c1;
    ret_words[2] = c2;
    ret_words[3] = c3;
}

struct pg_random pg_random_make(uint32_t seed, enum pg_stream stream, uint32_t mix)
{
    return (struct pg_random){.key = {seed, (uint32_t)stream}, .mix = mix};
}

static void block_of(const struct pg_random *random, uint32_t a, uint32_t b, uint32_t c,
                     uint32_t ret_words[4])
{
    const uint32_t counter[4] = {a, b, c, random->mix};
    pg_philox(counter, random->key, ret_words);
}

uint32_t pg_random_word(const struct pg_random *random, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t words[4];
    block_of(random, a / 4, b, c, words);
    return words[a % 4];
}

float pg_random_uniform(const struct pg_random *random, uint32_t a, uint32_t b, uint32_t c)
{
    return (float)(pg_random_word(random, a, b, c) >> 8) * 0x1p-24f;
}

float pg_random_normal(const struct pg_random *random, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t words[4];
    double cosine = 0.0, sine = 0.0;
    block_of(random, a / 2, b, c, words);
    double u = ((double)words[0] + 0.5) * 0x1p-32; /* in (0, 1) */
    pg_turn((double)words[1] * 0x1p-32, &cosine, &sine);
    double radius = sqrt(-2.0 * pg_log(u));
    return (float)(radius * (a % 2 == 0 ? cosine : sine));
}

uint32_t pg_random_below(const struct pg_random *random, uint32_t bound, uint32_t a, uint32_t b,
                         uint32_t c)
{
    uint32_t words[4];
    assert(bound > 0);
    block_of(random, a, b, c, words);
    uint64_t low = (uint64_t)words[0] * bound;
    uint64_t high = (uint64_t)words[1] * bound;
    return (uint32_t)((high + (low >> 32)) >> 32);
}

void pg_random_permutation(const struct pg_random *random, uint32_t b, uint32_t c, uint32_t *order,
                           size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = 0; i + 1 < count; i++) {
        size_t j = i + pg_random_below(random, (uint32_t)(count - i), (uint32_t)i, b, c);
        uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
