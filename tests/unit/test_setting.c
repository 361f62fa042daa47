/* SPDX-License-Identifier: MIT */
/* Values of settings: what is read, what is refused and in which words, and how values print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/setting.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const optimisers[] = {"adamw", "sgd", NULL};

enum { LR, DECAY, STEPS, OPTIMISER, WIDTHS, FREE };

static const struct pg_setting settings[] = {
    {"decoder_lr", PG_VALUE_REAL, 0, 10, true, "1e-3", NULL, "1", "learning rate"},
    {"weight_decay", PG_VALUE_REAL, 0, 100, false, "0", NULL, "1", "decay"},
    {"steps", PG_VALUE_INTEGER, 0, 1e9, false, "1e4", NULL, "steps", "budget"},
    {"optimiser", PG_VALUE_NAME, 0, 0, false, "adamw", optimisers, "1", "optimiser"},
    {"widths", PG_VALUE_LIST, 1, 4096, false, "[]", NULL, "1", "hidden widths"},
    {"offset", PG_VALUE_REAL, -1.0 / 0.0, 1.0 / 0.0, false, "0", NULL, "1", "any number"},
};
static const struct pg_schema schema = {"fake", settings, COUNT(settings)};

static void test_reads_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double expected;
    } cases[] = {
        {"0", 0.0},   {"-0.0", 0.0}, {"1e-3", 0.001},     {"+.5", 0.5},    {"5.", 5.0},
        {"1E2", 1e2}, {"007", 7.0},  {"-1.5e+2", -150.0}, {"1e-999", 0.0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_value value;
        assert_int_equal(pg_value_parse(&settings[FREE], cases[i].text, &value, NULL), 0);
        assert_int_equal(value.type, PG_VALUE_REAL);
        assert_memory_equal(&value.real, &cases[i].expected, sizeof value.real);
    }
}

static void test_reads_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t expected;
    } cases[] = {{"0", 0}, {"1000", 1000}, {"1e4", 10000}, {"2.50e1", 25}, {"7.0", 7}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_value value;
        assert_int_equal(pg_value_parse(&settings[STEPS], cases[i].text, &value, NULL), 0);
        assert_int_equal(value.type, PG_VALUE_INTEGER);
        assert_int_equal(value.integer, cases[i].expected);
    }
}

static void test_reads_names_and_lists(void **state)
{
    (void)state;
    struct pg_value value;
    assert_int_equal(pg_value_parse(&settings[OPTIMISER], "sgd", &value, NULL), 0);
    assert_int_equal(value.integer, 1);
    assert_int_equal(pg_value_parse(&settings[WIDTHS], "[]", &value, NULL), 0);
    assert_int_equal(value.list_count, 0);
    assert_int_equal(pg_value_parse(&settings[WIDTHS], "[5, 4 ,6,3e0]", &value, NULL), 0);
    assert_int_equal(value.list_count, 4);
    const int64_t expected[] = {5, 4, 6, 3};
    assert_memory_equal(value.list, expected, sizeof expected);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char number[] = "expected a number above 0 and up to 10";
    static const char steps[] = "expected an integer from 0 to 1e9 steps";
    static const char list[] = "expected a list of up to 16 integers from 1 to 4096";
    static const char names[] = "expected one of adamw, sgd";
    static const struct {
        int setting;
        const char *text, *found, *expected;
    } cases[] = {
        {LR, "0", "0", number},
        {LR, "10.5", "10.5", number},
        {LR, "", "\"\"", number},
        {LR, "1e999", "1e999", number},
        {LR, "0x10", "0x10", number},
        {LR, ".inf", ".inf", number},
        {LR, ".nan", ".nan", number},
        {LR, "nan", "\"nan\"", number},
        {LR, "infinity", "\"infinity\"", number},
        {LR, "1e", "1e", number},
        {LR, "1 ", "1 ", number},
        {LR, "fast", "\"fast\"", number},
        {LR, "a\tb\x1b[1m", "\"a?b?[1m\"", number},
        {DECAY, "-1e-9", "-1e-9", "expected a number from 0 to 100"},
        {STEPS, "-1", "-1", steps},
        {STEPS, "1.5", "1.5", steps},
        {STEPS, "1e18", "1e18", steps},
        {STEPS, "99999999999999999999", "99999999999999999999", steps},
        {OPTIMISER, "adam", "\"adam\"", "expected one of adamw, sgd; did you mean adamw?"},
        {OPTIMISER, "momentum", "\"momentum\"", names},
        {OPTIMISER, "1", "1", names},
        {WIDTHS, "5", "5", list},
        {WIDTHS, "[5, 0]", "[5, 0]", list},
        {WIDTHS, "[5, ]", "[5, ]", list},
        {WIDTHS, "[5,,6]", "[5,,6]", list},
        {WIDTHS, "[5", "[5", list},
        {WIDTHS, "[5] 6", "[5] 6", list},
        {WIDTHS, "[5 6]", "[5 6]", list},
        {WIDTHS, "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
         list},
        {FREE, "x", "\"x\"", "expected a number"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct pg_setting *setting = &settings[cases[i].setting];
        struct pg_value value;
        struct pg_error error;
        char expected[300];
        (void)snprintf(expected, sizeof expected, "%s: found %s, %s", setting->name, cases[i].found,
                       cases[i].expected);
        assert_int_equal(pg_value_parse(setting, cases[i].text, &value, &error), PG_EINPUT);
        assert_string_equal(error.text, expected);
    }
}

static void test_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[2 * 100 + 1];
    for (size_t i = 0; i < 100; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 3); /* e with acute accent */
    struct pg_value value;
    struct pg_error error;
    assert_int_equal(pg_value_parse(&settings[LR], text, &value, &error), PG_EINPUT);
    const char *cut = strstr(error.text, "...\", expected");
    assert_non_null(cut);
    assert_memory_equal(cut - 2, "\xc3\xa9", 2);
}

