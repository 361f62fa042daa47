/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "phasegrid/history.h"
#include "phasegrid/layout.h"

enum { LAUNCHES_MAX = 4 };

static const double none = PG_NAN;

/* Number, start, end, finished before, steps kept before, finished after. */
static struct pg_launch_record launch(int64_t number, double started, double ended, int64_t before,
                                      int64_t steps, int64_t after)
{
    return (struct pg_launch_record){.number = number,
                                     .started = started,
                                     .ended = ended,
                                     .ranks = 2,
                                     .finished_before = before,
                                     .steps_kept_before = steps,
                                     .finished_after = after};
}

/* An ended launch, a killed one, and one that runs for 5 s. */
static void test_what_each_brought(void **state)
{
    (void)state;
    const double results[] = {110.0, 215.0, 212.0, 301.0, none};
    const struct pg_launch_record launches[] = {launch(0, 100, 150, 0, 0, 1),
                                                launch(1, 200, none, 1, 500, -1),
                                                launch(2, 300, none, 3, 400, -1)};
    const struct pg_history_now now = {.time = 305.0,
                                       .finished = 4,
                                       .steps_kept = 700,
                                       .result = results,
                                       .result_count = 5,
                                       .owner = PG_HISTORY_LIVES,
                                       .owner_since = 300.0};
    struct pg_history_entry entries[3];
    pg_history_judge(launches, 3, &now, entries);
    assert_int_equal(entries[0].state, PG_HISTORY_ENDED);
    assert_int_equal(entries[0].finished, 1);
    assert_int_equal(entries[0].steps_kept, 500);
    assert_true(entries[0].seconds == 50.0);
    assert_int_equal(entries[1].state, PG_HISTORY_KILLED);
    assert_int_equal(entries[1].finished, 2);
    assert_int_equal(entries[1].steps_kept, -100);
    assert_true(entries[1].seconds == 15.0); /* until its last result */
    assert_int_equal(entries[2].state, PG_HISTORY_RUNS);
    assert_int_equal(entries[2].finished, 1);
    assert_int_equal(entries[2].steps_kept, 300);
    assert_true(entries[2].seconds == 5.0);
    assert_int_equal(pg_history_pace(entries, 3), 2);
    assert_int_equal(pg_history_stalled(entries, 3), 0);
}

/* The last launch has no end. */
static void test_killed_or_running(void **state)
{
    (void)state;
    static const struct {
        enum pg_history_owner owner;
        double since;
        enum pg_history_state expected;
    } cases[] = {
        {PG_HISTORY_NO_OWNER, 0.0, PG_HISTORY_KILLED},
        {PG_HISTORY_LIVES, 100.0, PG_HISTORY_RUNS},
        {PG_HISTORY_LIVES, 99.0, PG_HISTORY_RUNS},    /* it was the owner before it began */
        {PG_HISTORY_LIVES, 102.0, PG_HISTORY_KILLED}, /* another is about to begin */
        {PG_HISTORY_MAY_LIVE, 100.0, PG_HISTORY_KILLED_OR_RUNS},
        {PG_HISTORY_MAY_LIVE, 102.0, PG_HISTORY_KILLED},
    };
    const struct pg_launch_record last = launch(0, 100.5, none, 0, 0, -1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct pg_history_now now = {
            .time = 105.0, .owner = cases[i].owner, .owner_since = cases[i].since};
        struct pg_history_entry entry;
        pg_history_judge(&last, 1, &now, &entry);
        if (entry.state != cases[i].expected)
            fail_msg("case %zu: %d, expected %d", i, entry.state, cases[i].expected);
    }
}

/* What is not known is not said to be nothing. */
static void test_not_known(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct pg_launch_record launches[2];
    } cases[] = {
        {"a file of an earlier version",
         {{.ended = 1, .finished_before = -1, .finished_after = -1},
          {.number = 1, .finished_before = -1}}},
        {"killed, and then results were taken away",
         {{.ended = 0, .finished_before = 5, .finished_after = -1},
          {.number = 1, .finished_before = 4}}},
        {"launches between were forgotten",
         {{.ended = 0, .finished_before = 5, .finished_after = -1},
          {.number = 600, .finished_before = 9}}},
    };
    const struct pg_history_now now = {.time = 10.0, .finished = 9, .steps_kept = -1};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pg_history_entry entries[2];
        pg_history_judge(cases[i].launches, 2, &now, entries);
        if (entries[0].finished >= 0)
            fail_msg("%s: %d runs", cases[i].what, (int)entries[0].finished);
        assert_false(entries[1].knows_steps);
        assert_int_equal(pg_history_stalled(entries, 1), 0);
    }
}

static struct pg_history_entry entry(enum pg_history_state state, int64_t finished, int64_t steps)
{
    return (struct pg_history_entry){state, finished, true, steps, 1.0};
}

static void test_stalled(void **state)
{
    (void)state;
    const enum pg_history_state ended = PG_HISTORY_ENDED, killed = PG_HISTORY_KILLED;
    const struct {
        const char *what;
        struct pg_history_entry entries[LAUNCHES_MAX];
        size_t count, expected;
    } cases[] = {
        {"no launch", {{0}}, 0, 0},
        {"one that brought nothing", {entry(ended, 0, 0)}, 1, 1},
        {"a run was finished", {entry(ended, 0, 0), entry(ended, 1, -10)}, 2, 0},
        {"a step was kept", {entry(ended, 0, 0), entry(killed, 0, 1)}, 2, 0},
        {"three in succession, ended or killed",
         {entry(ended, 2, 0), entry(ended, 0, 0), entry(killed, 0, 0), entry(ended, 0, 0)},
         4,
         3},
        {"all of them", {entry(ended, 0, 0), entry(ended, 0, 0)}, 2, 2},
        {"the living one does not count",
         {entry(ended, 1, 0), entry(killed, 0, 0), entry(PG_HISTORY_RUNS, 0, 0)},
         3,
         1},
        {"nobody knows whether it lives",
         {entry(ended, 1, 0), entry(killed, 0, 0), entry(PG_HISTORY_KILLED_OR_RUNS, 0, 0)},
         3,
         2},
        {"only the living one", {entry(PG_HISTORY_RUNS, 0, 0)}, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t stalled = pg_history_stalled(cases[i].entries, cases[i].count);
        if (stalled != cases[i].expected)
            fail_msg("%s: %zu, expected %zu", cases[i].what, stalled, cases[i].expected);
    }
}

static void test_pace(void **state)
{
    (void)state;
    struct pg_history_entry entries[] = {
        {PG_HISTORY_ENDED, 10, true, 0, 2.0},
        {PG_HISTORY_KILLED, 10, true, 0, none}, /* nobody knows for how long */
        {PG_HISTORY_RUNS, 0, true, 0, 3.0},     /* none yet */
    };
    assert_int_equal(pg_history_pace(entries, 3), 0);
    assert_int_equal(pg_history_pace(entries + 1, 2), 2);
    assert_int_equal(pg_history_pace(entries, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_each_brought),
        cmocka_unit_test(test_killed_or_running),
        cmocka_unit_test(test_not_known),
        cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
