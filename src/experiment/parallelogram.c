/* SPDX-License-Identifier: MIT */
/*
 * Which parallelograms the addition task has (and which quadruples a group), and which of them an
 * embedding satisfies. Everything
 * here is double arithmetic in a fixed order: the representation quality is asked for at every
 * training step, decides when a run may stop, and has to have the same bits everywhere.
 */
#include "phasegrid/parallelogram.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SYMBOLS_MIN = 3, SYMBOLS_MAX = 256, GROUP_MAX = 64 };

/* train_add.py: threshold_P */
static const double tolerance = PG_PARALLELOGRAM_TOLERANCE;

/* Writes all parallelograms of p symbols to `at` (NULL: only counts them); returns their number. */
static size_t enumerate(uint32_t p, struct pg_parallelogram *at)
{
    size_t count = 0;
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i; j < p; j++)
            for (uint32_t m = i + 1; 2 * m <= i + j; m++) {
                if (at != NULL)
                    at[count] = (struct pg_parallelogram){i, j, m, i + j - m};
                count++;
            }
    return count;
}

/* The same of the quadruples of a group. */
static size_t enumerate_quadruples(uint32_t p, const uint32_t *products,
                                   struct pg_parallelogram *at)
{
    size_t count = 0;
    for (uint32_t first = 0; first < p * p; first++)
        for (uint32_t second = first + 1; second < p * p; second++) {
            if (products[first] != products[second])
                continue;
            if (at != NULL)
                at[count] = (struct pg_parallelogram){first / p, first % p, second / p, second % p};
            count++;
        }
    return count;
}

/* `like`, with room for what it counts. */
static int make(const struct pg_parallelograms *like, struct pg_parallelograms **ret,
                struct pg_error *error)
{
    struct pg_parallelograms *made = malloc(sizeof *made);
    struct pg_parallelogram *at = malloc(like->count * sizeof *at);
    if (made == NULL || at == NULL) {
        free(made);
        free(at);
        return pg_error_set(error, PG_EMACHINE, "no memory for %zu parallelograms", like->count);
    }
    *made = *like;
    made->at = at;
    *ret = made;
    return 0;
}

int pg_parallelograms_create(uint32_t symbols, struct pg_parallelograms **ret_parallelograms,
                             struct pg_error *error)
{
    if (symbols < SYMBOLS_MIN || symbols > SYMBOLS_MAX)
        return pg_error_set(error, PG_EINPUT, "p is %u; parallelograms need %d to %d symbols",
                            symbols, SYMBOLS_MIN, SYMBOLS_MAX);
    const struct pg_parallelograms like = {
        .symbols = symbols,
        .least_nullity = 2, /* the number line a + k b */
        .sample_count = (size_t)symbols * (symbols + 1) / 2,
        .count = enumerate(symbols, NULL),
    };
    int status = make(&like, ret_parallelograms, error);
    if (status == 0)
        enumerate(symbols, (*ret_parallelograms)->at);
    return status;
}

int pg_quadruples_create(uint32_t symbols, const uint32_t *products,
                         struct pg_parallelograms **ret_quadruples, struct pg_error *error)
{
    if (symbols < SYMBOLS_MIN || symbols > GROUP_MAX)
        return pg_error_set(error, PG_EINPUT, "a group of %u elements; quadruples need %d to %d",
                            symbols, SYMBOLS_MIN, GROUP_MAX);
    const struct pg_parallelograms like = {
        .symbols = symbols,
        .least_nullity = 1, /* a constant; a finite group has no homomorphism into numbers but 0 */
        .is_ordered = true,
        .sample_count = (size_t)symbols * symbols,
        .count = enumerate_quadruples(symbols, products, NULL),
    };
    int status = make(&like, ret_quadruples, error);
    if (status == 0)
        enumerate_quadruples(symbols, products, (*ret_quadruples)->at);
    return status;
}

void pg_parallelograms_destroy(struct pg_parallelograms *parallelograms)
{
    if (parallelograms == NULL)
        return;
    free(parallelograms->at);
    free(parallelograms);
}

size_t pg_pair_index(uint32_t symbols, uint32_t i, uint32_t j)
{
    assert(i <= j && j < symbols);
    return (size_t)i * (2 * (size_t)symbols - i + 1) / 2 + (j - i);
}

