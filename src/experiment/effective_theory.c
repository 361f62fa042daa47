/* SPDX-License-Identifier: MIT */
/*
 * What a training set of the addition task, or of a group's, implies by itself (Liu et al. 2022,
 * section 3): the linear system A_D of its parallelograms, its nullity, the test pairs that follow
 * from it, and the rate at which the effective theory says that the embedding straightens.
 *
 * Rank and implication are exact, computed modulo primes q. Modulo q a rank can only come out too
 * small, and only when q divides every minor of the true order. A row has squared length at most 6
 * (2, -1, -1; in a group 8: 2, -2), so a minor of order r is at most 6^(r / 2) (Hadamard) and
 * cannot be divided by primes whose product is larger. So with enough primes the largest rank is
 * the true one, and a further row follows from the system exactly when it does so modulo every
 * prime that attains this rank. The number line (in a group: a constant) always solves the system:
 * a prime of rank p - 2 (p - 1) decides alone.
 */
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cblas.h>
#include <lapacke.h>

#include "phasegrid/parallelogram.h"

/* The largest primes below 2^31: product above 2^340 > 6^(254 / 2), enough for 256 symbols. */
static const uint32_t primes[] = {
    2147483647, 2147483629, 2147483587, 2147483579, 2147483563, 2147483549,
    2147483543, 2147483497, 2147483489, 2147483477, 2147483423,
};
enum { PRIMES_MAX = sizeof primes / sizeof primes[0] };

/* The general solution modulo q of the equations so far: E_c = sum over free f of at(c, f) E_f. */
struct solution {
    uint64_t q;
    uint32_t symbols, nullity; /* nullity: how many are free */
    uint32_t *free;            /* (nullity) */
    uint32_t *at;              /* (symbols, symbols), column f of use while f is free */
};

static uint32_t *place(const struct solution *solution, uint32_t c, uint32_t f)
{
    return &solution->at[(size_t)c * solution->symbols + f];
}

/* Everything free; `words` holds symbols (symbols + 2) of them. */
static void solution_init(struct solution *solution, uint32_t symbols, uint32_t q, uint32_t *words)
{
    *solution = (struct solution){.q = q,
                                  .symbols = symbols,
                                  .nullity = symbols,
                                  .free = words,
                                  .at = words + 2 * (size_t)symbols};
    for (uint32_t c = 0; c < symbols; c++) {
        solution->free[c] = c;
        for (uint32_t f = 0; f < symbols; f++)
            *place(solution, c, f) = c == f;
    }
}

/* Coefficient of E_f in E_i + E_j - E_m - E_n. */
static uint64_t coefficient(const struct solution *solution, const struct pg_parallelogram *row,
                            uint32_t f)
{
    const uint64_t plus = (uint64_t)*place(solution, row->i, f) + *place(solution, row->j, f);
    const uint64_t minus = (uint64_t)*place(solution, row->m, f) + *place(solution, row->n, f);
    return (plus + 2 * solution->q - minus) % solution->q;
}

/* Index into solution->free of an unknown that the equation ties down; nullity when it follows. */
static uint32_t find_tied(const struct solution *solution, const struct pg_parallelogram *row)
{
    uint32_t k = 0;
    while (k < solution->nullity && coefficient(solution, row, solution->free[k]) == 0)
        k++;
    return k;
}

/* 1 / x modulo the prime q: x^(q - 2). */
static uint64_t inverse(uint64_t x, uint64_t q)
{
    uint64_t power = x, result = 1;
    for (uint64_t exponent = q - 2; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = result * power % q;
        power = power * power % q;
    }
    return result;
}

