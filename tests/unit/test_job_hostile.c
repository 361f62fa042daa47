/* SPDX-License-Identifier: MIT */
/* What no reader should meet: pipes and folders, documents made to exhaust it, damaged bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_schemas.h"
#include "phasegrid/job.h"
#include "phasegrid/random.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* From a copy of exactly `size` bytes, so that sanitizers see a step beyond it. */
static int parse(const char *text, size_t size, struct pg_error *error)
{
    struct pg_job *job = NULL;
    char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, text, size);
    int status =
        pg_job_parse("a.yaml", copy, size, fake_schemas, FAKE_SCHEMAS, NULL, 0, &job, error);
    pg_job_destroy(job);
    free(copy);
    return status;
}

static void expect_unreadable(const char *path, const char *message)
{
    char expected[300];
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    (void)snprintf(expected, sizeof expected, "%s: %s", path, message);
    assert_int_equal(pg_job_read(path, fake_schemas, FAKE_SCHEMAS, NULL, 0, &job, &error),
                     PG_EINPUT);
    assert_string_equal(error.text, expected);
    assert_null(job);
}

static void test_what_is_no_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/phasegrid-job-XXXXXX", pipe_path[64], long_path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    (void)snprintf(long_path, sizeof long_path, "%s/long", folder);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    FILE *file = fopen(long_path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    expect_unreadable(long_path, "is empty, expected a job in YAML");
    assert_int_equal(truncate(long_path, (1 << 20) + 1), 0);
    expect_unreadable(folder, "found a directory, expected a file of text");
    expect_unreadable(pipe_path, "found a pipe or a device, expected a file of text");
    expect_unreadable(long_path, "is longer than 1048576 bytes, too long for a job");
    assert_int_equal(unlink(pipe_path) + unlink(long_path) + rmdir(folder), 0);
    expect_unreadable(folder, "cannot be opened: No such file or directory");
}

/* Documents made to exhaust a reader: deep, or exponential once their aliases are expanded. */
static void test_bombs(void **state)
{
    (void)state;
    enum { SIZE = 500000 };
    static const char *const pieces[] = {
        "[",           "- ", "? ",   "{a: ",  "!a ", "&a ", "a: &a [*a, *a]\n",
        "%YAML 1.2\n", "\"", "- - ", "k: 1\n"};
    char *text = malloc(SIZE + 64);
    assert_non_null(text);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t size = 0, length = strlen(pieces[i]);
        for (; size + length < SIZE; size += length)
            memcpy(text + size, pieces[i], length);
        struct pg_error error = {0};
        assert_int_equal(parse(text, size, &error), PG_EINPUT);
        assert_memory_equal(error.text, "a.yaml:", strlen("a.yaml:"));
    }
    free(text);
    static const char alias[] = "experiment: addition\ntitle: &a [*a, *a]\n";
    struct pg_error error = {0};
    assert_int_equal(parse(alias, strlen(alias), &error), PG_EINPUT);
}

/* libfyaml crashes on the first ones; tabs that it can read stay allowed. */
static void test_tabs_behind_explicit_keys(void **state)
{
    (void)state;
    static const char *const refused[] = {"? a:\t:",   "? a: \t? b",  "x: 1\n? a:\t- b",
                                          "- ? a:\t:", "? \"a\":\t:", "\xef\xbb\xbf? a:\t:"};
    static const char *const read[] = {"experiment:\taddition\n",
                                       "? experiment\n: addition\n? title\n: a\tb\n"};
    struct pg_error error = {0};
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_int_equal(parse(refused[i], strlen(refused[i]), &error), PG_EINPUT);
        assert_non_null(strstr(error.text, "found a tab behind a colon and an explicit key (?)"));
    }
    for (size_t i = 0; i < COUNT(read); i++)
        assert_int_equal(parse(read[i], strlen(read[i]), &error), 0);
}

/* Whatever bytes stand in the file, there is a job or a message; run it under sanitizers. */
static void test_mutated_bytes(void **state)
{
    (void)state;
    enum { ROUNDS = 5000 };
    static const char good[] =
        "title: \xc3\xa9\nexperiment: addition\nsettings: {steps: 1e4, widths: [5, 4], optimiser: "
        "sgd}\ngrid:\n- {name: decoder_lr, logspace: {from: 1e-5, to: 1e-2, count: 4}}\n- {name: "
        "weight_decay, range: {from: 0, to: 1, step: 0.5}}\n- name: z\n  zip:\n  - {name: "
        "decoder_width, values: &v [1, 2]}\n  - {name: decoder_depth, values: *v}\nseeds: [3, "
        "7]\nrecord: {points: 9, spacing: linear, parameters: [0, 10]}\n";
    static const char likely[] = "\n\n\t -:,[]{}#&*!|>'\"%@`0123456789.eE+~?\xff\xc3\xa9";
    const struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    size_t accepted = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        uint32_t changes = 1 + pg_random_below(&random, 4, 0, round, 0);
        for (uint32_t i = 1; i <= changes; i++) {
            uint32_t at = pg_random_below(&random, sizeof good - 1, i, round, 1);
            uint32_t byte = pg_random_below(&random, sizeof likely - 1, i, round, 2);
            text[at] = likely[byte];
        }
        struct pg_error error = {0};
        int status = parse(text, sizeof good - 1, &error);
        accepted += status == 0 ? 1 : 0;
        assert_true(status == 0 || (status == PG_EINPUT && error.text[0] != '\0'));
    }
    assert_true(accepted > 0 && accepted < ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_file),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_tabs_behind_explicit_keys),
        cmocka_unit_test(test_mutated_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
