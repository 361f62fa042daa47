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
enum { PG_LLC_FINAL = -1 };
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
    /* When the LLC is estimated: at these steps, ascending, PG_LLC_FINAL first where it is there;
       or at multiples of llc_every and at the end. None: not at all. */
    int64_t *llc_at;
    size_t llc_at_count;
    int64_t llc_every;
    enum pg_stop stop;
    bool independent_streams;
    char *text;  /* the file's own text */
    char *whole; /* of a shard: canonical JSON of the job that it is a part of; NULL: none */
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

/* The experiment and all the cell's settings by name, swept or not, as compact JSON with sorted
   keys: the same in any job that holds the cell. NULL: no memory. The caller frees it. */
char *pg_job_cell_text(const struct pg_job *job, uint64_t cell);

/* Recorded steps for a budget: min(record_points, budget + 1) distinct ascending steps from 0 to
   `budget`. With swept steps, ask for the longest budget. *ret_steps is the caller's to free. */
int pg_job_record_steps(const struct pg_job *job, int64_t budget, int64_t **ret_steps,
                        size_t *ret_count, struct pg_error *error) PG_CHECK_RESULT;

/* The same of the steps at which the LLC is estimated; *ret_count 0: at none. */
int pg_job_llc_steps(const struct pg_job *job, int64_t budget, int64_t **ret_steps,
                     size_t *ret_count, struct pg_error *error) PG_CHECK_RESULT;
bool pg_job_has_llc(const struct pg_job *job);

/* Whether it says how the LLC is estimated: it counts only where a job asks for that. */
bool pg_setting_is_llc(const struct pg_setting *setting);

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

/* The job as a job file, which reads back to the same canonical job; NULL: no memory. The caller
   frees it. */
char *pg_job_yaml(const struct pg_job *job);

/* Every run of `part` is one of `whole`, with the same record: the same streams, stop rule,
   snapshots and recorded steps. The grids may be of different shapes. */
bool pg_job_contains(const struct pg_job *whole, const struct pg_job *part);

/* ret_rows (runs of part): where each of its runs stands in `whole`, which contains it. */
int pg_job_map_rows(const struct pg_job *part, const struct pg_job *whole, uint64_t *ret_rows,
                    struct pg_error *error) PG_CHECK_RESULT;

/* The job with more values along its axes, behind those that there are, and with more seeds; its
   text is its YAML. axes: "name=value,value" (axis_count), the name of a setting that is swept; of
   a zip, every member is given. seeds: as in a job file how many ("5": 0 to 4), or a list of those
   to add ("3,7"); NULL: none. PG_EINPUT: what is no axis, is there already or is not allowed, and
   growth that would move the recorded steps. */
int pg_job_extend(const struct pg_job *job, const char *const *axes, size_t axis_count,
                  const char *seeds, struct pg_job **ret_job,
                  struct pg_error *error) PG_CHECK_RESULT;

/* Shard `index` (from 1) of `count`: every axis keeps some of its values, the seeds some of theirs,
   picked evenly from the whole list. All shards together are the job, no run is in two, and they
   are about equally large. An axis that moves `steps` is never split: the recorded steps are those
   of the longest budget. PG_EINPUT: more shards than can be made. */
int pg_job_shard(const struct pg_job *job, size_t index, size_t count, struct pg_job **ret_job,
                 struct pg_error *error) PG_CHECK_RESULT;

/* The smallest job with all the jobs' values. names (count): what to call them in messages. Shards
   of one job give that job, even if some are missing; else values ascend (or descend) if they do so
   in every job, or stand in the order in which they first appear. PG_EMISMATCH: the jobs differ in
   more than the values along their axes. */
int pg_job_unite(const struct pg_job *const *jobs, const char *const *names, size_t count,
                 struct pg_job **ret_job, struct pg_error *error) PG_CHECK_RESULT;

#endif
