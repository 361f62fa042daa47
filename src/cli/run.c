/* SPDX-License-Identifier: MIT */
/* run: trains what a job file describes into a results file, or goes on with one. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "session.h"
#include "verbs.h"

enum { OPTION_OUTPUT = 'o', OPTION_SET = 's', OPTION_SHARD = 'k' };

static const struct argp_option options[] = {
    {"output", OPTION_OUTPUT, "FILE", 0, "Results file (default: JOB's name with .h5, here)", 0},
    {"set", OPTION_SET, "NAME=VALUE", 0, "Override one setting of the job; repeatable", 0},
    {"shard", OPTION_SHARD, "I/N", 0,
     "Only part I of N (from 1), a file of its own for `phasegrid merge`; never cut along steps",
     0},
    {0},
};

static void read_shard(struct argp_state *state, const char *text, struct pg_session *session)
{
    int length = 0;
    if (sscanf(text, "%6zu/%6zu%n", &session->shard, &session->shard_count, &length) != 2 ||
        text[length] != '\0' || session->shard < 1 || session->shard > session->shard_count)
        argp_error(state, "--shard: found '%s', expected I/N with I from 1 to N, such as 1/4",
                   text);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct pg_session *session = state->input;
    switch (key) {
    case OPTION_OUTPUT:
        session->results_path = argument;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = session;
        return 0;
    case OPTION_SET:
        pg_overrides_add(state, &session->overrides, argument);
        return 0;
    case OPTION_SHARD:
        read_shard(state, argument, session);
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "job file", &session->job_path);
        return 0;
    case ARGP_KEY_END:
        if (session->job_path == NULL)
            argp_error(state, "a job file is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&pg_session_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options, .parser = parse, .children = children};

/* "jobs/quick.yaml" -> "quick.h5", or "quick-1-of-4.h5" */
static int default_path(const struct pg_session *session, char *path, size_t size,
                        struct pg_error *error)
{
    const char *job_path = session->job_path;
    char part[64] = "";
    if (session->shard_count > 0)
        (void)snprintf(part, sizeof part, "-%zu-of-%zu", session->shard, session->shard_count);
    const char *slash = strrchr(job_path, '/'), *name = slash != NULL ? slash + 1 : job_path;
    const char *dot = strrchr(name, '.');
    int stem = (int)(dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name));
    int length = snprintf(path, size, "%.*s%s.h5", stem, name, part);
    if (stem == 0 || length < 0 || (size_t)length >= size)
        return pg_error_set(error, PG_EINPUT, "%s: no name for the results follows; use -o FILE",
                            job_path);
    return 0;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct pg_session session = {0};
    char path[PATH_MAX];
    pg_arguments_parse(verb, &argp, argc, argv, &session);
    if (session.results_path == NULL) {
        if (default_path(&session, path, sizeof path, error) != 0)
            return error->status;
        session.results_path = path;
    }
    return pg_session_run(&session, argv, error);
}

const struct pg_verb pg_verb_run = {
    .name = "run",
    .summary = "train every run of a job into a results file, or go on with one",
    .arguments = "JOB",
    .example = "  phasegrid run jobs/quick.yaml -o quick.h5\n"
               "  phasegrid run jobs/quick.yaml --ranks 2 --set steps=1000 -o short.h5\n"
               "  phasegrid run jobs/quick.yaml --shard 1/4 -o part-1.h5\n\n"
               "Typed outside MPI it starts mpirun itself; under mpirun or `srun --mpi=pmix` it is "
               "a rank. Ctrl-C stops with exit code 85; the same command goes on. Progress goes to "
               "standard error, the phase map to standard output. What you set of Open MPI "
               "(OMPI_MCA_...) stays; PHASEGRID_MPIRUN names another mpirun, NO_COLOR=1 turns "
               "colours off.",
    .run = run,
};
