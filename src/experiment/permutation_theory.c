/* SPDX-License-Identifier: MIT */
/*
 * The group S3 and the quality of an embedding of it by matrices. As for parallelograms, all is
 * double arithmetic in a fixed order.
 */
#include "permutation_theory.h"

#include <math.h>
#include <string.h>

const uint8_t pg_permutations[PERMUTATION_COUNT][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static uint32_t find(const uint8_t images[3])
{
    uint32_t found = 0;
    while (memcmp(pg_permutations[found], images, 3) != 0)
        found++;
    return found;
}

void pg_permutation_products(uint32_t ret_products[PERMUTATION_PAIRS])
{
    for (size_t a = 0; a < PERMUTATION_COUNT; a++)
        for (size_t b = 0; b < PERMUTATION_COUNT; b++) {
            uint8_t images[3];
            for (size_t x = 0; x < 3; x++)
                images[x] = pg_permutations[a][pg_permutations[b][x]];
            ret_products[a * PERMUTATION_COUNT + b] = find(images);
        }
}

/* Mean square of the embeddings' elements. */
static double mean_square(const float *embeddings, size_t order)
{
    const size_t count = PERMUTATION_COUNT * order * order;
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (double)embeddings[i] * (double)embeddings[i];
    return sum / (double)count;
}

/* ret = a b / square */
static void multiply(const float *a, const float *b, size_t order, double square, double *ret)
{
    for (size_t i = 0; i < order; i++)
        for (size_t j = 0; j < order; j++) {
            double sum = 0.0;
            for (size_t l = 0; l < order; l++)
                sum += (double)a[i * order + l] * (double)b[l * order + j];
            ret[i * order + j] = sum / square;
        }
}

bool pg_permutation_multiply(const float *embeddings, size_t order, double *ret_products)
{
    const size_t size = order * order;
    const double square = mean_square(embeddings, order);
    memset(ret_products, 0, PERMUTATION_PAIRS * size * sizeof *ret_products);
    if (!(square > 0.0) || !isfinite(square))
        return false;
    for (size_t pair = 0; pair < PERMUTATION_PAIRS; pair++)
        multiply(embeddings + pair / PERMUTATION_COUNT * size,
                 embeddings + pair % PERMUTATION_COUNT * size, order, square,
                 ret_products + pair * size);
    return true;
}

/* The pairs of a quadruple. */
static size_t first_of(const struct pg_parallelogram *at)
{
    return at->i * PERMUTATION_COUNT + at->j;
}

static size_t second_of(const struct pg_parallelogram *at)
{
    return at->m * PERMUTATION_COUNT + at->n;
}

static bool agree(const struct pg_parallelogram *at, const double *products, size_t size)
{
    const double *one = products + first_of(at) * size, *other = products + second_of(at) * size;
    double sum = 0.0;
    for (size_t i = 0; i < size; i++)
        sum += (one[i] - other[i]) * (one[i] - other[i]);
    return sum < PERMUTATION_TOLERANCE * (double)size;
}

double pg_permutation_quality(const struct pg_parallelograms *quadruples, const double *products,
                              size_t order, bool is_scaled)
{
    size_t count = 0;
    for (size_t k = 0; k < quadruples->count && is_scaled; k++)
        count += agree(&quadruples->at[k], products, order * order);
    return (double)count / (double)quadruples->count;
}

double pg_permutation_predicted_accuracy(const struct pg_parallelograms *quadruples,
                                         const uint8_t *train_mask, const double *products,
                                         size_t order, bool is_scaled)
{
    uint8_t known[PERMUTATION_PAIRS];
    size_t count = 0;
    memcpy(known, train_mask, sizeof known);
    for (size_t k = 0; k < quadruples->count && is_scaled; k++) {
        const struct pg_parallelogram *at = &quadruples->at[k];
        const size_t one = first_of(at), other = second_of(at);
        if (train_mask[one] != train_mask[other] && agree(at, products, order * order))
            known[one] = known[other] = 1;
    }
    for (size_t pair = 0; pair < PERMUTATION_PAIRS; pair++)
        count += known[pair];
    return (double)count / PERMUTATION_PAIRS;
}
