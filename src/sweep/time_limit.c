/* SPDX-License-Identifier: MIT */
/* Pure functions of the time. */
#include "time_limit.h"

#include <math.h>

struct pg_time_limit pg_time_limit_make(double now, double left, double grace, bool keeps_states)
{
    return (struct pg_time_limit){.leave_at = now + left - grace, .keeps_states = keeps_states};
}

bool pg_time_limit_is_over(const struct pg_time_limit *limit, double now)
{
    return now >= limit->leave_at;
}

double pg_time_limit_room(const struct pg_time_limit *limit, double now)
{
    return limit->keeps_states ? HUGE_VAL : fmax(limit->leave_at - now, 0.0);
}

bool pg_time_limit_allows(const struct pg_time_limit *limit, double now, double expected)
{
    return !pg_time_limit_is_over(limit, now) && expected <= pg_time_limit_room(limit, now);
}
