/* SPDX-License-Identifier: MIT */
/* Philox against Random123's known answers; draws against the laws they should follow. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/random.h"

/* Random123, examples/kat_vectors: philox4x32 10. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t words[4];
        pg_philox(cases[i].counter, cases[i].key, words);
        assert_memory_equal(words, cases[i].expected, sizeof words);
    }
}

/* Moments of 200,000 normals within five standard errors of 0, 1, 0, 3. */
static void test_normal_moments(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    struct pg_random random = pg_random_make(7, PG_STREAM_TEST, 0);
    double moments[5] = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        double x = (double)pg_random_normal(&random, i, 0, 0), power = 1.0;
        for (int k = 1; k <= 4; k++) {
            power *= x;
            moments[k] += power / COUNT;
        }
    }
    double root = sqrt((double)COUNT);
    assert_true(fabs(moments[1]) < 5.0 / root);
    assert_true(fabs(moments[2] - 1.0) < 5.0 * sqrt(2.0) / root);
    assert_true(fabs(moments[3]) < 5.0 * sqrt(15.0) / root);
    assert_true(fabs(moments[4] - 3.0) < 5.0 * sqrt(96.0) / root);
}

/* Box-Muller by hand with libm from the same words. */
static void test_normal_against_libm(void **state)
{
    (void)state;
    struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        const uint32_t counter[4] = {i, 3, 4, 0};
        uint32_t words[4];
        pg_philox(counter, random.key, words);
        double radius = sqrt(-2.0 * log(((double)words[0] + 0.5) * 0x1p-32));
        double angle = 2.0 * M_PI * (double)words[1] * 0x1p-32;
        assert_true(fabs((double)pg_random_normal(&random, 2 * i, 3, 4) - radius * cos(angle)) <
                    1e-6);
        assert_true(fabs((double)pg_random_normal(&random, 2 * i + 1, 3, 4) - radius * sin(angle)) <
                    1e-6);
    }
}

/* Each of 5 symbols stands at each of 5 places equally often (chi-square, 16 degrees). */
static void test_permutation_is_uniform(void **state)
{
    (void)state;
    enum { SIZE = 5, COUNT = 20000 };
    struct pg_random random = pg_random_make(11, PG_STREAM_TEST, 0);
    double counts[SIZE][SIZE] = {{0}}, chi2 = 0.0, expected = (double)COUNT / SIZE;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t order[SIZE];
        pg_random_permutation(&random, i, 0, order, SIZE);
        for (size_t place = 0; place < SIZE; place++)
            counts[place][order[place]] += 1.0;
    }
    for (size_t i = 0; i < SIZE; i++)
        for (size_t j = 0; j < SIZE; j++)
            chi2 += (counts[i][j] - expected) * (counts[i][j] - expected) / expected;
    assert_true(chi2 < 45.0); /* p = 1e-4 at 16 degrees is 44.9 */
}

static void test_streams_differ(void **state)
{
    (void)state;
    struct pg_random a = pg_random_make(1, PG_STREAM_SPLIT, 0);
    struct pg_random b = pg_random_make(1, PG_STREAM_INITIAL, 0);
    struct pg_random c = pg_random_make(2, PG_STREAM_SPLIT, 0);
    struct pg_random d = pg_random_make(1, PG_STREAM_SPLIT, 9);
    uint32_t word = pg_random_word(&a, 0, 0, 0);
    assert_int_not_equal(word, pg_random_word(&b, 0, 0, 0));
    assert_int_not_equal(word, pg_random_word(&c, 0, 0, 0));
    assert_int_not_equal(word, pg_random_word(&d, 0, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),       cmocka_unit_test(test_normal_moments),
        cmocka_unit_test(test_normal_against_libm), cmocka_unit_test(test_permutation_is_uniform),
        cmocka_unit_test(test_streams_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
