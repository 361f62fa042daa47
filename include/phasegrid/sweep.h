/* SPDX-License-Identifier: MIT */
/*
 * A sweep: every run of a job, shared out over the ranks of a communicator, into one results file.
 */
#ifndef PHASEGRID_SWEEP_H
#define PHASEGRID_SWEEP_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/experiment.h"
#include "phasegrid/job.h"
#include "phasegrid/layout.h"
#include "phasegrid/store.h"

enum { PG_PHASES_MAX = 32 };

/* Raised by every change that alters a run's bytes; a file made with another one is refused. */
enum { PG_NUMERICS = 2 };

/* The exit code of a launch that is stopped with work left; here for processes left by force. */
enum { PG_STOPPED_EXIT = 85 };

/* Whether rank 0 trains as well: AUTO means up to PG_SHARED_RANKS_MAX ranks. */
enum pg_coordination { PG_COORDINATION_AUTO, PG_COORDINATION_SHARED, PG_COORDINATION_DEDICATED };
enum { PG_SHARED_RANKS_MAX = 16 };

/* What stands at a moment, as rank 0 knows it. */
struct pg_progress {
    /* done: runs with a result, in this launch and before; diverged and failed are among them. */
    uint64_t runs, done, diverged, failed;
    uint64_t phases[PG_PHASES_MAX]; /* the same, by phase */
    double elapsed;                 /* seconds of this launch */
    double steps_per_second;        /* model-steps, of this launch */
    double seconds_left;            /* NAN while unknown */
};

struct pg_sweep_options {
    const char *path;
    const char *job_path; /* names the job in messages about it; may be NULL */
    const char *commit;   /* of the program, for provenance */
    void (*report)(const struct pg_progress *progress, void *context); /* rank 0; may be NULL */
    void *context;
    double report_interval; /* seconds */
    void (*warn)(const char *text,
                 void *context); /* rank 0: trouble that ends nothing; may be NULL */
    enum pg_coordination coordination;
    /* Seconds within which a signal ends the sweep: a process that is stuck in a step or a write is
       left by force, with PG_STOPPED_EXIT, when nine tenths of them have passed. 0: no limit. */
    double grace;
    /* Rank 0's: when the allocation ends, unix seconds; 0: nobody knows. `grace` before, the sweep
       leaves as if a signal had come. Without checkpoints no run is begun that is not expected to
       end by then, and the sweep leaves when there is none. */
    double deadline;
    double checkpoint_every; /* seconds in training between the states of a run; 0: none is kept */
    enum pg_sync sync;
    bool take_over;       /* of an owner on another host, who may live */
    bool accept_numerics; /* goes on with a file of other numerics */
    bool
        retry; /* tries runs again that were given up because they crashed: of retry_rows, or all */
    const uint64_t *retry_rows; /* (retry_count) to be trained again, whatever became of them */
    size_t retry_count;
};

/* The layout of a job's results file: grid and observables, coordinates, cell variables, root
   attributes. */
int pg_cube_create(const struct pg_job *job, const struct pg_experiment *experiment,
                   struct pg_layout **ret_layout, struct pg_error *error) PG_CHECK_RESULT;
void pg_cube_destroy(struct pg_layout *layout);

/* The numerics that a file's rows were computed with; -1: the file does not say. */
int pg_cube_numerics(const struct pg_layout *layout);

/* Refuses (PG_EINPUT) a job whose new results file would surely not fit the disk; a file that is
   there has its room. Judges by the first cell, and so at once: to look at every cell of a large
   grid takes minutes. pg_sweep_run() begins with it. */
int pg_sweep_check_room(const struct pg_job *job, const struct pg_experiment *experiment,
                        const char *path, struct pg_error *error) PG_CHECK_RESULT;

/* Collective. Creates the file or goes on with it; trains what is to do; returns the same status,
   error and progress on all ranks: 0; PG_ESTOPPED when a signal (USR1, USR2, TERM, INT) or the
   deadline ended it early; PG_EMISMATCH when the file is of another job (which is then not
   touched); or a failure. Runs that fail do not end the sweep: they are counted in the progress,
   and tried again by the next launch; but one that crashed its process three times is given up
   (pg_sweep_options.retry). From the call on these signals are caught, and ignored after it
   returns. */
int pg_sweep_run(const struct pg_job *job, const struct pg_experiment *experiment,
                 const struct pg_sweep_options *options, MPI_Comm comm,
                 struct pg_progress *ret_progress, struct pg_error *error) PG_CHECK_RESULT;

#endif
