/* SPDX-License-Identifier: MIT */
/* May this run begin? */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "time_limit.h"

/* It is moment 50 of a clock; what is left to the allocation, and the grace. */
static void test_may_begin(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        double left, grace;
        bool keeps_states;
        double expected;
        bool may;
    } cases[] = {
        {"it just ends in time", 60, 10, false, 50, true},
        {"it ends within the grace time", 60, 10, false, 50.5, false},
        {"it ends too late, but is kept", 60, 10, true, 1e6, true},
        {"nobody knows how long it takes", 60, 10, false, 0, true},
        {"it is time to leave", 10, 10, false, 0, false},
        {"it is time to leave, though it would be kept", 10, 10, true, 1, false},
        {"the allocation has ended", -5, 10, true, 0, false},
        {"the allocation has no end", HUGE_VAL, 10, false, 1e9, true},
        {"no grace", 60, 0, false, 60, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pg_time_limit limit =
            pg_time_limit_make(50.0, cases[i].left, cases[i].grace, cases[i].keeps_states);
        if (pg_time_limit_allows(&limit, 50.0, cases[i].expected) != cases[i].may)
            fail_msg("%s: it %s begin", cases[i].what, cases[i].may ? "may not" : "may");
    }
}

static void test_over(void **state)
{
    (void)state;
    struct pg_time_limit limit = pg_time_limit_make(50.0, 60.0, 10.0, true);
    struct pg_time_limit none = pg_time_limit_make(50.0, HUGE_VAL, 10.0, false);
    assert_false(pg_time_limit_is_over(&limit, 99.9));
    assert_true(pg_time_limit_is_over(&limit, 100.0));
    assert_false(pg_time_limit_is_over(&none, 1e12));
}

static void test_room(void **state)
{
    (void)state;
    struct pg_time_limit limit = pg_time_limit_make(50.0, 60.0, 10.0, false);
    struct pg_time_limit kept = pg_time_limit_make(50.0, 60.0, 10.0, true);
    assert_true(pg_time_limit_room(&limit, 70.0) == 30.0);
    assert_true(pg_time_limit_room(&limit, 105.0) == 0.0);
    assert_true(isinf(pg_time_limit_room(&kept, 70.0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_may_begin),
        cmocka_unit_test(test_over),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
