/* SPDX-License-Identifier: MIT */
/*
 * Slurm puts the job's end into the environment from 23.02 on; before, squeue has to be asked. It
 * may be missing, forbidden on compute nodes, or wait for a controller that does not answer; then
 * the end is not known, and the sweep goes on until it gets a signal.
 */
#include "allocation.h"

#include <stdlib.h>
#include <string.h>

#include "phasegrid/clock.h"
#include "run_program.h"
#include "slurm_time.h"

static const double patience = 5.0; /* seconds, for squeue */

bool pg_allocation_is_first_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (getenv(names[i]) != NULL)
            return strcmp(getenv(names[i]), "0") == 0;
    return true;
}

/* Seconds that are left to the job; negative: squeue does not say. */
static double ask_squeue(const char *job)
{
    const char *const words[] = {"squeue", "--noheader", "--format=%L", "--jobs", job, NULL};
    const struct pg_program squeue = {.argv = words, .patience = patience, .is_silent = true};
    struct pg_error unheard;
    char line[64];
    int code = 0;
    int64_t left = 0;
    bool says = pg_run_program(&squeue, line, sizeof line, &code, &unheard) == 0 && code == 0 &&
                pg_slurm_clock_read(line, &left);
    return says ? (double)left : -1.0;
}

/* A moment after 1970; 0: the variable says none. */
static double read_moment(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    double moment = text != NULL ? strtod(text, &end) : 0.0;
    return end != NULL && end != text && *end == '\0' && moment > 0.0 && moment < 1e11 ? moment
                                                                                       : 0.0;
}

double pg_allocation_end(void)
{
    const char *job = getenv("SLURM_JOB_ID");
    double end = read_moment("PHASEGRID_DEADLINE");
    if (end <= 0.0)
        end = read_moment("SLURM_JOB_END_TIME");
    if (end > 0.0 || job == NULL)
        return end;
    double left = ask_squeue(job);
    return left >= 0.0 ? pg_clock_unix() + left : 0.0;
}
