/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_CLOCK_H
#define PHASEGRID_CLOCK_H

double pg_clock_wall(void); /* seconds, monotonic, arbitrary origin */
double pg_clock_cpu(void);  /* CPU seconds of this process */
double pg_clock_unix(void); /* seconds since 1970 */

#endif
