/* SPDX-License-Identifier: MIT */
/*
 * The job-file reader on any bytes, with the settings of every experiment. A text that is a job
 * must also keep what the rest of the program relies on: its canonical JSON reads back to itself,
 * `show --job` prints a text that is the same job, recorded steps ascend from 0 to the budget, and
 * a cell's hash is never 0.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"

enum { SCHEMAS_MAX = 16, SETTINGS_MAX = 128 };

static const struct pg_schema *schemas[SCHEMAS_MAX];
static size_t schema_count;

static void list_schemas(void)
{
    for (schema_count = 0; pg_experiments[schema_count] != NULL; schema_count++) {
        fuzz_expect(schema_count < SCHEMAS_MAX);
        schemas[schema_count] = pg_experiments[schema_count]->schema;
    }
}

static void check_canonical(const struct pg_job *job)
{
    struct pg_job *again = NULL;
    struct pg_error error = {0};
    char *text = pg_job_canonical(job);
    fuzz_expect(text != NULL);
    fuzz_expect(pg_job_from_canonical(text, schemas, schema_count, &again, &error) == 0);
    char *same = pg_job_canonical(again);
    fuzz_expect(same != NULL && strcmp(text, same) == 0);
    char difference[200] = "?";
    pg_job_difference(job, again, difference, sizeof difference);
    fuzz_expect(difference[0] == '\0');
    pg_job_destroy(again);
    free(same);
    free(text);
}

/* What `show --job` prints is the same job. */
static void check_yaml(const struct pg_job *job)
{
    struct pg_job *again = NULL;
    struct pg_error error = {0};
    char *text = pg_job_yaml(job);
    fuzz_expect(text != NULL);
    int status = pg_job_parse("again.yaml", text, strlen(text), schemas, schema_count, NULL, 0,
                              &again, &error);
    fuzz_expect(status == 0);
    fuzz_expect(pg_job_contains(job, again) && pg_job_contains(again, job));
    pg_job_destroy(again);
    free(text);
}

static void check_cell(const struct pg_job *job, uint64_t cell)
{
    struct pg_value values[SETTINGS_MAX];
    fuzz_expect(job->schema->count <= SETTINGS_MAX);
    pg_job_cell_values(job, cell, values);
    fuzz_expect(pg_job_cell_hash(job, cell) != 0);
}

static void check_steps(const struct pg_job *job, int64_t budget)
{
    int64_t *steps;
    size_t count;
    struct pg_error error = {0};
    if (pg_job_record_steps(job, budget, &steps, &count, &error) != 0)
        return;
    fuzz_expect(count > 0 && steps[0] == 0 && steps[count - 1] == budget);
    for (size_t i = 1; i < count; i++)
        fuzz_expect(steps[i - 1] < steps[i]);
    free(steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    if (schema_count == 0)
        list_schemas();
    int status = pg_job_parse("job.yaml", (const char *)data, size, schemas, schema_count, NULL, 0,
                              &job, &error);
    fuzz_expect((status == 0) == (job != NULL));
    if (status != 0) {
        fuzz_expect(error.text[0] != '\0');
        return 0;
    }
    uint64_t cells = pg_job_cell_count(job);
    fuzz_expect(cells > 0 && pg_job_run_count(job) >= cells);
    check_cell(job, 0);
    check_cell(job, cells - 1);
    check_canonical(job);
    check_yaml(job);
    check_steps(job, 0);
    check_steps(job, 1000);
    pg_job_destroy(job);
    return 0;
}
