/* SPDX-License-Identifier: MIT */
/* Copies between arrays of different lengths, against element-by-element index arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/lengths.h"

enum { DIMS = 3, ELEMENTS_MAX = 512, UNTOUCHED = 9999 };

static uint16_t number_of(const size_t at[DIMS])
{
    return (uint16_t)(100 * at[0] + 10 * at[1] + at[2]);
}

static size_t place_of(const size_t at[DIMS], const size_t lengths[DIMS])
{
    return (at[0] * lengths[1] + at[1]) * lengths[2] + at[2];
}

/* Calls with every index of the array. */
static void for_all(const size_t lengths[DIMS], const size_t other[DIMS], uint16_t *array,
                    void (*visit)(uint16_t *element, const size_t at[DIMS], bool is_common))
{
    size_t at[DIMS];
    for (at[0] = 0; at[0] < lengths[0]; at[0]++)
        for (at[1] = 0; at[1] < lengths[1]; at[1]++)
            for (at[2] = 0; at[2] < lengths[2]; at[2]++)
                visit(&array[place_of(at, lengths)], at,
                      at[0] < other[0] && at[1] < other[1] && at[2] < other[2]);
}

static void put(uint16_t *element, const size_t at[DIMS], bool is_common)
{
    (void)is_common;
    *element = number_of(at);
}

static void check(uint16_t *element, const size_t at[DIMS], bool is_common)
{
    assert_int_equal(*element, is_common ? number_of(at) : UNTOUCHED);
}

static void test_what_both_have_is_copied(void **state)
{
    (void)state;
    static const size_t shapes[][DIMS] = {{2, 3, 4}, {2, 3, 6}, {5, 3, 4}, {2, 5, 4}, {3, 4, 5},
                                          {1, 7, 2}, {2, 0, 4}, {4, 3, 1}, {0, 0, 0}, {8, 8, 8}};
    enum { SHAPES = sizeof shapes / sizeof shapes[0] };
    for (size_t i = 0; i < SHAPES; i++)
        for (size_t j = 0; j < SHAPES; j++) {
            uint16_t from[ELEMENTS_MAX], to[ELEMENTS_MAX];
            for (size_t k = 0; k < ELEMENTS_MAX; k++)
                to[k] = UNTOUCHED;
            for_all(shapes[i], shapes[j], from, put);
            pg_lengths_copy(sizeof from[0], DIMS, shapes[i], from, shapes[j], to);
            for_all(shapes[j], shapes[i], to, check);
            for (size_t k = pg_lengths_elements(DIMS, shapes[j]); k < ELEMENTS_MAX; k++)
                assert_int_equal(to[k], UNTOUCHED);
        }
}

static void test_a_scalar_is_one_element(void **state)
{
    (void)state;
    double from = 0.25, to = 0.0;
    assert_int_equal(pg_lengths_elements(0, NULL), 1);
    pg_lengths_copy(sizeof from, 0, NULL, &from, NULL, &to);
    assert_true(to == 0.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_both_have_is_copied),
        cmocka_unit_test(test_a_scalar_is_one_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
