/* SPDX-License-Identifier: MIT */
/*
 * What the verbs share: the table they stand in, and how they end. A verb returns 0, a negative
 * status with its message in `error`, or a positive exit code when it has said all there is to say;
 * main.c prints the message and decides the exit code.
 */
#ifndef PHASEGRID_CLI_H
#define PHASEGRID_CLI_H

#include <argp.h>

#include "phasegrid/error.h"

enum pg_exit {
    PG_EXIT_DONE = 0,
    PG_EXIT_ERROR = 1,       /* wrong use, wrong job file, or the machine refused */
    PG_EXIT_FAILED_RUNS = 2, /* done, but some runs failed */
    PG_EXIT_MISMATCH = 3,    /* file and job do not match, or the file is damaged */
    PG_EXIT_STOPPED = 85,    /* stopped with work left: the same command goes on */
};

struct pg_verb {
    const char *name, *summary;
    const char *arguments; /* as in the usage line: "JOB" */
    const char *example;   /* whole command lines, one a line */
    int (*run)(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error);
};

/* All verbs, NULL-terminated, in the order of the help. */
extern const struct pg_verb *const pg_verbs[];

/* Prints "phasegrid: " and the error's text, if there is one, and forgets it: for who must speak
   before main.c would. */
void pg_say(struct pg_error *error);

/* Reads the verb's arguments into `input`. argp: options, parser and children; the help comes from
   the verb. Wrong use ends the program with PG_EXIT_ERROR. */
void pg_arguments_parse(const struct pg_verb *verb, const struct argp *argp, int argc, char **argv,
                        void *input);

/* For a parser: the only positional argument into *ret_text, anything more is an error. */
void pg_arguments_take(struct argp_state *state, char *argument, const char *what,
                       const char **ret_text);

/* The number in `text`, from `min` to `max`; anything else ends the program as wrong use. */
long pg_arguments_number(struct argp_state *state, const char *option, const char *text, long min,
                         long max);
double pg_arguments_real(struct argp_state *state, const char *option, const char *text, double min,
                         double max);

/* A time from `min` to `max` seconds: "90", "90s", "1.5min", "2h". */
double pg_arguments_seconds(struct argp_state *state, const char *option, const char *text,
                            double min, double max);

#endif
