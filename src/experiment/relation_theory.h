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

enum relation_kind { RELATION_CONGRUENCE, RELATION_GREATER_THAN, RELATION_BIPARTITE };

struct relation {
    enum relation_kind kind;
    size_t n;    /* symbols */
    size_t size; /* congruence: the modulus; bipartite: symbols of the first part */
};

/* Whether i stands in the relation to j: i = j mod size, i > j, or i and j in different parts. */
uint8_t pg_relation_label(const struct relation *relation, size_t i, size_t j);

/* The class of a symbol under Theorem 1: its residue or part; of a greater-than relation, itself.
 */
size_t pg_relation_class(const struct relation *relation, size_t i);

/* b = log2(n! / |Aut|) in bits, |Aut| in closed form. */
double pg_relation_description_length(const struct relation *relation);

/* max(p*, 1 - p*), what a guess of an unseen pair is worth; p* = 1/k, 1/3, 1/2. */
double pg_relation_guess(const struct relation *relation);

/* p_c = ln(1 - alpha) / (n^2 ln(1 - 1/b)), the fraction of pairs that shows a share alpha of the b
   bits; NaN for b <= 1. */
double pg_relation_critical_fraction(const struct relation *relation, double alpha);

/* f_UB = f + guess (1 - f), f = 1 - (1 - 1/b)^count; NaN for b <= 1. A heuristic: single networks
   may exceed it. */
double pg_relation_bound(const struct relation *relation, size_t count);

/* The accuracy on all n^2 pairs of who knows the `count` pairs seen (i n + j), the axioms of the
   relation (reflexive, symmetric and transitive; a strict total order; two parts) and nothing else,
   and guesses the rest. */
double pg_relation_closure_accuracy(const struct relation *relation, const uint32_t *seen,
                                    size_t count);

/* The mean over symbols of (b - a) / max(a, b) (Rousseeuw 1987), a and b the mean Euclidean
   distances of embeddings (n, dimension) to the own and to the nearest other class; 0 of a symbol
   alone in its class; NaN where there are no classes of more than one symbol, or only one class. */
double pg_relation_silhouette(const struct relation *relation, const float *embeddings,
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

#endif
