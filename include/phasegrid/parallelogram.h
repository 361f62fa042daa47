/* SPDX-License-Identifier: MIT */
/*
 * Parallelograms of the addition task and the effective theory of Liu et al. (NeurIPS 2022):
 * representation quality, nullity, predicted and ideal accuracy, grokking rate. Samples are the
 * unordered pairs i <= j of p symbols in lexicographic order, p (p + 1) / 2 of them.
 */
#ifndef PHASEGRID_PARALLELOGRAM_H
#define PHASEGRID_PARALLELOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

/* E_i + E_j = E_m + E_n: the unordered pairs {i, j} and {m, n} are different and have equal sums.
 */
struct pg_parallelogram {
    uint32_t i, j, m, n;
};

struct pg_parallelograms {
    uint32_t symbols;
    size_t count;
    struct pg_parallelogram *at;
};

int pg_parallelograms_create(uint32_t symbols, struct pg_parallelograms **ret_parallelograms,
                             struct pg_error *error) PG_CHECK_RESULT;
void pg_parallelograms_destroy(struct pg_parallelograms *parallelograms);

/* Index of the sample {i, j}, i <= j. */
size_t pg_pair_index(uint32_t symbols, uint32_t i, uint32_t j);

/* embeddings (symbols, dimension), row-major. Share of the parallelograms that the normalised
   embedding satisfies within 0.01 (Liu et al., eq. for RQI); 0 where a standard deviation is 0 or
   not finite. Allocates nothing; normalised (symbols, dimension) is scratch. */
double pg_representation_quality(const struct pg_parallelograms *parallelograms,
                                 const float *embeddings, size_t dimension, double *normalised);

/* l0 / Z0 over all parallelograms of the normalised embedding, undivided (the authors' code). */
double pg_effective_loss(const struct pg_parallelograms *parallelograms, const float *embeddings,
                         size_t dimension, double *normalised);

struct pg_split_theory {
    int32_t nullity;            /* exact */
    double predicted_accuracy;  /* of all pairs */
    double ideal_accuracy;      /* of all pairs */
    double ideal_test_accuracy; /* of the test pairs; NAN when there are none */
    double lambda3;             /* 1 / step at learning rate 1; 0 when nullity > 2 */
    double predicted_steps;     /* 1 / (lambda3 representation_lr); INFINITY when lambda3 is 0 */
};

/* train_mask (p (p + 1) / 2): 1 for a training sample. */
int pg_split_theory(const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                    double representation_lr, struct pg_split_theory *ret_theory,
                    struct pg_error *error) PG_CHECK_RESULT;

#endif
