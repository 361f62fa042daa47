/* SPDX-License-Identifier: MIT */
/*
 * Computed values, the same on every machine: each is rounded to 12 significant digits, which
 * hides how different maths libraries end their last digits.
 */
#ifndef PHASEGRID_JOB_SPACING_H
#define PHASEGRID_JOB_SPACING_H

#include <stddef.h>
#include <stdint.h>

double pg_round_digits(double value);

/* Value `index` of `count` >= 2 from `from` to `to`, both included; logspace needs both > 0. */
double pg_linspace(double from, double to, size_t count, size_t index);
double pg_logspace(double from, double to, size_t count, size_t index);

/* How many values from, from + step, ... there are up to and including `to`; step leads from
   `from` towards `to`. May be larger than any integer type holds. */
double pg_range_count(double from, double to, double step);
double pg_range_value(double from, double step, size_t index);

/* steps (count): 0 .. budget, distinct and ascending; 1 <= count <= budget + 1, and 1 only for
   budget 0. */
void pg_spread_linear(int64_t budget, size_t count, int64_t *steps);
void pg_spread_log(int64_t budget, size_t count, int64_t *steps);

#endif
