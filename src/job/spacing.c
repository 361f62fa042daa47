/* SPDX-License-Identifier: MIT */
/* Linear, logarithmic and stepwise spacing, of axis values and of recorded steps. */
#include "spacing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

double pg_round_digits(double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.11e", value);
    return strtod(text, NULL) + 0.0; /* zero without a sign */
}

double pg_linspace(double from, double to, size_t count, size_t index)
{
    if (index == 0 || index + 1 == count)
        return index == 0 ? from : to;
    long double share = (long double)index / (long double)(count - 1);
    long double begin = (long double)from, end = (long double)to;
    return pg_round_digits((double)(begin + share * (end - begin)));
}

double pg_logspace(double from, double to, size_t count, size_t index)
{
    if (index == 0 || index + 1 == count)
        return index == 0 ? from : to;
    long double share = (long double)index / (long double)(count - 1);
    long double begin = (long double)from, end = (long double)to;
    return pg_round_digits((double)(begin * powl(end / begin, share)));
}

double pg_range_count(double from, double to, double step)
{
    return floor(pg_round_digits((to - from) / step)) + 1.0; /* 0.3 / 0.1 is not quite 3 */
}

double pg_range_value(double from, double step, size_t index)
{
    return pg_round_digits((double)((long double)from + (long double)index * (long double)step));
}

/* round(i * budget / (count - 1)), without leaving 64 bits. */
void pg_spread_linear(int64_t budget, size_t count, int64_t *steps)
{
    int64_t gaps = count > 1 ? (int64_t)count - 1 : 1;
    int64_t whole = budget / gaps, rest = budget % gaps;
    for (int64_t i = 0; i < (int64_t)count; i++)
        steps[i] = i * whole + (2 * i * rest + gaps) / (2 * gaps);
}

/* From 1 on, every step is a geometric one towards the budget over the steps that remain, but at
   least 1: small steps do not collide, and the ratio is found anew behind them. */
void pg_spread_log(int64_t budget, size_t count, int64_t *steps)
{
    steps[0] = 0;
    for (size_t i = 1; i < count; i++) {
        size_t remaining = count - i;
        double last = (double)steps[i - 1];
        double ratio = i == 1 ? 1.0 : pow((double)budget / last, 1.0 / (double)remaining);
        int64_t next = i == 1 ? 1 : llround(pg_round_digits(last * ratio));
        steps[i] = next > steps[i - 1] ? next : steps[i - 1] + 1;
    }
    steps[count - 1] = budget;
}
