/* SPDX-License-Identifier: MIT */
/*
 * bench: training steps per CPU-second on this core, by workload, kernel and layout, beside what
 * the core could do at most. All cases take turns in every round; what is printed are medians over
 * the rounds.
 */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "bench_report.h"
#include "listing.h"
#include "verbs.h"

enum { WIDTH_LIMIT = 4096, DEFAULT_ROUNDS = 5 };

static const double default_seconds = 0.2, seconds_min = 1e-4, seconds_max = 60.0;

struct arguments {
    struct pg_bench_wish wish;
    size_t rounds;
    double seconds;
    bool json;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {"kernel", 'k', "NAME", 0, "This kernel only (default: all that this CPU has)", 0},
    {"layout", 'l', "NAME", 0, "What stands in lanes: samples or runs (default: both)", 0},
    {"rounds", 'r', "N", 0, "Medians of N rounds (default: 5)", 0},
    {"seconds", 's', "S", 0, "At least S CPU-seconds a case and round (default: 0.2)", 0},
    {"width", 'w', "N", 0, "A width of the workload 'widths'; repeatable", 0},
    {"workload", 'W', "NAME", 0, "W1, W1-run, W2 or widths; repeatable (default: all)", 0},
    {0},
};

static void add_width(struct argp_state *state, struct pg_bench_wish *wish, const char *text)
{
    if (wish->width_count == PG_BENCH_WIDTHS_MAX)
        argp_error(state, "--width: at most %d of them", PG_BENCH_WIDTHS_MAX);
    wish->widths[wish->width_count++] =
        (size_t)pg_arguments_number(state, "--width", text, 1, WIDTH_LIMIT);
}

static void add_workload(struct argp_state *state, struct pg_bench_wish *wish, const char *name)
{
    if (wish->workload_count == PG_BENCH_KINDS)
        argp_error(state, "--workload: at most %d of them", PG_BENCH_KINDS);
    wish->workloads[wish->workload_count++] = name;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'j':
        arguments->json = true;
        return 0;
    case 'k':
        arguments->wish.kernel = argument;
        return 0;
    case 'l':
        arguments->wish.layout = argument;
        return 0;
    case 'r':
        arguments->rounds =
            (size_t)pg_arguments_number(state, "--rounds", argument, 1, PG_BENCH_ROUNDS_MAX);
        return 0;
    case 's':
        arguments->seconds =
            pg_arguments_real(state, "--seconds", argument, seconds_min, seconds_max);
        return 0;
    case 'w':
        add_width(state, &arguments->wish, argument);
        return 0;
    case 'W':
        add_workload(state, &arguments->wish, argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

static int measure(const struct pg_bench_plan *plan, const struct arguments *arguments,
                   struct pg_error *error)
{
    for (size_t round = 0; round < arguments->rounds; round++) {
        if (isatty(STDERR_FILENO))
            (void)fprintf(stderr, "round %zu of %zu: %zu cases\n", round + 1, arguments->rounds,
                          plan->count);
        for (size_t i = 0; i < plan->count; i++) {
            int status = pg_bench_measure(&plan->cases[i], round, arguments->seconds, error);
            if (status != 0)
                return status;
        }
    }
    return 0;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {.rounds = DEFAULT_ROUNDS, .seconds = default_seconds};
    struct pg_bench_plan plan;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    int status = pg_bench_plan_make(&arguments.wish, &plan, error);
    if (status == 0)
        status = measure(&plan, &arguments, error);
    if (status == 0 && arguments.json)
        status = pg_json_print(pg_bench_as_json(&plan, arguments.rounds), error);
    else if (status == 0)
        pg_bench_print(&plan, &arguments.wish, arguments.rounds);
    pg_bench_plan_release(&plan);
    return status;
}

const struct pg_verb pg_verb_bench = {
    .name = "bench",
    .summary = "measure training speed on this core, by workload, width, kernel and layout",
    .arguments = "",
    .example = "  phasegrid bench --workload W1 --workload W1-run\n"
               "  phasegrid bench --kernel avx2 --json\n"
               "  phasegrid bench --width 8 --width 48 --layout runs",
    .run = run,
};
