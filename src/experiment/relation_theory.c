/* SPDX-License-Identifier: MIT */
/*
 * Relations and their theory. The closure keeps what is known of every pair and applies the
 * relation's rules until nothing new follows.
 */
#include "relation_theory.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "automorphisms.h"
#include "phasegrid/layout.h"
#include "phasegrid/matrix.h"
#include "phasegrid/special.h"

/* ---- the relations ---- */

uint8_t pg_relation_label(const struct relation *relation, size_t i, size_t j)
{
    switch (relation->kind) {
    case RELATION_CONGRUENCE:
        return i % relation->size == j % relation->size;
    case RELATION_GREATER_THAN:
        return i > j;
    case RELATION_BIPARTITE:
        return (i < relation->size) != (j < relation->size);
    case RELATION_MATRIX:
        return pg_matrix_at(relation->matrix, i, j);
    }
    return 0;
}

/* Whether the two stand in the same relations to all. */
static bool are_alike(const struct relation *relation, size_t i, size_t j)
{
    for (size_t k = 0; k < relation->n; k++)
        if (pg_relation_label(relation, i, k) != pg_relation_label(relation, j, k) ||
            pg_relation_label(relation, k, i) != pg_relation_label(relation, k, j))
            return false;
    return true;
}

void pg_relation_classes(const struct relation *relation, uint8_t *ret_classes)
{
    for (size_t i = 0; i < relation->n; i++) {
        uint8_t first = 0;
        while (!are_alike(relation, first, i))
            first++;
        ret_classes[i] = first;
    }
}

static bool is_edge(const void *relation, size_t i, size_t j)
{
    return pg_relation_label(relation, i, j);
}

double pg_relation_description_length(const struct relation *relation)
{
    double bits = -pg_log_automorphisms(relation->n, is_edge, relation);
    for (size_t i = 2; i <= relation->n; i++)
        bits += pg_log((double)i);
    return bits > 0.0 ? bits / pg_log(2.0) : 0.0;
}

static double share_of_ones(const struct relation *relation)
{
    size_t ones = 0;
    for (size_t i = 0; i < relation->n; i++)
        for (size_t j = 0; j < relation->n; j++)
            ones += pg_relation_label(relation, i, j);
    return (double)ones / ((double)relation->n * (double)relation->n);
}

double pg_relation_guess(const struct relation *relation)
{
    double share = 0.5;
    if (relation->kind == RELATION_CONGRUENCE)
        share = 1.0 / (double)relation->size;
    else if (relation->kind == RELATION_GREATER_THAN)
        share = 1.0 / 3.0;
    else if (relation->kind == RELATION_MATRIX)
        share = share_of_ones(relation);
    return share > 0.5 ? share : 1.0 - share;
}

double pg_relation_critical_fraction(const struct relation *relation, double alpha)
{
    double bits = pg_relation_description_length(relation);
    double pairs = (double)relation->n * (double)relation->n;
    return bits > 1.0 ? pg_log(1.0 - alpha) / (pairs * pg_log(1.0 - 1.0 / bits)) : PG_NAN;
}

double pg_relation_bound(const struct relation *relation, size_t count)
{
    double bits = pg_relation_description_length(relation), unknown = 1.0;
    if (bits <= 1.0)
        return PG_NAN;
    for (size_t i = 0; i < count; i++)
        unknown *= 1.0 - 1.0 / bits;
    return 1.0 - unknown + pg_relation_guess(relation) * unknown;
}

/* ---- closure ---- */

enum { UNKNOWN = 2, NEVER = 3 };

/* Rules: what a premise has always for its consequence. */
struct knowledge {
    const struct relation *relation;
    uint8_t of[RELATION_N_MAX][RELATION_N_MAX]; /* 0, 1 or UNKNOWN */
    uint8_t self, turned[2], composed[2][2];    /* 0, 1; UNKNOWN: either; NEVER: no such premise */
};

static void note(uint8_t *rule, uint8_t label)
{
    if (*rule == NEVER)
        *rule = label;
    else if (*rule != label)
        *rule = UNKNOWN;
}

static void find_rules(struct knowledge *knowledge)
{
    const struct relation *relation = knowledge->relation;
    knowledge->self = NEVER;
    memset(knowledge->turned, NEVER, sizeof knowledge->turned);
    memset(knowledge->composed, NEVER, sizeof knowledge->composed);
    for (size_t i = 0; i < relation->n; i++) {
        note(&knowledge->self, pg_relation_label(relation, i, i));
        for (size_t j = 0; j < relation->n; j++) {
            uint8_t here = pg_relation_label(relation, i, j);
            if (i != j)
                note(&knowledge->turned[here], pg_relation_label(relation, j, i));
            for (size_t k = 0; k < relation->n && i != j; k++)
                if (k != i && k != j)
                    note(&knowledge->composed[here][pg_relation_label(relation, j, k)],
                         pg_relation_label(relation, i, k));
        }
    }
}

/* Of a pair and of what it says of the pair turned round; whether that is new. */
static bool learn(struct knowledge *knowledge, size_t i, size_t j, uint8_t label)
{
    if (label > 1 || knowledge->of[i][j] != UNKNOWN)
        return false;
    knowledge->of[i][j] = label;
    if (i != j)
        (void)learn(knowledge, j, i, knowledge->turned[label]);
    return true;
}

