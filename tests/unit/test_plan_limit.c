/* SPDX-License-Identifier: MIT */
/* The plan before the end of the allocation: nothing is dealt that is not expected to end by then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "phasegrid/plan.h"

/* One worker; two long runs (rows 0 and 1) that cost ten times as much as the two short ones. */
static struct pg_plan *make_plan(uint32_t lanes)
{
    static const uint32_t class_of[] = {0, 0, 1, 1};
    const struct pg_plan_class classes[] = {{1e13, lanes}, {1e12, lanes}};
    const struct pg_plan_work work = {.row_count = 4,
                                      .rows_per_cell = 1,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 2,
                                      .worker_count = 1,
                                      .rows_max = 1};
    struct pg_plan *plan = NULL;
    struct pg_error error;
    assert_int_equal(pg_plan_create(&work, &plan, &error), 0);
    return plan;
}

/* The row that worker 0 is dealt; -1: none. */
static int64_t deal(struct pg_plan *plan)
{
    struct pg_piece pieces[PG_PIECES_MAX];
    return pg_plan_deal(plan, 0, 0.0, pieces) > 0 ? (int64_t)pieces[0].first_row : -1;
}

static void test_before_anything_is_measured_all_may_begin(void **state)
{
    (void)state;
    struct pg_plan *plan = make_plan(1);
    pg_plan_limit(plan, 1e-3);
    assert_int_equal(deal(plan), 0);
    pg_plan_destroy(plan);
}

/* A long run has taken 100 s; so a short one should take 10. */
static void test_what_fits_is_dealt(void **state)
{
    (void)state;
    struct pg_plan *plan = make_plan(1);
    assert_int_equal(deal(plan), 0);
    pg_plan_finish(plan, 0, 1, 100.0, 100.0);
    pg_plan_limit(plan, 99.0);
    assert_int_equal(deal(plan), 2);
    assert_int_equal(deal(plan), 3); /* in reserve: both take 20 s */
    pg_plan_finish(plan, 0, 2, 20.0, 120.0);
    assert_int_equal(deal(plan), -1);
    pg_plan_limit(plan, 101.0);
    assert_int_equal(deal(plan), 1);
    pg_plan_destroy(plan);
}

/* What waits behind another run ends as much later. */
static void test_a_reserve_waits(void **state)
{
    (void)state;
    struct pg_plan *plan = make_plan(1);
    assert_int_equal(deal(plan), 0);
    pg_plan_finish(plan, 0, 1, 100.0, 100.0);
    pg_plan_limit(plan, 15.0);
    assert_int_equal(deal(plan), 2);
    assert_int_equal(deal(plan), -1);
    pg_plan_destroy(plan);
}

/* The mean is 55 s, but one has taken 100. */
static void test_the_slowest_counts(void **state)
{
    (void)state;
    struct pg_plan *plan = make_plan(1);
    assert_int_equal(deal(plan), 0);
    pg_plan_finish(plan, 0, 1, 100.0, 100.0);
    assert_int_equal(deal(plan), 1);
    pg_plan_finish(plan, 0, 1, 10.0, 110.0);
    pg_plan_limit(plan, 10.5);
    assert_int_equal(deal(plan), 2); /* 10 s by its cost and what both have taken: 5.5 */
    pg_plan_finish(plan, 0, 1, 30.0, 140.0);
    pg_plan_limit(plan, 29.0);
    assert_int_equal(deal(plan), -1);
    pg_plan_destroy(plan);
}

/* A short run's share is 10 s, but four side by side take 40 s from begin to end. */
static void test_a_pack_takes_as_long_as_its_lanes(void **state)
{
    (void)state;
    struct pg_plan *plan = make_plan(4);
    assert_int_equal(deal(plan), 0);
    pg_plan_finish(plan, 0, 2, 200.0, 200.0); /* both in one pack */
    pg_plan_limit(plan, 35.0);
    assert_int_equal(deal(plan), -1);
    pg_plan_limit(plan, 45.0);
    assert_int_equal(deal(plan), 2);
    pg_plan_destroy(plan);
}

/* A worker that gives a run back has seen such a one take 300 s. It is not dealt again, but is
   still to do. */
static void test_declined(void **state)
{
    (void)state;
    struct pg_plan *plan = make_plan(1);
    assert_int_equal(deal(plan), 0);
    pg_plan_decline(plan, 0, 1, 300.0);
    pg_plan_limit(plan, 299.0);
    assert_int_equal(deal(plan), 1); /* nothing is measured yet */
    pg_plan_finish(plan, 0, 1, 100.0, 100.0);
    assert_int_equal(deal(plan), 2);
    assert_int_equal(pg_plan_todo(plan), 3);
    pg_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_anything_is_measured_all_may_begin),
        cmocka_unit_test(test_what_fits_is_dealt),
        cmocka_unit_test(test_a_reserve_waits),
        cmocka_unit_test(test_the_slowest_counts),
        cmocka_unit_test(test_a_pack_takes_as_long_as_its_lanes),
        cmocka_unit_test(test_declined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
