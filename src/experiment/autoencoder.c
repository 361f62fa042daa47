/* SPDX-License-Identifier: MIT */
/*
 * Chen, Lau, Mendel, Wei and Murfet (2023, arXiv:2310.06301), section 3 and appendix: with G = W'W
 * and the part [lo, hi] of [0, 1] at which output i is active on feature j, whose moments are M_p =
 * (hi^p - lo^p) / p,
 *
 *     L = 1/c sum over i, j of s^2 M_3 + 2 s b_i M_2 + b_i^2 M_1 + [i = j] (1/3 - M_3),
 *
 * s = G_ij - [i = j].
 */
#include "autoencoder.h"

#include <string.h>

static double clamp(double x)
{
    return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

/* M_1, M_2, M_3 of the magnitudes at which g m + b > 0. */
static void moments_of(double g, double b, double ret[3])
{
    double lo = 0.0, hi = 1.0;
    if (g > 0.0)
        lo = clamp(-b / g);
    else if (g < 0.0)
        hi = clamp(-b / g);
    else
        hi = b > 0.0 ? 1.0 : 0.0;
    ret[0] = hi - lo;
    ret[1] = (hi * hi - lo * lo) / 2.0;
    ret[2] = (hi * hi * hi - lo * lo * lo) / 3.0;
}

static double product(const struct pg_autoencoder_shape *shape, const double *w, size_t i, size_t j)
{
    double sum = 0.0;
    for (size_t k = 0; k < shape->hidden; k++)
        sum += w[k * shape->features + i] * w[k * shape->features + j];
    return sum;
}

/* Adds slope = dL/dG_ij to the gradient. */
static void add_slope(const struct pg_autoencoder_shape *shape, const double *w, size_t i, size_t j,
                      double slope, double *gradient)
{
    for (size_t k = 0; k < shape->hidden; k++) {
        gradient[k * shape->features + i] += slope * w[k * shape->features + j];
        gradient[k * shape->features + j] += slope * w[k * shape->features + i];
    }
}

double pg_autoencoder_population(const struct pg_autoencoder_shape *shape, const double *w,
                                 double *ret_gradient)
{
    const size_t c = shape->features, r = shape->hidden;
    double sum = 0.0, m[3];
    if (ret_gradient != NULL)
        memset(ret_gradient, 0, pg_autoencoder_parameters(shape) * sizeof *ret_gradient);
    for (size_t i = 0; i < c; i++)
        for (size_t j = 0; j < c; j++) {
            double g = product(shape, w, i, j), b = w[r * c + i], s = i == j ? g - 1.0 : g;
            moments_of(g, b, m);
            sum += s * s * m[2] + 2.0 * s * b * m[1] + b * b * m[0];
            sum += i == j ? 1.0 / 3.0 - m[2] : 0.0;
            if (ret_gradient == NULL)
                continue;
            ret_gradient[r * c + i] += 2.0 * (s * m[1] + b * m[0]) / (double)c;
            add_slope(shape, w, i, j, 2.0 * (s * m[2] + b * m[1]) / (double)c, ret_gradient);
        }
    return sum / (double)c;
}

double pg_autoencoder_direct(const struct pg_autoencoder_shape *shape, const uint8_t *features,
                             const double *magnitudes, size_t count, const double *w,
                             double *ret_gradient)
{
    const size_t c = shape->features, r = shape->hidden;
    double sum = 0.0;
    if (ret_gradient != NULL)
        memset(ret_gradient, 0, pg_autoencoder_parameters(shape) * sizeof *ret_gradient);
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0, j = features[n]; i < c; i++) {
            double m = magnitudes[n], y = product(shape, w, i, j) * m + w[r * c + i];
            double error = (y > 0.0 ? y : 0.0) - (i == j ? m : 0.0);
            sum += error * error;
            if (ret_gradient == NULL || y <= 0.0)
                continue;
            ret_gradient[r * c + i] += 2.0 * error / (double)count;
            add_slope(shape, w, i, j, 2.0 * error * m / (double)count, ret_gradient);
        }
    return sum / (double)count;
}
