/* SPDX-License-Identifier: MIT */
/*
 * The phases of the toy model of superposition with two hidden dimensions (Chen et al. 2023,
 * arXiv:2310.06301): k^{sigma+,phi-} has k of the c columns of W on a regular k-gon, the others
 * 0, sigma of those with the positive bias 1 / (2c), and phi of the k outputs dead by a large
 * negative bias.
 */
#ifndef PHASEGRID_KGON_H
#define PHASEGRID_KGON_H

#include <stddef.h>

#include "phasegrid/error.h"

struct pg_kgon {
    size_t k;
    double length, bias; /* of the k columns: l*, b* */
    double level;        /* h_k: 3 c L of c = k features */
};

struct pg_superposition_phase {
    size_t k, sigma, phi;
};

/* The k-gon that is a critical point of the population loss of k features: 4 <= k. PG_EINPUT:
   there is none. */
int pg_kgon_solve(size_t k, struct pg_kgon *ret, struct pg_error *error) PG_CHECK_RESULT;

/* Population loss at pg_kgon_point() of a phase with `features` features and dead_bias far below 0:
   a dead output costs 1 less its own share h_k / k of the level, over 3 c. */
double pg_kgon_loss(const struct pg_kgon *kgon, size_t sigma, size_t phi, size_t features);

/* ret_w (3 features): the phase at the k-gon, column 0 at `turn` turns; dead columns 0. The first
   sigma columns without a place have the bias 1 / (2 features), the others, and phi outputs,
   dead_bias. */
void pg_kgon_point(const struct pg_kgon *kgon, size_t sigma, size_t phi, size_t features,
                   double dead_bias, double turn, double *ret_w);

/* lambda as the exponent of the volume of small losses; NaN where no rule is known: at saddles (0 <
   sigma < c - k of k >= 5; k >= 12), and where there is no such phase. */
double pg_kgon_volume_exponent(size_t k, size_t sigma, size_t features);

/* The Hessian of the population loss at a phase without dead outputs, its dead biases at -.7. */
struct pg_kgon_hessian {
    size_t rank, negative; /* eigenvalues that are not 0, and below 0: a minimum has none */
};

/* By differences of the gradient; eigenvalues within 1e-6 count as 0. PG_EINPUT: of the square,
   where the loss has a kink, and of more than 16 features. */
int pg_kgon_hessian(const struct pg_kgon *kgon, size_t sigma, size_t features,
                    struct pg_kgon_hessian *ret, struct pg_error *error) PG_CHECK_RESULT;

/* |w|^2 / 2 at the phase, dead biases left out: what the prior N(0, 1) adds to the free energy. */
double pg_kgon_prior(const struct pg_kgon *kgon, size_t sigma, size_t features);

/* What the phase rule says of a point with two hidden dimensions: k corners of the convex hull of
   the columns; sigma of the other columns with b > 0; phi corners with b < -|W_i|^2. */
struct pg_superposition_phase pg_superposition_classify(size_t features, const double *w);

/* A free energy n loss + lambda ln n + prior. */
struct pg_free_energy {
    double loss, lambda, prior;
};

/* The largest n at which two free energies are equal; NaN: none above 1, or they are the same. */
double pg_critical_sample_count(struct pg_free_energy a, struct pg_free_energy b);

#endif
