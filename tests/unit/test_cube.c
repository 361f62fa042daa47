/* SPDX-License-Identifier: MIT */
/* The layout of a results file from a job and an experiment with every kind of dimension. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/kernel.h"
#include "phasegrid/survey.h"
#include "phasegrid/sweep.h"

enum { DIM_STEP, DIM_SNAPSHOT, DIM_UNIT, DIM_NOTHING, DIM_COUNT };
enum { OBS_PHASE, OBS_TRACE, OBS_UNITS, OBS_SNAPSHOTS, OBS_NOTHING, OBS_COST, OBS_COUNT };

static const char *const activations[] = {"tanh", "relu", NULL};
static const char *const phase_names[] = {"learned", "not_learned", NULL};

static const struct pg_setting settings[] = {
    {"rate", PG_VALUE_REAL, 0, 10, false, "1", NULL, "1", "learning rate"},
    {"width", PG_VALUE_INTEGER, 1, 99, false, "3", NULL, "units", "units of a layer"},
    {"depth", PG_VALUE_INTEGER, 1, 2, false, "1", NULL, "layers", "layers"},
    {"activation", PG_VALUE_NAME, 0, 0, false, "tanh", activations, "1", "activation"},
    {"steps", PG_VALUE_INTEGER, 1, 1000, false, "100", NULL, "steps", "budget"},
};
static const struct pg_schema schema = {"toy", settings, sizeof settings / sizeof settings[0]};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    [DIM_STEP] = {"step", "steps taken", "steps"},
    [DIM_SNAPSHOT] = {"snapshot", "steps taken", "steps"},
    [DIM_UNIT] = {"unit", "unit of a layer", NULL},
    [DIM_NOTHING] = {"nothing", "empty in every cell", NULL},
};

#define SERIES(dim) .type = PG_F32, .fill = PG_NAN, .dim_count = 1, .dims = {dim}
static const struct pg_observable observables[OBS_COUNT] = {
    [OBS_PHASE] = {.name = "phase",
                   .long_name = "phase of learning",
                   .type = PG_U8,
                   .fill = 255,
                   .meanings = phase_names,
                   .unwritten_meaning = "not_run"},
    [OBS_TRACE] = {.name = "trace", .units = "1", SERIES(DIM_STEP)},
    [OBS_UNITS] = {.name = "units", SERIES(DIM_UNIT)},
    [OBS_SNAPSHOTS] = {.name = "snapshots", SERIES(DIM_SNAPSHOT)},
    [OBS_NOTHING] = {.name = "never", SERIES(DIM_NOTHING)},
    [OBS_COST] = {.name = "cost", .type = PG_F64, .fill = PG_NAN, .is_volatile = true},
};

/* Segments: input (width x 2) and, where depth is 2, hidden (width x width). */
static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    int64_t width = pg_values_integer(values, "width"), depth = pg_values_integer(values, "depth");
    if (width == 13)
        return pg_error_set(error, PG_EINPUT, "width 13 has no shape");
    ret->lengths[DIM_UNIT] = (size_t)width;
    ret->segments[0] = (struct pg_segment){.name = "input", .rows = width, .columns = 2};
    if (depth == 2)
        ret->segments[1] = (struct pg_segment){
            .name = "hidden", .offset = 2 * width, .rows = width, .columns = width};
    ret->segment_count = (size_t)depth;
    ret->steps = pg_values_integer(values, "steps");
    ret->flops_per_step = (double)(width * depth);
    return 0;
}

static const struct pg_experiment toy = {
    .name = "toy",
    .summary = "an experiment of the tests",
    .reference = "none",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = phase_names,
    .shape = shape,
};

static struct pg_job *parse(const char *text)
{
    const struct pg_schema *const schemas[] = {&schema};
    struct pg_error error = {.text = ""};
    struct pg_job *job = NULL;
    if (pg_job_parse("job.yaml", text, strlen(text), schemas, 1, NULL, 0, &job, &error) != 0)
        fail_msg("%s", error.text);
    return job;
}

static struct pg_layout *lay_out(const struct pg_job *job)
{
    struct pg_error error = {.text = ""};
    struct pg_layout *layout = NULL;
    if (pg_cube_create(job, &toy, &layout, &error) != 0)
        fail_msg("%s", error.text);
    return layout;
}

static const char swept[] = "title: all kinds\n"
                            "experiment: toy\n"
                            "grid:\n"
                            "- {name: rate, values: [0.5, 2]}\n"
                            "- {name: activation, values: [relu, tanh]}\n"
                            "- name: size\n"
                            "  zip:\n"
                            "  - {name: width, values: [2, 4, 3]}\n"
                            "  - {name: depth, values: [1, 2, 1]}\n"
                            "- {name: steps, values: [10, 40]}\n"
                            "seeds: [3, 7]\n"
                            "record: {points: 5, spacing: linear, parameters: [0, 20]}\n";

