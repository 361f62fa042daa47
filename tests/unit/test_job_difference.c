/* SPDX-License-Identifier: MIT */
/* Two jobs told apart in words, and canonical texts that are damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_schemas.h"
#include "phasegrid/job.h"
#include "phasegrid/random.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct pg_job *parse(const char *text)
{
    struct pg_job *job = NULL;
    assert_int_equal(
        pg_job_parse("a.yaml", text, strlen(text), fake_schemas, FAKE_SCHEMAS, NULL, 0, &job, NULL),
        0);
    return job;
}

static void expect_difference(const char *file_text, const char *job_text, const char *expected)
{
    char text[2000];
    struct pg_job *file = parse(file_text), *job = parse(job_text);
    pg_job_difference(file, job, text, sizeof text);
    assert_string_equal(text, expected);
    char *in_file = pg_job_canonical(file), *in_job = pg_job_canonical(job);
    assert_int_equal(strcmp(in_file, in_job) == 0, expected[0] == '\0');
    free(in_file);
    free(in_job);
    pg_job_destroy(file);
    pg_job_destroy(job);
}

#define A "experiment: addition\n"

static void test_differences(void **state)
{
    (void)state;
    static const struct {
        const char *file, *job, *expected;
    } cases[] = {
        {A "title: x\n", "# moved\ntitle: y\n" A "seeds: [0]\nsettings: {steps: 1e3}\n", ""},
        {A "grid: [{name: weight_decay, range: {from: 0, to: 2, step: 1}}]\n",
         A "grid: [{name: weight_decay, values: [0, 1, 2]}]\n", ""},
        {A, "experiment: relation\n", "experiment: addition in the file, relation in the job"},
        {A, A "settings: {steps: 2000, optimiser: sgd, widths: [3, 4]}\n",
         "settings.steps: 1000 in the file, 2000 in the job\n"
         "settings.optimiser: adamw in the file, sgd in the job\n"
         "settings.widths: none in the file, 3-4 in the job"},
        {A "grid: [{name: decoder_lr, values: [1]}]\n", A "settings: {decoder_lr: 0.5}\n",
         "settings.decoder_lr: an axis in the file, 0.5 in the job\n"
         "grid: decoder_lr in the file, no axes in the job"},
        {A "grid: [{name: decoder_lr, values: [1, 2]}]\n",
         A "grid: [{name: decoder_lr, values: [1]}]\n",
         "grid.decoder_lr: 2 values in the file, 1 in the job"},
        {A "grid: [{name: decoder_lr, values: [1, 2]}]\n",
         A "grid: [{name: decoder_lr, values: [1, 3]}]\n",
         "grid.decoder_lr: value 2 is 2 in the file, 3 in the job"},
        {A "grid: [{name: decoder_lr, values: [1]}, {name: decoder_width, values: [5]}]\n",
         A "grid: [{name: decoder_width, values: [5]}, {name: decoder_lr, values: [1]}]\n",
         "grid: decoder_lr, decoder_width in the file, decoder_width, decoder_lr in the job"},
        {A
         "grid: [{name: z, zip: [{name: decoder_lr, values: [1]}, {name: steps, values: [5]}]}]\n",
         A
         "grid: [{name: y, zip: [{name: decoder_lr, values: [1]}, {name: steps, values: [5]}]}]\n",
         "grid: z.decoder_lr, z.steps in the file, y.decoder_lr, y.steps in the job"},
        {A "seeds: 3\n", A "seeds: [2, 1, 0]\n", "seeds: 0, 1, 2 in the file, 2, 1, 0 in the job"},
        {A "seeds: 1\n", A "seeds: 100\n",
         "seeds: 0 in the file, 0, 1, 2, 3, 4, 5, 6, 7, ... (100) in the job"},
        {A,
         A "record: {points: 9, spacing: linear, parameters: [7]}\nstop: decided\n"
           "streams: independent\n",
         "record.parameters: none in the file, 7 in the job\n"
         "record.points: 64 in the file, 9 in the job\n"
         "record.spacing: log in the file, linear in the job\n"
         "stop: budget in the file, decided in the job\n"
         "streams: shared in the file, independent in the job"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_difference(cases[i].file, cases[i].job, cases[i].expected);
}

/* Lines that do not fit are left out whole. */
static void test_short_text(void **state)
{
    (void)state;
    static const char first[] = "settings.steps: 1000 in the file, 2000 in the job";
    char text[sizeof first + 20];
    struct pg_job *file = parse(A), *job = parse(A "settings: {steps: 2000, optimiser: sgd}\n");
    pg_job_difference(file, job, text, sizeof text);
    assert_string_equal(text, first);
    pg_job_destroy(file);
    pg_job_destroy(job);
}

