/* SPDX-License-Identifier: MIT */
/*
 * Quadrature on the quadrant w > 0 in logarithms of w: the integrand has its weight over many
 * octaves near the axes, and in w = exp(u) it is smooth there. The trapezoidal rule is spectrally
 * exact for such integrands.
 */
#include "crossing_theory.h"

#include <math.h>

enum { POINTS = 1600 }; /* in each direction: the error is of order exp(-pi^2 / (2 k spacing)) */

/* Of one coordinate: log w, from far below every scale to where exp(-gamma w^2 / 2) is nothing. */
static double log_point(int i, double gamma)
{
    const double lowest = -45.0, highest = log(9.0 / sqrt(gamma));
    return lowest + (highest - lowest) * (double)i / (POINTS - 1);
}

double pg_normal_crossing_llc(int64_t k1, int64_t k2, double n_beta, double gamma)
{
    double power[2][POINTS], prior[POINTS], weights = 0.0, losses = 0.0;
    for (int i = 0; i < POINTS; i++) {
        double u = log_point(i, gamma);
        power[0][i] = exp(2.0 * (double)k1 * u);
        power[1][i] = exp(2.0 * (double)k2 * u);
        prior[i] = exp(u - 0.5 * gamma * exp(2.0 * u));
    }
    for (int i = 0; i < POINTS; i++)
        for (int j = 0; j < POINTS; j++) {
            double energy = n_beta * power[0][i] * power[1][j];
            if (energy > 700.0) /* no weight; and no 0 times infinity */
                continue;
            double weight = prior[i] * prior[j] * exp(-energy);
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
