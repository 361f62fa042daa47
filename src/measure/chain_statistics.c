/* SPDX-License-Identifier: MIT */
/*
 * Halves of chains are chains of their own: those of an odd count lose the draw in the middle. The
 * scratch holds the split draws, their z-scores, and the order in which they stand.
 */
#include "phasegrid/chain_statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/special.h"

/* Split chains side by side: (chains, draws). */
struct split {
    size_t chains, draws;
    double *values, *scores;
    struct ranked {
        double value;
        size_t at;
    } * order;
};

size_t pg_chain_statistics_scratch(size_t chains, size_t draws)
{
    return 4 * chains * draws;
}

static struct split split_chains(const double *draws, size_t chains, size_t count, double *scratch)
{
    size_t half = count / 2, all = 2 * chains * half;
    struct split split = {2 * chains, half, scratch, scratch + all, (void *)(scratch + 2 * all)};
    for (size_t chain = 0; chain < chains; chain++) {
        const double *from = draws + chain * count;
        memcpy(split.values + 2 * chain * half, from, half * sizeof *from);
        memcpy(split.values + (2 * chain + 1) * half, from + count - half, half * sizeof *from);
    }
    return split;
}

static int by_value(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    return (left->value > right->value) - (left->value < right->value);
}

/* The values in order. */
static void sort(struct split *split)
{
    size_t all = split->chains * split->draws;
    for (size_t i = 0; i < all; i++)
        split->order[i] = (struct ranked){split->values[i], i};
    qsort(split->order, all, sizeof *split->order, by_value);
}

/* scores = normal quantiles of (rank - 3/8) / (all + 1/4), ties sharing their mean rank. */
static void score(struct split *split)
{
    size_t all = split->chains * split->draws, end = 0;
    sort(split);
    for (size_t begin = 0; begin < all; begin = end) {
        for (end = begin + 1; end < all && split->order[end].value == split->order[begin].value;)
            end++;
        double rank = 0.5 * (double)(begin + 1 + end);
        double z = pg_normal_quantile((rank - 0.375) / ((double)all + 0.25));
        for (size_t i = begin; i < end; i++)
            split->scores[split->order[i].at] = z;
    }
}

static double mean_of(const double *x, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    return sum / (double)count;
}

/* Sum of x_i x_{i + lag} / count, in eight sums that do not wait for each other. */
static double covariance(const double *x, size_t count, size_t lag)
{
    enum { SUMS = 8 };
    double sums[SUMS] = {0.0}, sum = 0.0;
    size_t i = 0;
    for (; i + lag + SUMS <= count; i += SUMS)
        for (size_t k = 0; k < SUMS; k++)
            sums[k] += x[i + k] * x[i + k + lag];
    for (; i + lag < count; i++)
        sum += x[i] * x[i + lag];
    for (size_t k = 0; k < SUMS; k++)
        sum += sums[k];
    return sum / (double)count;
}

/* Mean of the chains' variances, and the pooled estimate of the posterior's. */
struct spread {
    double within, pooled;
};

/* Takes its mean off every chain. */
static struct spread spread_of(struct split *split)
{
    double n = (double)split->draws, m = (double)split->chains, between = 0.0;
    double grand = mean_of(split->scores, split->chains * split->draws);
    struct spread spread = {0.0, 0.0};
    for (size_t chain = 0; chain < split->chains; chain++) {
        double *x = split->scores + chain * split->draws, mean = mean_of(x, split->draws);
        for (size_t i = 0; i < split->draws; i++)
            x[i] -= mean;
        spread.within += covariance(x, split->draws, 0) * n / (n - 1.0) / m;
        between += (mean - grand) * (mean - grand) / (m - 1.0);
    }
    spread.pooled = spread.within * (n - 1.0) / n + between;
    return spread;
}

static double rhat_of(struct spread spread)
{
    return sqrt(spread.pooled / spread.within);
}

/* Autocorrelation of all chains at a lag. */
static double correlation(const struct split *split, struct spread spread, size_t lag)
{
    double n = (double)split->draws, sum = 0.0;
    for (size_t chain = 0; chain < split->chains; chain++) {
        const double *x = split->scores + chain * split->draws;
        sum += covariance(x, split->draws, lag) * n / (n - 1.0);
    }
    return 1.0 - (spread.within - sum / (double)split->chains) / spread.pooled;
}

/* Geyer's initial monotone sequence of sums of adjacent correlations; the means are off. */
static double ess_of(const struct split *split, struct spread spread)
{
    double all = (double)(split->chains * split->draws), before = 0.0, time = -1.0;
    for (size_t lag = 0; lag + 3 < split->draws; lag += 2) {
        double pair = (lag == 0 ? 1.0 : correlation(split, spread, lag)) +
                      correlation(split, spread, lag + 1);
        if (!(pair > 0.0))
            break;
        pair = lag > 0 && pair > before ? before : pair;
        time += 2.0 * pair;
        before = pair;
    }
    double shortest = pg_log(10.0) / pg_log(all); /* 1 / log10(all) */
    return all / (time > shortest ? time : shortest);
}

/* values = their distance from the median. */
static void fold(struct split *split)
{
    size_t all = split->chains * split->draws;
    sort(split);
    double median = 0.5 * (split->order[(all - 1) / 2].value + split->order[all / 2].value);
    for (size_t i = 0; i < all; i++)
        split->values[i] = fabs(split->values[i] - median);
}

static int are_usable(const double *draws, size_t count)
{
    int differ = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(draws[i]))
            return 0;
        differ = differ || draws[i] != draws[0];
    }
    return differ;
}

struct pg_chain_statistics pg_chain_statistics(const double *draws, size_t chains, size_t count,
                                               double *scratch)
{
    const struct pg_chain_statistics nothing = {(double)NAN, (double)NAN};
    struct pg_chain_statistics found;
    if (count < 4 || chains == 0 || !are_usable(draws, chains * count))
        return nothing;
    struct split split = split_chains(draws, chains, count, scratch);
    score(&split);
    struct spread spread = spread_of(&split);
    found.rhat = rhat_of(spread);
    found.ess = ess_of(&split, spread);
    fold(&split);
    score(&split);
    double folded = rhat_of(spread_of(&split));
    found.rhat = folded > found.rhat ? folded : found.rhat;
    return found;
}
