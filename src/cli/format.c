/* SPDX-License-Identifier: MIT */
/* Three digits and a unit: enough to read, short enough for one line. */
#include "format.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

static struct pg_text scaled(double figure, double step, const char *const *units,
                             size_t unit_count)
{
    struct pg_text text;
    size_t unit = 0;
    while (unit + 1 < unit_count && figure >= 999.5) {
        figure /= step;
        unit++;
    }
    int digits = unit == 0 || figure >= 99.95 ? 0 : figure >= 9.995 ? 1 : 2;
    (void)snprintf(text.at, sizeof text.at, "%.*f%s", digits, figure, units[unit]);
    return text;
}

struct pg_text pg_format_count(double count)
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P"};
    return scaled(count, 1000.0, units, sizeof units / sizeof units[0]);
}

struct pg_text pg_format_bytes(uint64_t bytes)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
    return scaled((double)bytes, 1024.0, units, sizeof units / sizeof units[0]);
}

struct pg_text pg_format_duration(double seconds)
{
    const double hour = 3600.0, day = 86400.0;
    struct pg_text text = {"?"};
    if (!isfinite(seconds) || seconds < 0.0)
        return text;
    long whole = seconds < 1e12 ? lround(seconds) : 0;
    if (seconds >= 100.0 * day)
        (void)snprintf(text.at, sizeof text.at, "%.3g days", seconds / day);
    else if (seconds >= 2.0 * day)
        (void)snprintf(text.at, sizeof text.at, "%.1f days", seconds / day);
    else if (seconds >= hour)
        (void)snprintf(text.at, sizeof text.at, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    else
        (void)snprintf(text.at, sizeof text.at, "%ld:%02ld", whole / 60, whole % 60);
    return text;
}
