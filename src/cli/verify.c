/* SPDX-License-Identifier: MIT */
/* verify: the digest of a results file, as sha256sum prints it. Equal digests: equal results. */
#include <stdio.h>

#include "phasegrid/store.h"
#include "verbs.h"

static error_t parse(int key, char *argument, struct argp_state *state)
{
    const char **path = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "results file", path);
        return 0;
    case ARGP_KEY_END:
        if (*path == NULL)
            argp_error(state, "a results file is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.parser = parse};

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    const char *path = NULL;
    char digest[65];
    struct pg_reader *reader = NULL;
    pg_arguments_parse(verb, &argp, argc, argv, &path);
    int status = pg_reader_open(path, &reader, error);
    if (status == 0)
        status = pg_reader_digest(reader, digest, error);
    if (status == 0)
        (void)printf("%s  %s\n", digest, path);
    pg_reader_close(reader);
    return status;
}

const struct pg_verb pg_verb_verify = {
    .name = "verify",
    .summary = "print the digest of a results file",
    .arguments = "FILE",
    .example = "  phasegrid verify quick.h5\n\n"
               "Two files with the same digest hold the same results: the same runs finished, with "
               "the same bytes. Costs (seconds, ranks, dates) do not count.",
    .run = run,
};
