/* SPDX-License-Identifier: MIT */
#include "bench_schedule.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "format.h"
#include "listing.h"
#include "phasegrid/schedule.h"
#include "phasegrid/sweep.h"

enum { FIRST_RANKS = 100, FIRST_RUNS = 10000, POWERS = 4 };

struct pg_bench_schedule pg_bench_schedule_default(void)
{
    return (struct pg_bench_schedule){
        .shortest = 1.0, .longest = 100.0, .message_seconds = 30e-6, .latency = 30e-6};
}

static void fill_in(uint64_t *numbers, size_t *count, uint64_t first)
{
    if (*count > 0)
        return;
    for (; *count < POWERS; first *= 10)
        numbers[(*count)++] = first;
}

struct row {
    uint64_t ranks, runs;
    bool costs_known;
    struct pg_schedule_outcome outcome;
};

static int simulate(const struct pg_bench_schedule *wish, struct row *row, struct pg_error *error)
{
    bool trains = row->ranks <= PG_SHARED_RANKS_MAX; /* rank 0 does, too */
    const struct pg_schedule schedule = {.workers = (size_t)(trains ? row->ranks : row->ranks - 1),
                                         .runs = row->runs,
                                         .shortest = wish->shortest,
                                         .longest = wish->longest,
                                         .costs_known = row->costs_known,
                                         .message_seconds = wish->message_seconds,
                                         .latency = wish->latency};
    return pg_schedule_simulate(&schedule, &row->outcome, error);
}

/* Against the bound: all ranks work all the time. */
static double efficiency(const struct row *row)
{
    return row->outcome.work / ((double)row->ranks * row->outcome.makespan);
}

static double requests_per_second(const struct row *row)
{
    return (double)row->outcome.reports / row->outcome.makespan;
}

static void print_head(const struct pg_bench_schedule *wish)
{
    (void)printf(
        "Runs of %g to %g s, log-uniform; a message takes the coordinator %g us and is %g us "
        "on its way\n",
        wish->shortest, wish->longest, 1e6 * wish->message_seconds, 1e6 * wish->latency);
    (void)printf("%8s %9s  %-7s %10s %10s %8s %11s %7s %10s\n", "ranks", "runs", "costs",
                 "efficiency", "time", "tail", "requests/s", "rank 0", "plan");
}

static void print_row(const struct row *row)
{
    (void)printf("%8" PRIu64 " %9" PRIu64 "  %-7s %8.2f %% %10s %8s %11s %5.1f %% %10s\n",
                 row->ranks, row->runs, row->costs_known ? "known" : "unknown",
                 100.0 * efficiency(row), pg_format_duration(row->outcome.makespan).at,
                 pg_format_duration(row->outcome.tail).at,
                 pg_format_count(requests_per_second(row)).at, 100.0 * row->outcome.busy,
                 pg_format_bytes(row->outcome.plan_bytes).at);
    (void)fflush(stdout);
}

static json_t *as_json(const struct row *row)
{
    return json_pack("{s:I, s:I, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "ranks",
                     (json_int_t)row->ranks, "runs", (json_int_t)row->runs, "costs_known",
                     (int)row->costs_known, "efficiency", efficiency(row), "seconds",
                     row->outcome.makespan, "bound_seconds", row->outcome.work / (double)row->ranks,
                     "tail_seconds", row->outcome.tail, "requests_per_second",
                     requests_per_second(row), "coordinator_busy", row->outcome.busy, "plan_bytes",
                     (json_int_t)row->outcome.plan_bytes);
}

int pg_bench_schedule_print(const struct pg_bench_schedule *wish, bool json, struct pg_error *error)
{
    struct pg_bench_schedule all = *wish;
    json_t *rows = json_array();
    int status = 0;
    fill_in(all.ranks, &all.rank_count, FIRST_RANKS);
    fill_in(all.runs, &all.run_count, FIRST_RUNS);
    if (!json)
        print_head(&all);
    for (size_t i = 0; i < 2 * all.rank_count * all.run_count && status == 0; i++) {
        struct row row = {.ranks = all.ranks[i / 2 / all.run_count],
                          .runs = all.runs[i / 2 % all.run_count],
                          .costs_known = i % 2 == 0};
        if (row.runs < row.ranks)
            continue;
        status = simulate(&all, &row, error);
        if (status == 0 && json)
            json_array_append_new(rows, as_json(&row));
        else if (status == 0)
            print_row(&row);
    }
    if (status != 0 || !json) {
        json_decref(rows);
        return status;
    }
    return pg_json_print(json_pack("{s:f, s:f, s:f, s:f, s:o}", "shortest_seconds", all.shortest,
                                   "longest_seconds", all.longest, "message_seconds",
                                   all.message_seconds, "latency_seconds", all.latency, "schedules",
                                   rows),
                         error);
}
