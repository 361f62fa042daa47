/* SPDX-License-Identifier: MIT */
/*
 * Moments of the gradient of stochastic descent, exactly, over all batches that may be drawn (Qian
 * and Klabjan, "The Impact of the Mini-batch Size on the Variance of Gradients in Stochastic
 * Gradient Descent", 2020, arXiv:2004.13146).
 */
#ifndef PHASEGRID_GRADIENT_THEORY_H
#define PHASEGRID_GRADIENT_THEORY_H

#include <stddef.h>

enum { PG_GRADIENT_SAMPLES_MAX = 12, PG_GRADIENT_DIMENSION_MAX = 8, PG_GRADIENT_BATCH_MAX = 16 };

/* Half mean squared errors; inputs (samples, dimension), targets (samples), start: the parameters.
 */
struct pg_gradient_problem {
    size_t samples, dimension;
    const double *inputs, *targets, *start;
    double learning_rate;
};

/* Of the gradient g of a batch after t updates, over the batches of these and its own: the variance
   E|g|^2 - |E g|^2, and the mean square of the full gradient there. */
struct pg_gradient_moments {
    double variance, full_square;
};

/* Linear regression x'w, start (dimension); each batch an independent subset of `batch` <= samples:
   second moments of (w, 1) pass from update to update, a mean over all subsets. ret (updates + 1).
 */
void pg_gradient_linear(const struct pg_gradient_problem *problem, size_t batch, size_t updates,
                        struct pg_gradient_moments *ret);

/* A net w2 w1 x, dimension 1, start (2); batches with replacement, `batch` <=
   PG_GRADIENT_BATCH_MAX: a sum over all counts of the samples in the first. ret (2): before and
   after one update. At depth D the variance is a polynomial in 1 / batch of degree 2 (2 D - 1). */
void pg_gradient_two_layer(const struct pg_gradient_problem *problem, size_t batch,
                           struct pg_gradient_moments ret[2]);

#endif
