/* SPDX-License-Identifier: MIT */
/* Times as Slurm writes them. */
#ifndef PHASEGRID_SLURM_TIME_H
#define PHASEGRID_SLURM_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct pg_slurm_time {
    char at[32];
};

/* Seconds of "90" (minutes), "90:30" (minutes:seconds), "2:00:00", "1-12" (days-hours), "1-12:30",
   "1-12:30:00". False: none of these. */
bool pg_slurm_clock_read(const char *text, int64_t *ret_seconds);

/* The same, and "90s", "90m", "90min", "2h", "1.5d": as a time limit. Slurm counts in minutes: at
   least one. */
bool pg_slurm_time_read(const char *text, int64_t *ret_seconds);

/* "2:00:00", or "1-12:30:00". */
struct pg_slurm_time pg_slurm_time_print(int64_t seconds);

/* Seconds before a time limit at which the ranks are told to leave: three minutes, or a quarter of
   a short limit. */
int64_t pg_slurm_lead(int64_t limit);

#endif
