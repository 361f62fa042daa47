/* SPDX-License-Identifier: MIT */
/* The section `llc`: its steps, its settings, how they travel, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/job.h"

static const struct pg_setting settings[] = {
    {"steps", PG_VALUE_INTEGER, 0, 1e12, false, "1000", NULL, "steps", "budget"},
    {"rate", PG_VALUE_REAL, 0, 1, false, "0.1", NULL, "1", "rate"},
    {"llc_chains", PG_VALUE_INTEGER, 1, 100, false, "10", NULL, "1", "chains"},
    {"llc_step_size", PG_VALUE_REAL, 0, 1, false, "0", NULL, "1", "epsilon"},
};
static const struct pg_schema with_llc = {"sampled", settings, 4}, without = {"plain", settings, 2};
static const struct pg_schema *const schemas[] = {&with_llc, &without};

static int parse(const char *text, const char *override, struct pg_job **ret_job,
                 struct pg_error *error)
{
    return pg_job_parse("a.yaml", text, strlen(text), schemas, 2, &override, override != NULL,
                        ret_job, error);
}

static struct pg_job *job_of(const char *text)
{
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    if (parse(text, NULL, &job, &error) != 0)
        fail_msg("%s", error.text);
    return job;
}

static void check_steps(const char *text, int64_t budget, const int64_t *expected, size_t count)
{
    struct pg_job *job = job_of(text);
    int64_t *steps = NULL;
    size_t found = 0;
    assert_int_equal(pg_job_llc_steps(job, budget, &steps, &found, NULL), 0);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(steps[i], expected[i]);
    free(steps);
    pg_job_destroy(job);
}

static void test_steps(void **state)
{
    (void)state;
    check_steps("experiment: sampled\n", 1000, NULL, 0);
    check_steps("experiment: sampled\nllc: {at: final}\n", 1000, (const int64_t[]){1000}, 1);
    check_steps("experiment: sampled\nllc: {at: 7}\n", 1000, (const int64_t[]){7}, 1);
    check_steps("experiment: sampled\nllc: {at: [500, 0, final]}\n", 1000,
                (const int64_t[]){0, 500, 1000}, 3);
    check_steps("experiment: sampled\nllc: {at: [1000, final]}\n", 1000, (const int64_t[]){1000},
                1);
    check_steps("experiment: sampled\nllc: {every: 400}\n", 1000, (const int64_t[]){400, 800, 1000},
                3);
    check_steps("experiment: sampled\nllc: {every: 500}\n", 1000, (const int64_t[]){500, 1000}, 2);
    check_steps("experiment: sampled\nsettings: {steps: 0}\nllc: {at: final}\n", 0,
                (const int64_t[]){0}, 1);
}

static void test_settings(void **state)
{
    (void)state;
    struct pg_job *job =
        job_of("experiment: sampled\nllc: {at: final, chains: 4, step_size: auto}\n");
    assert_int_equal(job->values[2].integer, 4);
    assert_true(job->values[3].real == 0.0);
    pg_job_destroy(job);
    job = job_of("experiment: sampled\nllc: {at: final}\ngrid:\n  - {name: llc_chains, values: [2, "
                 "3]}\n");
    assert_int_equal(job->axis_count, 1);
    pg_job_destroy(job);
}

/* Canonical text and YAML read back to the same job. */
static void check_travels(const char *text)
{
    struct pg_job *job = job_of(text), *again = NULL;
    struct pg_error error = {0};
    char difference[200] = "?", *canonical = pg_job_canonical(job), *yaml = pg_job_yaml(job);
    assert_int_equal(pg_job_from_canonical(canonical, schemas, 2, &again, &error), 0);
    pg_job_difference(job, again, difference, sizeof difference);
    assert_string_equal(difference, "");
    pg_job_destroy(again);
    again = job_of(yaml);
    assert_true(pg_job_contains(job, again) && pg_job_contains(again, job));
    char *same = pg_job_canonical(again);
    assert_string_equal(same, canonical);
    pg_job_destroy(again);
    pg_job_destroy(job);
    free(same);
    free(yaml);
    free(canonical);
}

static void test_travels(void **state)
{
    (void)state;
    check_travels("experiment: sampled\n");
    check_travels("experiment: sampled\nllc: {at: [final, 0, 20], chains: 3}\n");
    check_travels("experiment: sampled\nllc: {every: 30, step_size: 0.5}\n");
}

