/* SPDX-License-Identifier: MIT */
/* Jobs against jobs: cells that two share, containment, growth; jobs as YAML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_jobs.h"

/* ---- the text of a cell ---- */

static void expect_cell_text(const char *text, uint64_t cell, const char *expected)
{
    struct pg_job *job = parse(text);
    char *found = pg_job_cell_text(job, cell);
    assert_non_null(found);
    assert_string_equal(found, expected);
    free(found);
    pg_job_destroy(job);
}

static void test_cell_text(void **state)
{
    (void)state;
    static const char expected[] =
        "{\"experiment\":\"addition\",\"settings\":{\"decoder_depth\":2,\"decoder_lr\":0.5,"
        "\"decoder_width\":100,\"optimiser\":\"sgd\",\"steps\":1000,\"weight_decay\":2.0,"
        "\"widths\":[5,4]}}";
    /* Swept or not, in whatever grid, at whatever place, with other seeds: one text. */
    expect_cell_text("{experiment: addition, settings: {decoder_lr: 0.5, decoder_width: 100, "
                     "optimiser: sgd, weight_decay: 2, widths: [5, 4]}}",
                     0, expected);
    expect_cell_text("{experiment: addition, settings: {optimiser: sgd, weight_decay: 2}, grid: ["
                     "{name: widths, values: [[], [5, 4]]}, {name: shape, zip: ["
                     "{name: decoder_width, values: [7, 100]}, {name: decoder_lr, values: [1, "
                     "0.5]}]}], seeds: [9]}",
                     3, expected);
}

/* ---- jobs as YAML ---- */

static void test_yaml_reads_back(void **state)
{
    (void)state;
    static const char *const jobs[] = {
        "experiment: addition\n",
        "experiment: addition\ntitle: \"a: \\\"b\\\" # \\\\ \\x07 \\u00e9\\u4e2d\"\n",
        "title: null and - void\nexperiment: addition\n",
        "experiment: addition\nsettings: {optimiser: sgd, widths: [5, 4, 6, 3]}\n"
        "grid: [{name: decoder_lr, values: [1e-05, 0.1, 1.2345678901234567, 3e-300]}, "
        "{name: steps, values: [10, 1e9]}]\nseeds: [4294967295, 0]\n"
        "record: {points: 5, spacing: linear, parameters: [100, 0]}\nstop: decided\n"
        "streams: independent\n",
        "experiment: addition\ngrid: [{name: optimiser, values: [sgd, adamw]}, "
        "{name: widths, values: [[], [1], [7, 7]]}, {name: null_, zip: "
        "[{name: decoder_width, values: [1, 2]}, {name: weight_decay, linspace: "
        "{from: 0, to: 1, count: 2}}]}]\nseeds: 3\n",
        ("experiment: relation\ngrid: [{name: \"null\", zip: [{name: steps, values: [5]}, "
         "{name: relations, values: [6]}]}]\n"),
    };
    for (size_t i = 0; i < COUNT(jobs); i++) {
        struct pg_job *job = parse(jobs[i]);
        char *yaml = pg_job_yaml(job);
        assert_non_null(yaml);
        struct pg_job *again = parse(yaml);
        expect_same_job(again, job);
        assert_string_equal(again->title, job->title);
        free(yaml);
        pg_job_destroy(again);
        pg_job_destroy(job);
    }
}

/* Titles of --set are taken as they stand, whatever they are. */
static void test_yaml_of_a_broken_title(void **state)
{
    (void)state;
    struct pg_job *job = parse("experiment: addition\n");
    free(job->title);
    job->title = strdup("a\xff\xc3\xa9");
    char *yaml = pg_job_yaml(job);
    struct pg_job *again = parse(yaml);
    assert_string_equal(again->title, "a???");
    free(yaml);
    pg_job_destroy(again);
    pg_job_destroy(job);
}

/* ---- containment ---- */

