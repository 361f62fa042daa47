/* SPDX-License-Identifier: MIT */
/* The normal crossing w_1^(2 k_1) w_2^(2 k_2). */
#ifndef PHASEGRID_CROSSING_THEORY_H
#define PHASEGRID_CROSSING_THEORY_H

#include <stdint.h>

/* n_beta E[K] under exp(-n_beta K(w) - gamma / 2 |w|^2), by quadrature to 1e-6 for
   powers up to 8; gamma > 0. */
double pg_normal_crossing_llc(int64_t k1, int64_t k2, double n_beta, double gamma);

/* The learning coefficient, 1 / (2 max k), and its multiplicity, 2 where k1 = k2. */
double pg_normal_crossing_lambda(int64_t k1, int64_t k2, int64_t *ret_multiplicity);

#endif
