/* SPDX-License-Identifier: MIT */
/* Results files made from others, without training anything. */
#ifndef PHASEGRID_CUBE_REBUILD_H
#define PHASEGRID_CUBE_REBUILD_H

#include <stdbool.h>

#include "phasegrid/error.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"
#include "phasegrid/store.h"

struct pg_cube_source {
    struct pg_reader *reader;
    const struct pg_job *job; /* the file's */
    const char *path;
};

struct pg_cube_rebuilding {
    const char *path;
    const struct pg_job *job; /* of the new file; it contains the jobs of the sources */
    const struct pg_experiment *experiment;
    const struct pg_cube_source *sources; /* (source_count) */
    size_t source_count;
    bool replaces;      /* over the file at `path`, else there must be none */
    const char *commit; /* of the program, for provenance */
    const char *reason; /* for provenance: what was done */
};

/* A new results file of the job, in which every finished run of the sources stands at its place;
   the rest is to do. The file is whole under its name or does not exist; a file that is replaced
   stays until then. PG_EMISMATCH: a source was computed with other numerics than this program's, is
   damaged, or disagrees with another. Serial, without MPI. */
int pg_cube_rebuild(const struct pg_cube_rebuilding *what, struct pg_error *error) PG_CHECK_RESULT;

#endif
