/* SPDX-License-Identifier: MIT */
/* The parts of reading a job file: each reads one section into the job in the making. */
#ifndef PHASEGRID_JOB_READER_H
#define PHASEGRID_JOB_READER_H

#include "build.h"
#include "entry.h"
#include "phasegrid/quote.h"

struct pg_job_reader {
    const struct pg_schema *const *schemas; /* borrowed */
    size_t schema_count;
    struct pg_job *job;
    bool *is_set;               /* (schema->count) stands under `settings` */
    struct pg_place grid;       /* where the size of the job is decided */
    struct pg_place parameters; /* where the snapshots come from */
    struct pg_place llc;        /* where the steps of estimates come from */
};

/* The index of the setting `name` of the job's experiment; what: "settings", "grid". */
int pg_find_setting(const struct pg_job_reader *reader, const struct pg_entry *entry,
                    const char *what, const char *name, size_t *ret_setting,
                    struct pg_error *error) PG_CHECK_RESULT;

int pg_read_settings(struct pg_job_reader *reader, const struct pg_entry *entry,
                     struct pg_error *error) PG_CHECK_RESULT;
int pg_read_grid(struct pg_job_reader *reader, const struct pg_entry *entry,
                 struct pg_error *error) PG_CHECK_RESULT;
int pg_read_record(struct pg_job_reader *reader, const struct pg_entry *entry,
                   struct pg_error *error) PG_CHECK_RESULT;

int pg_read_llc(struct pg_job_reader *reader, const struct pg_entry *entry,
                struct pg_error *error) PG_CHECK_RESULT;

/* The steps lie within the longest budget, and no setting is given for nothing. */
int pg_check_llc(const struct pg_job_reader *reader, struct pg_error *error) PG_CHECK_RESULT;

/* Sections that --set reaches too. */
int pg_read_title(struct pg_job_reader *reader, const struct pg_entry *entry,
                  struct pg_error *error) PG_CHECK_RESULT;
int pg_read_seeds(struct pg_job_reader *reader, const struct pg_entry *entry,
                  struct pg_error *error) PG_CHECK_RESULT;
int pg_read_stop(struct pg_job_reader *reader, const struct pg_entry *entry,
                 struct pg_error *error) PG_CHECK_RESULT;
int pg_read_streams(struct pg_job_reader *reader, const struct pg_entry *entry,
                    struct pg_error *error) PG_CHECK_RESULT;
int pg_read_points(struct pg_job_reader *reader, const struct pg_entry *entry,
                   struct pg_error *error) PG_CHECK_RESULT;
int pg_read_spacing(struct pg_job_reader *reader, const struct pg_entry *entry,
                    struct pg_error *error) PG_CHECK_RESULT;
int pg_read_parameters(struct pg_job_reader *reader, const struct pg_entry *entry,
                       struct pg_error *error) PG_CHECK_RESULT;

int pg_read_llc_at(struct pg_job_reader *reader, const struct pg_entry *entry,
                   struct pg_error *error) PG_CHECK_RESULT;
int pg_read_llc_every(struct pg_job_reader *reader, const struct pg_entry *entry,
                      struct pg_error *error) PG_CHECK_RESULT;

/* A --set: where its value comes from. */
struct pg_override {
    struct pg_source source;
    char name[PG_QUOTE_SIZE + 8];
};

/* One "name=value"; *override must outlive the reader. */
int pg_read_override(struct pg_job_reader *reader, const char *text, struct pg_override *override,
                     struct pg_error *error) PG_CHECK_RESULT;

#endif
