/* SPDX-License-Identifier: MIT */
/* Medians as JSON, as a table, and the two comparisons that the table is for. */
#include "bench_report.h"

#include <stdio.h>
#include <string.h>

#include "listing.h"

json_t *pg_bench_as_json(const struct pg_bench_plan *plan, size_t rounds)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const struct pg_bench_case *bench = &plan->cases[i];
        const struct pg_bench_result result = pg_bench_summarise(bench, rounds);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:f}", "workload",
                                              bench->kind->name, "kernel", bench->kernel->name,
                                              "layout", pg_bench_layout_name(bench), "width",
                                              (json_int_t)bench->width, "steps_per_cpu_s",
                                              result.steps_per_cpu_s, "gflops", result.gflops,
                                              "peak_gflops", result.peak_gflops));
    }
    return rows;
}

static json_t *rounded(double figure, int digits)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.*f", digits, figure);
    return json_string(text);
}

static void print_table(const struct pg_bench_plan *plan, size_t rounds)
{
    static const char *const columns[] = {"workload", "width",   "kernel",    "layout",
                                          "steps/s",  "GFLOP/s", "% of peak", NULL};
    json_t *rows = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const struct pg_bench_case *bench = &plan->cases[i];
        const struct pg_bench_result result = pg_bench_summarise(bench, rounds);
        json_array_append_new(
            rows,
            json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:o}", "workload", bench->kind->name, "width",
                      (json_int_t)bench->width, "kernel", bench->kernel->name, "layout",
                      pg_bench_layout_name(bench), columns[4], rounded(result.steps_per_cpu_s, 0),
                      columns[5], rounded(result.gflops, 1), columns[6],
                      rounded(100.0 * result.gflops / result.peak_gflops, 0)));
    }
    pg_listing_print_table(rows, columns);
    json_decref(rows);
}

/* A table under the first one. Takes over the reference. */
static void print_if_any(json_t *rows, const char *const *columns)
{
    if (json_array_size(rows) > 0) {
        (void)putchar('\n');
        pg_listing_print_table(rows, columns);
    }
    json_decref(rows);
}

/* The bare loop of the same kernel and layout as a whole run; NULL: it was not measured. */
static const struct pg_bench_case *bare_of(const struct pg_bench_plan *plan,
                                           const struct pg_bench_case *run)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct pg_bench_case *bare = &plan->cases[i];
        if (bare->kind == &pg_bench_kinds[PG_BENCH_W1] && bare->kernel == run->kernel &&
            bare->lanes == run->lanes)
            return bare;
    }
    return NULL;
}

static void print_evaluation(const struct pg_bench_plan *plan, size_t rounds)
{
    static const char *const columns[] = {"kernel", "layout", "W1-run / W1", NULL};
    json_t *rows = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const struct pg_bench_case *run = &plan->cases[i];
        const struct pg_bench_case *bare = run->kind->is_whole_run ? bare_of(plan, run) : NULL;
        if (bare == NULL)
            continue;
        double share = pg_bench_summarise(run, rounds).steps_per_cpu_s /
                       pg_bench_summarise(bare, rounds).steps_per_cpu_s;
        json_array_append_new(rows, json_pack("{s:s, s:s, s:o}", columns[0], run->kernel->name,
                                              columns[1], pg_bench_layout_name(run), columns[2],
                                              rounded(share, 2)));
    }
    print_if_any(rows, columns);
}

/* The same in the other layout; NULL: it was not measured. */
static const struct pg_bench_case *pack_of(const struct pg_bench_plan *plan,
                                           const struct pg_bench_case *one)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct pg_bench_case *pack = &plan->cases[i];
        if (pack->kind == one->kind && pack->width == one->width && pack->kernel == one->kernel &&
            pack->lanes > one->lanes)
            return pack;
    }
    return NULL;
}

/* Where packs pay: measured, and as the cost model believes that chooses the layout of a sweep. */
static void print_packs(const struct pg_bench_plan *plan, size_t rounds)
{
    static const char *const columns[] = {"workload",       "width",    "kernel",
                                          "runs / samples", "expected", NULL};
    json_t *rows = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        const struct pg_bench_case *one = &plan->cases[i], *pack = pack_of(plan, one);
        if (pack == NULL || one->kind->is_whole_run)
            continue;
        double gain = pg_bench_summarise(pack, rounds).steps_per_cpu_s /
                      pg_bench_summarise(one, rounds).steps_per_cpu_s;
        json_array_append_new(
            rows, json_pack("{s:s, s:I, s:s, s:o, s:o}", columns[0], one->kind->name, columns[1],
                            (json_int_t)one->width, columns[2], one->kernel->name, columns[3],
                            rounded(gain, 2), columns[4], rounded(pg_bench_expected_gain(one), 2)));
    }
    print_if_any(rows, columns);
}

void pg_bench_print(const struct pg_bench_plan *plan, const struct pg_bench_wish *wish,
                    size_t rounds)
{
    print_table(plan, rounds);
    (void)printf("\nsteps/s: model-steps per CPU-second, medians of %zu round%s; GFLOP/s: the "
                 "model's operations without\npadding; peak: fused multiply-adds in registers, "
                 "probed with the same kernel before and after.\n",
                 rounds, rounds == 1 ? "" : "s");
    for (int i = 0; i < PG_BENCH_KINDS; i++)
        if (pg_bench_is_wanted(wish, (enum pg_bench_index)i))
            (void)printf("  %-11s %s\n", pg_bench_kinds[i].name, pg_bench_kinds[i].summary);
    print_packs(plan, rounds);
    print_evaluation(plan, rounds);
}