#define GRID                                                                                       \
    A "grid: [{name: decoder_lr, values: [1, 2, 3]}, {name: shape, zip: [{name: decoder_width, "   \
      "values: [5, 6]}, {name: decoder_depth, values: [1, 2]}]}]\nseeds: [4, 7, 5]\n"

static void test_contains(void **state)
{
    (void)state;
    static const struct {
        const char *whole, *part;
        bool expected;
    } cases[] = {
        {A, A, true},
        {GRID, GRID, true},
        {GRID, A "settings: {decoder_lr: 3, decoder_width: 6}\nseeds: [5]\n", true},
        {GRID, A "settings: {decoder_lr: 3, decoder_width: 6, decoder_depth: 1}\nseeds: [5]\n",
         false}, /* no place of the zip */
        {GRID, A "settings: {decoder_lr: 4, decoder_width: 6}\nseeds: [5]\n", false},
        {GRID, A "settings: {decoder_lr: 3, decoder_width: 6}\nseeds: [6]\n", false},
        {GRID, A "settings: {decoder_lr: 3, decoder_width: 6, weight_decay: 1}\nseeds: [5]\n",
         false},
        /* other axes, another order */
        {GRID,
         A "settings: {decoder_depth: 1}\ngrid: [{name: decoder_width, values: [5]}, "
           "{name: decoder_lr, values: [3, 1]}]\nseeds: [7, 4]\n",
         true},
        {GRID,
         A "grid: [{name: decoder_depth, values: [1, 2]}, {name: decoder_width, values: [5, 6]}, "
           "{name: decoder_lr, values: [1]}]\nseeds: [4]\n",
         false},
        {A "grid: [{name: weight_decay, values: [0, 1]}]\n",
         A "grid: [{name: decoder_depth, values: [2]}]\n", true},
        {A "grid: [{name: weight_decay, values: [0, 1]}]\n",
         A "grid: [{name: decoder_depth, values: [2, 3]}]\n", false},
        /* what a row records */
        {A, A "stop: decided\n", false},
        {A, A "streams: independent\n", false},
        {A, A "record: {points: 9}\n", false},
        {A, A "record: {spacing: linear}\n", false},
        {A, A "record: {parameters: [0]}\n", false},
        {A "grid: [{name: steps, values: [10, 20]}]\n", A "grid: [{name: steps, values: [20]}]\n",
         true},
        {A "grid: [{name: steps, values: [10, 20]}]\n", A "grid: [{name: steps, values: [10]}]\n",
         false}, /* its last recorded step would be 10 */
        {A, "experiment: relation\n", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_job *whole = parse(cases[i].whole), *part = parse(cases[i].part);
        if (pg_job_contains(whole, part) != cases[i].expected)
            fail_msg("case %zu", i);
        pg_job_destroy(whole);
        pg_job_destroy(part);
    }
}

/* The texts of cells and the seeds say where a run stands. */
static void expect_rows(const struct pg_job *part, const struct pg_job *whole, const uint64_t *rows)
{
    for (uint64_t run = 0; run < pg_job_run_count(part); run++) {
        char *text = pg_job_cell_text(part, run / part->seed_count);
        char *there = pg_job_cell_text(whole, rows[run] / whole->seed_count);
        assert_string_equal(text, there);
        assert_int_equal(part->seeds[run % part->seed_count],
                         whole->seeds[rows[run] % whole->seed_count]);
        free(text);
        free(there);
    }
}

static void test_map_rows(void **state)
{
    (void)state;
    struct pg_job *whole = parse(GRID);
    struct pg_job *part = parse(A "settings: {decoder_depth: 1}\ngrid: [{name: decoder_width, "
                                  "values: [5]}, {name: decoder_lr, values: [3, 1]}]\n"
                                  "seeds: [7, 4]\n");
    struct pg_error error;
    uint64_t rows[18];
    assert_int_equal(pg_job_map_rows(part, whole, rows, &error), 0);
    expect_rows(part, whole, rows);
    assert_int_equal(pg_job_map_rows(whole, whole, rows, &error), 0);
    for (uint64_t i = 0; i < 18; i++)
        assert_int_equal(rows[i], i);
    assert_int_equal(pg_job_map_rows(whole, part, rows, &error), PG_EMISMATCH);
    pg_job_destroy(whole);
    pg_job_destroy(part);
}

/* ---- growth ---- */

static void test_extend(void **state)
{
    (void)state;
    static const struct {
        const char *job, *axes[3], *seeds, *expected;
    } cases[] = {
        {A "grid: [{name: weight_decay, values: [0, 2]}]\n",
         {"weight_decay=11,1"},
         NULL,
         A "grid: [{name: weight_decay, values: [0, 2, 11, 1]}]\n"},
        {A "grid: [{name: weight_decay, values: [0, 2]}]\n",
         {"weight_decay=[1e1]"},
         NULL,
         A "grid: [{name: weight_decay, values: [0, 2, 10]}]\n"},
        {A "seeds: 3\n", {NULL}, "5", A "seeds: 5\n"},
        {A "seeds: [3, 1]\n", {NULL}, "7,0", A "seeds: [3, 1, 7, 0]\n"},
        {A "seeds: 1\n", {NULL}, "[7]", A "seeds: [0, 7]\n"},
        {A "grid: [{name: optimiser, values: [sgd]}, {name: widths, values: [[]]}]\n",
         {"widths=[5,4],[6]", "optimiser=adamw"},
         "2",
         A "grid: [{name: optimiser, values: [sgd, adamw]}, "
           "{name: widths, values: [[], [5, 4], [6]]}]\nseeds: 2\n"},
        {A "grid: [{name: widths, values: [[5]]}]\n",
         {"widths=[[]]"},
         NULL,
         A "grid: [{name: widths, values: [[5], []]}]\n"},
        {A "grid: [{name: z, zip: [{name: decoder_width, values: [5]}, "
           "{name: decoder_lr, values: [1]}]}]\n",
         {"decoder_lr=1,2", "decoder_width=6,5"},
         NULL,
         A "grid: [{name: z, zip: [{name: decoder_width, values: [5, 6, 5]}, "
           "{name: decoder_lr, values: [1, 1, 2]}]}]\n"},
        {A "grid: [{name: steps, values: [9, 20]}]\n",
         {"steps=10"},
         NULL,
         A "grid: [{name: steps, values: [9, 20, 10]}]\n"},
        {A "grid: [{name: decoder_lr, values: [1]}]\nstreams: independent\nstop: decided\n"
           "record: {points: 7, spacing: linear, parameters: [5]}\n",
         {"decoder_lr=2"},
         NULL,
         A "grid: [{name: decoder_lr, values: [1, 2]}]\nstreams: independent\nstop: decided\n"
           "record: {points: 7, spacing: linear, parameters: [5]}\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_job *job = parse(cases[i].job), *expected = parse(cases[i].expected);
        struct pg_job *grown = NULL;
        struct pg_error error = {0};
        size_t axes = cases[i].axes[0] == NULL ? 0 : cases[i].axes[1] == NULL ? 1 : 2;
        if (pg_job_extend(job, cases[i].axes, axes, cases[i].seeds, &grown, &error) != 0)
            fail_msg("case %zu: %s", i, error.text);
        expect_same_job(grown, expected);
        assert_true(pg_job_contains(grown, job));
        struct pg_job *again = parse(grown->text);
        expect_same_job(again, expected);
        pg_job_destroy(again);
        pg_job_destroy(job);
        pg_job_destroy(expected);
        pg_job_destroy(grown);
    }
}

static void test_extend_refuses(void **state)
{
    (void)state;
    static const char zip[] = A "grid: [{name: z, zip: [{name: decoder_width, values: [5]}, "
                                "{name: decoder_lr, values: [1]}]}]\n";
    static const char decay[] = A "grid: [{name: weight_decay, values: [0, 2]}]\nseeds: 3\n";
    static const struct {
        const char *job, *axes[2], *seeds, *message;
    } cases[] = {
        {decay, {"weight_decay=3,2"}, NULL, "weight_decay: found 2, which is there already"},
        {decay, {"weight_decay=3,3"}, NULL, "weight_decay: found 3, which is given twice"},
        {decay,
         {"weight_decay=1", "weight_decay=3"},
         NULL,
         "weight_decay: found twice, expected all its new values at once"},
        {decay,
         {"weight_decay=101"},
         NULL,
         "--axis: weight_decay: found 101, expected a number from 0 to 100"},
        {decay,
         {"weight_decay=a"},
         NULL,
         "--axis: weight_decay: found \"a\", expected a number from 0 to 100"},
        {decay,
         {"weight_decay="},
         NULL,
         "--axis: weight_decay.values: found an empty list, expected a list of 1 to 100000 values"},
        {decay,
         {"decoder_lr=1"},
         NULL,
         "axis: found \"decoder_lr\", which has one value in all runs, expected weight_decay"},
        {decay,
         {"weight_deca=1"},
         NULL,
         "axis: found \"weight_deca\", expected weight_decay; did you mean weight_decay?"},
        {decay, {"seed=1"}, NULL, "axis: found \"seed\", expected --seeds for them"},
        {decay, {"weight_decay"}, NULL, "axis: found \"weight_decay\", expected name=value,value"},
        {A,
         {"steps=1"},
         NULL,
         "axis: found \"steps\", which has one value in all runs, but the grid has no axes"},
        {decay, {NULL}, NULL, "found nothing to add, expected values or seeds"},
        {zip,
         {"z=1"},
         NULL,
         "axis: found the zip \"z\", expected its settings one by one, each with as many values"},
        {zip,
         {"decoder_width=6"},
         NULL,
         "decoder_lr: found 0 new values, expected 1, as many as decoder_width gets in the zip z"},
        {zip,
         {"decoder_width=6,5", "decoder_lr=1,1"},
         NULL,
         "z: found decoder_width 5, decoder_lr 1, which is there already"},
        {decay,
         {NULL},
         "3",
         "seeds: found 3, expected more than the 3 that are there, or a list of those to add "
         "(7,8)"},
        {A "seeds: [0, 2]\n",
         {NULL},
         "5",
         "seeds: found 5 (0 to 4), expected a list of those to add (7,8), since the seeds that "
         "are there are not 0, 1, 2 and so on"},
        {decay, {NULL}, "7,2", "seeds: found 2, which is there already"},
        {decay, {NULL}, "7,7", "seeds: found 7 twice, expected distinct seeds"},
        {decay, {NULL}, "-1", "--seeds: seeds: found -1, expected an integer from 1 to 1e6"},
        {A "grid: [{name: steps, values: [9, 20]}]\n",
         {"steps=30,10"},
         NULL,
         "steps: found 30, expected at most 20, the longest budget: a longer one would move the "
         "recorded steps of the runs that are there"},
        {A "seeds: 3\ngrid: [{name: weight_decay, range: {from: 0, to: 99.999, step: 0.001}}]\n",
         {"weight_decay=100"},
         NULL,
         "weight_decay: found 100001 values in all, expected at most 100000"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_job *job = parse(cases[i].job), *grown = NULL;
        struct pg_error error = {0};
        size_t axes = cases[i].axes[0] == NULL ? 0 : cases[i].axes[1] == NULL ? 1 : 2;
        assert_int_equal(pg_job_extend(job, cases[i].axes, axes, cases[i].seeds, &grown, &error),
                         PG_EINPUT);
        assert_string_equal(error.text, cases[i].message);
        pg_job_destroy(job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cell_text),
        cmocka_unit_test(test_yaml_reads_back),
        cmocka_unit_test(test_yaml_of_a_broken_title),
        cmocka_unit_test(test_contains),
        cmocka_unit_test(test_map_rows),
        cmocka_unit_test(test_extend),
        cmocka_unit_test(test_extend_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
