/* SPDX-License-Identifier: MIT */
/* Good jobs: what they expand to, their cells, their recorded steps, their canonical text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_schemas.h"
#include "phasegrid/job.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct pg_job *parse_with(const char *text, const char *const *overrides, size_t count)
{
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    int status = pg_job_parse("test.yaml", text, strlen(text), fake_schemas, FAKE_SCHEMAS,
                              overrides, count, &job, &error);
    if (status != 0)
        print_error("%s\n", error.text);
    assert_int_equal(status, 0);
    return job;
}

static struct pg_job *parse(const char *text)
{
    return parse_with(text, NULL, 0);
}

static const char whole_job[] = "title: A job\n"
                                "experiment: addition\n"
                                "settings: {steps: 1e4, optimiser: sgd, widths: [5, 4, 6, 3]}\n"
                                "grid:\n"
                                "  - {name: decoder_lr, values: [0.1, 0.01]}\n"
                                "  - name: shape\n"
                                "    zip:\n"
                                "      - {name: decoder_width, values: [100, 200, 100]}\n"
                                "      - {name: decoder_depth, values: [1, 1, 2]}\n"
                                "seeds: [3, 4294967295]\n"
                                "record: {points: 5, spacing: linear, parameters: [100, 0]}\n"
                                "stop: decided\n"
                                "streams: independent\n";

static void test_whole_job(void **state)
{
    (void)state;
    struct pg_job *job = parse(whole_job);
    assert_string_equal(job->title, "A job");
    assert_string_equal(job->text, whole_job);
    assert_ptr_equal(job->schema, &fake_addition);
    assert_int_equal(job->values[STEPS].integer, 10000);
    assert_int_equal(job->values[OPTIMISER].integer, 1);
    assert_int_equal(job->values[WIDTHS].list_count, 4);
    assert_int_equal(job->axis_count, 2);
    assert_false(job->axes[0].is_zip);
    assert_true(job->axes[1].is_zip);
    assert_string_equal(job->axes[1].name, "shape");
    assert_int_equal(job->axes[1].member_count, 2);
    assert_int_equal(job->axes[1].count, 3);
    assert_int_equal(job->seed_count, 2);
    assert_int_equal(job->seeds[1], 4294967295u);
    assert_int_equal(job->record_points, 5);
    assert_int_equal(job->record_spacing, PG_SPACING_LINEAR);
    assert_int_equal(job->snapshot_count, 2);
    assert_int_equal(job->snapshots[0], 0);
    assert_int_equal(job->snapshots[1], 100);
    assert_int_equal(job->stop, PG_STOP_DECIDED);
    assert_true(job->independent_streams);
    assert_int_equal(pg_job_cell_count(job), 6);
    assert_int_equal(pg_job_run_count(job), 12);
    pg_job_destroy(job);
}

static void test_defaults(void **state)
{
    (void)state;
    struct pg_job *job = parse("experiment: addition\n");
    const double rate = 1e-3;
    assert_string_equal(job->title, "");
    assert_int_equal(job->values[STEPS].integer, 1000);
    assert_memory_equal(&job->values[DECODER_LR].real, &rate, sizeof rate);
    assert_int_equal(job->axis_count, 0);
    assert_int_equal(pg_job_cell_count(job), 1);
    assert_int_equal(job->seed_count, 1);
    assert_int_equal(job->seeds[0], 0);
    assert_int_equal(job->record_points, 64);
    assert_int_equal(job->record_spacing, PG_SPACING_LOG);
    assert_int_equal(job->snapshot_count, 0);
    assert_int_equal(job->stop, PG_STOP_BUDGET);
    assert_false(job->independent_streams);
    pg_job_destroy(job);
}

/* Exactly the doubles that the decimal literals name: that is what 12 digits are for. */
static void test_computed_axes(void **state)
{
    (void)state;
    static const struct {
        const char *axis;
        size_t count;
        double expected[6];
    } cases[] = {
        {"name: decoder_lr, logspace: {from: 1e-5, to: 1e-2, count: 4}",
         4,
         {1e-5, 1e-4, 1e-3, 1e-2}},
        {"name: decoder_lr, logspace: {from: 1, to: 1e-3, count: 4}", 4, {1.0, 0.1, 0.01, 1e-3}},
        {"name: decoder_lr, logspace: {from: 0.5, to: 8, count: 3}", 3, {0.5, 2.0, 8.0}},
        {"name: decoder_lr, logspace: {from: 1, to: 2, count: 3}", 3, {1.0, 1.41421356237, 2.0}},
        {"name: weight_decay, linspace: {from: 0, to: 1, count: 6}",
         6,
         {0.0, 0.2, 0.4, 0.6, 0.8, 1.0}},
        {"name: weight_decay, linspace: {from: 1, to: 0, count: 4}",
         4,
         {1.0, 0.666666666667, 0.333333333333, 0.0}},
        {"name: weight_decay, range: {from: 0, to: 0.3, step: 0.1}", 4, {0.0, 0.1, 0.2, 0.3}},
        {"name: weight_decay, range: {from: 0, to: 0.35, step: 0.1}", 4, {0.0, 0.1, 0.2, 0.3}},
        {"name: weight_decay, range: {from: 1, to: 0, step: -0.5}", 3, {1.0, 0.5, 0.0}},
        {"name: weight_decay, range: {from: 2, to: 2, step: 1}", 1, {2.0}},
        {"name: weight_decay, values: [3, 1e0, 2.0]", 3, {3.0, 1.0, 2.0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[300];
        (void)snprintf(text, sizeof text, "experiment: addition\ngrid: [{%s}]\n", cases[i].axis);
        struct pg_job *job = parse(text);
        assert_int_equal(job->axes[0].count, cases[i].count);
        for (size_t k = 0; k < cases[i].count; k++)
            assert_memory_equal(&job->axes[0].members[0].values[k].real, &cases[i].expected[k],
                                sizeof(double));
        pg_job_destroy(job);
    }
}

static void test_computed_integers(void **state)
{
    (void)state;
    static const struct {
        const char *axis;
        size_t count;
        int64_t expected[6];
    } cases[] = {
        {"logspace: {from: 8, to: 256, count: 6}", 6, {8, 16, 32, 64, 128, 256}},
        {"logspace: {from: 10, to: 1000, count: 5}", 5, {10, 32, 100, 316, 1000}},
        {"linspace: {from: 100, to: 400, count: 4}", 4, {100, 200, 300, 400}},
        {"range: {from: 1, to: 10, step: 4}", 3, {1, 5, 9}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[300];
        (void)snprintf(text, sizeof text,
                       "experiment: addition\ngrid:\n- name: decoder_width\n  %s\n", cases[i].axis);
        struct pg_job *job = parse(text);
        assert_int_equal(job->axes[0].count, cases[i].count);
        for (size_t k = 0; k < cases[i].count; k++)
            assert_int_equal(job->axes[0].members[0].values[k].integer, cases[i].expected[k]);
        pg_job_destroy(job);
    }
}

static void test_names_lists_and_aliases_as_axes(void **state)
{
    (void)state;
    struct pg_job *job = parse("experiment: addition\n"
                               "grid:\n"
                               "- {name: optimiser, values: [sgd, \"adamw\"]}\n"
                               "- {name: widths, values: [[], [5, 4], &big [100]]}\n"
                               "- {name: decoder_width, values: &w [1, 2]}\n"
                               "- {name: decoder_depth, values: *w}\n");
    assert_int_equal(job->axes[0].members[0].values[0].integer, 1);
    assert_int_equal(job->axes[0].members[0].values[1].integer, 0);
    assert_int_equal(job->axes[1].members[0].values[0].list_count, 0);
    assert_int_equal(job->axes[1].members[0].values[1].list[1], 4);
    assert_int_equal(job->axes[3].members[0].values[1].integer, 2);
    pg_job_destroy(job);
}

/* Row-major, the last axis fastest; a zip's members move together. */
static void test_cells(void **state)
{
    (void)state;
    static const struct {
        double rate;
        int64_t width, depth;
    } expected[] = {{0.1, 100, 1},  {0.1, 200, 1},  {0.1, 100, 2},
                    {0.01, 100, 1}, {0.01, 200, 1}, {0.01, 100, 2}};
    struct pg_job *job = parse(whole_job);
    for (size_t i = 0; i < COUNT(expected); i++) {
        struct pg_value values[SETTINGS];
        pg_job_cell_values(job, i, values);
        assert_memory_equal(&values[DECODER_LR].real, &expected[i].rate, sizeof(double));
        assert_int_equal(values[DECODER_WIDTH].integer, expected[i].width);
        assert_int_equal(values[DECODER_DEPTH].integer, expected[i].depth);
        assert_int_equal(values[STEPS].integer, 10000);
    }
    pg_job_destroy(job);
}

/* A cell's hash is the cell's: in whichever job and at whichever place it stands. */
static void test_cell_hash(void **state)
{
    (void)state;
    struct pg_job *grid = parse("experiment: addition\n"
                                "grid: [{name: decoder_lr, values: [0.1, 0.2]},"
                                " {name: decoder_width, values: [5, 6]}]\n");
    struct pg_job *turned = parse("experiment: addition\n"
                                  "grid: [{name: decoder_width, values: [7, 6]},"
                                  " {name: decoder_lr, values: [0.2]}]\n");
    struct pg_job *alone =
        parse("experiment: addition\nsettings: {decoder_lr: 2e-1, decoder_width: 6}\n");
    assert_int_equal(pg_job_cell_hash(grid, 3), pg_job_cell_hash(alone, 0));
    assert_int_equal(pg_job_cell_hash(turned, 1), pg_job_cell_hash(alone, 0));
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_not_equal(pg_job_cell_hash(grid, i), 0);
        for (uint64_t k = 0; k < i; k++)
            assert_int_not_equal(pg_job_cell_hash(grid, i), pg_job_cell_hash(grid, k));
    }
    pg_job_destroy(grid);
    pg_job_destroy(turned);
    pg_job_destroy(alone);
}

static void test_overrides(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "steps=50",     "optimiser=adamw",    "widths=[7, 8]",          "seeds=2",
        "stop=budget",  "streams=shared",     "title=a: b # c",         "record.points=9",
        "seeds=[5, 6]", "record.spacing=log", "record.parameters=[50]", "steps=60",
    };
    struct pg_job *job = parse_with(whole_job, overrides, COUNT(overrides));
    assert_int_equal(job->values[STEPS].integer, 60);
    assert_int_equal(job->values[OPTIMISER].integer, 0);
    assert_int_equal(job->values[WIDTHS].list[1], 8);
    assert_int_equal(job->seed_count, 2);
    assert_int_equal(job->seeds[1], 6);
    assert_int_equal(job->stop, PG_STOP_BUDGET);
    assert_false(job->independent_streams);
    assert_string_equal(job->title, "a: b # c");
    assert_int_equal(job->record_points, 9);
    assert_int_equal(job->record_spacing, PG_SPACING_LOG);
    assert_int_equal(job->snapshot_count, 1);
    pg_job_destroy(job);
}

/* With swept steps, snapshots may go to the longest budget. */
static void test_snapshots_within_longest_budget(void **state)
{
    (void)state;
    struct pg_job *job = parse("experiment: addition\n"
                               "grid: [{name: steps, values: [10, 2000, 100]}]\n"
                               "record: {parameters: [2000]}\n");
    assert_int_equal(job->snapshots[0], 2000);
    pg_job_destroy(job);
}

static void expect_steps(const char *record, int64_t budget, const int64_t *expected, size_t count)
{
    char text[200];
    (void)snprintf(text, sizeof text, "experiment: addition\nrecord: {%s}\n", record);
    struct pg_job *job = parse(text);
    int64_t *steps;
    size_t found;
    assert_int_equal(pg_job_record_steps(job, budget, &steps, &found, NULL), 0);
    assert_int_equal(found, count);
    assert_memory_equal(steps, expected, count * sizeof *steps);
    free(steps);
    pg_job_destroy(job);
}

static void test_recorded_steps(void **state)
{
    (void)state;
    expect_steps("points: 6", 10000, (const int64_t[]){0, 1, 10, 100, 1000, 10000}, 6);
    expect_steps("points: 12", 1024,
                 (const int64_t[]){0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}, 12);
    expect_steps("points: 64", 4, (const int64_t[]){0, 1, 2, 3, 4}, 5);
    expect_steps("points: 64", 0, (const int64_t[]){0}, 1);
    expect_steps("points: 2", 1000, (const int64_t[]){0, 1000}, 2);
    expect_steps("points: 3", 1000, (const int64_t[]){0, 1, 1000}, 3);
    expect_steps("points: 5, spacing: linear", 100, (const int64_t[]){0, 25, 50, 75, 100}, 5);
    expect_steps("points: 4, spacing: linear", 100, (const int64_t[]){0, 33, 67, 100}, 4);
    expect_steps("points: 4, spacing: linear", 3, (const int64_t[]){0, 1, 2, 3}, 4);
    expect_steps("points: 3, spacing: linear", INT64_C(4000000000000000),
                 (const int64_t[]){0, INT64_C(2000000000000000), INT64_C(4000000000000000)}, 3);
}

/* Whatever the budget: exactly min(points, budget + 1) distinct ascending steps from 0 to it, and
   where log-spaced steps have room, gaps never shrink by more than rounding. */
static void test_recorded_steps_always_fill(void **state)
{
    (void)state;
    static const size_t points[] = {2, 3, 7, 64, 1000};
    for (size_t i = 0; i < COUNT(points); i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "experiment: addition\nrecord: {points: %zu}\n",
                       points[i]);
        struct pg_job *job = parse(text);
        for (int64_t budget = 0; budget < 3000; budget += 1 + budget / 7) {
            int64_t *steps;
            size_t count, least = (size_t)budget + 1 < points[i] ? (size_t)budget + 1 : points[i];
            assert_int_equal(pg_job_record_steps(job, budget, &steps, &count, NULL), 0);
            assert_int_equal(count, least);
            assert_int_equal(steps[0], 0);
            assert_int_equal(steps[count - 1], budget);
            for (size_t k = 1; k < count; k++)
                assert_true(steps[k] > steps[k - 1]);
            for (size_t k = 2; k < count; k++)
                assert_true(steps[k] - steps[k - 1] + 1 >= steps[k - 1] - steps[k - 2]);
            free(steps);
        }
        pg_job_destroy(job);
    }
}

