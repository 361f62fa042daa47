/* SPDX-License-Identifier: MIT */
/* One rank of a sweep, from MPI_Init to MPI_Finalize; shared by the verbs that train. */
#ifndef PHASEGRID_SESSION_H
#define PHASEGRID_SESSION_H

#include "subject.h"

struct pg_session {
    const char *job_path; /* NULL: the job that the results file names */
    const char *results_path;
    struct pg_overrides overrides; /* with job_path */
    size_t shard, shard_count;     /* with job_path; count 0: the whole job */
    int ranks;                     /* that were asked for; 0: any number */
    enum pg_coordination coordination;
    double grace, checkpoint_every; /* seconds */
    enum pg_sync sync;
    bool take_over, accept_numerics, retry;
    const uint64_t *retry_rows; /* (retry_count) */
    size_t retry_count;
};

/* The options of every verb that trains, as a child of its parser; input: struct pg_session. */
extern const struct argp pg_session_argp;

/* For a parser: one of pg_sync_names; anything else ends the program as wrong use. */
enum pg_sync pg_session_read_sync(struct argp_state *state, const char *text);

/* Outside MPI: checks the job, then launches the ranks. In a rank: trains. As a verb's run(). */
int pg_session_run(const struct pg_session *session, char **argv,
                   struct pg_error *error) PG_CHECK_RESULT;

#endif
