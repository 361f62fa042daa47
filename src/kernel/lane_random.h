/* SPDX-License-Identifier: MIT */
/* Philox4x32-10 (Salmon et al., SC 2011) in lanes, and normal deviates by Box and Muller. */
#ifndef PHASEGRID_KERNEL_LANE_RANDOM_H
#define PHASEGRID_KERNEL_LANE_RANDOM_H

#include "elementary.h"
#include "phasegrid/lane_kernel.h"
#include "tile.h"

struct philox_block {
    words at[4];
};

INLINE struct philox_block philox_rounds(words c0, words c1, words c2, words c3, words k0, words k1)
{
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        words low0, high0, low1, high1;
        u_multiply(c0, 0xD2511F53u, &low0, &high0);
        u_multiply(c2, 0xCD9E8D57u, &low1, &high1);
        c0 = u_xor(u_xor(high1, c1), k0);
        c1 = low1;
        c2 = u_xor(u_xor(high0, c3), k1);
        c3 = low0;
        k0 = u_add(k0, u_set(0x9E3779B9u));
        k1 = u_add(k1, u_set(0xBB67AE85u));
    }
    return (struct philox_block){{c0, c1, c2, c3}};
}

/* Block `index` of the lanes from `lane` on. */
INLINE struct philox_block philox(const struct pg_lane_random *random, size_t lane, uint32_t index)
{
    return philox_rounds(u_set(index), u_load(random->counter[0] + lane),
                         u_load(random->counter[1] + lane), u_load(random->counter[2] + lane),
                         u_load(random->key[0] + lane), u_load(random->key[1] + lane));
}

/* Consecutive blocks of one stream in lanes. */
static void words_of_stream(const struct pg_lane_random *random, uint32_t first, size_t blocks,
                            uint32_t *ret_words)
{
    static const uint32_t places[PG_LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint32_t words_of[4][WIDTH];
    for (size_t i = 0; i < blocks; i += WIDTH) {
        const struct philox_block block = philox_rounds(
            u_add(u_set(first + (uint32_t)i), u_load(places)), u_set(random->counter[0][0]),
            u_set(random->counter[1][0]), u_set(random->counter[2][0]), u_set(random->key[0][0]),
            u_set(random->key[1][0]));
        for (size_t k = 0; k < 4; k++)
            u_store(words_of[k], block.at[k]);
        for (size_t lane = 0; lane < WIDTH && i + lane < blocks; lane++)
            for (size_t k = 0; k < 4; k++)
                ret_words[4 * (i + lane) + k] = words_of[k][lane];
    }
}

static void words_in_lanes(const struct pg_lane_random *random, uint32_t first, size_t blocks,
                           uint32_t *ret_words)
{
    for (size_t lane = 0; lane < PG_LANES; lane += WIDTH)
        for (size_t i = 0; i < blocks; i++) {
            const struct philox_block block = philox(random, lane, first + (uint32_t)i);
            for (size_t k = 0; k < 4; k++)
                u_store(ret_words + (4 * i + k) * PG_LANES + lane, block.at[k]);
        }
}

/* Widens a vector of floats into a row of doubles. */
INLINE void store_wide(vector x, double *to)
{
    float narrow[WIDTH];
    v_store(narrow, x);
    for (size_t i = 0; i < WIDTH; i += DOUBLES)
        d_store(to + i, d_widen(narrow + i));
}

/* Two deviates from two words: the radius from the first, in (0, 1), the angle from the second. */
INLINE void box_muller(words a, words b, double *ret_first, double *ret_second)
{
    vector sine, cosine;
    vector u = v_fma(u_upper(a), v_set(0x1p-24f), v_set(0x1p-25f));
    vector radius = v_sqrt(v_mul(v_set(-2.0f), v_log(v_min(u, v_set(1.0f)))));
    v_sincos_turn(v_mul(u_upper(b), v_set(0x1p-24f)), &sine, &cosine);
    store_wide(v_mul(radius, cosine), ret_first);
    store_wide(v_mul(radius, sine), ret_second);
}

static void normals_in_lanes(const struct pg_lane_random *random, uint32_t first, size_t blocks,
                             double *ret_normals)
{
    for (size_t lane = 0; lane < PG_LANES; lane += WIDTH)
        for (size_t i = 0; i < blocks; i++) {
            const struct philox_block block = philox(random, lane, first + (uint32_t)i);
            double *row = ret_normals + 4 * i * PG_LANES + lane;
            box_muller(block.at[0], block.at[1], row, row + PG_LANES);
            box_muller(block.at[2], block.at[3], row + 2 * PG_LANES, row + 3 * PG_LANES);
        }
}

#endif