/* From and back to the same text; title and layout of the file do not count. */
static void test_canonical_round_trip(void **state)
{
    (void)state;
    static const char expected[] =
        "{\"experiment\":\"addition\",\"grid\":[{\"members\":[{\"name\":\"decoder_lr\","
        "\"values\":[0.5,0.25]}],\"name\":\"decoder_lr\",\"zip\":false},{\"members\":[{\"name\":"
        "\"optimiser\",\"values\":[\"sgd\",\"adamw\"]},{\"name\":\"widths\",\"values\":[[],[3,4]]}"
        "],\"name\":\"z\",\"zip\":true}],\"record\":{\"parameters\":[0,10],\"points\":64,"
        "\"spacing\":\"log\"},\"seeds\":[0,1],\"settings\":{\"decoder_depth\":2,"
        "\"decoder_width\":200,\"steps\":1000,\"weight_decay\":0.0},\"stop\":\"budget\","
        "\"streams\":\"shared\"}";
    struct pg_job *job = parse("title: x\n"
                               "experiment: addition\n"
                               "record: {parameters: [10, 0]}\n"
                               "seeds: 2\n"
                               "grid:\n"
                               "- {name: decoder_lr, values: [0.5, 0.25]}\n"
                               "- name: z\n"
                               "  zip: [{name: optimiser, values: [sgd, adamw]},"
                               " {name: widths, values: [[], [3, 4]]}]\n");
    char *text = pg_job_canonical(job);
    assert_string_equal(text, expected);
    struct pg_job *back;
    assert_int_equal(pg_job_from_canonical(text, fake_schemas, FAKE_SCHEMAS, &back, NULL), 0);
    char *again = pg_job_canonical(back), difference[500];
    assert_string_equal(again, expected);
    pg_job_difference(job, back, difference, sizeof difference);
    assert_string_equal(difference, "");
    free(text);
    free(again);
    pg_job_destroy(job);
    pg_job_destroy(back);
}

