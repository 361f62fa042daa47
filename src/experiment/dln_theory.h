/* SPDX-License-Identifier: MIT */
/* The learning coefficient of deep linear networks. */
#ifndef PHASEGRID_DLN_THEORY_H
#define PHASEGRID_DLN_THEORY_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

/* In lowest terms, denominator > 0. */
struct pg_rational {
    int64_t numerator, denominator;
};

/* Of W_L ... W_1 with widths H_1 .. H_{L+1} (count, at least 2) and a truth of rank `rank` (at most
   the smallest width), for the loss |W_L ... W_1 - A|^2 (Aoyagi 2024): the global coefficient and
   its multiplicity. PG_EINPUT names what does not fit. */
int pg_deep_linear_lambda(const int64_t *widths, size_t count, int64_t rank,
                          struct pg_rational *ret_lambda, int64_t *ret_multiplicity,
                          struct pg_error *error) PG_CHECK_RESULT;

/* Of the same loss at a smooth point of its zeros, where all excess blocks are of full rank but the
   last layer's, which is 0: half the codimension, (r (H_1 + H_{L+1}) - r^2 + (H_{L+1} - r) min over
   i <= L of (H_i - r)) / 2. */
double pg_deep_linear_generic_lambda(const int64_t *widths, size_t count, int64_t rank);

#endif
