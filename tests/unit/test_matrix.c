/* SPDX-License-Identifier: MIT */
/* Matrices as values of settings: their texts and files, in jobs, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "phasegrid/job.h"
#include "phasegrid/matrix.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct pg_setting settings[] = {
    {"links", PG_VALUE_MATRIX, 0, 0, false, "none", NULL, "1", "who stands in relation to whom"},
    {"steps", PG_VALUE_INTEGER, 0, 1e9, false, "1000", NULL, "steps", "budget"},
};
static const struct pg_schema schema = {"graph", settings, COUNT(settings)};
static const struct pg_schema *const schemas[] = {&schema};

/* ---- texts ---- */

static void expect_form(const char *text, const char *expected)
{
    const char *matrix = NULL;
    struct pg_error error = {0};
    if (pg_matrix_read(text, strlen(text), &matrix, &error) != 0)
        fail_msg("%s: %s", text, error.text);
    assert_string_equal(matrix, expected);
}

static void test_reads_rows(void **state)
{
    (void)state;
    expect_form("1", "1");
    expect_form("01/10", "01/10");
    expect_form("# of three\n0 1 0\r\n\n1,0,1 # the middle/one\n 0\t1 0", "010/101/010");
}

static void test_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "found 0 rows of 0 numbers, expected a square matrix"},
        {"010/101", "found 2 rows of 3 numbers, expected a square matrix"},
        {"010\n10\n001", "row 2 has 2 numbers, expected 3 as in row 1"},
        {"010\n1x1\n001", "row 2: found x after 1 numbers, expected 0 or 1"},
        {"01\n1\x01", "row 2: found ? after 1 numbers, expected 0 or 1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *matrix = NULL;
        struct pg_error error = {0};
        assert_int_equal(pg_matrix_read(cases[i].text, strlen(cases[i].text), &matrix, &error),
                         PG_EINPUT);
        assert_string_equal(error.text, cases[i].message);
    }
}

/* rows of `columns` zeros, but ones on the diagonal */
static char *write_identity(size_t rows, size_t columns)
{
    char *text = malloc(rows * (columns + 1) + 1), *at = text;
    assert_non_null(text);
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < columns; k++)
            *at++ = i == k ? '1' : '0';
        *at++ = '\n';
    }
    *at = '\0';
    return text;
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t too_large[][2] = {{129, 129}, {129, 128}, {1, 129}};
    char label[PG_MATRIX_LABEL_SIZE];
    char *text = write_identity(128, 128);
    const char *matrix = NULL, *again = NULL;
    assert_int_equal(pg_matrix_read(text, strlen(text), &matrix, NULL), 0);
    assert_int_equal(pg_matrix_read(text, strlen(text), &again, NULL), 0);
    free(text);
    assert_ptr_equal(matrix, again);
    assert_int_equal(pg_matrix_rows(matrix), 128);
    for (size_t i = 0; i < 128; i++)
        for (size_t k = 0; k < 128; k++)
            assert_int_equal(pg_matrix_at(matrix, i, k), i == k);
    pg_matrix_label(matrix, label);
    assert_memory_equal(label, "128x128-", 8);
    for (size_t i = 0; i < COUNT(too_large); i++) {
        struct pg_error error = {0};
        text = write_identity(too_large[i][0], too_large[i][1]);
        assert_int_equal(pg_matrix_read(text, strlen(text), &matrix, &error), PG_EINPUT);
        assert_string_equal(error.text, "found a matrix of more than 128 rows or columns");
        free(text);
    }
}

/* ---- in jobs ---- */

static struct pg_job *parse(const char *path, const char *text)
{
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    if (pg_job_parse(path, text, strlen(text), schemas, 1, NULL, 0, &job, &error) != 0)
        fail_msg("%s", error.text);
    return job;
}

static const char *links(const struct pg_job *job, uint64_t cell)
{
    struct pg_value values[COUNT(settings)];
    pg_job_cell_values(job, cell, values);
    return pg_values_matrix(&(struct pg_values){&schema, values}, "links");
}