/* Adds an equation: nothing changes when it follows, otherwise one unknown is substituted. */
static void solution_add(struct solution *solution, const struct pg_parallelogram *row)
{
    const uint64_t q = solution->q;
    const uint32_t tied = find_tied(solution, row);
    if (tied == solution->nullity)
        return;
    const uint32_t f = solution->free[tied];
    const uint64_t scale = q - inverse(coefficient(solution, row, f), q);
    uint32_t *const instead = solution->free + solution->symbols; /* E_f = sum instead_k E_free_k */
    for (uint32_t k = 0; k < solution->nullity; k++)
        instead[k] = (uint32_t)(coefficient(solution, row, solution->free[k]) * scale % q);
    for (uint32_t c = 0; c < solution->symbols; c++) {
        const uint64_t share = *place(solution, c, f);
        for (uint32_t k = 0; k < solution->nullity; k++) {
            uint32_t *at = place(solution, c, solution->free[k]);
            *at = (uint32_t)((*at + share * instead[k]) % q);
        }
    }
    solution->free[tied] = solution->free[--solution->nullity];
}

static bool in_training(const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                        const struct pg_parallelogram *at)
{
    return train_mask[pg_sample_index(parallelograms, at->i, at->j)] &&
           train_mask[pg_sample_index(parallelograms, at->m, at->n)];
}

static void solution_fill(struct solution *solution, const struct pg_parallelograms *parallelograms,
                          const uint8_t *train_mask)
{
    const uint32_t least = parallelograms->least_nullity;
    for (size_t k = 0; k < parallelograms->count && solution->nullity > least; k++)
        if (in_training(parallelograms, train_mask, &parallelograms->at[k]))
            solution_add(solution, &parallelograms->at[k]);
}

/* The system of one training set modulo as many primes as decide it. */
struct equations {
    struct solution solutions[PRIMES_MAX];
    size_t count;
    uint32_t nullity;
    uint32_t *words;
};

/* How many primes have a product above 6^((p - 2) / 2), the largest minor of order p - 2; in a
   group 8^((p - 1) / 2). */
static size_t primes_needed(const struct pg_parallelograms *parallelograms)
{
    const uint32_t rank = parallelograms->symbols - parallelograms->least_nullity;
    const double bits = 0.5 * log2(parallelograms->is_ordered ? 8.0 : 6.0) * (double)rank;
    const size_t needed = 1 + (size_t)(bits / 30.99);
    assert(needed <= PRIMES_MAX);
    return needed;
}

static int equations_init(struct equations *equations,
                          const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                          struct pg_error *error)
{
    const uint32_t p = parallelograms->symbols;
    const size_t needed = primes_needed(parallelograms), words = (size_t)p * (p + 2);
    *equations =
        (struct equations){.nullity = p, .words = malloc(needed * words * sizeof(uint32_t))};
    if (equations->words == NULL)
        return pg_error_set(error, PG_EMACHINE, "no memory for the linear system of %u symbols", p);
    while (equations->count < needed && equations->nullity > parallelograms->least_nullity) {
        const size_t k = equations->count++;
        struct solution *solution = &equations->solutions[k];
        solution_init(solution, p, primes[k], equations->words + k * words);
        solution_fill(solution, parallelograms, train_mask);
        if (solution->nullity < equations->nullity)
            equations->nullity = solution->nullity;
    }
    return 0;
}

static void equations_release(struct equations *equations)
{
    free(equations->words);
}

static bool equations_implies(const struct equations *equations, const struct pg_parallelogram *row)
{
    for (size_t k = 0; k < equations->count; k++) {
        const struct solution *solution = &equations->solutions[k];
        if (solution->nullity == equations->nullity && find_tied(solution, row) < solution->nullity)
            return false;
    }
    return true;
}

/* Marks the test pairs that form an implied parallelogram with some training pair. */
static void mark_implied(const struct equations *equations,
                         const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                         uint8_t *implied)
{
    for (size_t k = 0; k < parallelograms->count; k++) {
        const struct pg_parallelogram *row = &parallelograms->at[k];
        const size_t one = pg_sample_index(parallelograms, row->i, row->j);
        const size_t other = pg_sample_index(parallelograms, row->m, row->n);
        const size_t test = train_mask[one] ? other : one;
        if (train_mask[one] != train_mask[other] && !implied[test])
            implied[test] = equations_implies(equations, row);
    }
}