#define HEAD "{\"experiment\":\"addition\",\"settings\":{},"
#define TAIL                                                                                       \
    "\"record\":{\"parameters\":[],\"points\":64,\"spacing\":\"log\"},\"seeds\":[0],\"stop\":"     \
    "\"budget\",\"streams\":\"shared\"}"

static void test_damaged_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"", "'[' or '{' expected near end of file"},
        {"[]", "experiment: expected an experiment that this version has"},
        {"{\"experiment\":\"nothing\"}",
         "experiment: expected an experiment that this version has"},
        {"{\"experiment\":\"addition\"}", "settings: expected an object"},
        {"{\"experiment\":\"addition\",\"settings\":{\"x\":1}}",
         "x: expected a setting that this version has"},
        {"{\"experiment\":\"addition\",\"settings\":{\"steps\":-1}}",
         "steps: found -1, expected an integer from 0 to 1e9 steps"},
        {"{\"experiment\":\"addition\",\"settings\":{\"steps\":\"1\"}}",
         "steps: expected another type of value"},
        {"{\"experiment\":\"addition\",\"settings\":{\"widths\":[1.5]}}",
         "widths: expected a list of integers"},
        {HEAD "\"grid\":5," TAIL, "grid: expected a list of up to 16 axes"},
        {HEAD "\"grid\":[5]," TAIL, "grid: expected axes with a name and members"},
        {HEAD "\"grid\":[{\"name\":\"steps\",\"zip\":false,\"members\":[5]}]," TAIL,
         "grid: expected names of settings that this version has"},
        {HEAD "\"grid\":[{\"name\":\"steps\",\"zip\":false,\"members\":[{\"name\":\"steps\","
              "\"values\":[]}]}]," TAIL,
         "steps: expected 1 to 100000 values, as many as the rest of its zip has"},
        {HEAD "\"grid\":[{\"name\":\"steps\",\"zip\":false,\"members\":[{\"name\":\"steps\","
              "\"values\":[1,1]}]}]," TAIL,
         "steps: found 1 at places 1 and 2, expected each value once"},
        {HEAD "\"grid\":[],\"seeds\":[-1]}", "seeds: found -1, expected an integer from 0 to "
                                             "4294967295"},
        {HEAD "\"grid\":[],\"seeds\":[]}", "seeds: expected a list of 1 to 1e6 seeds"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char expected[300];
        struct pg_job *job = NULL;
        struct pg_error error = {0};
        (void)snprintf(expected, sizeof expected, "the job in the file is not valid: %s",
                       cases[i].message);
        assert_int_equal(
            pg_job_from_canonical(cases[i].json, fake_schemas, FAKE_SCHEMAS, &job, &error),
            PG_EMISMATCH);
        assert_string_equal(error.text, expected);
        assert_null(job);
    }
}

/* A file that is older than a setting has the setting's default. */
static void test_missing_setting_takes_default(void **state)
{
    (void)state;
    struct pg_job *job;
    assert_int_equal(
        pg_job_from_canonical(HEAD "\"grid\":[]," TAIL, fake_schemas, FAKE_SCHEMAS, &job, NULL), 0);
    assert_int_equal(job->values[STEPS].integer, 1000);
    pg_job_destroy(job);
}

/* Any damage gives a job or a message; run it under sanitizers. */
static void test_mutated_canonical(void **state)
{
    (void)state;
    enum { ROUNDS = 5000 };
    static const char likely[] = "\"{}[]:,0123456789.-eabcnull\xff\\ ";
    const struct pg_random random = pg_random_make(2, PG_STREAM_TEST, 0);
    struct pg_job *job = parse(A "grid: [{name: decoder_lr, values: [1, 0.1]}, {name: z, zip: "
                                 "[{name: decoder_width, values: [1, 2]}, {name: widths, values: "
                                 "[[], [3]]}]}]\nrecord: {parameters: [0, 7]}\n");
    char *good = pg_job_canonical(job);
    const uint32_t size = (uint32_t)strlen(good);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        char *text = strdup(good);
        assert_non_null(text);
        for (uint32_t i = 0; i <= round % 3; i++)
            text[pg_random_below(&random, size, i, round, 0)] =
                likely[pg_random_below(&random, sizeof likely - 1, i, round, 1)];
        struct pg_job *back = NULL;
        struct pg_error error = {0};
        int status = pg_job_from_canonical(text, fake_schemas, FAKE_SCHEMAS, &back, &error);
        assert_true(status == 0 || (status == PG_EMISMATCH && error.text[0] != '\0'));
        pg_job_destroy(back);
        free(text);
    }
    free(good);
    pg_job_destroy(job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_short_text),
        cmocka_unit_test(test_damaged_canonical),
        cmocka_unit_test(test_missing_setting_takes_default),
        cmocka_unit_test(test_mutated_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
