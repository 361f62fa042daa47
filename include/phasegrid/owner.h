/* SPDX-License-Identifier: MIT */
/*
 * One launch at a time writes a results file. Beside the file stands `<file>.owner`, which says who
 * has it; every rank of the launch holds a lock on it, so that nobody takes over while one of them
 * still lives. The file itself need not exist yet, and a symbolic link is the file it leads to.
 */
#ifndef PHASEGRID_OWNER_H
#define PHASEGRID_OWNER_H

#include <stdbool.h>

#include "phasegrid/error.h"

struct pg_owner;

/*
 * For rank 0, before the results file is created or read.
 *
 * A dead owner on this host is followed at once; if other ranks of it are still ending (Open MPI
 * takes 2 to 3 s), they are waited for, up to 10 s. So is an earlier start of the same Slurm job,
 * wherever it ran. An owner on another host may live: that takes `take_over`. PG_EINPUT: somebody
 * has the file; the text names host, process, Slurm job and since when. PG_EMACHINE: the owner file
 * cannot be written.
 */
int pg_owner_claim(const char *results_path, bool take_over, struct pg_owner **ret_owner,
                   struct pg_error *error) PG_CHECK_RESULT;

enum { PG_OWNER_TOKEN_SIZE = 1024 };

/* What the claim wrote, which no other launch has written: a text, padded with zeros. */
void pg_owner_token(const struct pg_owner *claim, char ret_token[PG_OWNER_TOKEN_SIZE]);

/* For the other ranks, after the claim of rank 0 has succeeded: each must find its token under the
   same path. PG_EINPUT: it does not within ten seconds; the text names this host and the path. */
int pg_owner_join(const char *results_path, const char token[PG_OWNER_TOKEN_SIZE],
                  struct pg_owner **ret_owner, struct pg_error *error) PG_CHECK_RESULT;

/* After the results file is closed on all ranks. The owner file goes with the claim's release. NULL
   is accepted. */
void pg_owner_release(struct pg_owner *owner);

/* NONE: no owner file. LIVES: it has its lock, or is a process of this host. GONE: it was killed.
   MAY_LIVE: it is another host's, whose locks may not be seen here. */
enum pg_owner_life { PG_OWNER_NONE, PG_OWNER_GONE, PG_OWNER_MAY_LIVE, PG_OWNER_LIVES };

struct pg_owner_sight {
    enum pg_owner_life life;
    double since;       /* unix seconds, whole ones */
    char name[512];     /* "host X, pid N, Slurm job J, since ..." */
    char slurm_job[64]; /* empty: none */
};

/* For anyone, at any moment; touches nothing. */
void pg_owner_look(const char *results_path, struct pg_owner_sight *ret_sight);

#endif