static bool close_once(struct knowledge *knowledge)
{
    const size_t n = knowledge->relation->n;
    bool has_grown = false;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n && i != j && knowledge->of[i][j] != UNKNOWN; k++)
                if (k != i && k != j && knowledge->of[j][k] != UNKNOWN)
                    has_grown |=
                        learn(knowledge, i, k,
                              knowledge->composed[knowledge->of[i][j]][knowledge->of[j][k]]);
    return has_grown;
}

double pg_relation_closure_accuracy(const struct relation *relation, const uint32_t *seen,
                                    size_t count)
{
    const size_t n = relation->n;
    const double guess = pg_relation_guess(relation);
    struct knowledge knowledge = {.relation = relation};
    double known = 0.0;
    memset(knowledge.of, UNKNOWN, sizeof knowledge.of);
    find_rules(&knowledge);
    for (size_t i = 0; i < n; i++)
        (void)learn(&knowledge, i, i, knowledge.self);
    for (size_t s = 0; s < count; s++)
        (void)learn(&knowledge, seen[s] / n, seen[s] % n,
                    pg_relation_label(relation, seen[s] / n, seen[s] % n));
    while (close_once(&knowledge))
        continue;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            known += knowledge.of[i][j] != UNKNOWN ? 1.0 : guess;
    return known / ((double)n * (double)n);
}

/* ---- clusters ---- */

static double distance(const float *a, const float *b, size_t dimension)
{
    double sum = 0.0;
    for (size_t d = 0; d < dimension; d++)
        sum += ((double)a[d] - (double)b[d]) * ((double)a[d] - (double)b[d]);
    return sqrt(sum);
}

/* Of one symbol, whose class is `own`. */
static double silhouette_of(size_t n, const uint8_t *classes, const float *embeddings,
                            size_t dimension, size_t i)
{
    double sums[RELATION_N_MAX] = {0}, nearest = (double)INFINITY;
    size_t sizes[RELATION_N_MAX] = {0};
    const size_t own = classes[i];
    for (size_t j = 0; j < n; j++) {
        sizes[classes[j]]++;
        sums[classes[j]] +=
            distance(embeddings + i * dimension, embeddings + j * dimension, dimension);
    }
    if (sizes[own] == 1)
        return 0.0;
    for (size_t c = 0; c < n; c++)
        if (c != own && sizes[c] > 0 && sums[c] / (double)sizes[c] < nearest)
            nearest = sums[c] / (double)sizes[c];
    double inside = sums[own] / (double)(sizes[own] - 1);
    double larger = inside > nearest ? inside : nearest;
    return larger > 0.0 ? (nearest - inside) / larger : 0.0;
}

double pg_relation_silhouette(size_t n, const uint8_t *classes, const float *embeddings,
                              size_t dimension)
{
    double sum = 0.0;
    size_t firsts = 0; /* as many as there are classes */
    for (size_t i = 0; i < n; i++)
        firsts += classes[i] == i;
    if (firsts == 1 || firsts == n)
        return PG_NAN;
    for (size_t i = 0; i < n; i++)
        sum += silhouette_of(n, classes, embeddings, dimension, i);
    return sum / (double)n;
}

/* ---- repons ---- */

static struct repon slope(struct repon at, double eta_a, double eta_x)
{
    return (struct repon){-2.0 * eta_a * at.c * at.c * at.a, -eta_x * at.a * at.a * at.c};
}

static struct repon ahead(struct repon from, struct repon slope, double dt)
{
    return (struct repon){from.a + dt * slope.a, from.c + dt * slope.c};
}

struct repon pg_repon_step(struct repon repon, double eta_a, double eta_x, double dt)
{
    struct repon k1 = slope(repon, eta_a, eta_x);
    struct repon k2 = slope(ahead(repon, k1, dt / 2.0), eta_a, eta_x);
    struct repon k3 = slope(ahead(repon, k2, dt / 2.0), eta_a, eta_x);
    struct repon k4 = slope(ahead(repon, k3, dt), eta_a, eta_x);
    return (struct repon){repon.a + dt / 6.0 * (k1.a + 2.0 * k2.a + 2.0 * k3.a + k4.a),
                          repon.c + dt / 6.0 * (k1.c + 2.0 * k2.c + 2.0 * k3.c + k4.c)};
}

double pg_repon_invariant(struct repon repon, double eta_a, double eta_x)
{
    return repon.a * repon.a / (2.0 * eta_a) - repon.c * repon.c / eta_x;
}

double pg_repon_collision(double sigma_a, double sigma_c, double eta_a, double eta_x)
{
    const double pi = 3.14159265358979323846;
    return 2.0 / pi * pg_direction(1.0, sigma_a / sigma_c * sqrt(eta_x / (2.0 * eta_a)));
}

double pg_repon_boundary(double sigma_a, double sigma_c, double eta_x)
{
    double ratio = sigma_a / sigma_c;
    return eta_x * ratio * ratio / 2.0;
}
