/* SPDX-License-Identifier: MIT */
/* Figures as people read them. */
#ifndef PHASEGRID_FORMAT_H
#define PHASEGRID_FORMAT_H

#include <stdint.h>

struct pg_text {
    char at[32];
};

struct pg_text pg_format_count(double count);      /* 950, 12.3 k, 4.56 M */
struct pg_text pg_format_bytes(uint64_t bytes);    /* 512 B, 1.5 KiB, 2.3 GiB */
struct pg_text pg_format_duration(double seconds); /* 0:07, 12:05, 3 h 20 min, 4.5 days; "?" */

#endif
