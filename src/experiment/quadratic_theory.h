/* SPDX-License-Identifier: MIT */
/* What chains on a quadratic loss give, exactly. */
#ifndef PHASEGRID_QUADRATIC_THEORY_H
#define PHASEGRID_QUADRATIC_THEORY_H

#include <stddef.h>

/* n_beta E[L(w)] at L(w) = sum of curvatures[i] w_i^2 / 2 (count) under the localised, tempered
   posterior: half the sum of n_beta h / a, a = n_beta h + gamma; where step_size > 0 as SGLD of
   that step size samples it, each term divided by 1 - step_size a / 4, and where noise_variance > 0
   (of each component of a batch's gradient) multiplied by 1 + step_size n_beta^2 noise_variance /
   4. Infinite where step_size a >= 4: the chain diverges. */
double pg_quadratic_llc(const double *curvatures, size_t count, double n_beta, double gamma,
                        double step_size, double noise_variance);

#endif
