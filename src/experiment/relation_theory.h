/* SPDX-License-Identifier: MIT */
/*
 * Relations on n symbols and what theory says of learning them (Baek, Liu, Tegmark, "GenEFT", 2024,
 * arXiv:2402.05916): description length, critical fraction, accuracy from a given number of pairs,
 * what a split implies, and the dynamics of two repons.
 */
#ifndef PHASEGRID_RELATION_THEORY_H
#define PHASEGRID_RELATION_THEORY_H

#include <stddef.h>
#include <stdint.h>

enum { RELATION_N_MAX = 128 };

enum relation_kind {
    RELATION_CONGRUENCE,
    RELATION_GREATER_THAN,
    RELATION_BIPARTITE,
    RELATION_MATRIX
};

struct relation {
    enum relation_kind kind;
    size_t n;           /* symbols */
    size_t size;        /* congruence: the modulus; bipartite: symbols of the first part */
    const char *matrix; /* MATRIX (phasegrid/matrix.h) */
};

/* Whether i stands in the relation to j: i = j mod size, i > j, i and j in different parts, or row
   i has a 1 in column j. */
uint8_t pg_relation_label(const struct relation *relation, size_t i, size_t j);

/* ret_classes (n): the class of each symbol under Theorem 1, those that stand in the same relations
   to all, as the first of its symbols. */
void pg_relation_classes(const struct relation *relation, uint8_t *ret_classes);

/* b = log2(n! / |Aut|) in bits. */
double pg_relation_description_length(const struct relation *relation);

/* max(p*, 1 - p*), what a guess of an unseen pair is worth; p* = 1/k, 1/3, 1/2, and
   the share of ones of a matrix. */
double pg_relation_guess(const struct relation *relation);

/* p_c = ln(1 - alpha) / (n^2 ln(1 - 1/b)), the fraction of pairs that shows a share alpha of the b
   bits; NaN for b <= 1. */
double pg_relation_critical_fraction(const struct relation *relation, double alpha);

/* f_UB = f + guess (1 - f), f = 1 - (1 - 1/b)^count; NaN for b <= 1. A heuristic: single networks
   may exceed it. */
double pg_relation_bound(const struct relation *relation, size_t count);

/* The accuracy on all n^2 pairs of who knows the `count` pairs seen (i n + j) and the relation's
   rules, and guesses the rest. A rule is what holds of all symbols without exception: what (i, i)
   is; what (i, j) says of (j, i); what (i, j) and (j, k) say of (i, k), these three being
   different. So reflexivity, symmetry, transitivity, orders and two parts are found where they
   are. */
double pg_relation_closure_accuracy(const struct relation *relation, const uint32_t *seen,
                                    size_t count);

/* The mean over symbols of (b - a) / max(a, b) (Rousseeuw 1987), classes (n) as above, a and b the
   mean Euclidean distances of embeddings (n, dimension) to the own and to the nearest other class;
   0 of a symbol alone in its class; NaN where there are no classes of more than one symbol, or only
   one class. */
double pg_relation_silhouette(size_t n, const uint8_t *classes, const float *embeddings,
                              size_t dimension);

/* Two repons at distance 2c behind the decoder a x: a' = -2 eta_a c^2 a, c' = -eta_x a^2 c. */
struct repon {
    double a, c;
};

/* One Runge-Kutta step of fourth order. */
struct repon pg_repon_step(struct repon repon, double eta_a, double eta_x, double dt);

/* C = a^2 / (2 eta_a) - c^2 / eta_x, conserved; C > 0: the repons collide, C < 0: they do not. */
double pg_repon_invariant(struct repon repon, double eta_a, double eta_x);

/* p_r = (2 / pi) arctan((sigma_a / sigma_c) sqrt(eta_x / (2 eta_a))): P(C > 0) of normal a and c.
 */
double pg_repon_collision(double sigma_a, double sigma_c, double eta_a, double eta_x);

/* The eta_a at which p_r = 1/2: eta_x (sigma_a / sigma_c)^2 / 2. */
double pg_repon_boundary(double sigma_a, double sigma_c, double eta_x);

#endif
