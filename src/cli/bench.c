/* SPDX-License-Identifier: MIT */
/*
 * bench: training steps per CPU-second on this core, by workload, kernel and layout, beside what
 * the core could do at most. All cases take turns in every round; what is printed are medians over
 * the rounds.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "bench_report.h"
#include "bench_schedule.h"
#include "listing.h"
#include "verbs.h"

enum { WIDTH_LIMIT = 4096, DEFAULT_ROUNDS = 5, RANKS_MAX = 1000000, RUNS_MAX = 100000000 };
enum {
    OPTION_SCHEDULE = 0x100,
    OPTION_RANKS,
    OPTION_RUNS,
    OPTION_SHORTEST,
    OPTION_LONGEST,
    OPTION_MESSAGE,
    OPTION_LATENCY,
};

static const double default_seconds = 0.2, seconds_min = 1e-4, seconds_max = 60.0;

struct arguments {
    struct pg_bench_wish wish;
    size_t rounds;
    double seconds;
    bool json, is_schedule;
    struct pg_bench_schedule schedule;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {"kernel", 'k', "NAME", 0, "This kernel only (default: all that this CPU has)", 0},
    {"layout", 'l', "NAME", 0, "What stands in lanes: samples or runs (default: both)", 0},
    {"rounds", 'r', "N", 0, "Medians of N rounds (default: 5)", 0},
    {"seconds", 's', "S", 0, "At least S CPU-seconds a case and round (default: 0.2)", 0},
    {"width", 'w', "N", 0, "A width of the workload 'widths'; repeatable", 0},
    {"workload", 'W', "NAME", 0,
     "W1, W1-run, W2, W4, widths, W3, W3-own, W3-sgld or W3-sgld-own; repeatable (default: all)",
     0},
    {"schedule", OPTION_SCHEDULE, NULL, 0,
     "Instead: schedule sweeps of virtual ranks under a virtual clock, with the plan of real ones",
     1},
    {"ranks", OPTION_RANKS, "N", 0, "... of N ranks; repeatable (default: 100 to 100000)", 1},
    {"runs", OPTION_RUNS, "N", 0, "... of N runs; repeatable (default: 10000 to 10000000)", 1},
    {"shortest", OPTION_SHORTEST, "TIME", 0, "... each of TIME at least (default: 1s)", 1},
    {"longest", OPTION_LONGEST, "TIME", 0, "... and TIME at most, log-uniform (default: 100s)", 1},
    {"message-cost", OPTION_MESSAGE, "US", 0,
     "... of which each message takes the coordinator US microseconds (default: 30)", 1},
    {"latency", OPTION_LATENCY, "US", 0, "... and is US microseconds on its way (default: 30)", 1},
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

static void add_number(struct argp_state *state, const char *option, const char *text, long max,
                       uint64_t *numbers, size_t *count)
{
    if (*count == PG_BENCH_SCHEDULE_MAX)
        argp_error(state, "%s: at most %d of them", option, PG_BENCH_SCHEDULE_MAX);
    numbers[(*count)++] = (uint64_t)pg_arguments_number(state, option, text, 1, max);
}

static error_t parse_schedule(int key, char *argument, struct argp_state *state)
{
    struct pg_bench_schedule *schedule = &((struct arguments *)state->input)->schedule;
    const double longest = 1e7, micro = 1e-6;
    switch (key) {
    case OPTION_RANKS:
        add_number(state, "--ranks", argument, RANKS_MAX, schedule->ranks, &schedule->rank_count);
        return 0;
    case OPTION_RUNS:
        add_number(state, "--runs", argument, RUNS_MAX, schedule->runs, &schedule->run_count);
        return 0;
    case OPTION_SHORTEST:
        schedule->shortest = pg_arguments_seconds(state, "--shortest", argument, micro, longest);
        return 0;
    case OPTION_LONGEST:
        schedule->longest = pg_arguments_seconds(state, "--longest", argument, micro, longest);
        return 0;
    case OPTION_MESSAGE:
        schedule->message_seconds =
            micro * pg_arguments_real(state, "--message-cost", argument, 0.0, 1e6);
        return 0;
    case OPTION_LATENCY:
        schedule->latency = micro * pg_arguments_real(state, "--latency", argument, 0.0, 1e6);
        return 0;
    case ARGP_KEY_END:
        if (schedule->longest < schedule->shortest)
            argp_error(state, "--longest %g s is less than --shortest %g s", schedule->longest,
                       schedule->shortest);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case OPTION_SCHEDULE:
        arguments->is_schedule = true;
        return 0;
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
        return parse_schedule(key, argument, state);
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
    struct arguments arguments = {.rounds = DEFAULT_ROUNDS,
                                  .seconds = default_seconds,
                                  .schedule = pg_bench_schedule_default()};
    struct pg_bench_plan plan;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    if (arguments.is_schedule)
        return pg_bench_schedule_print(&arguments.schedule, arguments.json, error);
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
    .summary = "measure training speed on this core, or how well sweeps of any size are scheduled",
    .arguments = "",
    .example = "  phasegrid bench --workload W1 --workload W1-run\n"
               "  phasegrid bench --kernel avx2 --json\n"
               "  phasegrid bench --width 8 --width 48 --layout runs\n"
               "  phasegrid bench --schedule --ranks 10000 --runs 1000000",
    .run = run,
};
