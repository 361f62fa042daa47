/* SPDX-License-Identifier: MIT */
/* What a verb works on: a job file with its experiment, or a results file with what stands in it.
 */
#ifndef PHASEGRID_SUBJECT_H
#define PHASEGRID_SUBJECT_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"
#include "phasegrid/store.h"
#include "phasegrid/survey.h"
#include "phasegrid/sweep.h"

enum { PG_OVERRIDES_MAX = 64 };

/* The texts of --set. */
struct pg_overrides {
    const char *at[PG_OVERRIDES_MAX];
    size_t count;
};

/* For a parser: one more --set. */
void pg_overrides_add(struct argp_state *state, struct pg_overrides *overrides, const char *text);

struct pg_subject_job {
    const char *path; /* the file it was read from; borrowed, for messages */
    struct pg_job *job;
    const struct pg_experiment *experiment;
    bool is_larger; /* the job is that of a results file, which holds more runs than the one read */
};

/* Reads a job file; the experiment is the one it names. */
int pg_subject_read_job(const char *path, const struct pg_overrides *overrides,
                        struct pg_subject_job *ret_subject, struct pg_error *error) PG_CHECK_RESULT;

/* The job that a results file was made for; `path` stays empty. */
int pg_subject_from_reader(struct pg_reader *reader, struct pg_subject_job *ret_subject,
                           struct pg_error *error) PG_CHECK_RESULT;
int pg_subject_read_results(const char *path, struct pg_subject_job *ret_subject,
                            struct pg_error *error) PG_CHECK_RESULT;

/* The job becomes one of its shards. */
int pg_subject_take_shard(struct pg_subject_job *subject, size_t index, size_t count,
                          struct pg_error *error) PG_CHECK_RESULT;

/* The job becomes that of the results file, if there is one that contains it: the file was
   extended. A file that cannot be read is left to who opens it next. */
void pg_subject_take_larger(struct pg_subject_job *subject, const char *results_path);
void pg_subject_release(struct pg_subject_job *subject);

/* Shapes of all cells; a cell that the experiment refuses is an error that names the file. */
int pg_subject_survey(const struct pg_subject_job *subject, struct pg_survey *ret_survey,
                      struct pg_error *error) PG_CHECK_RESULT;

/* A results file as it stands at the moment of opening. */
struct pg_results {
    const char *path;
    struct pg_reader *reader;
    const struct pg_layout *layout; /* the reader's */
    struct pg_subject_job subject;
    uint64_t run_count;
    uint8_t *statuses; /* (run_count), enum pg_row_status */
    uint8_t *phases;   /* (run_count); a code without a name where there is none yet */
    size_t phase_count;
};

int pg_results_open(const char *path, struct pg_results *results,
                    struct pg_error *error) PG_CHECK_RESULT;
void pg_results_close(struct pg_results *results);

/* Steps that a run trained, by its row; -1 when it has none yet, or they cannot be read. */
int64_t pg_results_last_step(const struct pg_results *results, uint64_t run);

/* runs, done, diverged, failed and phases; the rest is 0 or unknown. */
struct pg_progress pg_results_progress(const struct pg_results *results);

/* The number of the run that `text` names: "17", or "decoder_lr=0.001,weight_decay=2,seed=0". What
   has one value only need not be named. */
int pg_results_find_run(const struct pg_results *results, const char *text, uint64_t *ret_run,
                        struct pg_error *error) PG_CHECK_RESULT;

/* "a, b, c" of the experiments that there are. */
void pg_experiment_names(char *text, size_t size);

/* The experiment, or PG_EINPUT with the nearest name. */
int pg_experiment_demand(const char *name, const struct pg_experiment **ret_experiment,
                         struct pg_error *error) PG_CHECK_RESULT;

#endif