/* As YAML and as canonical JSON it is the same job, without its files. */
static void check_round_trips(const struct pg_job *job)
{
    char *yaml = pg_job_yaml(job), *json = pg_job_canonical(job);
    struct pg_job *from_yaml = parse("elsewhere.yaml", yaml), *from_json = NULL;
    assert_int_equal(pg_job_from_canonical(json, schemas, 1, &from_json, NULL), 0);
    char *again = pg_job_canonical(from_yaml), *once_more = pg_job_canonical(from_json);
    assert_string_equal(again, json);
    assert_string_equal(once_more, json);
    for (uint64_t cell = 0; cell < pg_job_cell_count(job); cell++) {
        assert_string_equal(links(from_yaml, cell), links(job, cell));
        assert_int_equal(pg_job_cell_hash(from_json, cell), pg_job_cell_hash(job, cell));
    }
    free(yaml);
    free(json);
    free(again);
    free(once_more);
    pg_job_destroy(from_yaml);
    pg_job_destroy(from_json);
}

static void test_inline(void **state)
{
    (void)state;
    struct pg_job *job = parse("test.yaml", "experiment: graph\nsettings:\n  links: |\n"
                                            "    010\n    101\n    010\n");
    assert_string_equal(links(job, 0), "010/101/010");
    check_round_trips(job);
    pg_job_destroy(job);
    job = parse("test.yaml", "experiment: graph\n");
    assert_string_equal(links(job, 0), "");
    check_round_trips(job);
    pg_job_destroy(job);
}

/* Files are looked for beside the job file, whatever the current directory. */
static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/phasegrid-matrix-XXXXXX", path[64], name[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/path.txt", folder);
    (void)snprintf(name, sizeof name, "%s/job.yaml", folder);
    char *text = write_identity(30, 30);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(text);
    struct pg_job *job = parse(
        name, "{experiment: graph, grid: [{name: links, values: [path.txt, none, \"10/01\"]}]}");
    assert_int_equal(pg_matrix_rows(links(job, 0)), 30);
    assert_string_equal(links(job, 1), "");
    assert_string_equal(links(job, 2), "10/01");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    check_round_trips(job);
    pg_job_destroy(job);
}

static void test_errors_have_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *value, *message;
    } cases[] = {
        {"01/1", "t.yaml:2:12: links: row 2 has 1 numbers, expected 2 as in row 1\n"},
        {"gone.txt", "t.yaml:2:12: links: gone.txt: cannot be opened: No such file or directory\n"},
        {"/tmp", "t.yaml:2:12: links: /tmp: found a directory, expected a file of text\n"},
        {"{}", "t.yaml:2:12: links: found a map (several values make an axis: put them under "
               "grid), expected a square matrix of 0 and 1 of up to 128 rows, or none\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128];
        struct pg_job *job = NULL;
        struct pg_error error = {0};
        (void)snprintf(text, sizeof text, "experiment: graph\nsettings: {links: %s}\n",
                       cases[i].value);
        assert_int_equal(
            pg_job_parse("t.yaml", text, strlen(text), schemas, 1, NULL, 0, &job, &error),
            PG_EINPUT);
        assert_memory_equal(error.text, cases[i].message, strlen(cases[i].message));
    }
}

static void test_repeats_and_differences(void **state)
{
    (void)state;
    static const char twice[] =
        "{experiment: graph, grid: [{name: links, values: [\"01/10\", none, \"0 1/1 0\"]}]}";
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    assert_int_equal(
        pg_job_parse("t.yaml", twice, strlen(twice), schemas, 1, NULL, 0, &job, &error), PG_EINPUT);
    assert_non_null(strstr(error.text, "01/10"));
    struct pg_job *one = parse("t.yaml", "{experiment: graph, settings: {links: 01/10}}");
    struct pg_job *other = parse("t.yaml", "{experiment: graph, settings: {links: 00/10}}");
    char text[256];
    pg_job_difference(one, other, text, sizeof text);
    assert_string_equal(text, "settings.links: 01/10 in the file, 00/10 in the job");
    assert_int_not_equal(pg_job_cell_hash(one, 0), pg_job_cell_hash(other, 0));
    pg_job_destroy(one);
    pg_job_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_rows),
        cmocka_unit_test(test_says_what_is_wrong),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_inline),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_errors_have_a_place),
        cmocka_unit_test(test_repeats_and_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
