/* SPDX-License-Identifier: MIT */
/*
 * Linear regression: with s = (w, 1) the gradient of a batch B is G s, G = mean over B of x (x,
 * -y)', and an update s - lr (G s, 0), so E[s s'] goes from update to update, exactly.
 *
 * The net: the first batch enters through its means of x^2 and xy only; what a batch of the second
 * update adds to the full gradient has the variance V(w) / batch, V that of one sample.
 */
#include "gradient_theory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SIDE = PG_GRADIENT_DIMENSION_MAX + 1 };

/* ---- linear regression ---- */

struct square {
    double at[SIDE][SIDE];
};

/* The mean over the samples of the mask, of x (x, -y)': dimension rows. */
static struct square slopes_of(const struct pg_gradient_problem *problem, uint32_t mask,
                               size_t batch)
{
    const size_t d = problem->dimension;
    struct square sum = {{{0.0}}};
    for (size_t i = 0; i < problem->samples; i++) {
        const double *x = problem->inputs + i * d;
        if ((mask >> i & 1u) == 0)
            continue;
        for (size_t row = 0; row < d; row++)
            for (size_t k = 0; k <= d; k++)
                sum.at[row][k] += x[row] * (k < d ? x[k] : -problem->targets[i]) / (double)batch;
    }
    return sum;
}

/* a m a', sides of `side`. */
static struct square conjugate(size_t side, const struct square *a, const struct square *m)
{
    struct square half = {{{0.0}}}, whole = {{{0.0}}};
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++)
            for (size_t k = 0; k < side; k++)
                half.at[i][j] += a->at[i][k] * m->at[k][j];
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++)
            for (size_t k = 0; k < side; k++)
                whole.at[i][j] += half.at[i][k] * a->at[j][k];
    return whole;
}

static double trace(size_t side, const struct square *m)
{
    double sum = 0.0;
    for (size_t i = 0; i < side; i++)
        sum += m->at[i][i];
    return sum;
}

/* |E g|^2 at the mean of s, which is the last column of E[s s']. */
static double mean_square(size_t d, const struct square *full, const struct square *moments)
{
    double sum = 0.0;
    for (size_t i = 0; i < d; i++) {
        double mean = 0.0;
        for (size_t k = 0; k <= d; k++)
            mean += full->at[i][k] * moments->at[k][d];
        sum += mean * mean;
    }
    return sum;
}

static size_t count_bits(uint32_t mask)
{
    size_t count = 0;
    for (; mask != 0; mask &= mask - 1)
        count++;
    return count;
}

/* One update of E[s s'] over all subsets; returns E|g|^2 before it. */
static double update(const struct pg_gradient_problem *problem, size_t batch,
                     struct square *moments)
{
    const size_t d = problem->dimension;
    struct square next = {{{0.0}}};
    double square = 0.0, subsets = 0.0;
    for (uint32_t mask = 1; mask < 1u << problem->samples; mask++) {
        if (count_bits(mask) != batch)
            continue;
        struct square step = slopes_of(problem, mask, batch);
        const struct square slopes = conjugate(d + 1, &step, moments);
        square += trace(d, &slopes);
        for (size_t i = 0; i <= d; i++)
            for (size_t j = 0; j <= d; j++)
                step.at[i][j] = (i == j ? 1.0 : 0.0) - problem->learning_rate * step.at[i][j];
        const struct square moved = conjugate(d + 1, &step, moments);
        for (size_t i = 0; i <= d; i++)
            for (size_t j = 0; j <= d; j++)
                next.at[i][j] += moved.at[i][j];
        subsets += 1.0;
    }
    for (size_t i = 0; i <= d; i++)
        for (size_t j = 0; j <= d; j++)
            moments->at[i][j] = next.at[i][j] / subsets;
    return square / subsets;
}

void pg_gradient_linear(const struct pg_gradient_problem *problem, size_t batch, size_t updates,
                        struct pg_gradient_moments *ret)
{
    const size_t d = problem->dimension, n = problem->samples;
    double start[SIDE] = {0.0};
    struct square moments = {{{0.0}}};
    assert(n <= PG_GRADIENT_SAMPLES_MAX && d <= PG_GRADIENT_DIMENSION_MAX && batch <= n);
    const struct square full = slopes_of(problem, (1u << n) - 1u, n);
    memcpy(start, problem->start, d * sizeof *start);
    start[d] = 1.0;
    for (size_t i = 0; i <= d; i++)
        for (size_t j = 0; j <= d; j++)
            moments.at[i][j] = start[i] * start[j];
    for (size_t t = 0; t <= updates; t++) {
        const struct square slopes = conjugate(d + 1, &full, &moments);
        ret[t].full_square = trace(d, &slopes);
        ret[t].variance = -mean_square(d, &full, &moments);
        ret[t].variance += update(problem, batch, &moments);
    }
}

