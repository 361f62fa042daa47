/* SPDX-License-Identifier: MIT */
/*
 * How a case is measured: memory is set up and touched by one step; then CPU time is taken over
 * pieces that double until there is enough of it. The peak is probed around it, with the same
 * instruction set, so that a core that slows down shows in both.
 */
#include "bench_case.h"

#include <stdlib.h>
#include <string.h>

#include "bench_run.h"
#include "bench_w3.h"
#include "phasegrid/bare_loop.h"
#include "phasegrid/clock.h"
#include "phasegrid/trainer.h"

static const double probe_seconds = 0.005;

/* Operations per CPU-second that the registers can take. */
static double probe_peak(const struct pg_kernel *kernel)
{
    double flops = 0.0, began = pg_clock_cpu(), elapsed = 0.0;
    float sum;
    for (size_t rounds = 1 << 14; elapsed < probe_seconds; rounds *= 2) {
        flops += kernel->probe(rounds, &sum);
        elapsed = pg_clock_cpu() - began;
    }
    return flops / elapsed;
}

static void describe(const struct pg_bench_case *bench, struct pg_workload *ret_workload)
{
    switch (bench->kind->problem) {
    case PG_BENCH_TOY:
        pg_workload_toy_addition(bench->width, ret_workload);
        break;
    case PG_BENCH_MODULAR:
        pg_workload_modular_addition(ret_workload);
        break;
    case PG_BENCH_RELATION:
        pg_workload_relation(ret_workload);
        break;
    }
}

static int measure_bare(const struct pg_bench_case *bench, double seconds, double *ret_rate,
                        struct pg_error *error)
{
    static struct pg_workload workload;
    struct pg_bare_loop *loop = NULL;
    double loss[PG_LANES], elapsed = 0.0;
    int64_t done = 0;
    describe(bench, &workload);
    int status = pg_bare_loop_create(&workload, bench->kernel, bench->lanes, &loop, error);
    if (status != 0)
        return status;
    pg_bare_loop_train(loop, 1, loss);
    double began = pg_clock_cpu();
    for (int64_t steps = 1; elapsed < seconds; steps *= 2) {
        pg_bare_loop_train(loop, steps, loss);
        done += steps;
        elapsed = pg_clock_cpu() - began;
    }
    *ret_rate = (double)done * (double)bench->lanes / elapsed;
    pg_bare_loop_destroy(loop);
    return 0;
}

int pg_bench_measure(struct pg_bench_case *bench, size_t round, double seconds,
                     struct pg_error *error)
{
    double before = probe_peak(bench->kernel), *rate = &bench->rates[round];
    int status = bench->kind->w3 != 0 ? pg_bench_w3((enum pg_bench_w3)bench->kind->w3,
                                                    bench->kernel, seconds, rate, error)
                 : bench->kind->is_whole_run
                     ? pg_bench_run(bench->kernel, bench->lanes, seconds, rate, error)
                     : measure_bare(bench, seconds, rate, error);
    bench->peaks[round] = (before + probe_peak(bench->kernel)) / 2.0;
    return status;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(const double *values, size_t count)
{
    double sorted[PG_BENCH_ROUNDS_MAX];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2.0;
}

struct pg_bench_result pg_bench_summarise(const struct pg_bench_case *bench, size_t rounds)
{
    static struct pg_workload workload;
    double rate = median(bench->rates, rounds);
    if (bench->kind->w3 != 0)
        workload.flops = pg_bench_w3_flops((enum pg_bench_w3)bench->kind->w3);
    else
        describe(bench, &workload);
    return (struct pg_bench_result){.steps_per_cpu_s = rate,
                                    .gflops = rate * workload.flops * 1e-9,
                                    .peak_gflops = median(bench->peaks, rounds) * 1e-9};
}

double pg_bench_expected_gain(const struct pg_bench_case *bench)
{
    static struct pg_workload workload;
    describe(bench, &workload);
    const struct pg_trainer_spec spec = {
        .model = workload.model, .train_count = workload.count, .evaluate_every = 1};
    return pg_trainer_pack_gain(&spec);
}