/* Jobs that differ in when they estimate are not each other's; without estimates the settings of
   estimates count for nothing in a cell. */
static void test_identity(void **state)
{
    (void)state;
    struct pg_job *plain = job_of("experiment: sampled\n");
    struct pg_job *final = job_of("experiment: sampled\nllc: {at: final}\n");
    struct pg_job *more = job_of("experiment: sampled\nllc: {at: final, chains: 20}\n");
    char difference[200] = "", *text = pg_job_cell_text(plain, 0);
    assert_false(pg_job_contains(plain, final) || pg_job_contains(final, plain));
    assert_false(pg_job_contains(final, more));
    pg_job_difference(plain, final, difference, sizeof difference);
    assert_non_null(strstr(difference, "llc: none"));
    assert_null(strstr(text, "llc_chains"));
    assert_int_equal(pg_job_cell_hash(final, 0), pg_job_cell_hash(more, 0));
    free(text);
    text = pg_job_cell_text(final, 0);
    assert_non_null(strstr(text, "llc_chains"));
    free(text);
    pg_job_destroy(plain);
    pg_job_destroy(final);
    pg_job_destroy(more);
}

/* Extended jobs and shards estimate as the job does. */
static void test_algebra(void **state)
{
    (void)state;
    struct pg_job *job = job_of("experiment: sampled\nllc: {at: [5, final]}\ngrid:\n  - {name: "
                                "rate, values: [0.1, 0.2]}\n");
    const char *const axis[] = {"rate=0.3"};
    struct pg_job *larger = NULL, *shard = NULL;
    assert_int_equal(pg_job_extend(job, axis, 1, NULL, &larger, NULL), 0);
    assert_true(pg_job_contains(larger, job));
    assert_int_equal(larger->llc_at_count, 2);
    assert_int_equal(pg_job_shard(job, 2, 2, &shard, NULL), 0);
    assert_true(pg_job_contains(job, shard));
    pg_job_destroy(job);
    pg_job_destroy(larger);
    pg_job_destroy(shard);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *override, *expected;
    } cases[] = {
        {"experiment: plain\nllc: {at: final}\n", NULL, "experiment plain estimates no LLC"},
        {"experiment: sampled\nllc: 3\n", NULL, "llc: found 3, expected a map"},
        {"experiment: sampled\nllc: {chains: 3}\n", NULL, "found neither at nor every, expected"},
        {"experiment: sampled\nllc: {at: 1, every: 3}\n", NULL, "found both at and every"},
        {"experiment: sampled\nllc: {at: final, chain: 3}\n", NULL, "did you mean llc_chains?"},
        {"experiment: sampled\nllc: {at: final, chains: 0}\n", NULL, "1 to 100"},
        {"experiment: sampled\nllc: {at: [3, 3]}\n", NULL, "found a step twice"},
        {"experiment: sampled\nllc: {at: last}\n", NULL, "llc.at: found \"last\""},
        {"experiment: sampled\nllc: {at: 2000}\n", NULL,
         "found step 2000, expected steps from 0 to 1000"},
        {"experiment: sampled\nllc: {every: 0}\n", NULL, "llc.every: found 0"},
        {"experiment: sampled\nllc: {at: final, chains: 3}\nsettings: {llc_chains: 4}\n", NULL,
         "given a second time"},
        {"experiment: sampled\nsettings: {llc_chains: 4}\n", NULL,
         "llc_chains is given, but nothing says when to estimate"},
        {"experiment: sampled\n", "llc_chains=3", "nothing says when to estimate"},
        {"experiment: sampled\nllc: {at: final}\nstop: decided\n", NULL, "expected `stop: budget`"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pg_job *job = NULL;
        struct pg_error error = {0};
        assert_int_equal(parse(cases[i].text, cases[i].override, &job, &error), PG_EINPUT);
        if (strstr(error.text, cases[i].expected) == NULL)
            fail_msg("%s\nfound: %s", cases[i].text, error.text);
        assert_non_null(strstr(error.text, "^")); /* a place */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),   cmocka_unit_test(test_settings),
        cmocka_unit_test(test_travels), cmocka_unit_test(test_identity),
        cmocka_unit_test(test_algebra), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
