/* SPDX-License-Identifier: MIT */
/*
 * Parallelograms of the addition task and the effective theory of Liu et al. (NeurIPS 2022):
 * representation quality, nullity, predicted and ideal accuracy, grokking rate. Samples are the
 * unordered pairs i <= j of p symbols in lexicographic order, p (p + 1) / 2 of them. A group has
 * quadruples in their place, whose samples are the p^2 ordered pairs.
 */
#ifndef PHASEGRID_PARALLELOGRAM_H
#define PHASEGRID_PARALLELOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

/* E_i + E_j = E_m + E_n: different unordered pairs with equal sums, i < m <= n < j. */
struct pg_parallelogram {
    uint32_t i, j, m, n;
};

struct pg_parallelograms {
    uint32_t symbols, least_nullity; /* that of all equations together, where it is known */
    bool is_ordered;                 /* samples are all p^2 pairs: quadruples of a group */
    size_t sample_count, count;
    struct pg_parallelogram *at;
};

/* Mean square up to which an embedding satisfies a parallelogram (Liu et al., RQI). */
#define PG_PARALLELOGRAM_TOLERANCE 0.01

/* All of them, in the order of (i, j, m): symbols^3 / 12 or so. symbols: 3 to 256. */
int pg_parallelograms_create(uint32_t symbols, struct pg_parallelograms **ret_parallelograms,
                             struct pg_error *error) PG_CHECK_RESULT;
void pg_parallelograms_destroy(struct pg_parallelograms *parallelograms);

/* All quadruples i j = m n of different ordered pairs, each once, (i, j) the earlier. products
   (symbols, symbols): the table of a group; symbols: 3 to 64. */
int pg_quadruples_create(uint32_t symbols, const uint32_t *products,
                         struct pg_parallelograms **ret_quadruples,
                         struct pg_error *error) PG_CHECK_RESULT;

/* Index of the sample {i, j}, i <= j. */
size_t pg_pair_index(uint32_t symbols, uint32_t i, uint32_t j);

/* The same of whatever the samples are. */
static inline size_t pg_sample_index(const struct pg_parallelograms *parallelograms, uint32_t i,
                                     uint32_t j)
{
    return parallelograms->is_ordered ? (size_t)i * parallelograms->symbols + j
                                      : pg_pair_index(parallelograms->symbols, i, j);
}

/* Share of the parallelograms that the normalised embedding satisfies (mean square over dimensions
   of z_i + z_j - z_m - z_n below 0.01; Liu et al., RQI); 0 where a standard deviation is 0 or not
   finite. embeddings (symbols, dimension), row-major; normalised (symbols, dimension) is scratch.
   Allocates nothing. */
double pg_representation_quality(const struct pg_parallelograms *parallelograms,
                                 const float *embeddings, size_t dimension, double *normalised);

/* l0 / Z0 of the normalised embedding: l0 the sum of |E_i + E_j - E_m - E_n|^2 over all
   parallelograms, undivided (the authors' code), Z0 the sum of |E_k|^2, dimension (symbols - 1).
   NAN where a standard deviation is 0 or not finite. Arguments as above. */
double pg_effective_loss(const struct pg_parallelograms *parallelograms, const float *embeddings,
                         size_t dimension, double *normalised);

/* Acc-hat of Liu et al.: share of all pairs that are training pairs or form, with a training pair,
   a parallelogram that the embedding satisfies (as in the representation quality). Other arguments
   as above. */
double pg_predicted_accuracy(const struct pg_parallelograms *parallelograms,
                             const uint8_t *train_mask, const float *embeddings, size_t dimension,
                             double *normalised);

/* What the training set alone implies, whatever the network. */
struct pg_split_theory {
    int32_t nullity;            /* of the linear system over the training set; exact */
    double ideal_accuracy;      /* of all pairs; exact count */
    double ideal_test_accuracy; /* of the test pairs; NAN when there are none */
    double lambda3;             /* 1 / step at learning rate 1; 0 when nullity > 2 */
    double predicted_steps;     /* 1 / (lambda3 representation_lr); INFINITY when lambda3 is 0 */
};

/* The exact part: nullity and ideal accuracies. train_mask (sample_count): 1 for a training
   sample. Of quadruples i j = m n the equations are those of parallelograms, E_i + E_j = E_m + E_n:
   what a homomorphism into numbers makes of them. */
int pg_split_theory(const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                    struct pg_split_theory *ret_theory, struct pg_error *error) PG_CHECK_RESULT;

/* The rest, by LAPACK: lambda3 and predicted_steps of a theory whose nullity is known; addition. */
int pg_split_rate(const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                  double representation_lr, struct pg_split_theory *theory,
                  struct pg_error *error) PG_CHECK_RESULT;

#endif
