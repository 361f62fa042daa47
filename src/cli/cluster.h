/* SPDX-License-Identifier: MIT */
/* The cluster as `submit` sees it: Slurm's commands, and where files are. */
#ifndef PHASEGRID_CLUSTER_H
#define PHASEGRID_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "phasegrid/error.h"

enum { PG_JOB_ID_SIZE = 64 };

/* sbatch with flags (flag_count), then the script. `after`: "afterok:ID" of another job; NULL:
   none. What sbatch has to say goes to standard error. PG_EMACHINE: there is no sbatch, or it
   refused. */
int pg_cluster_send(const char *script, const char *const *flags, size_t flag_count,
                    const char *after, char ret_id[PG_JOB_ID_SIZE],
                    struct pg_error *error) PG_CHECK_RESULT;

/* Whether Slurm still has the job in its queue: waiting or at work. `ret_state`: "PENDING". Where
   squeue cannot be asked, it has not. */
bool pg_cluster_has_job(const char *id, char *ret_state, size_t size);

/* The name of the folder's file system when other nodes cannot see it ("ext4"); NULL: they may. */
const char *pg_local_file_system(const char *folder);

#endif
