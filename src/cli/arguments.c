/* SPDX-License-Identifier: MIT */
/* glibc's argp for one verb: the usage, the summary and the example come from the verb's row. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* "summary \v Example: ..." as argp wants it; the caller frees it. */
static char *help_text(const struct pg_verb *verb)
{
    char *text = NULL;
    if (asprintf(&text, "%s\vFor example:\n%s", verb->summary, verb->example) < 0)
        return NULL;
    return text;
}

/* Without argp's note on abbreviated options. */
static char *filter_help(int key, const char *text, void *input)
{
    (void)input;
    return key == ARGP_KEY_HELP_DUP_ARGS_NOTE || text == NULL ? NULL : strdup(text);
}

void pg_arguments_parse(const struct pg_verb *verb, const struct argp *argp, int argc, char **argv,
                        void *input)
{
    char name[64], *word = argv[0];
    struct argp whole = *argp;
    char *doc = help_text(verb);
    whole.args_doc = verb->arguments;
    whole.doc = doc;
    whole.help_filter = filter_help;
    (void)snprintf(name, sizeof name, "phasegrid %s", verb->name);
    argv[0] = name;
    argp_err_exit_status = PG_EXIT_ERROR;
    if (argp_parse(&whole, argc, argv, 0, NULL, input) != 0)
        exit(PG_EXIT_ERROR);
    argv[0] = word;
    free(doc);
}

void pg_arguments_take(struct argp_state *state, char *argument, const char *what,
                       const char **ret_text)
{
    if (*ret_text != NULL)
        argp_error(state, "one %s only: '%s' is too much after '%s'", what, argument, *ret_text);
    *ret_text = argument;
}

long pg_arguments_number(struct argp_state *state, const char *option, const char *text, long min,
                         long max)
{
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < min || number > max)
        argp_error(state, "%s: '%s' is not a whole number from %ld to %ld", option, text, min, max);
    return number;
}

double pg_arguments_real(struct argp_state *state, const char *option, const char *text, double min,
                         double max)
{
    char *end = NULL;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= min && number <= max))
        argp_error(state, "%s: '%s' is not a number from %g to %g", option, text, min, max);
    return number;
}

double pg_arguments_seconds(struct argp_state *state, const char *option, const char *text,
                            double min, double max)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1.0}, {"s", 1.0}, {"min", 60.0}, {"m", 60.0}, {"h", 3600.0}};
    char *end = NULL;
    double number = strtod(text, &end), seconds = -1.0;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && end != text; i++)
        if (strcmp(end, units[i].unit) == 0)
            seconds = number * units[i].seconds;
    if (!(seconds >= min && seconds <= max))
        argp_error(state, "%s: '%s' is not a time from %g to %g seconds (90, 90s, 5min, 2h)",
                   option, text, min, max);
    return seconds;
}
