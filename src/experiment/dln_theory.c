/* SPDX-License-Identifier: MIT */
/*
 * With M_i = H_i - r in ascending order, l + 1 the number of the smallest that satisfy S = sum >= l
 * max and S < l next, and C = ceil(S / l), a = S - (C - 1) l:
 *
 *     lambda = (r (H_1 + H_{L+1}) - r^2) / 2 + a (l - a) / (4 l) - l (l - 1) / 4 (S / l)^2
 *              + (sum over i < j of M_i M_j) / 2,   multiplicity a (l - a) + 1.
 *
 * All of it is an integer over 4 l.
 */
#include "dln_theory.h"

#include <stdlib.h>

#include "phasegrid/setting.h"

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

/* Excesses that matter: the k smallest; returns k, and their sum. */
static size_t count_essential(const int64_t *excess, size_t count, int64_t *ret_sum)
{
    int64_t sum = excess[0];
    for (size_t k = 2; k <= count; k++) {
        int64_t l = (int64_t)k - 1;
        sum += excess[k - 1];
        *ret_sum = sum;
        if (sum >= l * excess[k - 1] && (k == count || sum < l * excess[k]))
            return k;
    }
    return count;
}

int pg_deep_linear_lambda(const int64_t *widths, size_t count, int64_t rank,
                          struct pg_rational *ret_lambda, int64_t *ret_multiplicity,
                          struct pg_error *error)
{
    int64_t excess[PG_LIST_MAX], sum = 0, pairs = 0;
    if (count < 2 || count > PG_LIST_MAX)
        return pg_error_set(error, PG_EINPUT, "%zu widths; expected 2 to %d", count,
                            (int)PG_LIST_MAX);
    for (size_t i = 0; i < count; i++) {
        excess[i] = widths[i] - rank;
        if (rank < 0 || excess[i] < 0)
            return pg_error_set(error, PG_EINPUT,
                                "rank %lld does not fit through width %lld; expected 0 to %lld",
                                (long long)rank, (long long)widths[i], (long long)widths[i]);
    }
    qsort(excess, count, sizeof *excess, ascending);
    size_t k = count_essential(excess, count, &sum);
    int64_t l = (int64_t)k - 1, a = sum - ((sum + l - 1) / l - 1) * l;
    if (sum == 0)
        a = l; /* C = 0 */
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < i; j++)
            pairs += excess[i] * excess[j];
    int64_t ends = rank * (widths[0] + widths[count - 1]) - rank * rank;
    int64_t numerator = 2 * l * ends + a * (l - a) - (l - 1) * sum * sum + 2 * l * pairs;
    int64_t divisor = common_divisor(numerator, 4 * l);
    *ret_lambda = (struct pg_rational){numerator / divisor, 4 * l / divisor};
    *ret_multiplicity = a * (l - a) + 1;
    return 0;
}

double pg_deep_linear_generic_lambda(const int64_t *widths, size_t count, int64_t rank)
{
    int64_t least = widths[0] - rank, last = widths[count - 1];
    for (size_t i = 0; i + 1 < count; i++)
        least = widths[i] - rank < least ? widths[i] - rank : least;
    return 0.5 * (double)(rank * (widths[0] + last) - rank * rank + (last - rank) * least);
}
