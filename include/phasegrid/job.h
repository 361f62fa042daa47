/* SPDX-License-Identifier: MIT */
/*
 * A job: one experiment, its settings, its grid, its seeds, what to record. Reading needs only
 * tables of settings; the layers above turn it into runs.
 */
#ifndef PHASEGRID_JOB_H
#define PHASEGRID_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/setting.h"

enum pg_spacing { PG_SPACING_LOG, PG_SPACING_LINEAR };
enum pg_stop { PG_STOP_BUDGET, PG_STOP_DECIDED };

/* One setting that an axis moves. */
struct pg_axis_member {
    size_t setting;          /* index into schema->settings */
    struct pg_value *values; /* (axis->count) */
};

struct pg_axis {
    char *name; /* the setting's, or the zip's own */
    size_t count;
    bool is_zip;
    struct pg_axis_member *members;
    size_t member_count; /* 1 unless is_zip */
};

struct pg_job {
    char *title;                    /* empty: the file gives none */
    const struct pg_schema *schema; /* borrowed */
    struct pg_value *values;        /* (schema->count): settings, defaults filled in */
    struct pg_axis *axes;
    size_t axis_count; /* without seeds; may be 0 */
    uint32_t *seeds;
    size_t seed_count;
    size_t record_points;
    enum pg_spacing record_spacing;
    int64_t *snapshots; /* ascending, distinct */
    size_t snapshot_count;
    enum pg_stop stop;
    bool independent_streams;
    char *text; /* the file's own text */
};

/* Reads and checks the job file at `path`. overrides: "name=value" texts of --set,
   (override_count). Errors read like a compiler's: file, line, column, the line, a caret. Nothing
   else is printed. */
int pg_job_read(const char *path, const struct pg_schema *const *schemas, size_t schema_count,
                const char *const *overrides, size_t override_count, struct pg_job **ret_job,
                struct pg_error *error) PG_CHECK_RESULT;

/* The same from memory; `path` is only its name in messages. */
int pg_job_parse(const char *path, const char *text, size_t size,
                 const struct pg_schema *const *schemas, size_t schema_count,
                 const char *const *overrides, size_t override_count, struct pg_job **ret_job,
                 struct pg_error *error) PG_CHECK_RESULT;
void pg_job_destroy(struct pg_job *job);

uint64_t pg_job_cell_count(const struct pg_job *job);
uint64_t pg_job_run_count(const struct pg_job *job); /* cells x seeds */

/* values (schema->count) of a cell: the settings with the cell's axis values put in. */
void pg_job_cell_values(const struct pg_job *job, uint64_t cell, struct pg_value *ret_values);

/* Hash of all the cell's settings, swept or not: the same in any job that holds the cell, never 0.
   The mix of `streams: independent`. */
uint32_t pg_job_cell_hash(const struct pg_job *job, uint64_t cell);

/* The experiment and all the cell's settings by name, swept or not, as compact JSON with sorted keys:
   the same in any job that holds the cell. NULL: no memory. The caller frees it. */
char *pg_job_cell_text(const struct pg_job *job, uint64_t cell);

/* Recorded steps for a budget: min(record_points, budget + 1) distinct ascending steps from 0 to
   `budget`. With swept steps, ask for the longest budget. *ret_steps is the caller's to free. */
int pg_job_record_steps(const struct pg_job *job, int64_t budget, int64_t **ret_steps,
                        size_t *ret_count, struct pg_error *error) PG_CHECK_RESULT;

/* Canonical JSON of the expanded job (sorted keys, every setting, every axis value); NULL: no
   memory. The caller frees it. Two jobs with the same canonical text are the same job; title and
   file text do not count. */
char *pg_job_canonical(const struct pg_job *job);

/* The job back from its canonical JSON, without title and text. A setting that the JSON lacks takes
   its default; anything else that is wrong is PG_EMISMATCH. */
int pg_job_from_canonical(const char *json, const struct pg_schema *const *schemas,
                          size_t schema_count, struct pg_job **ret_job,
                          struct pg_error *error) PG_CHECK_RESULT;

/* One line per difference ("settings.steps: 1000 in the file, 2000 in the job"); empty text: the
   same job. */
void pg_job_difference(const struct pg_job *file, const struct pg_job *job, char *text,
                       size_t size);

#endif
