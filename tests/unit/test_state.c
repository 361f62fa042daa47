/* SPDX-License-Identifier: MIT */
/* One pass in three directions; what does not fit leaves everything behind it as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/state.h"

struct thing {
    uint8_t small;
    int64_t large;
    float numbers[3];
};

enum { THING_SIZE = 1 + 8 + 12 };

static void pass(struct thing *thing, struct pg_state *state)
{
    pg_state_pass(state, &thing->small, sizeof thing->small);
    pg_state_pass(state, &thing->large, sizeof thing->large);
    pg_state_pass(state, thing->numbers, sizeof thing->numbers);
}

static const struct thing example = {7, -5, {0.5f, 1.5f, -2.0f}};

static void test_what_is_saved_is_loaded(void **state)
{
    (void)state;
    struct thing saved = example, loaded = {0};
    unsigned char bytes[THING_SIZE + 1];
    struct pg_state measure = pg_state_measure();
    pass(&saved, &measure);
    assert_int_equal(measure.used, THING_SIZE);
    struct pg_state save = pg_state_save(bytes, measure.used);
    pass(&saved, &save);
    assert_int_equal(save.used, THING_SIZE);
    assert_false(save.is_short);
    struct pg_state load = pg_state_load(bytes, save.used);
    pass(&loaded, &load);
    assert_int_equal(load.used, THING_SIZE);
    assert_false(load.is_short);
    assert_int_equal(loaded.small, example.small);
    assert_int_equal(loaded.large, example.large);
    assert_memory_equal(loaded.numbers, example.numbers, sizeof example.numbers);
}

static void test_short_bytes(void **state)
{
    (void)state;
    for (size_t size = 0; size < THING_SIZE; size++) {
        struct thing thing = example, loaded = {1, 2, {3.0f, 4.0f, 5.0f}};
        unsigned char bytes[THING_SIZE], before[THING_SIZE];
        memset(bytes, 0xaa, sizeof bytes);
        memset(before, 0xaa, sizeof before);
        struct pg_state save = pg_state_save(bytes, size);
        pass(&thing, &save);
        assert_true(save.is_short && save.used <= size);
        assert_memory_equal(bytes + size, before + size, THING_SIZE - size);
        struct pg_state load = pg_state_load(bytes, size);
        pass(&loaded, &load);
        assert_true(load.is_short);
        assert_int_equal(loaded.small, size >= 1 ? example.small : 1);
        assert_int_equal(loaded.large, size >= 9 ? example.large : 2);
        assert_true(loaded.numbers[0] == 3.0f && loaded.numbers[2] == 5.0f);
    }
}

/* A piece behind one that did not fit is not taken for it. */
static void test_nothing_fits_behind_a_gap(void **state)
{
    (void)state;
    unsigned char bytes[4] = {1, 2, 3, 4};
    uint64_t large = 9;
    uint8_t small = 9;
    struct pg_state load = pg_state_load(bytes, sizeof bytes);
    pg_state_pass(&load, &large, sizeof large);
    pg_state_pass(&load, &small, sizeof small);
    assert_true(load.is_short && large == 9 && small == 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_saved_is_loaded),
        cmocka_unit_test(test_short_bytes),
        cmocka_unit_test(test_nothing_fits_behind_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
