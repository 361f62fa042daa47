/* SPDX-License-Identifier: MIT */
/* The three clocks that the project reads. */
#include "phasegrid/clock.h"

#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double pg_clock_wall(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double pg_clock_cpu(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

double pg_clock_unix(void)
{
    return read_clock(CLOCK_REALTIME);
}
