/* SPDX-License-Identifier: MIT */
/* Times as the manual of sbatch has them (--time), and those with a unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "slurm_time.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static void test_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"90", 90 * MINUTE},
        {"90:30", 90 * MINUTE + 30},
        {"2:00:00", 2 * HOUR},
        {"1-12", DAY + 12 * HOUR},
        {"1-12:30", DAY + 12 * HOUR + 30 * MINUTE},
        {"1-12:30:05", DAY + 12 * HOUR + 30 * MINUTE + 5},
        {"0-1", HOUR},
        {"90m", 90 * MINUTE},
        {"90min", 90 * MINUTE},
        {"2h", 2 * HOUR},
        {"1.5h", 90 * MINUTE},
        {"1d", DAY},
        {"90s", 90},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t seconds = -1;
        assert_true(pg_slurm_time_read(cases[i].text, &seconds));
        assert_int_equal(seconds, cases[i].seconds);
    }
}

static void test_refuse(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",      "h",   "0",          "-5",     "5x",   "1:2:3:4", "1-",   "-1:00",
        "1-2-3", "2 h", " 90",        "90 ",    "1:",   ":30",     "2hh",  "1e300h",
        "nanh",  "59s", "0:30",       "1--2",   "1-+2", "+90",     "0x10", "99999999999999999999",
        "5000d", "1.5", "99999999-1", "1.5:00",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t seconds;
        if (pg_slurm_time_read(texts[i], &seconds))
            fail_msg("'%s' was taken for %lld seconds", texts[i], (long long)seconds);
    }
}

/* What squeue prints of the time left (%L), down to nothing, and its words. */
static void test_time_left(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; /* -1: it is none */
    } cases[] = {
        {"1-02:03:04", DAY + 2 * HOUR + 3 * MINUTE + 4},
        {"2:03:04", 2 * HOUR + 3 * MINUTE + 4},
        {"10:00", 10 * MINUTE},
        {"0:07", 7},
        {"0:00", 0},
        {"7-00:00:00", 7 * DAY},
        {"UNLIMITED", -1},
        {"INVALID", -1},
        {"NOT_SET", -1},
        {"", -1},
        {"2h", -1},
        {"2:03:04 and more", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t seconds = -1;
        assert_int_equal(pg_slurm_clock_read(cases[i].text, &seconds), cases[i].seconds >= 0);
        if (cases[i].seconds >= 0)
            assert_int_equal(seconds, cases[i].seconds);
    }
}

static void test_print(void **state)
{
    (void)state;
    assert_string_equal(pg_slurm_time_print(2 * HOUR).at, "2:00:00");
    assert_string_equal(pg_slurm_time_print(DAY + HOUR + 2 * MINUTE + 3).at, "1-01:02:03");
    for (int64_t seconds = MINUTE; seconds < 3 * DAY; seconds += 997) {
        int64_t again = -1;
        assert_true(pg_slurm_time_read(pg_slurm_time_print(seconds).at, &again));
        assert_int_equal(again, seconds);
    }
}

/* Three minutes, but never more than a quarter. */
static void test_lead(void **state)
{
    (void)state;
    assert_int_equal(pg_slurm_lead(DAY), 180);
    assert_int_equal(pg_slurm_lead(12 * MINUTE), 180);
    assert_int_equal(pg_slurm_lead(2 * MINUTE), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),      cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_time_left), cmocka_unit_test(test_print),
        cmocka_unit_test(test_lead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
