/* SPDX-License-Identifier: MIT */
/*
 * verify: is a results file what was written, and are its results what this program computes? Every
 * CRC, everything that follows from the file's job, and the digest, as sha256sum prints it, in one
 * reading of the file; then what else was asked for. Standard output has digests alone (or JSON),
 * words go to standard error.
 */
#include "verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "phasegrid/clock.h"
#include "verbs.h"

enum { OPTION_AGAINST = 'a', OPTION_RECOMPUTE = 'k', OPTION_RUN = 'r', OPTION_SEED = 's' };

struct arguments {
    const char *path, *against;
    struct pg_verify_choice choice;
    bool has_seed, json;
};

static const struct argp_option options[] = {
    {"against", OPTION_AGAINST, "OTHER", 0,
     "Compare with another results file, and name the first difference", 0},
    {"recompute", OPTION_RECOMPUTE, "K", 0,
     "Train K finished runs again, chosen by chance, and compare their bytes", 0},
    {"run", OPTION_RUN, "RUN", 0,
     "Train this run again (a number, or name=value,...,seed=0); repeatable", 0},
    {"seed", OPTION_SEED, "S", 0, "Seed of the choice of --recompute (default: the clock)", 0},
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {0},
};

static void add_run(struct argp_state *state, struct pg_verify_choice *choice, const char *text)
{
    if (choice->run_count == PG_VERIFY_RUNS_MAX)
        argp_error(state, "more than %d times --run", PG_VERIFY_RUNS_MAX);
    choice->runs[choice->run_count++] = text;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case OPTION_AGAINST:
        arguments->against = argument;
        return 0;
    case OPTION_RECOMPUTE:
        arguments->choice.random =
            (uint64_t)pg_arguments_number(state, "--recompute", argument, 1, 1000000000);
        return 0;
    case OPTION_RUN:
        add_run(state, &arguments->choice, argument);
        return 0;
    case OPTION_SEED:
        arguments->choice.seed =
            (uint32_t)pg_arguments_number(state, "--seed", argument, 0, UINT32_MAX);
        arguments->has_seed = true;
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
        if (arguments->has_seed && arguments->choice.random == 0)
            argp_error(state, "--seed is that of --recompute K, which is not given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

/* ---- one file ---- */

static void say_remains(const struct pg_examined *examined)
{
    const struct pg_row_check *rows = &examined->audit.rows;
    if (rows->remains > 0)
        (void)fprintf(stderr,
                      "%s: %" PRIu64 " runs to do hold data that no status vouches for, as a "
                      "killed launch leaves them (%" PRIu64
                      " are whole); they will be trained again\n",
                      examined->path, rows->remains, rows->whole_remains);
}

/* A file that was gone on with under other numerics than it was begun with. */
static int say_numerics(const struct pg_examined *examined, struct pg_error *error)
{
    const struct pg_layout *layout = pg_reader_layout(examined->reader);
    const struct pg_row_check *rows = &examined->audit.rows;
    int variable = pg_layout_find_variable(layout, "numerics");
    uint64_t others = 0;
    if (variable < 0 || pg_layout_row_bytes(layout, (size_t)variable) != sizeof(int32_t))
        return 0;
    int32_t *numerics = calloc(rows->row_count + 1, sizeof *numerics);
    if (numerics == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the numerics of the runs");
    int status =
        pg_reader_rows(examined->reader, (size_t)variable, 0, rows->row_count, numerics, error);
    int begun = pg_cube_numerics(layout);
    for (uint64_t row = 0; row < rows->row_count && status == 0; row++)
        others += rows->statuses[row] != PG_ROW_TODO && numerics[row] != begun;
    if (others > 0)
        (void)fprintf(stderr,
                      "%s: %" PRIu64 " runs were trained with other numerics than the %d that the "
                      "file was begun with; the variable numerics tells which\n",
                      examined->path, others, begun);
    free(numerics);
    return status;
}

static int judge(const struct pg_examined *examined, struct pg_error *error)
{
    const struct pg_audit *audit = &examined->audit;
    say_remains(examined);
    if (say_numerics(examined, error) != 0)
        return error->status;
    if (pg_examined_is_sound(examined))
        return 0;
    pg_examined_say_damage(examined);
    if (audit->frame.status != 0)
        return pg_error_set(error, PG_EMISMATCH,
                            "%s is damaged outside of its rows, which cannot be repaired; %" PRIu64
                            " of its %" PRIu64 " runs are damaged as well",
                            examined->path, audit->damaged, audit->rows.row_count);
    return pg_error_set(error, PG_EMISMATCH,
                        "%" PRIu64 " of %" PRIu64 " runs are damaged; to have them trained again: "
                        "phasegrid repair %s",
                        audit->damaged, audit->rows.row_count, examined->path);
}

/* ---- all that was asked for ---- */

static int verify(const struct arguments *arguments, const struct pg_examined *examined,
                  json_t *page, struct pg_error *error)
{
    const struct pg_verify_choice *choice = &arguments->choice;
    int status = judge(examined, error);
    if (status == 0 && arguments->against != NULL)
        status = pg_verify_against(examined, arguments->against, page, error);
    if (status == 0 && (choice->random > 0 || choice->run_count > 0))
        status = pg_verify_recompute(examined, choice, page, error);
    return status;
}

static void print_digest(const json_t *page)
{
    const char *digest = json_string_value(json_object_get(page, "digest"));
    if (digest != NULL)
        (void)printf("%s  %s\n", digest, json_string_value(json_object_get(page, "file")));
}

static int print(const struct arguments *arguments, json_t *page, int status,
                 struct pg_error *error)
{
    if (arguments->json) {
        struct pg_error printing;
        int printed = pg_json_print(page, &printing);
        return printed == 0 || status != 0 ? status
                                           : pg_error_set(error, printed, "%s", printing.text);
    }
    print_digest(page);
    print_digest(json_object_get(page, "against"));
    json_decref(page);
    return status;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {.choice.seed = (uint32_t)pg_clock_unix()};
    struct pg_examined examined;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    int status = pg_examine(arguments.path, &examined, error);
    if (status != 0)
        return status;
    json_t *page = pg_examined_as_json(&examined);
    status = verify(&arguments, &examined, page, error);
    status = print(&arguments, page, status, error);
    pg_examined_release(&examined);
    return status;
}

const struct pg_verb pg_verb_verify = {
    .name = "verify",
    .summary = "check a results file, and print its digest",
    .arguments = "FILE",
    .example =
        "  phasegrid verify quick.h5\n"
        "  phasegrid verify quick.h5 --against other.h5\n"
        "  phasegrid verify quick.h5 --recompute 5\n\n"
        "Reads the whole file: the CRC of every run, and all that follows from the file's job, "
        "must "
        "fit. Two files with the same digest hold the same results: the same runs finished, with "
        "the same bytes. Costs (seconds, ranks, dates) do not count. Exit code 3: damaged, or "
        "different; `phasegrid repair FILE` then marks damaged runs to be trained again.",
    .run = run,
};