static void test_dimensions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t length;
        enum pg_coordinate kind;
    } expected[] = {
        {"rate", 2, PG_COORDINATE_REAL},        {"activation", 2, PG_COORDINATE_TEXT},
        {"size", 3, PG_COORDINATE_INDEX},       {"steps", 2, PG_COORDINATE_INTEGER},
        {"seed", 2, PG_COORDINATE_INTEGER},     {"step", 5, PG_COORDINATE_INTEGER},
        {"snapshot", 2, PG_COORDINATE_INTEGER}, {"unit", 4, PG_COORDINATE_INDEX},
        {"segment", 2, PG_COORDINATE_TEXT},
    };
    struct pg_job *job = parse(swept);
    struct pg_layout *layout = lay_out(job);
    assert_int_equal(layout->dim_count, sizeof expected / sizeof expected[0]);
    assert_int_equal(layout->grid_count, 5);
    for (size_t i = 0; i < layout->dim_count; i++) {
        assert_string_equal(layout->dims[i].name, expected[i].name);
        assert_int_equal(layout->dims[i].length, expected[i].length);
        assert_int_equal(layout->dims[i].kind, expected[i].kind);
    }
    assert_true(layout->dims[0].coordinate.reals[1] >= 2.0);
    assert_string_equal(layout->dims[1].coordinate.texts[0], "relu");
    assert_int_equal(layout->dims[4].coordinate.integers[1], 7);
    static const int64_t steps[] = {0, 10, 20, 30, 40}; /* for the longest budget */
    assert_memory_equal(layout->dims[5].coordinate.integers, steps, sizeof steps);
    assert_int_equal(layout->dims[6].coordinate.integers[1], 20);
    assert_string_equal(layout->dims[8].coordinate.texts[0], "input");
    assert_string_equal(layout->dims[8].coordinate.texts[1], "hidden");
    pg_cube_destroy(layout);
    pg_job_destroy(job);
}

/* Status first, then row_crc; observables in their order; costs are volatile, nothing else is. */
static void test_variables(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum pg_scope scope;
        bool is_volatile;
    } expected[] = {
        {"status", PG_SCOPE_RUN, false},        {"row_crc", PG_SCOPE_RUN, false},
        {"failure", PG_SCOPE_RUN, false},       {"last_step", PG_SCOPE_RUN, false},
        {"phase", PG_SCOPE_RUN, false},         {"trace", PG_SCOPE_RUN, false},
        {"units", PG_SCOPE_RUN, false},         {"snapshots", PG_SCOPE_RUN, false},
        {"cost", PG_SCOPE_RUN, true},           {"wall_seconds", PG_SCOPE_RUN, true},
        {"rank", PG_SCOPE_RUN, true},           {"kernel", PG_SCOPE_RUN, true},
        {"numerics", PG_SCOPE_RUN, true},       {"finished_at", PG_SCOPE_RUN, true},
        {"attempts", PG_SCOPE_RUN, true},       {"segment_offset", PG_SCOPE_CELL, false},
        {"segment_rows", PG_SCOPE_CELL, false}, {"segment_columns", PG_SCOPE_CELL, false},
        {"width", PG_SCOPE_AXIS, false},        {"depth", PG_SCOPE_AXIS, false},
    };
    struct pg_job *job = parse(swept);
    struct pg_layout *layout = lay_out(job);
    assert_int_equal(layout->variable_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < layout->variable_count; i++) {
        assert_string_equal(layout->variables[i].name, expected[i].name);
        assert_int_equal(layout->variables[i].scope, expected[i].scope);
        assert_int_equal(layout->variables[i].is_volatile, expected[i].is_volatile);
    }
    static const int64_t widths[] = {2, 4, 3}, depths[] = {1, 2, 1};
    assert_memory_equal(layout->variables[18].data, widths, sizeof widths);
    assert_memory_equal(layout->variables[19].data, depths, sizeof depths);
    assert_int_equal(layout->variables[18].dims[0], 2);
    assert_int_equal(pg_layout_row_elements(layout, 6), 4);
    pg_cube_destroy(layout);
    pg_job_destroy(job);
}

/* Cells in row-major order; -1 where a shallow model lacks the hidden layer. */
static void test_segments_of_cells(void **state)
{
    (void)state;
    static const int64_t expected[3][3][2] = {
        /* offset, rows, columns for sizes (2, 1), (4, 2), (3, 1); over input, hidden */
        {{0, -1}, {0, 8}, {0, -1}},
        {{2, -1}, {4, 4}, {3, -1}},
        {{2, -1}, {2, 4}, {2, -1}},
    };
    enum { CELLS = 2 * 2 * 3 * 2 };
    struct pg_job *job = parse(swept);
    struct pg_layout *layout = lay_out(job);
    for (size_t part = 0; part < 3; part++) {
        const int64_t *data = layout->variables[15 + part].data;
        for (size_t cell = 0; cell < CELLS; cell++)
            assert_memory_equal(&data[2 * cell], expected[part][cell / 2 % 3],
                                sizeof expected[part][0]);
    }
    pg_cube_destroy(layout);
    pg_job_destroy(job);
}

