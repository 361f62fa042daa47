/* SPDX-License-Identifier: MIT */
/*
 * Equal digests say it all. Else two files of the same job are compared run by run; a file whose
 * job is contained in the other's, over the runs that both have; of other jobs the differences are
 * told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/comparison.h"
#include "verify.h"

static int refuse_jobs(const struct pg_examined *a, const struct pg_examined *b,
                       struct pg_error *error)
{
    char difference[1400] = "";
    if (a->subject.experiment != b->subject.experiment)
        return pg_error_set(error, PG_EMISMATCH,
                            "%s and %s hold different jobs: experiment %s and %s", a->path, b->path,
                            a->subject.experiment->name, b->subject.experiment->name);
    pg_job_difference(a->subject.job, b->subject.job, difference, sizeof difference);
    return pg_error_set(error, PG_EMISMATCH,
                        "%s and %s hold different jobs (\"the file\" is %s, \"the job\" that of "
                        "%s):\n%s",
                        a->path, b->path, a->path, b->path, difference);
}

static int tell_difference(const struct pg_examined *a, const struct pg_examined *b,
                           const struct pg_comparison *comparison, struct pg_error *error)
{
    char run[640], unfinished[80] = "";
    pg_audit_print_run(a->subject.job, comparison->first, run, sizeof run);
    if (comparison->unfinished > 0)
        (void)snprintf(unfinished, sizeof unfinished,
                       " (%" PRIu64 " have a result in one file only)", comparison->unfinished);
    return pg_error_set(error, PG_EMISMATCH,
                        "%" PRIu64 " of %" PRIu64 " runs differ%s; the first is %s: %s is %s in "
                        "%s, %s in %s",
                        comparison->differing, comparison->rows, unfinished, run,
                        comparison->difference.place, comparison->difference.a, a->path,
                        comparison->difference.b, b->path);
}

static json_t *as_json(const struct pg_comparison *comparison)
{
    json_t *found = json_pack("{s:I, s:I, s:I}", "compared", (json_int_t)comparison->rows,
                              "differing", (json_int_t)comparison->differing, "unfinished",
                              (json_int_t)comparison->unfinished);
    if (comparison->differing > 0)
        (void)json_object_set_new(
            found, "first",
            json_pack("{s:I, s:s, s:s, s:s}", "run", (json_int_t)comparison->first, "place",
                      comparison->difference.place, "here", comparison->difference.a, "there",
                      comparison->difference.b));
    return found;
}

/* rows: for each run of a its row in b. */
static int compare_rows(const struct pg_examined *a, const struct pg_examined *b,
                        const uint64_t *rows, json_t *page, struct pg_error *error)
{
    struct pg_comparison comparison;
    int status = pg_reader_compare(a->reader, b->reader, rows, &comparison, error);
    if (status != 0)
        return status;
    (void)json_object_set_new(page, "comparison", as_json(&comparison));
    if (comparison.differing > 0)
        return tell_difference(a, b, &comparison, error);
    (void)fprintf(stderr, "%s: its %" PRIu64 " runs are the same in %s\n", a->path, comparison.rows,
                  b->path);
    return 0;
}

/* `whole` holds every run of `part`, and more. */
static int compare_part(const struct pg_examined *part, const struct pg_examined *whole,
                        json_t *page, struct pg_error *error)
{
    uint64_t *rows = calloc(part->audit.rows.row_count + 1, sizeof *rows);
    if (rows == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the runs of %s", part->path);
    int status = pg_job_map_rows(part->subject.job, whole->subject.job, rows, error);
    if (status == 0)
        status = compare_rows(part, whole, rows, page, error);
    free(rows);
    return status;
}

static bool contains(const struct pg_examined *whole, const struct pg_examined *part)
{
    return whole->subject.experiment == part->subject.experiment &&
           pg_job_contains(whole->subject.job, part->subject.job);
}

static int compare(const struct pg_examined *a, const struct pg_examined *b, json_t *page,
                   struct pg_error *error)
{
    if (strcmp(a->audit.rows.digest, b->audit.rows.digest) == 0) {
        (void)fprintf(stderr, "%s and %s hold the same results\n", a->path, b->path);
        return 0;
    }
    if (contains(b, a))
        return compare_part(a, b, page, error);
    if (contains(a, b))
        return compare_part(b, a, page, error);
    return refuse_jobs(a, b, error);
}

int pg_verify_against(const struct pg_examined *examined, const char *other, json_t *page,
                      struct pg_error *error)
{
    struct pg_examined against;
    int status = pg_examine(other, &against, error);
    if (status != 0)
        return status;
    (void)json_object_set_new(page, "against", pg_examined_as_json(&against));
    if (pg_examined_is_sound(&against)) {
        status = compare(examined, &against, page, error);
    } else {
        pg_examined_say_damage(&against);
        status = pg_error_set(error, PG_EMISMATCH, "%s is damaged, and was not compared", other);
    }
    pg_examined_release(&against);
    return status;
}
