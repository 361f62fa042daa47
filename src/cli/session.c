/* SPDX-License-Identifier: MIT */
/*
 * Outside MPI the job is checked and the ranks are launched. Every rank then reads the job for
 * itself, all agree that they could, the sweep (which checks it again) runs, rank 0 shows the
 * map, all agree on the exit code. From the sweep on signals are ignored: a rank that died in
 * MPI_Finalize would turn a good end into a bad one. One rank alone speaks: rank 0, or the one that
 * failed before the sweep began.
 */
#include "session.h"

#include <inttypes.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocation.h"
#include "cli.h"
#include "format.h"
#include "launcher.h"
#include "phase_map.h"
#include "phasegrid/clock.h"
#include "phasegrid/survey.h"
#include "progress_line.h"
#include "terminal.h"
#include "version.h"

enum { OPTION_RANKS = 'n', OPTION_COORDINATOR = 'c', RANKS_MAX = 1000000 };
enum {
    OPTION_GRACE = 0x100,
    OPTION_CHECKPOINTS,
    OPTION_SYNC,
    OPTION_TAKE_OVER,
    OPTION_ACCEPT_NUMERICS
};
_Static_assert((int)PG_EXIT_STOPPED == (int)PG_STOPPED_EXIT, "one exit code");

/* Seconds. */
static const double grace_default = 10.0, grace_min = 1.0, checkpoint_default = 300.0,
                    longest = 1e7;

static const struct argp_option options[] = {
    {"ranks", OPTION_RANKS, "N", 0,
     "Start N ranks (default: one a core, or all that the allocation has); 1 needs no mpirun", 0},
    {"coordinator", OPTION_COORDINATOR, "KIND", 0,
     "Rank 0 only hands out work (dedicated), trains as well (shared), or as the number of ranks "
     "suggests (auto, the default)",
     0},
    {"grace", OPTION_GRACE, "TIME", 0,
     "A signal ends the launch within TIME, even if a rank is stuck (default: 10s)", 0},
    {"checkpoint-every", OPTION_CHECKPOINTS, "TIME", 0,
     "Runs that take longer keep their state beside the results (default: 5min; 0: never)", 0},
    {"sync", OPTION_SYNC, "WHEN", 0,
     "Finished runs are put on disk together once a second (group, the default), one by one (run), "
     "or when the system likes (none: they survive a killed process, but no power failure)",
     0},
    {"take-over", OPTION_TAKE_OVER, NULL, 0,
     "Take the results file from an owner on another host, who is known to be dead", 0},
    {"accept-numerics", OPTION_ACCEPT_NUMERICS, NULL, 0,
     "Go on with a file that a program of other numerics began; the file says of each run by which "
     "it was trained",
     0},
    {0},
};

static enum pg_coordination read_coordination(struct argp_state *state, const char *text)
{
    static const char *const names[] = {
        [PG_COORDINATION_AUTO] = "auto",
        [PG_COORDINATION_SHARED] = "shared",
        [PG_COORDINATION_DEDICATED] = "dedicated",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], text) == 0)
            return (enum pg_coordination)i;
    argp_error(state, "--coordinator: '%s' is not one of dedicated, shared, auto", text);
    return PG_COORDINATION_AUTO;
}

