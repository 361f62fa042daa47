/* SPDX-License-Identifier: MIT */
/*
 * Relations by their closed forms. The closure keeps what is known of every pair and applies the
 * relation's axioms until nothing new follows.
 */
#include "relation_theory.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "phasegrid/layout.h"
#include "phasegrid/special.h"

/* ---- the relations ---- */

size_t pg_relation_class(const struct relation *relation, size_t i)
{
    if (relation->kind == RELATION_CONGRUENCE)
        return i % relation->size;
    return relation->kind == RELATION_BIPARTITE ? i >= relation->size : i;
}

uint8_t pg_relation_label(const struct relation *relation, size_t i, size_t j)
{
    bool is_same = pg_relation_class(relation, i) == pg_relation_class(relation, j);
    if (relation->kind == RELATION_CONGRUENCE)
        return is_same;
    return relation->kind == RELATION_BIPARTITE ? !is_same : i > j;
}

/* ---- description length ---- */

static double log_factorial(size_t n)
{
    double sum = 0.0;
    for (size_t i = 2; i <= n; i++)
        sum += pg_log((double)i);
    return sum;
}

/* Automorphisms permute symbols within their classes, and classes of one size. */
static double log_automorphisms(const struct relation *relation)
{
    size_t sizes[RELATION_N_MAX] = {0}, multiplicity[RELATION_N_MAX + 1] = {0};
    double sum = 0.0;
    for (size_t i = 0; i < relation->n; i++)
        sizes[pg_relation_class(relation, i)]++;
    for (size_t c = 0; c < relation->n; c++) {
        sum += log_factorial(sizes[c]);
        multiplicity[sizes[c]]++;
    }
    for (size_t size = 1; size <= relation->n; size++)
        sum += log_factorial(multiplicity[size]);
    return relation->kind == RELATION_GREATER_THAN ? 0.0 : sum;
}

double pg_relation_description_length(const struct relation *relation)
{
    return (log_factorial(relation->n) - log_automorphisms(relation)) / pg_log(2.0);
}

double pg_relation_guess(const struct relation *relation)
{
    double share = 0.5;
    if (relation->kind == RELATION_CONGRUENCE)
        share = 1.0 / (double)relation->size;
    else if (relation->kind == RELATION_GREATER_THAN)
        share = 1.0 / 3.0;
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

enum { UNKNOWN = 2 };

struct knowledge {
    const struct relation *relation;
    uint8_t of[RELATION_N_MAX][RELATION_N_MAX]; /* 0, 1 or UNKNOWN */
};

/* Of a pair and of what it says of the pair turned round; whether that is new. */
static bool learn(struct knowledge *knowledge, size_t i, size_t j, uint8_t label)
{
    bool is_order = knowledge->relation->kind == RELATION_GREATER_THAN;
    if (label == UNKNOWN || knowledge->of[i][j] != UNKNOWN)
        return false;
    knowledge->of[i][j] = label;
    if (i != j)
        knowledge->of[j][i] = is_order ? !label : label;
    return true;
}

/* What (i, j) and (j, k) say of (i, k), i, j and k being different. */
static uint8_t compose(enum relation_kind kind, uint8_t a, uint8_t b)
{
    if (a == UNKNOWN || b == UNKNOWN)
        return UNKNOWN;
    if (kind == RELATION_BIPARTITE)
        return a ^ b;
    if (kind == RELATION_GREATER_THAN)
        return a == b ? a : UNKNOWN;
    return a == 0 && b == 0 ? UNKNOWN : a & b;
}

static bool close_once(struct knowledge *knowledge)
{
    const size_t n = knowledge->relation->n;
    bool has_grown = false;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n && knowledge->of[i][j] != UNKNOWN && i != j; k++)
                if (k != i && k != j)
                    has_grown |= learn(knowledge, i, k,
                                       compose(knowledge->relation->kind, knowledge->of[i][j],
                                               knowledge->of[j][k]));
    return has_grown;
}

double pg_relation_closure_accuracy(const struct relation *relation, const uint32_t *seen,
                                    size_t count)
{
    const size_t n = relation->n;
    struct knowledge knowledge = {.relation = relation};
    double known = 0.0;
    memset(knowledge.of, UNKNOWN, sizeof knowledge.of);
    for (size_t i = 0; i < n; i++)
        (void)learn(&knowledge, i, i, pg_relation_label(relation, i, i));
    for (size_t s = 0; s < count; s++)
        (void)learn(&knowledge, seen[s] / n, seen[s] % n,
                    pg_relation_label(relation, seen[s] / n, seen[s] % n));
    while (close_once(&knowledge))
        continue;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            known += knowledge.of[i][j] != UNKNOWN ? 1.0 : pg_relation_guess(relation);
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
static double silhouette_of(const struct relation *relation, const float *embeddings,
                            size_t dimension, size_t i, size_t own)
{
    double sums[RELATION_N_MAX] = {0}, nearest = INFINITY;
    size_t sizes[RELATION_N_MAX] = {0};
    for (size_t j = 0; j < relation->n; j++) {
        size_t class = pg_relation_class(relation, j);
        sizes[class]++;
        sums[class] += distance(embeddings + i * dimension, embeddings + j * dimension, dimension);
    }
    if (sizes[own] == 1)
        return 0.0;
    for (size_t c = 0; c < relation->n; c++)
        if (c != own && sizes[c] > 0 && sums[c] / (double)sizes[c] < nearest)
            nearest = sums[c] / (double)sizes[c];
    double inside = sums[own] / (double)(sizes[own] - 1);
    double larger = inside > nearest ? inside : nearest;
    return larger > 0.0 ? (nearest - inside) / larger : 0.0;
}

double pg_relation_silhouette(const struct relation *relation, const float *embeddings,
                              size_t dimension)
{
    double sum = 0.0;
    if (relation->kind == RELATION_GREATER_THAN || relation->size >= relation->n)
        return PG_NAN;
    for (size_t i = 0; i < relation->n; i++)
        sum += silhouette_of(relation, embeddings, dimension, i, pg_relation_class(relation, i));
    return sum / (double)relation->n;
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
