/* SPDX-License-Identifier: MIT */
/*
 * A digest of numbers (FNV-1a by words, 32 bits), printed by tests whose bytes must be the same on
 * another CPU: tests/cross compares the lines. Every NaN counts as the same one.
 */
#ifndef PHASEGRID_TEST_DIGEST_H
#define PHASEGRID_TEST_DIGEST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const uint32_t digest_start = 2166136261u;

static inline uint32_t digest_floats(uint32_t digest, const float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &numbers[i], sizeof bits);
        digest = (digest ^ (isnan(numbers[i]) ? 0x7fc00000u : bits)) * 16777619u;
    }
    return digest;
}

#endif
