/* SPDX-License-Identifier: MIT */
/* Jobs of the fake experiments in tests; behind <cmocka.h>. */
#ifndef FAKE_JOBS_H
#define FAKE_JOBS_H

#include <stdlib.h>
#include <string.h>

#include "fake_schemas.h"
#include "phasegrid/job.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define A "experiment: addition\n"

static inline struct pg_job *parse(const char *text)
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

static inline void expect_same_job(const struct pg_job *found, const struct pg_job *expected)
{
    char *a = pg_job_canonical(found), *b = pg_job_canonical(expected);
    assert_non_null(a);
    assert_non_null(b);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

#endif
