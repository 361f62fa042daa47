/* SPDX-License-Identifier: MIT */
/*
 * The batch script of one sweep: a template of slurm/ with its #SBATCH lines and its arguments
 * filled in, so that what is sent is what a reader of the templates knows.
 */
#ifndef PHASEGRID_BATCH_SCRIPT_H
#define PHASEGRID_BATCH_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

enum pg_batch_kind { PG_BATCH_SRUN, PG_BATCH_MPIRUN, PG_BATCH_ARRAY, PG_BATCH_MERGE };

struct pg_batch {
    enum pg_batch_kind kind;
    const char *program, *job, *results; /* absolute paths; MERGE needs no job */
    const char *title;                   /* for the script's first comment: one line */
    const char *path;                    /* of the script itself */
    const char *log;                     /* of Slurm's %-patterns only those that are meant */
    const char *partition, *account;     /* NULL: the cluster's */
    int nodes, tasks_per_node;
    int64_t seconds;
    int parts;                  /* of ARRAY and MERGE */
    const char *const *options; /* (option_count) of `phasegrid run` */
    size_t option_count;
};

/* The caller frees it. NULL: no memory. */
char *pg_batch_script(const struct pg_batch *batch);

/* The text as one word of a shell: in single quotes, where it needs them. The caller frees it. */
char *pg_quote_for_shell(const char *text);

/* The text as the value of an #SBATCH line: in double quotes, where it needs them. The caller frees
   it. */
char *pg_quote_for_slurm(const char *text);

#endif