static struct pg_attribute find_attribute(const struct pg_layout *layout, const char *name)
{
    size_t i = 0;
    while (i < layout->attribute_count && strcmp(layout->attributes[i].name, name) != 0)
        i++;
    assert_true(i < layout->attribute_count);
    return layout->attributes[i];
}

static void test_attributes(void **state)
{
    (void)state;
    struct pg_job *job = parse(swept), *back = NULL;
    struct pg_layout *layout = lay_out(job);
    const struct pg_schema *const schemas[] = {&schema};
    char difference[500];
    assert_string_equal(find_attribute(layout, "title").text, "all kinds");
    assert_string_equal(find_attribute(layout, "Conventions").text, "CF-1.8");
    assert_string_equal(find_attribute(layout, "experiment").text, "toy");
    assert_string_equal(find_attribute(layout, "job_text").text, swept);
    assert_int_equal((int)find_attribute(layout, "numerics").number, PG_NUMERICS);
    assert_memory_equal(find_attribute(layout, "source").text, "phasegrid ", 10);
    assert_string_equal(find_attribute(layout, "bytes_depend_on").text, "settings and seed");
    const char *canonical = find_attribute(layout, "job").text;
    assert_int_equal(pg_job_from_canonical(canonical, schemas, 1, &back, NULL), 0);
    pg_job_difference(back, job, difference, sizeof difference);
    assert_string_equal(difference, "");
    pg_job_destroy(back);
    pg_cube_destroy(layout);
    pg_job_destroy(job);
}

/* One cell, one seed, nothing to keep of the parameters: no dimension of length 0 is made. */
static void test_smallest_job(void **state)
{
    (void)state;
    struct pg_job *job = parse("experiment: toy\nseeds: 1\n");
    struct pg_layout *layout = lay_out(job);
    assert_int_equal(layout->grid_count, 1);
    assert_int_equal(pg_layout_row_count(layout), 1);
    assert_string_equal(find_attribute(layout, "title").text, toy.summary);
    assert_int_equal(pg_layout_find_variable(layout, "snapshots"), -1);
    assert_int_equal(pg_layout_find_variable(layout, "never"), -1);
    assert_true(pg_layout_find_variable(layout, "trace") > 0);
    for (size_t i = 0; i < layout->dim_count; i++)
        assert_true(layout->dims[i].length > 0);
    pg_cube_destroy(layout);
    pg_job_destroy(job);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"experiment: toy\ngrid:\n- {name: rate, values: [1, 2]}\n- {name: width, values: [4, "
         "13]}\n",
         "rate 1, width 13: width 13 has no shape"},
        {"experiment: toy\nsettings: {width: 13}\n", "width 13 has no shape"},
        {"experiment: toy\ngrid:\n- name: unit\n  zip:\n  - {name: rate, values: [1, 2]}\n"
         "  - {name: width, values: [4, 3]}\n",
         "grid: the name \"unit\" is taken by another dimension or variable of the results file"},
        {"experiment: toy\ngrid:\n- name: phase\n  zip:\n  - {name: rate, values: [1, 2]}\n"
         "  - {name: width, values: [4, 3]}\n",
         "grid: the name \"phase\" is taken by another dimension or variable of the results file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pg_job *job = parse(cases[i].text);
        struct pg_layout *layout = NULL;
        struct pg_error error = {.text = ""};
        assert_int_equal(pg_cube_create(job, &toy, &layout, &error), PG_EINPUT);
        assert_int_equal(error.status, PG_EINPUT);
        assert_string_equal(error.text, cases[i].expected);
        assert_null(layout);
        pg_job_destroy(job);
    }
}

/* Three shapes, whatever the rates and activations; the budget makes them six. */
static void test_survey(void **state)
{
    (void)state;
    struct pg_job *job = parse(swept);
    struct pg_survey survey;
    assert_int_equal(pg_survey_init(&survey, job, &toy, NULL), 0);
    assert_int_equal(survey.cell_count, 24);
    assert_int_equal(survey.shape_count, 6);
    assert_int_equal(survey.steps, 40);
    assert_int_equal(survey.lengths[DIM_UNIT], 4);
    for (uint64_t cell = 0; cell < survey.cell_count; cell++)
        assert_int_equal(survey.shape_of[cell], cell % 6);
    pg_survey_release(&survey);
    pg_job_destroy(job);
}

/* The codes of `kernel` are those of files that exist, on every machine. */
static void test_kernel_codes(void **state)
{
    (void)state;
    struct pg_job *job = parse("experiment: toy\n");
    struct pg_layout *layout = lay_out(job);
    int variable = pg_layout_find_variable(layout, "kernel");
    assert_true(variable > 0);
    static const char *const known[] = {"scalar", "avx2", "avx512"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_string_equal(layout->variables[variable].meanings[i], known[i]);
    pg_cube_destroy(layout);
    pg_job_destroy(job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dimensions),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_segments_of_cells),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_smallest_job),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_survey),
        cmocka_unit_test(test_kernel_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
