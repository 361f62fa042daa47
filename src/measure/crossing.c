/* SPDX-License-Identifier: MIT */
/* First crossings and stretches, checked at every step. */
#include "phasegrid/crossing.h"

struct pg_crossing pg_crossing_make(int64_t hold)
{
    return (struct pg_crossing){.hold = hold, .first = -1, .held = -1, .since = -1};
}

void pg_crossing_update(struct pg_crossing *crossing, int64_t step, bool is_met)
{
    if (!is_met) {
        crossing->since = -1;
        return;
    }
    if (crossing->first < 0)
        crossing->first = step;
    if (crossing->since < 0)
        crossing->since = step;
    if (crossing->held < 0 && step - crossing->since + 1 >= crossing->hold)
        crossing->held = crossing->since;
}

void pg_crossing_pass(struct pg_crossing *crossing, struct pg_state *state)
{
    pg_state_pass(state, &crossing->first, sizeof crossing->first);
    pg_state_pass(state, &crossing->held, sizeof crossing->held);
    pg_state_pass(state, &crossing->since, sizeof crossing->since);
}