enum pg_sync pg_session_read_sync(struct argp_state *state, const char *text)
{
    for (int i = 0; pg_sync_names[i] != NULL; i++)
        if (strcmp(pg_sync_names[i], text) == 0)
            return (enum pg_sync)i;
    argp_error(state, "--sync: '%s' is not one of none, group, run", text);
    return PG_SYNC_GROUP;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct pg_session *session = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        session->grace = grace_default;
        session->checkpoint_every = checkpoint_default;
        return 0;
    case OPTION_RANKS:
        session->ranks = (int)pg_arguments_number(state, "--ranks", argument, 1, RANKS_MAX);
        return 0;
    case OPTION_COORDINATOR:
        session->coordination = read_coordination(state, argument);
        return 0;
    case OPTION_GRACE:
        session->grace = pg_arguments_seconds(state, "--grace", argument, grace_min, longest);
        return 0;
    case OPTION_CHECKPOINTS:
        session->checkpoint_every =
            pg_arguments_seconds(state, "--checkpoint-every", argument, 0.0, longest);
        return 0;
    case OPTION_SYNC:
        session->sync = pg_session_read_sync(state, argument);
        return 0;
    case OPTION_TAKE_OVER:
        session->take_over = true;
        return 0;
    case OPTION_ACCEPT_NUMERICS:
        session->accept_numerics = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp pg_session_argp = {.options = options, .parser = parse};

static int read_job(const struct pg_session *session, struct pg_subject_job *ret_subject,
                    struct pg_error *error)
{
    if (session->job_path == NULL)
        return pg_subject_read_results(session->results_path, ret_subject, error);
    int status = pg_subject_read_job(session->job_path, &session->overrides, ret_subject, error);
    if (status == 0 && session->shard_count > 0)
        status = pg_subject_take_shard(ret_subject, session->shard, session->shard_count, error);
    if (status == 0)
        pg_subject_take_larger(ret_subject, session->results_path);
    return status;
}

/* What can be found wrong before anything starts: too large a cube, a cell that is not allowed. */
static int check_job(const struct pg_session *session, const struct pg_subject_job *subject,
                     struct pg_error *error)
{
    struct pg_survey survey = {0};
    int status =
        pg_sweep_check_room(subject->job, subject->experiment, session->results_path, error);
    if (status != 0)
        return status == PG_EINPUT ? pg_error_prefix(error, "%s", subject->path) : status;
    status = pg_subject_survey(subject, &survey, error);
    pg_survey_release(&survey);
    return status;
}

/* Collective. The worst status; the lowest rank that has it keeps its message, the others forget
   theirs. */
static int agree(int status, int rank, struct pg_error *error)
{
    struct {
        int status, rank;
    } mine = {status, rank}, worst = mine;
    MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MINLOC, MPI_COMM_WORLD);
    if (worst.status != PG_OK && worst.rank != rank)
        error->text[0] = '\0';
    return worst.status;
}

/* An mpirun of another MPI starts ranks that do not find each other: each would be alone. */
static int check_ranks(const struct pg_session *session, struct pg_error *error)
{
    const char *promised = getenv("OMPI_COMM_WORLD_SIZE");
    int size = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (promised != NULL && strtol(promised, NULL, 10) != size)
        return pg_error_set(error, PG_EINPUT,
                            "mpirun started %s ranks, but this program's MPI library sees %d: they "
                            "belong to different installations of MPI",
                            promised, size);
    if (session->ranks > 0 && session->ranks != size)
        return pg_error_set(error, PG_EINPUT, "--ranks %d, but MPI started %d", session->ranks,
                            size);
    return 0;
}

static void announce(const struct pg_session *session, const struct pg_subject_job *subject,
                     double deadline)
{
    int size = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    (void)fprintf(stderr, "%s: %" PRIu64 " runs on %d rank%s into %s\n", subject->experiment->name,
                  pg_job_run_count(subject->job), size, size == 1 ? "" : "s",
                  session->results_path);
    if (deadline > 0.0)
        (void)fprintf(stderr, "The allocation ends in %s\n",
                      pg_format_duration(fmax(deadline - pg_clock_unix(), 0.0)).at);
    if (subject->is_larger)
        (void)fprintf(stderr, "The file was extended: %s is a part of what it holds\n",
                      subject->path);
}

static int show_results(const char *path, const struct pg_terminal *terminal,
                        struct pg_error *error)
{
    struct pg_results results;
    int status = pg_results_open(path, &results, error);
    if (status != 0)
        return status;
    status = pg_phase_map_print(&results, terminal, stdout, error);
    if (status == 0)
        pg_phase_table_print(&results, terminal, stdout);
    (void)fflush(stdout);
    pg_results_close(&results);
    return status;
}

