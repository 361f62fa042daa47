/* SPDX-License-Identifier: MIT */
/*
 * Functions whose results are recorded, in double: sums, products, divisions and roots only, no
 * libm, so that every compiler and machine gives the same bits.
 */
#ifndef PHASEGRID_SPECIAL_H
#define PHASEGRID_SPECIAL_H

#include <stddef.h>

/* log(x) of normal x > 0, to some units in the last place. */
double pg_log(double x);

/* exp(x), to some units in the last place; 0 below -700, infinity above 700. */
double pg_exp(double x);

/* cos(2 pi u) and sin(2 pi u), u in [0, 1). */
void pg_turn(double u, double *ret_cosine, double *ret_sine);

/* The angle of (x, y) in (-pi, pi], as atan2(y, x); 0 of (0, 0). */
double pg_direction(double x, double y);

/* The standard normal quantile of p in (0, 1), to 1e-15 relative (Wichura 1988, AS 241). */
double pg_normal_quantile(double p);

/* Student's t quantile of 0.975 with `freedom` degrees of freedom: a table up to 30, then the
   Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5), to 1e-6; NaN for 0. */
double pg_student_quantile_975(size_t freedom);

#endif
