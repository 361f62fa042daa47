/* SPDX-License-Identifier: MIT */
/* merge: one results file from several of one job, such as its shards. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "phasegrid/cube_rebuild.h"
#include "phasegrid/owner.h"
#include "subject.h"
#include "verbs.h"
#include "version.h"

struct arguments {
    const char *output;
    const char **paths; /* (count) */
    size_t count;
    bool take_over;
};

enum { OPTION_TAKE_OVER = 't' };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "The new results file", 0},
    {"take-over", OPTION_TAKE_OVER, NULL, 0,
     "Take the new file from a launch on another host that is known to be dead", 0},
    {0},
};

static void add_path(struct argp_state *state, struct arguments *arguments, const char *path)
{
    const char **more =
        realloc(arguments->paths, (arguments->count + 1) * sizeof *arguments->paths);
    if (more == NULL)
        argp_failure(state, PG_EXIT_ERROR, 0, "out of memory: the names of the files");
    arguments->paths = more;
    if (more != NULL)
        more[arguments->count++] = path;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'o':
        arguments->output = argument;
        return 0;
    case OPTION_TAKE_OVER:
        arguments->take_over = true;
        return 0;
    case ARGP_KEY_ARG:
        add_path(state, arguments, argument);
        return 0;
    case ARGP_KEY_END:
        if (arguments->count == 0)
            argp_error(state, "results files are needed");
        if (arguments->output == NULL)
            argp_error(state, "a new file is needed: -o FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

/* The files that are merged. */
struct parts {
    size_t count;
    struct pg_results *results;     /* (count) */
    const struct pg_job **jobs;     /* (count) */
    struct pg_cube_source *sources; /* (count) */
};

/* Job arrays have more shards than a process may open files by default. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_parts(const struct arguments *arguments, struct parts *parts,
                      struct pg_error *error)
{
    size_t count = arguments->count;
    *parts = (struct parts){.results = calloc(count, sizeof *parts->results),
                            .jobs = calloc(count, sizeof *parts->jobs),
                            .sources = calloc(count, sizeof *parts->sources)};
    if (parts->results == NULL || parts->jobs == NULL || parts->sources == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu results files", count);
    for (size_t i = 0; i < count; i++) {
        struct pg_results *results = &parts->results[i];
        int status = pg_results_open(arguments->paths[i], results, error);
        if (status != 0)
            return status;
        parts->count++;
        parts->jobs[i] = results->subject.job;
        parts->sources[i] =
            (struct pg_cube_source){results->reader, results->subject.job, results->path};
    }
    return 0;
}

static void close_parts(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        pg_results_close(&parts->results[i]);
    free(parts->results);
    free(parts->jobs);
    free(parts->sources);
}

static int write_union(const struct arguments *arguments, const struct parts *parts,
                       struct pg_error *error)
{
    struct pg_job *job = NULL;
    char reason[64];
    int status = pg_job_unite(parts->jobs, arguments->paths, parts->count, &job, error);
    if (status != 0)
        return status;
    (void)snprintf(reason, sizeof reason, "merged from %zu files", parts->count);
    const struct pg_cube_rebuilding what = {.path = arguments->output,
                                            .job = job,
                                            .experiment = parts->results[0].subject.experiment,
                                            .sources = parts->sources,
                                            .source_count = parts->count,
                                            .commit = PG_COMMIT,
                                            .reason = reason};
    status = pg_cube_rebuild(&what, error);
    pg_job_destroy(job);
    return status;
}

static int merge(const struct arguments *arguments, struct pg_error *error)
{
    struct parts parts = {0};
    int status = open_parts(arguments, &parts, error);
    if (status == 0)
        status = write_union(arguments, &parts, error);
    close_parts(&parts);
    return status;
}

static int tell(const char *path, struct pg_error *error)
{
    struct pg_results results;
    int status = pg_results_open(path, &results, error);
    if (status != 0)
        return status;
    struct pg_progress progress = pg_results_progress(&results);
    (void)printf("%s: %" PRIu64 " of %" PRIu64 " runs finished", path, progress.done,
                 progress.runs);
    if (progress.done < progress.runs)
        (void)printf("; `phasegrid resume %s` trains the rest", path);
    (void)printf("\n");
    pg_results_close(&results);
    return 0;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    struct pg_owner *owner = NULL;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    allow_many_files();
    int status = pg_owner_claim(arguments.output, arguments.take_over, &owner, error);
    if (status == 0)
        status = merge(&arguments, error);
    if (status == 0)
        status = tell(arguments.output, error);
    pg_owner_release(owner);
    free(arguments.paths);
    return status;
}

const struct pg_verb pg_verb_merge = {
    .name = "merge",
    .summary = "put results files of one job, such as its shards, into one",
    .arguments = "FILE...",
    .example =
        "  phasegrid merge part-*.h5 -o quick.h5\n\n"
        "Parts come from `phasegrid run JOB --shard 1/3 -o part-1.h5`, 2/3 and 3/3, anywhere. "
        "The files may differ only in the values along their axes and in their seeds. Shards give "
        "the grid of the whole job, even if some are missing; else values ascend if they do so in "
        "every file. Runs that no file has are to do. A run that several files have must be the "
        "same in all of them (cost and dates do not count); if not, nothing is written and the run "
        "is named. The files stay as they are.",
    .run = run,
};
