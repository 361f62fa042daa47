/* SPDX-License-Identifier: MIT */
/*
 * The toy model of superposition at one point, in plain double: f(x) = ReLU(W'W x + b), x = m e_j,
 * loss |x - f(x)|^2 summed over the outputs. Parameters w: W row by row (hidden, features), then b
 * (features). The kernels of lane_kernel.h compute the same for many points at once.
 */
#ifndef PHASEGRID_AUTOENCODER_H
#define PHASEGRID_AUTOENCODER_H

#include "phasegrid/lane_kernel.h"

static inline size_t pg_autoencoder_parameters(const struct pg_autoencoder_shape *shape)
{
    return shape->features * (shape->hidden + 1);
}

/* The mean over uniform features and magnitudes in [0, 1], in closed form, and its gradient
   (parameters) or NULL. */
double pg_autoencoder_population(const struct pg_autoencoder_shape *shape, const double *w,
                                 double *ret_gradient);

/* Over samples (count), one by one. */
double pg_autoencoder_direct(const struct pg_autoencoder_shape *shape, const uint8_t *features,
                             const double *magnitudes, size_t count, const double *w,
                             double *ret_gradient);

#endif
