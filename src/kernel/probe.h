/* SPDX-License-Identifier: MIT */
/*
 * What an instruction set can do at most: independent chains of fused multiply-adds that never
 * leave the registers, enough of them to hide the latency of two pipes of four or five cycles.
 */
#ifndef PHASEGRID_KERNEL_PROBE_H
#define PHASEGRID_KERNEL_PROBE_H

#include "phasegrid/kernel.h"
#include VECTOR_HEADER

enum { PROBE_CHAINS = 12 };

/* Chain c starts at c, and every round halves its distance from 1. */
static double probe(size_t rounds, float *ret_sum)
{
    const vector half = v_set(0.5f);
    vector chain[PROBE_CHAINS], sum = v_set(0.0f);
    float lanes[WIDTH];
    for (int c = 0; c < PROBE_CHAINS; c++)
        chain[c] = v_set((float)c);
    for (size_t i = 0; i < rounds; i++)
#pragma GCC unroll 12
        for (int c = 0; c < PROBE_CHAINS; c++)
            chain[c] = v_fma(chain[c], half, half);
    for (int c = 0; c < PROBE_CHAINS; c++)
        sum = v_add(sum, chain[c]);
    v_store(lanes, sum);
    *ret_sum = 0.0f;
    for (int lane = 0; lane < WIDTH; lane++)
        *ret_sum += lanes[lane];
    return 2.0 * PROBE_CHAINS * WIDTH * (double)rounds;
}

#endif
