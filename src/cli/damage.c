/* SPDX-License-Identifier: MIT */
/*
 * A CRC covers a whole row, so that a damaged row is known but not which of its variables it is.
 * The digest of a damaged file is not told: it would say something of what nobody computed.
 */
#include "damage.h"

#include <inttypes.h>
#include <stdio.h>

#include "phasegrid/survey.h"

enum { RUN_TEXT = 640 };

static const uint64_t named_most = 10;

static const char *const status_names[] = {"todo", "done", "diverged", "failed"};

int pg_examine(const char *path, struct pg_examined *ret_examined, struct pg_error *error)
{
    *ret_examined = (struct pg_examined){.path = path};
    int status = pg_reader_open(path, &ret_examined->reader, error);
    if (status != 0)
        return status;
    status = pg_subject_from_reader(ret_examined->reader, &ret_examined->subject, error);
    if (status != 0)
        (void)pg_error_prefix(error, "'%s' is damaged, or of another version: its job", path);
    if (status == 0)
        status = pg_audit_make(ret_examined->reader, ret_examined->subject.job,
                               ret_examined->subject.experiment, &ret_examined->audit, error);
    if (status != 0)
        pg_examined_release(ret_examined);
    return status;
}

void pg_examined_release(struct pg_examined *examined)
{
    pg_audit_release(&examined->audit);
    pg_subject_release(&examined->subject);
    pg_reader_close(examined->reader);
    *examined = (struct pg_examined){0};
}

bool pg_examined_is_sound(const struct pg_examined *examined)
{
    return examined->audit.damaged == 0 && examined->audit.frame.status == 0;
}

static void say_fault(const struct pg_examined *examined, uint64_t row)
{
    const struct pg_row_check *rows = &examined->audit.rows;
    uint8_t state = rows->statuses[row];
    char run[RUN_TEXT];
    pg_audit_print_run(examined->subject.job, row, run, sizeof run);
    if (rows->faults[row] == PG_FAULT_CRC)
        (void)fprintf(stderr,
                      "%s: its data do not fit its CRC (one of its variables, or row_crc)\n", run);
    else if (state > PG_ROW_FAILED)
        (void)fprintf(stderr, "%s: its status is %u; expected 0 to %d\n", run, state,
                      PG_ROW_FAILED);
    else
        (void)fprintf(stderr, "%s: its status (%s) contradicts its failure code\n", run,
                      status_names[state]);
}

void pg_examined_say_damage(const struct pg_examined *examined)
{
    const struct pg_audit *audit = &examined->audit;
    uint64_t named = 0;
    if (audit->frame.status != 0)
        (void)fprintf(stderr, "%s\n", audit->frame.text);
    for (uint64_t row = 0; row < audit->rows.row_count && named < named_most; row++)
        if (audit->rows.faults[row] != PG_FAULT_NONE) {
            say_fault(examined, row);
            named++;
        }
    if (audit->damaged > named)
        (void)fprintf(stderr, "and %" PRIu64 " more\n", audit->damaged - named);
}

static json_t *fault_as_json(const struct pg_examined *examined, uint64_t row)
{
    const struct pg_job *job = examined->subject.job;
    bool is_of_job = row < pg_job_run_count(job);
    char cell[512] = "";
    if (is_of_job)
        pg_survey_print_cell(job, row / job->seed_count, cell, sizeof cell);
    return json_pack("{s:I, s:s, s:I, s:s}", "run", (json_int_t)row, "cell", cell, "seed",
                     is_of_job ? (json_int_t)job->seeds[row % job->seed_count] : -1, "fault",
                     examined->audit.rows.faults[row] == PG_FAULT_CRC ? "crc" : "status");
}

/* All of them: a program reads it. */
static json_t *faults_as_json(const struct pg_examined *examined)
{
    json_t *faults = json_array();
    for (uint64_t row = 0; row < examined->audit.rows.row_count; row++)
        if (examined->audit.rows.faults[row] != PG_FAULT_NONE)
            (void)json_array_append_new(faults, fault_as_json(examined, row));
    return faults;
}

json_t *pg_examined_as_json(const struct pg_examined *examined)
{
    const struct pg_audit *audit = &examined->audit;
    json_int_t counts[PG_ROW_FAILED + 1] = {0};
    for (uint64_t row = 0; row < audit->rows.row_count; row++)
        if (audit->rows.statuses[row] <= PG_ROW_FAILED)
            counts[audit->rows.statuses[row]]++;
    json_t *page =
        json_pack("{s:s, s:I}", "file", examined->path, "runs", (json_int_t)audit->rows.row_count);
    for (size_t i = 0; i <= PG_ROW_FAILED; i++)
        (void)json_object_set_new(page, status_names[i], json_integer(counts[i]));
    (void)json_object_set_new(page, "remains", json_integer((json_int_t)audit->rows.remains));
    (void)json_object_set_new(
        page, "damage", audit->frame.status != 0 ? json_string(audit->frame.text) : json_null());
    (void)json_object_set_new(page, "damaged", faults_as_json(examined));
    (void)json_object_set_new(page, "digest",
                              pg_examined_is_sound(examined) ? json_string(audit->rows.digest)
                                                             : json_null());
    return page;
}
