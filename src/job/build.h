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
    pg_field_spacing, pg_field_snapshot, pg_field_stop, pg_field_streams;

int pg_job_refuse_memory(struct pg_error *error);

/* A job with every default: no axes, seed 0. */
int pg_job_create(const struct pg_schema *schema, struct pg_job **ret_job,
                  struct pg_error *error) PG_CHECK_RESULT;

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

/* Index of the axis that moves the setting, or -1. */
int pg_job_find_axis(const struct pg_job *job, size_t setting);

/* The value that a setting has in a cell. */
const struct pg_value *pg_job_cell_value(const struct pg_job *job, uint64_t cell, size_t setting);

/* No two places along the axis are the same. */
int pg_axis_check(const struct pg_axis *axis, const struct pg_schema *schema,
                  struct pg_error *error) PG_CHECK_RESULT;

/* The runs can be counted; the snapshots lie within the longest budget. */
int pg_job_check_size(const struct pg_job *job, struct pg_error *error) PG_CHECK_RESULT;
int pg_job_check_snapshots(const struct pg_job *job, struct pg_error *error) PG_CHECK_RESULT;

#endif
