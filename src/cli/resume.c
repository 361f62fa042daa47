/* SPDX-License-Identifier: MIT */
/* resume: goes on with a results file; the job is the one that the file was made for. */
#include "session.h"
#include "verbs.h"

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct pg_session *session = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = session;
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "results file", &session->results_path);
        return 0;
    case ARGP_KEY_END:
        if (session->results_path == NULL)
            argp_error(state, "a results file is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&pg_session_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.parser = parse, .children = children};

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct pg_session session = {0};
    pg_arguments_parse(verb, &argp, argc, argv, &session);
    return pg_session_run(&session, argv, error);
}

const struct pg_verb pg_verb_resume = {
    .name = "resume",
    .summary = "go on with a results file, by the job that it keeps",
    .arguments = "FILE",
    .example = "  phasegrid resume quick.h5",
    .run = run,
};
