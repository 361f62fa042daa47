/* SPDX-License-Identifier: MIT */
/* Jobs against jobs: cells that two share, containment, growth, shards, unions; jobs as YAML. */
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

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct pg_job *parse(const char *text)
{
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    int status = pg_job_parse("test.yaml", text, strlen(text), fake_schemas, FAKE_SCHEMAS, NULL, 0,
                              &job, &error);
    if (status != 0)
        print_error("%s\n", error.text);
    assert_int_equal(status, 0);
    return job;
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cell_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