/* ---- two layers ---- */

/* w2 w1 x at weights w, from the means of x^2 and xy: the gradient. */
static void slope_of(const double w[2], double squares, double products, double ret[2])
{
    double slope = w[0] * w[1] * squares - products;
    ret[0] = w[1] * slope;
    ret[1] = w[0] * slope;
}

/* The full gradient at w, and the variance of one sample's. */
static double full_slope(const struct pg_gradient_problem *problem, const double w[2],
                         double ret[2])
{
    const double share = 1.0 / (double)problem->samples;
    double square = 0.0, slope[2];
    ret[0] = ret[1] = 0.0;
    for (size_t i = 0; i < problem->samples; i++) {
        double x = problem->inputs[i];
        slope_of(w, x * x, x * problem->targets[i], slope);
        for (size_t k = 0; k < 2; k++) {
            ret[k] += share * slope[k];
            square += share * slope[k] * slope[k];
        }
    }
    return square - ret[0] * ret[0] - ret[1] * ret[1];
}

/* How often each sample is in a batch, in order; probability: multinomial. */
struct counts {
    size_t of[PG_GRADIENT_SAMPLES_MAX];
    size_t left, head; /* where the next ones are found */
};

/* NEXCOM (Nijenhuis and Wilf, Combinatorial Algorithms, 1978). False: these were the last. */
static bool next_counts(struct counts *counts, size_t samples, size_t batch)
{
    if (counts->of[samples - 1] == batch)
        return false;
    if (counts->left > 1)
        counts->head = 0;
    counts->left = counts->of[counts->head];
    counts->of[counts->head] = 0;
    counts->of[0] = counts->left - 1;
    counts->of[++counts->head]++;
    return true;
}

static double factorial(size_t n)
{
    double product = 1.0;
    for (size_t i = 2; i <= n; i++)
        product *= (double)i;
    return product;
}

static double probability_of(const struct counts *counts, size_t samples, size_t batch)
{
    double ways = factorial(batch);
    for (size_t i = 0; i < samples; i++)
        ways /= factorial(counts->of[i]);
    for (size_t i = 0; i < batch; i++)
        ways /= (double)samples;
    return ways;
}

/* Where a batch with these counts takes the start. */
static void move(const struct pg_gradient_problem *problem, const struct counts *counts,
                 size_t batch, double ret[2])
{
    double squares = 0.0, products = 0.0, slope[2];
    for (size_t i = 0; i < problem->samples; i++) {
        double share = (double)counts->of[i] / (double)batch, x = problem->inputs[i];
        squares += share * x * x;
        products += share * x * problem->targets[i];
    }
    slope_of(problem->start, squares, products, slope);
    for (size_t k = 0; k < 2; k++)
        ret[k] = problem->start[k] - problem->learning_rate * slope[k];
}

void pg_gradient_two_layer(const struct pg_gradient_problem *problem, size_t batch,
                           struct pg_gradient_moments ret[2])
{
    struct counts counts = {.of = {batch}, .left = batch};
    double mean[2] = {0.0}, w[2], slope[2], variance = 0.0, square = 0.0;
    assert(problem->samples <= PG_GRADIENT_SAMPLES_MAX && problem->dimension == 1);
    assert(batch >= 1 && batch <= PG_GRADIENT_BATCH_MAX);
    ret[0].variance = full_slope(problem, problem->start, slope) / (double)batch;
    ret[0].full_square = slope[0] * slope[0] + slope[1] * slope[1];
    do {
        double probability = probability_of(&counts, problem->samples, batch);
        move(problem, &counts, batch, w);
        variance += probability * full_slope(problem, w, slope) / (double)batch;
        square += probability * (slope[0] * slope[0] + slope[1] * slope[1]);
        for (size_t k = 0; k < 2; k++)
            mean[k] += probability * slope[k];
    } while (next_counts(&counts, problem->samples, batch));
    ret[1].full_square = square;
    ret[1].variance = variance + square - mean[0] * mean[0] - mean[1] * mean[1];
}