/* Column `c` of embeddings (p, dimension) to mean 0 and unbiased standard deviation 1; false when
   that deviation is 0 or not finite. */
static bool normalise_column(uint32_t p, const float *embeddings, size_t dimension, size_t c,
                             double *normalised)
{
    double sum = 0.0, squares = 0.0;
    for (uint32_t k = 0; k < p; k++)
        sum += (double)embeddings[k * dimension + c];
    const double mean = sum / (double)p;
    for (uint32_t k = 0; k < p; k++) {
        const double centred = (double)embeddings[k * dimension + c] - mean;
        normalised[k * dimension + c] = centred;
        squares += centred * centred;
    }
    const double deviation = sqrt(squares / (double)(p - 1));
    if (!(deviation > 0.0) || !isfinite(deviation))
        return false;
    for (uint32_t k = 0; k < p; k++)
        normalised[k * dimension + c] /= deviation;
    return true;
}

static bool normalise(uint32_t p, const float *embeddings, size_t dimension, double *normalised)
{
    for (size_t c = 0; c < dimension; c++)
        if (!normalise_column(p, embeddings, dimension, c, normalised))
            return false;
    return true;
}

/* |z_i + z_j - z_m - z_n|^2; z (p, dimension) */
static inline double gap(const double *z, size_t dimension, const struct pg_parallelogram *at)
{
    double sum = 0.0;
    for (size_t c = 0; c < dimension; c++) {
        const double apart = (z[at->i * dimension + c] + z[at->j * dimension + c]) -
                             (z[at->m * dimension + c] + z[at->n * dimension + c]);
        sum += apart * apart;
    }
    return sum;
}

static inline size_t satisfied(const struct pg_parallelograms *parallelograms, const double *z,
                               size_t dimension)
{
    const double limit = tolerance * (double)dimension;
    size_t count = 0;
    for (size_t k = 0; k < parallelograms->count; k++)
        count += gap(z, dimension, &parallelograms->at[k]) < limit;
    return count;
}

double pg_representation_quality(const struct pg_parallelograms *parallelograms,
                                 const float *embeddings, size_t dimension, double *normalised)
{
    if (!normalise(parallelograms->symbols, embeddings, dimension, normalised))
        return 0.0;
    /* The usual dimension is spelled out so that the compiler drops the inner loop. */
    const size_t count = dimension == 1 ? satisfied(parallelograms, normalised, 1)
                                        : satisfied(parallelograms, normalised, dimension);
    return (double)count / (double)parallelograms->count;
}

double pg_effective_loss(const struct pg_parallelograms *parallelograms, const float *embeddings,
                         size_t dimension, double *normalised)
{
    if (!normalise(parallelograms->symbols, embeddings, dimension, normalised))
        return (double)NAN;
    double l0 = 0.0;
    for (size_t k = 0; k < parallelograms->count; k++)
        l0 += gap(normalised, dimension, &parallelograms->at[k]);
    return l0 / (double)(dimension * (parallelograms->symbols - 1));
}

/* Does the pair {i, j} form a satisfied parallelogram with some training pair? */
static bool is_predicted(uint32_t p, const uint8_t *train_mask, const double *z, size_t dimension,
                         uint32_t i, uint32_t j)
{
    const double limit = tolerance * (double)dimension;
    const uint32_t sum = i + j;
    for (uint32_t m = sum < p ? 0 : sum - p + 1; 2 * m <= sum; m++) {
        const struct pg_parallelogram at = {i, j, m, sum - m};
        if (m != i && train_mask[pg_pair_index(p, m, sum - m)] && gap(z, dimension, &at) < limit)
            return true;
    }
    return false;
}

double pg_predicted_accuracy(const struct pg_parallelograms *parallelograms,
                             const uint8_t *train_mask, const float *embeddings, size_t dimension,
                             double *normalised)
{
    const uint32_t p = parallelograms->symbols;
    const bool has_shape = normalise(p, embeddings, dimension, normalised);
    size_t correct = 0, sample = 0;
    for (uint32_t i = 0; i < p; i++)
        for (uint32_t j = i; j < p; j++, sample++)
            correct += train_mask[sample] ||
                       (has_shape && is_predicted(p, train_mask, normalised, dimension, i, j));
    return (double)correct / (double)sample;
}
