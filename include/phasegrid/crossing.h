/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_CROSSING_H
#define PHASEGRID_CROSSING_H

#include <stdbool.h>
#include <stdint.h>

#include "phasegrid/state.h"

/* When a condition was first met, and from when on it held for `hold` steps in a row. */
struct pg_crossing {
    int64_t hold;  /* steps t .. t + hold - 1 */
    int64_t first; /* -1: never yet */
    int64_t held;  /* the t of the first such stretch; -1: none yet */
    int64_t since; /* start of the present stretch; -1: not met now */
};

struct pg_crossing pg_crossing_make(int64_t hold);

/* Every step once, in order. */
void pg_crossing_update(struct pg_crossing *crossing, int64_t step, bool is_met);

/* All but `hold`, which is not of a run. */
void pg_crossing_pass(struct pg_crossing *crossing, struct pg_state *state);

#endif
