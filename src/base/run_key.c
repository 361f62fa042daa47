/* SPDX-License-Identifier: MIT */
/* Runs in the order of their keys, for indices that are searched. */
#include "phasegrid/run_key.h"

#include <string.h>

int pg_run_key_compare(const struct pg_run_key *a, const struct pg_run_key *b)
{
    int order = memcmp(a->cell, b->cell, sizeof a->cell);
    return order != 0 ? order : (a->seed > b->seed) - (a->seed < b->seed);
}
