/* SPDX-License-Identifier: MIT */
/*
 * As much of cmocka as the tests of the kernels use, for a CPU whose cmocka is not installed: the
 * first failure ends the program.
 */
#ifndef PHASEGRID_CROSS_CMOCKA_H
#define PHASEGRID_CROSS_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(function) ((struct CMUnitTest){#function, function})

#define print_message(...) ((void)printf(__VA_ARGS__))
#define fail_msg(...) (print_message(__VA_ARGS__), print_message("\n"), exit(1))
#define assert_true(condition)                                                                     \
    ((condition) ? (void)0 : fail_msg("%s:%d: not true: %s", __FILE__, __LINE__, #condition))
#define assert_int_equal(x, y) assert_true((x) == (y))
#define assert_string_equal(x, y) assert_true(strcmp(x, y) == 0)
#define assert_memory_equal(x, y, size) assert_true(memcmp(x, y, size) == 0)
#define assert_non_null(x) assert_true((x) != NULL)

#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cross_run(tests, sizeof(tests) / sizeof((tests)[0]))

static inline int cross_run(const struct CMUnitTest *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tests[i].run(NULL);
        print_message("passed %s\n", tests[i].name);
    }
    return 0;
}

#endif
