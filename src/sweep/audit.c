/* SPDX-License-Identifier: MIT */
/*
 * What the store cannot know of a file: what its job says of it, and that a run which failed has a
 * reason, and one that did not has none. No single bit leads from one status to another without
 * that being noticed: done and diverged differ in two.
 */
#include "phasegrid/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cube.h"
#include "phasegrid/frame.h"

/* Of the root's attributes these come from the launch that made the file, not from its job. */
static const char *const of_launch[] = {"title", "numerics", "job_text", "source", NULL};

static void drop_launch_attributes(struct pg_layout *layout)
{
    size_t kept = 0;
    for (size_t i = 0; i < layout->attribute_count; i++) {
        const char *const *name = of_launch;
        while (*name != NULL && strcmp(*name, layout->attributes[i].name) != 0)
            name++;
        if (*name == NULL)
            layout->attributes[kept++] = layout->attributes[i];
    }
    layout->attribute_count = kept;
}

/* What is damaged is kept in the audit; the rest is a failure. */
static int check_frame(struct pg_reader *reader, const struct pg_job *job,
                       const struct pg_experiment *experiment, struct pg_audit *audit,
                       struct pg_error *error)
{
    struct pg_cube *cube = NULL;
    int status = pg_cube_build(job, experiment, PG_CUBE_WITH_DATA, &cube, error);
    if (status == 0) {
        drop_launch_attributes(&cube->layout);
        status = pg_reader_check_frame(reader, &cube->layout, error);
    }
    pg_cube_release(cube);
    if (status == PG_EMACHINE)
        return status;
    if (status != 0)
        audit->frame = *error;
    return 0;
}

static bool is_consistent(uint8_t status, uint8_t failure)
{
    bool has_reason = failure != PG_FAILURE_NONE;
    return status == PG_ROW_TODO || (status == PG_ROW_FAILED) == has_reason;
}

static int check_failures(struct pg_reader *reader, struct pg_row_check *rows,
                          struct pg_error *error)
{
    const struct pg_layout *layout = pg_reader_layout(reader);
    int variable = pg_layout_find_variable(layout, "failure");
    if (variable < 0 || pg_layout_row_bytes(layout, (size_t)variable) != sizeof(uint8_t))
        return 0; /* the frame's fault, which is told */
    uint8_t *failures = malloc(rows->row_count + 1);
    if (failures == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: failures of %" PRIu64 " runs",
                            rows->row_count);
    int status = pg_reader_rows(reader, (size_t)variable, 0, rows->row_count, failures, error);
    for (uint64_t row = 0; row < rows->row_count && status == 0; row++)
        if (rows->faults[row] == PG_FAULT_NONE &&
            !is_consistent(rows->statuses[row], failures[row]))
            rows->faults[row] = PG_FAULT_STATUS;
    free(failures);
    return status;
}

int pg_audit_make(struct pg_reader *reader, const struct pg_job *job,
                  const struct pg_experiment *experiment, struct pg_audit *ret_audit,
                  struct pg_error *error)
{
    *ret_audit = (struct pg_audit){.damaged = 0};
    int status = check_frame(reader, job, experiment, ret_audit, error);
    if (status == 0)
        status = pg_reader_check(reader, &ret_audit->rows, error);
    if (status == 0)
        status = check_failures(reader, &ret_audit->rows, error);
    if (status == 0)
        ret_audit->damaged = pg_row_check_fault_count(&ret_audit->rows);
    else
        pg_audit_release(ret_audit);
    return status;
}

void pg_audit_release(struct pg_audit *audit)
{
    pg_row_check_release(&audit->rows);
}

void pg_audit_print_run(const struct pg_job *job, uint64_t row, char *text, size_t size)
{
    char cell[512];
    uint64_t run_count = pg_job_run_count(job);
    if (row >= run_count) { /* the file has more rows than its job */
        (void)snprintf(text, size, "run %" PRIu64, row);
        return;
    }
    pg_survey_print_cell(job, row / job->seed_count, cell, sizeof cell);
    (void)snprintf(text, size, "run %" PRIu64 ": %s%sseed %" PRIu32, row, cell,
                   cell[0] != '\0' ? ", " : "", job->seeds[row % job->seed_count]);
}
