/* SPDX-License-Identifier: MIT */
/*
 * SGLD on a quadratic is w' = (1 - step a / 2) w - step n_beta noise / 2 + sqrt(step) N: a linear
 * recursion, whose stationary variance solves v = (1 - step a / 2)^2 v + step^2 n_beta^2 s^2 / 4 +
 * step.
 */
#include "quadratic_theory.h"

#include <math.h>

double pg_quadratic_llc(const double *curvatures, size_t count, double n_beta, double gamma,
                        double step_size, double noise_variance)
{
    const double spread = 1.0 + step_size * n_beta * n_beta * noise_variance / 4.0;
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double a = n_beta * curvatures[i] + gamma, euler = 1.0 - step_size * a / 4.0;
        if (euler <= 0.0)
            return (double)INFINITY;
        if (curvatures[i] > 0.0)
            sum += 0.5 * n_beta * curvatures[i] / a * spread / euler;
    }
    return sum;
}
