/* SPDX-License-Identifier: MIT */
/*
 * Quadrature on the quadrant w > 0 in logarithms of w: the integrand has its weight over many
 * octaves near the axes, and in w = exp(u) it is smooth there. The trapezoidal rule is spectrally
 * exact for such integrands.
 */
#include "crossing_theory.h"

#include <math.h>

enum { POINTS = 1200 }; /* in each direction */

/* Of one coordinate: log w, from far below every scale to where exp(-gamma w^2 / 2) is nothing. */
static double log_point(int i, double gamma)
{
    const double lowest = -45.0, highest = log(9.0 / sqrt(gamma));
    return lowest + (highest - lowest) * (double)i / (POINTS - 1);
}

double pg_normal_crossing_llc(int64_t k1, int64_t k2, double n_beta, double gamma)
{
    double weights = 0.0, losses = 0.0;
    for (int i = 0; i < POINTS; i++)
        for (int j = 0; j < POINTS; j++) {
            double u = log_point(i, gamma), v = log_point(j, gamma);
            double energy = n_beta * exp(2.0 * ((double)k1 * u + (double)k2 * v));
            double weight = exp(u + v - energy - 0.5 * gamma * (exp(2.0 * u) + exp(2.0 * v)));
            weights += weight;
            losses += weight * energy;
        }
    return losses / weights;
}

double pg_normal_crossing_lambda(int64_t k1, int64_t k2, int64_t *ret_multiplicity)
{
    *ret_multiplicity = k1 == k2 ? 2 : 1;
    return 1.0 / (2.0 * (double)(k1 > k2 ? k1 : k2));
}
