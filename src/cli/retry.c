/* SPDX-License-Identifier: MIT */
/*
 * retry: goes on as resume does, and trains runs once more that ended without success. Which ones
 * is settled here: failed ones; a diverged one only if this program's numerics are other than those
 * it was trained with, since a run is a function of settings, seed and numerics, and would diverge
 * again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "launcher.h"
#include "session.h"
#include "verbs.h"

enum { OPTION_RUN = 'r', NAMED_MAX = 256 };

struct arguments {
    struct pg_session session;
    const char *named[NAMED_MAX];
    size_t named_count;
};

static const struct argp_option options[] = {
    {"run", OPTION_RUN, "RUN", 0, "Only this run (a number, or name=value,...,seed=0); repeatable",
     0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case OPTION_RUN:
        if (arguments->named_count == NAMED_MAX)
            argp_error(state, "more than %d times --run", NAMED_MAX);
        arguments->named[arguments->named_count++] = argument;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->session;
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "results file", &arguments->session.results_path);
        return 0;
    case ARGP_KEY_END:
        if (arguments->session.results_path == NULL)
            argp_error(state, "a results file is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&pg_session_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options, .parser = parse, .children = children};

/* ---- which runs ---- */

struct selection {
    const struct pg_results *results;
    bool accepts_numerics;
    int32_t *numerics; /* (run_count) */
    uint64_t *rows;    /* (count) to be trained again */
    size_t count;
    uint64_t hopeless; /* diverged, and would diverge again */
    uint64_t foreign;  /* diverged under other numerics, which nobody asked to leave */
};

static int read_numerics(struct selection *selection, struct pg_error *error)
{
    const struct pg_results *results = selection->results;
    int variable = pg_layout_find_variable(results->layout, "numerics");
    if (variable < 0 || pg_layout_row_bytes(results->layout, (size_t)variable) != sizeof(int32_t))
        return pg_error_set(error, PG_EMISMATCH,
                            "%s does not say by which numerics its runs were trained",
                            results->path);
    return pg_reader_rows(results->reader, (size_t)variable, 0, results->run_count,
                          selection->numerics, error);
}

/* Whether a run that diverged may end otherwise now. */
static bool may_differ(const struct selection *selection, uint64_t row)
{
    return selection->accepts_numerics && selection->numerics[row] != PG_NUMERICS;
}

static void select_all(struct selection *selection)
{
    for (uint64_t row = 0; row < selection->results->run_count; row++) {
        uint8_t status = selection->results->statuses[row];
        bool has_diverged = status == PG_ROW_DIVERGED;
        if (status == PG_ROW_FAILED || (has_diverged && may_differ(selection, row)))
            selection->rows[selection->count++] = row;
        else if (has_diverged && selection->numerics[row] != PG_NUMERICS)
            selection->foreign++;
        else if (has_diverged)
            selection->hopeless++;
    }
}

static int refuse_diverged(const struct selection *selection, uint64_t row, struct pg_error *error)
{
    int32_t numerics = selection->numerics[row];
    if (numerics != PG_NUMERICS)
        return pg_error_set(error, PG_EINPUT,
                            "run %" PRIu64 " diverged under numerics %" PRId32
                            ", and this program has numerics %d; to try it with those, give "
                            "--accept-numerics",
                            row, numerics, PG_NUMERICS);
    return pg_error_set(error, PG_EINPUT,
                        "run %" PRIu64 " diverged, and would diverge again: its settings, its seed "
                        "and the numerics (%d) are the same",
                        row, PG_NUMERICS);
}

static int select_named(struct selection *selection, const char *text, struct pg_error *error)
{
    uint64_t row;
    int status = pg_results_find_run(selection->results, text, &row, error);
    if (status != 0)
        return status;
    switch (selection->results->statuses[row]) {
    case PG_ROW_DIVERGED:
        if (!may_differ(selection, row))
            return refuse_diverged(selection, row, error);
        break;
    case PG_ROW_FAILED:
        break;
    case PG_ROW_TODO:
        return pg_error_set(error, PG_EINPUT,
                            "run %" PRIu64 " is still to do; `phasegrid resume` trains it", row);
    default:
        return pg_error_set(error, PG_EINPUT, "run %" PRIu64 " is done; it has not failed", row);
    }
    selection->rows[selection->count++] = row;
    return 0;
}

static int select_rows(const struct arguments *arguments, struct selection *selection,
                       struct pg_error *error)
{
    size_t most = (size_t)selection->results->run_count + arguments->named_count + 1;
    selection->numerics = calloc(most, sizeof *selection->numerics);
    selection->rows = calloc(most, sizeof *selection->rows);
    if (selection->numerics == NULL || selection->rows == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the runs to try again");
    int status = read_numerics(selection, error);
    if (status == 0 && arguments->named_count == 0)
        select_all(selection);
    for (size_t i = 0; i < arguments->named_count && status == 0; i++)
        status = select_named(selection, arguments->named[i], error);
    return status;
}

static void say_nothing_to_retry(const struct selection *selection)
{
    (void)printf("%s: nothing to retry: no run has failed", selection->results->path);
    if (selection->hopeless > 0)
        (void)printf("; %" PRIu64 " diverged, and would diverge again under the same numerics",
                     selection->hopeless);
    if (selection->foreign > 0)
        (void)printf("; %" PRIu64 " diverged under other numerics than this program's, with which "
                     "--accept-numerics tries them",
                     selection->foreign);
    (void)printf("\n");
}

/* ---- the sweep ---- */

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {.session.retry = true};
    struct pg_results results;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    int status = pg_results_open(arguments.session.results_path, &results, error);
    if (status != 0)
        return status;
    struct selection selection = {.results = &results,
                                  .accepts_numerics = arguments.session.accept_numerics};
    status = select_rows(&arguments, &selection, error);
    if (status == 0 && selection.count == 0 && !pg_launcher_is_rank())
        say_nothing_to_retry(&selection);
    bool goes_on = status == 0 && (selection.count > 0 || pg_launcher_is_rank());
    pg_results_close(&results);
    arguments.session.retry_rows = selection.rows;
    arguments.session.retry_count = selection.count;
    if (goes_on)
        status = pg_session_run(&arguments.session, argv, error);
    free(selection.numerics);
    free(selection.rows);
    return status;
}

const struct pg_verb pg_verb_retry = {
    .name = "retry",
    .summary = "train the failed runs of a results file once more, and go on with it",
    .arguments = "FILE",
    .example =
        "  phasegrid retry quick.h5\n"
        "  phasegrid retry quick.h5 --run 17\n\n"
        "Goes on as resume does, and tries runs again that failed, those too that were given "
        "up because they crashed the program. A diverged run is a result: it would diverge "
        "again, and is tried only when this program has other numerics than the run, with "
        "--accept-numerics.",
    .run = run,
};
