/* SPDX-License-Identifier: MIT */
/* Every job that comes with the program: as YAML it is the same job, and its shards are all of it.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/experiment.h"
#include "phasegrid/job.h"

enum { EXPERIMENTS_MAX = 64, SHARDS = 7, JOBS_AT_LEAST = 10 };

static const char *folder; /* of the job files */

static size_t list_schemas(const struct pg_schema **schemas)
{
    size_t count = 0;
    while (pg_experiments[count] != NULL && count < EXPERIMENTS_MAX) {
        schemas[count] = pg_experiments[count]->schema;
        count++;
    }
    return count;
}

static struct pg_job *read_job(const char *path)
{
    const struct pg_schema *schemas[EXPERIMENTS_MAX];
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    if (pg_job_read(path, schemas, list_schemas(schemas), NULL, 0, &job, &error) != 0)
        fail_msg("%s", error.text);
    return job;
}

static struct pg_job *read_yaml(const struct pg_job *job)
{
    const struct pg_schema *schemas[EXPERIMENTS_MAX];
    struct pg_job *again = NULL;
    struct pg_error error = {0};
    char *yaml = pg_job_yaml(job);
    assert_non_null(yaml);
    if (pg_job_parse("again.yaml", yaml, strlen(yaml), schemas, list_schemas(schemas), NULL, 0,
                     &again, &error) != 0)
        fail_msg("%s", error.text);
    free(yaml);
    return again;
}

static void assert_same_job(const struct pg_job *found, const struct pg_job *expected)
{
    char *a = pg_job_canonical(found), *b = pg_job_canonical(expected);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void check_yaml(const struct pg_job *job)
{
    struct pg_job *again = read_yaml(job);
    assert_same_job(again, job);
    assert_string_equal(again->title, job->title);
    pg_job_destroy(again);
}

static void check_shards(const struct pg_job *job)
{
    static const char *const names[SHARDS] = {"1", "2", "3", "4", "5", "6", "7"};
    struct pg_job *shards[SHARDS], *united = NULL;
    struct pg_error error = {0};
    uint64_t runs = 0;
    size_t count = pg_job_run_count(job) < SHARDS ? 2 : SHARDS;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pg_job_shard(job, i + 1, count, &shards[i], &error), 0);
        assert_true(pg_job_contains(job, shards[i]));
        runs += pg_job_run_count(shards[i]);
    }
    assert_int_equal(runs, pg_job_run_count(job));
    assert_int_equal(
        pg_job_unite((const struct pg_job *const *)shards, names, count, &united, &error), 0);
    assert_same_job(united, job);
    pg_job_destroy(united);
    for (size_t i = 0; i < count; i++)
        pg_job_destroy(shards[i]);
}

static void test_every_job(void **state)
{
    (void)state;
    char pattern[4096];
    glob_t found;
    (void)snprintf(pattern, sizeof pattern, "%s/*.yaml", folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= JOBS_AT_LEAST);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct pg_job *job = read_job(found.gl_pathv[i]);
        check_yaml(job);
        check_shards(job);
        pg_job_destroy(job);
    }
    globfree(&found);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job),
    };
    if (argc != 2)
        return 1;
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
