/* SPDX-License-Identifier: MIT */
/* The permutations of three symbols, and which of its quadruples an embedding by matrices
   satisfies (Liu et al. 2022, S3). */
#ifndef PHASEGRID_PERMUTATION_THEORY_H
#define PHASEGRID_PERMUTATION_THEORY_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/parallelogram.h"

enum { PERMUTATION_COUNT = 6, PERMUTATION_PAIRS = PERMUTATION_COUNT * PERMUTATION_COUNT };

/* Images of 0, 1, 2, in lexicographic order; 0 is the identity. */
extern const uint8_t pg_permutations[PERMUTATION_COUNT][3];

/* ret (a, b): the permutation x -> a(b(x)). */
void pg_permutation_products(uint32_t ret_products[PERMUTATION_PAIRS]);

/* Up to which mean square over the elements products are equal (Liu et al., S3). */
#define PERMUTATION_TOLERANCE 0.5

/* Products E_a E_b of embeddings (PERMUTATION_COUNT, order^2) of root mean square 1, all of them:
   ret (PERMUTATION_PAIRS, order^2). All are 0, and false returned, where there is no such scale. */
bool pg_permutation_multiply(const float *embeddings, size_t order, double *ret_products);

/* Share of the quadruples a b = c d whose products E_a E_b and E_c E_d agree: the mean square of
   their difference is below the tolerance. 0 where pg_permutation_multiply said so (is_scaled). */
double pg_permutation_quality(const struct pg_parallelograms *quadruples, const double *products,
                              size_t order, bool is_scaled);

/* Share of all pairs that train or, with a pair that does, form such a quadruple. */
double pg_permutation_predicted_accuracy(const struct pg_parallelograms *quadruples,
                                         const uint8_t *train_mask, const double *products,
                                         size_t order, bool is_scaled);

#endif
