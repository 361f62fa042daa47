/* SPDX-License-Identifier: MIT */
/* First crossings and stretches on scripted sequences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "phasegrid/crossing.h"

static void test_sequences(void **state)
{
    (void)state;
    static const struct {
        const char *met; /* step by step */
        int64_t first, held;
    } cases[] = {
        {"0000", -1, -1}, {"0010", 2, -1},   {"111", 0, 0},        {"110", 0, -1},
        {"01011", 1, -1}, {"0101110", 1, 3}, {"0111011110", 1, 1}, {"", -1, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pg_crossing crossing = pg_crossing_make(3);
        for (int64_t step = 0; cases[i].met[step] != '\0'; step++)
            pg_crossing_update(&crossing, step, cases[i].met[step] == '1');
        assert_int_equal(crossing.first, cases[i].first);
        assert_int_equal(crossing.held, cases[i].held);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sequences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