/* 17 digits: no double is changed on the way. */
static void test_canonical_keeps_every_bit(void **state)
{
    (void)state;
    struct pg_job *back, *job = parse("experiment: addition\n"
                                      "grid: [{name: decoder_lr, values: [0.1, 1e-300, 0.3, "
                                      "1.0000000000000002, 2.2250738585072014e-308]}]\n");
    char *text = pg_job_canonical(job);
    assert_int_equal(pg_job_from_canonical(text, fake_schemas, FAKE_SCHEMAS, &back, NULL), 0);
    for (size_t i = 0; i < 5; i++)
        assert_memory_equal(&job->axes[0].members[0].values[i].real,
                            &back->axes[0].members[0].values[i].real, sizeof(double));
    free(text);
    pg_job_destroy(job);
    pg_job_destroy(back);
}

static void test_read_from_file(void **state)
{
    (void)state;
    char path[] = "/tmp/phasegrid-job-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, whole_job, sizeof whole_job - 1), sizeof whole_job - 1);
    assert_int_equal(close(file), 0);
    struct pg_job *job;
    assert_int_equal(pg_job_read(path, fake_schemas, FAKE_SCHEMAS, NULL, 0, &job, NULL), 0);
    assert_string_equal(job->text, whole_job);
    pg_job_destroy(job);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_job),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_computed_axes),
        cmocka_unit_test(test_computed_integers),
        cmocka_unit_test(test_names_lists_and_aliases_as_axes),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_cell_hash),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_snapshots_within_longest_budget),
        cmocka_unit_test(test_recorded_steps),
        cmocka_unit_test(test_recorded_steps_always_fill),
        cmocka_unit_test(test_canonical_round_trip),
        cmocka_unit_test(test_canonical_keeps_every_bit),
        cmocka_unit_test(test_read_from_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
