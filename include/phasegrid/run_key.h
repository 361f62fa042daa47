/* SPDX-License-Identifier: MIT */
/*
 * The identity of a run, the same in every job, file and place of the grid that holds it; never its
 * number, which changes when a grid grows.
 */
#ifndef PHASEGRID_RUN_KEY_H
#define PHASEGRID_RUN_KEY_H

#include <stdint.h>

struct pg_run_key {
    /* SHA-256 over all that a row is a function of but the seed: experiment, numerics, every
       setting of the cell by name, recorded steps, snapshots, stop rule, streams. */
    uint8_t cell[32];
    uint32_t seed;
};

/* Order of keys: negative, 0 (the same run), positive. */
int pg_run_key_compare(const struct pg_run_key *a, const struct pg_run_key *b);

#endif
