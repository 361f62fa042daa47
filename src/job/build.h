/* SPDX-License-Identifier: MIT */
/*
 * Putting a job together, whether it comes from YAML or from its canonical JSON: what may be said
 * about everything but settings, and what must hold for the whole. Messages here name no place.
 */
#ifndef PHASEGRID_JOB_BUILD_H
#define PHASEGRID_JOB_BUILD_H

#include "phasegrid/error.h"
#include "phasegrid/job.h"

enum {
    PG_AXES_MAX = 16, /* HDF5 allows 32 dimensions, an observable's own included */
    PG_AXIS_VALUES_MAX = 100000,
    PG_SEEDS_MAX = 1000000,
    PG_SNAPSHOTS_MAX = 1000,
};

extern const uint64_t pg_job_runs_max;

/* A job's own fields, described as settings are. */
extern const struct pg_setting pg_field_seed, pg_field_seed_count, pg_field_points,
    pg_field_spacing, pg_field_snapshot, pg_field_llc_at, pg_field_llc_every, pg_field_stop,
    pg_field_streams;

int pg_job_refuse_memory(struct pg_error *error);

/* A job with every default: no axes, seed 0. */
int pg_job_create(const struct pg_schema *schema, struct pg_job **ret_job,
                  struct pg_error *error) PG_CHECK_RESULT;

/* A job like `job` in everything but the places of its grid: axes with the same members and room
   for counts[i] places each, then for counts[axis_count] seeds, all zeroed, for the caller to
   fill. It is no shard. */
int pg_job_create_like(const struct pg_job *job, const size_t *counts, struct pg_job **ret_job,
                       struct pg_error *error) PG_CHECK_RESULT;

/* Place `from` of one axis to place `to` of another that has the same members. */
void pg_axis_copy_place(const struct pg_axis *axis, size_t from, struct pg_axis *copy, size_t to);

/* What an axis holds; for axes that are part of no job. */
void pg_axis_release(struct pg_axis *axis);

/* The job's text becomes its YAML. */
int pg_job_take_yaml_as_text(struct pg_job *job, struct pg_error *error) PG_CHECK_RESULT;

/* Replaces what is there by a copy. */
int pg_job_set_text(char **text, const char *from, size_t size,
                    struct pg_error *error) PG_CHECK_RESULT;

/* Room for axes or members; each is counted as it is begun, so that destroy finds it. */
int pg_job_reserve_axes(struct pg_job *job, size_t count, struct pg_error *error) PG_CHECK_RESULT;
int pg_axis_begin(struct pg_axis *axis, const char *name, bool is_zip, size_t members,
                  struct pg_error *error) PG_CHECK_RESULT;

/* Takes over seeds (count), when they are distinct; never empty. */
int pg_job_set_seeds(struct pg_job *job, uint32_t *seeds, size_t count,
                     struct pg_error *error) PG_CHECK_RESULT;
/* Seeds 0 .. count - 1. */
int pg_job_count_seeds(struct pg_job *job, size_t count, struct pg_error *error) PG_CHECK_RESULT;

/* Takes over steps (count), sorted here, when they are distinct. */
int pg_job_set_snapshots(struct pg_job *job, int64_t *steps, size_t count,
                         struct pg_error *error) PG_CHECK_RESULT;

/* The same for steps of LLC estimates, PG_LLC_FINAL among them. */
int pg_job_set_llc_at(struct pg_job *job, int64_t *steps, size_t count,
                      struct pg_error *error) PG_CHECK_RESULT;
bool pg_job_has_same_llc(const struct pg_job *a, const struct pg_job *b);

/* Index of the axis that moves the setting, or -1. */
int pg_job_find_axis(const struct pg_job *job, size_t setting);

/* The value that a setting has in a cell. */
const struct pg_value *pg_job_cell_value(const struct pg_job *job, uint64_t cell, size_t setting);

/* An order of places of axes that have the same members: <, ==, > 0. */
int pg_axis_compare(const struct pg_axis *a, size_t place_a, const struct pg_axis *b,
                    size_t place_b);

/* No two places along the axis are the same. */
int pg_axis_check(const struct pg_axis *axis, const struct pg_schema *schema,
                  struct pg_error *error) PG_CHECK_RESULT;

/* The runs can be counted; the snapshots lie within the longest budget. */
int pg_job_check_size(const struct pg_job *job, struct pg_error *error) PG_CHECK_RESULT;
int pg_job_check_snapshots(const struct pg_job *job, struct pg_error *error) PG_CHECK_RESULT;

/* The largest number of steps of any cell; -1: the experiment counts none. */
int64_t pg_job_longest_budget(const struct pg_job *job);

bool pg_job_has_same_snapshots(const struct pg_job *a, const struct pg_job *b);

/* As pg_job_difference(), for jobs with these names; of grids only the axes, not their values or
   seeds, and whether their longest budgets differ. */
struct pg_job_named {
    const struct pg_job *job;
    const char *name; /* "the file" */
};
void pg_job_difference_of_frames(const struct pg_job_named *a, const struct pg_job_named *b,
                                 char *text, size_t size);

#endif
