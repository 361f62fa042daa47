/* SPDX-License-Identifier: MIT */
/*
 * repair: damaged runs become runs to do, so that resume trains them again, to the bytes that they
 * had. Nothing else is changed. It takes the file as a sweep does, so that none is at work on it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "damage.h"
#include "listing.h"
#include "phasegrid/owner.h"
#include "verbs.h"

struct arguments {
    const char *path;
    bool take_over, json;
};

enum { OPTION_TAKE_OVER = 't' };

static const struct argp_option options[] = {
    {"take-over", OPTION_TAKE_OVER, NULL, 0,
     "Take the file from a launch on another host that is known to be dead", 0},
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case OPTION_TAKE_OVER:
        arguments->take_over = true;
        return 0;
    case 'j':
        arguments->json = true;
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "results file", &arguments->path);
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL)
            argp_error(state, "a results file is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

static int mark(const struct pg_examined *examined, struct pg_error *error)
{
    const struct pg_row_check *rows = &examined->audit.rows;
    uint64_t *damaged = calloc(examined->audit.damaged + 1, sizeof *damaged);
    size_t count = 0;
    if (damaged == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the list of damaged runs");
    for (uint64_t row = 0; row < rows->row_count; row++)
        if (rows->faults[row] != PG_FAULT_NONE)
            damaged[count++] = row;
    int status = pg_store_mark_todo(examined->path, damaged, count, error);
    free(damaged);
    return status;
}

/* What was marked must be sound now. */
static int look_again(const char *path, json_t *page, struct pg_error *error)
{
    struct pg_examined after;
    int status = pg_examine(path, &after, error);
    if (status != 0)
        return status;
    if (!pg_examined_is_sound(&after)) {
        pg_examined_say_damage(&after);
        status = pg_error_set(error, PG_EMISMATCH, "%s is still damaged after the repair", path);
    }
    (void)json_object_set_new(page, "after", pg_examined_as_json(&after));
    pg_examined_release(&after);
    return status;
}

static int repair(const struct pg_examined *examined, json_t *page, struct pg_error *error)
{
    if (examined->audit.frame.status != 0)
        return pg_error_set(error, PG_EMISMATCH,
                            "%s. That cannot be repaired: which settings its runs belong to is no "
                            "longer sure. Take a copy of the file, or run its job into a new one",
                            examined->audit.frame.text);
    if (examined->audit.damaged == 0)
        return 0;
    pg_examined_say_damage(examined);
    int status = mark(examined, error);
    return status == 0 ? look_again(examined->path, page, error) : status;
}

static void print_result(const struct pg_examined *examined)
{
    uint64_t count = examined->audit.damaged;
    if (count == 0)
        (void)printf("%s: nothing is damaged\n", examined->path);
    else
        (void)printf("%s: %" PRIu64 " run%s marked to do again; `phasegrid resume %s` trains %s\n",
                     examined->path, count, count == 1 ? " is" : "s are", examined->path,
                     count == 1 ? "it" : "them");
}

/* While the file is ours. */
static int repair_file(const struct arguments *arguments, struct pg_error *error)
{
    struct pg_examined examined;
    int status = pg_examine(arguments->path, &examined, error);
    if (status != 0)
        return status;
    json_t *page = pg_examined_as_json(&examined);
    status = repair(&examined, page, error);
    if (arguments->json) {
        int printed = pg_json_print(page, status == 0 ? error : NULL);
        status = status == 0 ? printed : status;
    } else {
        json_decref(page);
        if (status == 0)
            print_result(&examined);
    }
    pg_examined_release(&examined);
    return status;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    struct pg_owner *owner = NULL;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    int status = pg_owner_claim(arguments.path, arguments.take_over, &owner, error);
    if (status != 0)
        return status;
    status = repair_file(&arguments, error);
    pg_owner_release(owner);
    return status;
}

const struct pg_verb pg_verb_repair = {
    .name = "repair",
    .summary = "mark the damaged runs of a results file to be trained again",
    .arguments = "FILE",
    .example = "  phasegrid repair quick.h5\n"
               "  phasegrid resume quick.h5\n\n"
               "Looks for damage as verify does. A run whose CRC does not fit is marked to do; "
               "trained again it has the bytes that it had. What is damaged outside of the runs "
               "(coordinates, settings) cannot be repaired.",
    .run = run,
};