/* Rank 0, after the sweep: the last word on it, and the code to leave with. */
static int conclude(const struct pg_session *session, const struct pg_terminal *terminal,
                    int status, const struct pg_progress *progress, struct pg_error *error)
{
    if (status != PG_OK && status != PG_ESTOPPED)
        return status;
    struct pg_error trouble = {0};
    if (show_results(session->results_path, terminal, &trouble) != 0) {
        *error = trouble;
        return trouble.status;
    }
    if (status == PG_OK && progress->failed > 0) {
        (void)fprintf(stderr, "phasegrid: %" PRIu64 " of %" PRIu64 " runs failed\n",
                      progress->failed, progress->runs);
        return PG_EXIT_FAILED_RUNS;
    }
    return status;
}

static void warn(const char *text, void *context)
{
    pg_progress_line_finish(context);
    (void)fprintf(stderr, "phasegrid: %s\n", text);
}

/* Collective. */
static int sweep(const struct pg_session *session, const struct pg_subject_job *subject, int rank,
                 double deadline, struct pg_error *error)
{
    struct pg_terminal terminal = pg_terminal_passed();
    struct pg_progress_line line;
    struct pg_progress progress = {0};
    pg_progress_line_init(&line, subject->experiment, stderr, terminal.line_width);
    struct pg_sweep_options sweep_options = {
        .path = session->results_path,
        .job_path = subject->path,
        .commit = PG_COMMIT,
        .report = pg_progress_line_report,
        .context = &line,
        .report_interval = pg_progress_line_interval(&line),
        .coordination = session->coordination,
        .grace = session->grace,
        .deadline = deadline,
        .checkpoint_every = session->checkpoint_every,
        .sync = session->sync,
        .take_over = session->take_over,
        .warn = warn,
        .accept_numerics = session->accept_numerics,
        .retry = session->retry,
        .retry_rows = session->retry_rows,
        .retry_count = session->retry_count,
    };
    if (rank == 0)
        announce(session, subject, deadline);
    int status = pg_sweep_run(subject->job, subject->experiment, &sweep_options, MPI_COMM_WORLD,
                              &progress, error);
    if (rank == 0) {
        if (status == PG_OK || status == PG_ESTOPPED)
            pg_progress_line_report(&progress, &line);
        pg_progress_line_finish(&line);
        status = conclude(session, &terminal, status, &progress, error);
    } else {
        error->text[0] = '\0'; /* the same as rank 0's */
    }
    MPI_Bcast(&status, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return status;
}

static int run_rank(const struct pg_session *session, struct pg_error *error)
{
    struct pg_subject_job subject = {0};
    int rank = 0;
    double deadline = pg_allocation_is_first_rank() ? pg_allocation_end() : 0.0;
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS)
        return pg_error_set(error, PG_EMACHINE, "MPI does not start");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    int status = check_ranks(session, error);
    if (status == PG_OK)
        status = read_job(session, &subject, error);
    status = agree(status, rank, error);
    if (status == PG_OK)
        status = sweep(session, &subject, rank, deadline, error);
    pg_subject_release(&subject);
    if (status < 0)
        pg_say(error); /* once a rank has left with a code, mpirun may drop what others say */
    MPI_Finalize();
    return status;
}

int pg_session_run(const struct pg_session *session, char **argv, struct pg_error *error)
{
    if (pg_launcher_is_rank())
        return run_rank(session, error);
    struct pg_subject_job subject;
    int status = read_job(session, &subject, error);
    if (status == 0)
        status = check_job(session, &subject, error);
    pg_subject_release(&subject);
    if (status != 0)
        return status;
    return pg_launcher_run(session->ranks, argv, error);
}
