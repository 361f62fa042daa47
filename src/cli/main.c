/* SPDX-License-Identifier: MIT */
/*
 * The command: finds the verb, lets it run, prints the message of a failure and decides the exit
 * code. A new verb is one file with its `struct pg_verb`, and one row here.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "phasegrid/nearest.h"
#include "verbs.h"
#include "version.h"

enum { VERBS_MAX = 32 };

const struct pg_verb *const pg_verbs[] = {
    &pg_verb_check,
    &pg_verb_submit,
    &pg_verb_run,
    &pg_verb_resume,
    &pg_verb_retry,
    &pg_verb_status,
    &pg_verb_show,
    &pg_verb_plot,
    &pg_verb_list,
    &pg_verb_export,
    &pg_verb_verify,
    &pg_verb_repair,
    &pg_verb_extend,
    &pg_verb_merge,
    &pg_verb_superposition,
    &pg_verb_bench,
    NULL,
};

static int exit_code(int status)
{
    switch (status) {
    case PG_OK:
        return PG_EXIT_DONE;
    case PG_EMISMATCH:
        return PG_EXIT_MISMATCH;
    case PG_ESTOPPED:
        return PG_EXIT_STOPPED;
    default:
        return status > 0 ? status : PG_EXIT_ERROR;
    }
}

static int print_version(void)
{
    (void)printf("phasegrid %s (commit %s)\n", PG_VERSION, PG_COMMIT);
    return PG_EXIT_DONE;
}

static void print_help(FILE *stream)
{
    (void)fputs(
        "Usage: phasegrid VERB [ARGUMENT...]\n"
        "Maps the phase diagrams of learning: trains a grid of runs, leaves one labelled cube.\n\n",
        stream);
    for (size_t i = 0; pg_verbs[i] != NULL; i++)
        (void)fprintf(stream, "  %-8s %s\n", pg_verbs[i]->name, pg_verbs[i]->summary);
    (void)fputs(
        "\n`phasegrid VERB --help` tells a verb's options, with an example; `phasegrid --version`\n"
        "the version. Exit codes: 0 all done; 1 wrong use, wrong job file, or the machine "
        "refused;\n"
        "2 done, but some runs failed; 3 file and job do not match, or the file is damaged;\n"
        "85 stopped with work left (the same command goes on).\n",
        stream);
}

static const struct pg_verb *find_verb(const char *name)
{
    for (size_t i = 0; pg_verbs[i] != NULL; i++)
        if (strcmp(pg_verbs[i]->name, name) == 0)
            return pg_verbs[i];
    return NULL;
}

static int unknown_verb(const char *word)
{
    const char *names[VERBS_MAX];
    size_t count = 0;
    for (; pg_verbs[count] != NULL && count < VERBS_MAX; count++)
        names[count] = pg_verbs[count]->name;
    const char *near = pg_nearest(word, names, count);
    if (near != NULL)
        (void)fprintf(stderr, "phasegrid: '%s' is not a verb; did you mean '%s'?\n", word, near);
    else
        (void)fprintf(stderr, "phasegrid: '%s' is not a verb; `phasegrid --help` lists them\n",
                      word);
    return PG_EXIT_ERROR;
}

void pg_say(struct pg_error *error)
{
    if (error->text[0] != '\0')
        (void)fprintf(stderr, "phasegrid: %s\n", error->text);
    error->text[0] = '\0';
}

static int run_verb(const struct pg_verb *verb, int argc, char **argv)
{
    struct pg_error error = {0};
    int status = verb->run(verb, argc, argv, &error);
    if (status < 0)
        pg_say(&error);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        perror("phasegrid: standard output");
        return status == PG_OK ? PG_EXIT_ERROR : exit_code(status);
    }
    return exit_code(status);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return print_version();
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return PG_EXIT_DONE;
    }
    if (argc < 2) {
        print_help(stderr);
        return PG_EXIT_ERROR;
    }
    const struct pg_verb *verb = find_verb(word);
    return verb != NULL ? run_verb(verb, argc - 1, argv + 1) : unknown_verb(word);
}