static int count_implied(const struct equations *equations,
                         const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                         struct pg_split_theory *theory, struct pg_error *error)
{
    const size_t samples = parallelograms->sample_count;
    uint8_t *implied = calloc(samples, sizeof *implied);
    if (implied == NULL)
        return pg_error_set(error, PG_EMACHINE, "no memory for %zu samples", samples);
    mark_implied(equations, parallelograms, train_mask, implied);
    size_t test = 0, known = 0;
    for (size_t sample = 0; sample < samples; sample++) {
        test += !train_mask[sample];
        known += implied[sample];
    }
    free(implied);
    theory->ideal_accuracy = (double)(samples - test + known) / (double)samples;
    theory->ideal_test_accuracy = test > 0 ? (double)known / (double)test : (double)NAN;
    return 0;
}

/* hessian (p, p) = (2 / Z0) A_D^T A_D, Z0 = p - 1; Liu et al., eq. of the effective flow. */
static void fill_hessian(const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                         double *hessian)
{
    const size_t p = parallelograms->symbols;
    for (size_t e = 0; e < p * p; e++)
        hessian[e] = 0.0;
    for (size_t k = 0; k < parallelograms->count; k++) {
        const struct pg_parallelogram *at = &parallelograms->at[k];
        const uint32_t columns[4] = {at->i, at->j, at->m, at->n};
        static const double signs[4] = {1.0, 1.0, -1.0, -1.0};
        if (!in_training(parallelograms, train_mask, at))
            continue;
        for (int a = 0; a < 4; a++)
            for (int b = 0; b < 4; b++)
                hessian[columns[a] * p + columns[b]] += 2.0 * signs[a] * signs[b] / (double)(p - 1);
    }
}

/* The third smallest eigenvalue of the Hessian, by LAPACK on one thread. */
static int third_eigenvalue(const struct pg_parallelograms *parallelograms,
                            const uint8_t *train_mask, double *ret_lambda3, struct pg_error *error)
{
    const size_t p = parallelograms->symbols;
    const lapack_int order = (lapack_int)p;
    assert(p > 2);
    double *words = malloc((p * p + p) * sizeof *words);
    if (words == NULL)
        return pg_error_set(error, PG_EMACHINE, "no memory for eigenvalues of order %zu", p);
    fill_hessian(parallelograms, train_mask, words);
    openblas_set_num_threads(1);
    const lapack_int info =
        LAPACKE_dsyev(LAPACK_COL_MAJOR, 'N', 'U', order, words, order, words + p * p);
    *ret_lambda3 = words[p * p + 2];
    free(words);
    if (info != 0)
        return pg_error_set(error, PG_EMACHINE,
                            "LAPACK's dsyev returned %d for the Hessian of order %zu", (int)info,
                            p);
    return 0;
}

int pg_split_theory(const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                    struct pg_split_theory *ret_theory, struct pg_error *error)
{
    struct equations equations;
    int status = equations_init(&equations, parallelograms, train_mask, error);
    if (status != 0)
        return status;
    *ret_theory = (struct pg_split_theory){.nullity = (int32_t)equations.nullity};
    status = count_implied(&equations, parallelograms, train_mask, ret_theory, error);
    equations_release(&equations);
    return status;
}

int pg_split_rate(const struct pg_parallelograms *parallelograms, const uint8_t *train_mask,
                  double representation_lr, struct pg_split_theory *theory, struct pg_error *error)
{
    int status = 0;
    theory->lambda3 = 0.0;
    if (theory->nullity == 2)
        status = third_eigenvalue(parallelograms, train_mask, &theory->lambda3, error);
    const double rate = theory->lambda3 * representation_lr;
    theory->predicted_steps = rate > 0.0 ? 1.0 / rate : (double)INFINITY;
    return status;
}
