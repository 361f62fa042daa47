/* SPDX-License-Identifier: MIT */
/* extend: a results file grows by values along its axes, or by seeds; what is done stays. It takes
   the file as a sweep does, so that none is at work on it. */
#include <inttypes.h>
#include <stdio.h>

#include "phasegrid/cube_rebuild.h"
#include "phasegrid/owner.h"
#include "subject.h"
#include "verbs.h"
#include "version.h"

struct arguments {
    const char *path, *seeds;
    const char *axes[PG_OVERRIDES_MAX];
    size_t axis_count;
    bool take_over;
};

enum { OPTION_TAKE_OVER = 't' };

static const struct argp_option options[] = {
    {"axis", 'a', "NAME=VALUE,...", 0,
     "Add values along the axis that moves the setting NAME; repeatable. A zip takes all its "
     "settings, each with as many values; a setting that is a list takes lists: widths=[5,4],[6]",
     0},
    {"seeds", 's', "N", 0, "Grow to N seeds (0 to N-1), or add those of a list: 7,8", 0},
    {"take-over", OPTION_TAKE_OVER, NULL, 0,
     "Take the file from a launch on another host that is known to be dead", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'a':
        if (arguments->axis_count == PG_OVERRIDES_MAX)
            argp_error(state, "more than %d times --axis", PG_OVERRIDES_MAX);
        arguments->axes[arguments->axis_count++] = argument;
        return 0;
    case 's':
        arguments->seeds = argument;
        return 0;
    case OPTION_TAKE_OVER:
        arguments->take_over = true;
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "results file", &arguments->path);
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL)
            argp_error(state, "a results file is needed");
        if (arguments->axis_count == 0 && arguments->seeds == NULL)
            argp_error(state, "give --axis or --seeds");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

static int grow(const struct pg_results *results, const struct pg_job *grown,
                struct pg_error *error)
{
    char reason[64];
    (void)snprintf(reason, sizeof reason, "extended from %" PRIu64 " to %" PRIu64 " runs",
                   results->run_count, pg_job_run_count(grown));
    const struct pg_cube_source source = {results->reader, results->subject.job, results->path};
    const struct pg_cube_rebuilding what = {.path = results->path,
                                            .job = grown,
                                            .experiment = results->subject.experiment,
                                            .sources = &source,
                                            .source_count = 1,
                                            .replaces = true,
                                            .commit = PG_COMMIT,
                                            .reason = reason};
    return pg_cube_rebuild(&what, error);
}

static int extend(const struct arguments *arguments, struct pg_error *error)
{
    struct pg_results results;
    struct pg_job *grown = NULL;
    int status = pg_results_open(arguments->path, &results, error);
    if (status != 0)
        return status;
    status = pg_job_extend(results.subject.job, arguments->axes, arguments->axis_count,
                           arguments->seeds, &grown, error);
    if (status != 0)
        (void)pg_error_prefix(error, "%s", arguments->path);
    if (status == 0)
        status = grow(&results, grown, error);
    if (status == 0)
        (void)printf("%s: %" PRIu64 " runs, %" PRIu64 " of them new; `phasegrid resume %s` trains "
                     "what is to do\n",
                     arguments->path, pg_job_run_count(grown),
                     pg_job_run_count(grown) - results.run_count, arguments->path);
    pg_job_destroy(grown);
    pg_results_close(&results);
    return status;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    struct pg_owner *owner = NULL;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    int status = pg_owner_claim(arguments.path, arguments.take_over, &owner, error);
    if (status == 0)
        status = extend(&arguments, error);
    pg_owner_release(owner);
    return status;
}

const struct pg_verb pg_verb_extend = {
    .name = "extend",
    .summary = "add seeds, or values along the axes, to a results file",
    .arguments = "FILE",
    .example =
        "  phasegrid extend quick.h5 --seeds 5\n"
        "  phasegrid extend quick.h5 --axis weight_decay=11,12\n"
        "  phasegrid extend zip.h5 --axis decoder_width=400 --axis decoder_lr=5e-5\n\n"
        "New values stand behind those that there are, so that indices stay what they were. "
        "Finished runs keep their bytes; the others are to do. The file is replaced in one step: "
        "killed at any moment, it is the old one or the new one. Afterwards `phasegrid resume "
        "FILE` trains the rest, and so does `phasegrid run` with the old job file; `phasegrid show "
        "FILE --job` prints the grown one. A budget (steps) longer than the longest one is "
        "refused: it would move the recorded steps of all runs.",
    .run = run,
};
