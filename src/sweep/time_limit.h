/* SPDX-License-Identifier: MIT */
/*
 * The time that a launch has: until the allocation ends, less the grace that leaving takes. Then it
 * leaves as if a signal had come. A run that could neither end before nor be kept is not begun.
 */
#ifndef PHASEGRID_SWEEP_TIME_LIMIT_H
#define PHASEGRID_SWEEP_TIME_LIMIT_H

#include <stdbool.h>

struct pg_time_limit {
    double leave_at;   /* seconds on the clock that `now` is read from; HUGE_VAL: no limit */
    bool keeps_states; /* unfinished runs go on in the next launch */
};

/* left: seconds until the allocation ends, HUGE_VAL when nobody knows of an end. */
struct pg_time_limit pg_time_limit_make(double now, double left, double grace, bool keeps_states);

bool pg_time_limit_is_over(const struct pg_time_limit *limit, double now);

/* Seconds from now in which a run that begins has to end; HUGE_VAL: it need not. */
double pg_time_limit_room(const struct pg_time_limit *limit, double now);

/* Whether a run that takes `expected` seconds (0: not known) may begin. */
bool pg_time_limit_allows(const struct pg_time_limit *limit, double now, double expected);

#endif