static void test_checks_values(void **state)
{
    (void)state;
    static const struct {
        int setting;
        struct pg_value value;
        const char *expected; /* NULL: allowed */
    } cases[] = {
        {LR, {.type = PG_VALUE_REAL, .real = 10.0}, NULL},
        {LR,
         {.type = PG_VALUE_REAL, .real = 20.0},
         "decoder_lr: found 20, expected a number above 0 and up to 10"},
        {LR,
         {.type = PG_VALUE_INTEGER, .integer = 1},
         "decoder_lr: found 1, expected a number above 0 and up to 10"},
        {STEPS,
         {.type = PG_VALUE_INTEGER, .integer = 1000000001},
         "steps: found 1000000001, expected an integer from 0 to 1e9 steps"},
        {OPTIMISER, {.type = PG_VALUE_NAME, .integer = 1}, NULL},
        {OPTIMISER,
         {.type = PG_VALUE_NAME, .integer = 2},
         "optimiser: found name number 2, expected one of adamw, sgd"},
        {STEPS,
         {.type = PG_VALUE_NAME, .integer = 0},
         "steps: found a name, expected an integer from 0 to 1e9 steps"},
        {WIDTHS,
         {.type = PG_VALUE_LIST, .list = {5, 0}, .list_count = 2},
         "widths: found [5, 0], expected a list of up to 16 integers from 1 to 4096"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_error error = {0};
        int status = pg_value_check(&settings[cases[i].setting], &cases[i].value, &error);
        assert_int_equal(status, cases[i].expected == NULL ? 0 : PG_EINPUT);
        assert_string_equal(error.text, cases[i].expected == NULL ? "" : cases[i].expected);
    }
}

static void test_prints(void **state)
{
    (void)state;
    static const struct {
        int setting;
        const char *text, *expected;
    } cases[] = {
        {FREE, "0", "0"},
        {FREE, "1e-3", "0.001"},
        {FREE, "0.00010", "0.0001"},
        {FREE, "0.00001", "1e-5"},
        {FREE, "100000", "100000"},
        {FREE, "123456.75", "123456.75"},
        {FREE, "1000000", "1e6"},
        {FREE, "2500000", "2.5e6"},
        {FREE, "4294967295", "4294967295"},
        {FREE, "-2.5e20", "-2.5e20"},
        {FREE, "0.1", "0.1"},
        {FREE, "0.30000000000000004", "0.30000000000000004"},
        {FREE, "1e-300", "1e-300"},
        {STEPS, "1e6", "1000000"},
        {OPTIMISER, "adamw", "adamw"},
        {WIDTHS, "[5, 4, 6, 3]", "5-4-6-3"},
        {WIDTHS, "[]", "none"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct pg_setting *setting = &settings[cases[i].setting];
        struct pg_value value;
        char text[128];
        assert_int_equal(pg_value_parse(setting, cases[i].text, &value, NULL), 0);
        pg_value_print(setting, &value, text, sizeof text);
        assert_string_equal(text, cases[i].expected);
    }
}

static void test_equality(void **state)
{
    (void)state;
    const struct pg_value one = {.type = PG_VALUE_REAL, .real = 1.0};
    const struct pg_value two = {.type = PG_VALUE_REAL, .real = 2.0};
    const struct pg_value whole = {.type = PG_VALUE_INTEGER, .integer = 1};
    const struct pg_value list = {.type = PG_VALUE_LIST, .list = {1, 2}, .list_count = 2};
    const struct pg_value prefix = {.type = PG_VALUE_LIST, .list = {1, 2}, .list_count = 1};
    assert_true(pg_value_equal(&one, &one));
    assert_false(pg_value_equal(&one, &two));
    assert_false(pg_value_equal(&one, &whole));
    assert_true(pg_value_equal(&list, &list));
    assert_false(pg_value_equal(&list, &prefix));
}

static void test_accessors(void **state)
{
    (void)state;
    struct pg_value at[COUNT(settings)];
    for (size_t i = 0; i < COUNT(settings); i++)
        assert_int_equal(pg_value_parse(&settings[i], settings[i].fallback, &at[i], NULL), 0);
    const struct pg_values values = {&schema, at};
    const double rate = 0.001;
    const double found = pg_values_real(&values, "decoder_lr");
    assert_memory_equal(&found, &rate, sizeof rate);
    assert_int_equal(pg_values_integer(&values, "steps"), 10000);
    assert_string_equal(pg_values_name(&values, "optimiser"), "adamw");
    assert_int_equal(pg_values_list(&values, "widths")->list_count, 0);
    assert_int_equal(pg_schema_find(&schema, "widths"), WIDTHS);
    assert_int_equal(pg_schema_find(&schema, "width"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_numbers),
        cmocka_unit_test(test_reads_integers),
        cmocka_unit_test(test_reads_names_and_lists),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_long_text_is_cut_between_characters),
        cmocka_unit_test(test_checks_values),
        cmocka_unit_test(test_prints),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_accessors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
