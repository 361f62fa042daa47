/* SPDX-License-Identifier: MIT */
#include "slurm_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, NUMBERS_MAX = 3 };

static const int64_t longest = (int64_t)3650 * DAY;

/* "2h": a number and a unit. */
static bool read_with_unit(const char *text, int64_t *ret_seconds)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"s", 1.0}, {"m", MINUTE}, {"min", MINUTE}, {"h", HOUR}, {"d", DAY}};
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9')
        return false;
    double number = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        double seconds = number * units[i].seconds;
        if (strcmp(end, units[i].name) == 0 && seconds <= (double)longest) {
            *ret_seconds = (int64_t)seconds;
            return true;
        }
    }
    return false;
}

/* Whole numbers with colons between them; how many, 0 when it is something else. */
static int read_numbers(const char *text, int64_t numbers[NUMBERS_MAX])
{
    for (int count = 0; count < NUMBERS_MAX; count++) {
        char *end = NULL;
        if (text[0] < '0' || text[0] > '9')
            return 0;
        numbers[count] = strtoll(text, &end, 10);
        if (numbers[count] > longest || (*end != ':' && *end != '\0'))
            return 0;
        if (*end == '\0')
            return count + 1;
        text = end + 1;
    }
    return 0;
}

/* What the numbers mean is for their count to say, and for whether days stand before them. */
bool pg_slurm_clock_read(const char *text, int64_t *ret_seconds)
{
    static const int64_t units[NUMBERS_MAX + 1][NUMBERS_MAX] = {
        [1] = {MINUTE}, [2] = {MINUTE, 1}, [3] = {HOUR, MINUTE, 1}};
    static const int64_t units_after_days[NUMBERS_MAX] = {HOUR, MINUTE, 1};
    int64_t numbers[NUMBERS_MAX] = {0}, days = 0;
    const char *dash = strchr(text, '-'), *rest = dash != NULL ? dash + 1 : text;
    if (dash != NULL) {
        char *end = NULL;
        days = strtoll(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || end != dash || days > longest / DAY)
            return false;
    }
    int count = read_numbers(rest, numbers);
    const int64_t *unit = dash != NULL ? units_after_days : units[count];
    *ret_seconds = days * DAY;
    for (int i = 0; i < count; i++)
        *ret_seconds += numbers[i] * unit[i];
    return count > 0 && *ret_seconds <= longest;
}

bool pg_slurm_time_read(const char *text, int64_t *ret_seconds)
{
    bool is_time = read_with_unit(text, ret_seconds) || pg_slurm_clock_read(text, ret_seconds);
    return is_time && *ret_seconds >= MINUTE;
}

int64_t pg_slurm_lead(int64_t limit)
{
    const int64_t lead = 3 * MINUTE;
    return limit / 4 < lead ? limit / 4 : lead;
}

struct pg_slurm_time pg_slurm_time_print(int64_t seconds)
{
    struct pg_slurm_time text;
    int64_t days = seconds / DAY, rest = seconds % DAY;
    int length = days > 0 ? snprintf(text.at, sizeof text.at, "%" PRId64 "-", days) : 0;
    (void)snprintf(text.at + length, sizeof text.at - (size_t)length,
                   days > 0 ? "%02d:%02d:%02d" : "%d:%02d:%02d", (int)(rest / HOUR),
                   (int)(rest % HOUR / MINUTE), (int)(rest % MINUTE));
    return text;
}
