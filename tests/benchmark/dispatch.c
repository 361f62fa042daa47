/* SPDX-License-Identifier: MIT */
/*
 * dispatch RUNS MICROSECONDS FILE [dedicated]     under mpirun, or alone
 *
 * What a sweep costs beside its runs: RUNS of them (a multiple of 10), each of which keeps its core
 * busy for so many microseconds of wall time, into FILE, with all that a sweep does (rows,
 * checksums, syncs). One line of JSON; the second level of MPI's profiling interface counts
 * messages.
 */
#include <assert.h>
#include <inttypes.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "phasegrid/clock.h"
#include "phasegrid/sweep.h"

enum { DIM_STEP, DIM_SNAPSHOT, DIM_COUNT };
enum { OBS_PHASE, OBS_VALUE, OBS_COUNT };
enum { SEEDS = 10, KIB = 1024 };

/* ---- runs that only take time ---- */

static double run_seconds, seconds_in_runs;

static const char *const phase_names[] = {"there", NULL};
static const struct pg_setting settings[] = {
    {"steps", PG_VALUE_INTEGER, 1, 1e6, false, "1", NULL, "steps", "budget"},
    {"cell", PG_VALUE_INTEGER, 0, 1e9, false, "0", NULL, "1", "which one"},
};
static const struct pg_schema schema = {"busy", settings, sizeof settings / sizeof settings[0]};
static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    [DIM_STEP] = {"step", "steps", "steps"},
    [DIM_SNAPSHOT] = {"snapshot", "steps of a snapshot", "steps"},
};
static const struct pg_observable observables[OBS_COUNT] = {
    [OBS_PHASE] = {.name = "phase",
                   .type = PG_U8,
                   .fill = 255,
                   .meanings = phase_names,
                   .unwritten_meaning = "not_run"},
    [OBS_VALUE] = {.name = "value", .type = PG_F64, .fill = PG_NAN},
};

static int check(const struct pg_values *values, struct pg_error *error)
{
    (void)values;
    (void)error;
    return 0;
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    (void)error;
    ret->lanes = 1;
    ret->steps = pg_values_integer(values, "steps");
    ret->flops_per_step = 1e3;
    return 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct pg_run_request request;
    while (source->next(source->context, &request)) {
        double began = pg_clock_wall();
        while (pg_clock_wall() - began < run_seconds)
            continue;
        double *value = request.slots[OBS_VALUE];
        *value = (double)request.seed;
        seconds_in_runs += run_seconds > 0.0 ? pg_clock_wall() - began : 0.0;
        const struct pg_run_result result = {.last_step = 1};
        source->finish(source->context, request.ticket, 0, &result, NULL);
        if (pg_pause_leaves(source->pause(source->context)))
            return pg_error_set(error, PG_ESTOPPED, "told to leave");
    }
    return 0;
}

static const struct pg_experiment busy = {
    .name = "busy",
    .summary = "runs that only take time",
    .reference = "none",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = phase_names,
    .check = check,
    .shape = shape,
    .run = run,
};

/* ---- messages ---- */

static uint64_t sent, waits;
static double asked_at = -1.0, round_trips;

int MPI_Send(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    sent++;
    asked_at = pg_clock_wall();
    return PMPI_Send(data, count, type, to, tag, comm);
}

/* From the last message that was sent to the first that came after it. */
int MPI_Recv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
             MPI_Status *status)
{
    int code = PMPI_Recv(data, count, type, from, tag, comm, status);
    if (asked_at >= 0.0) {
        round_trips += pg_clock_wall() - asked_at;
        waits++;
        asked_at = -1.0;
    }
    return code;
}

/* ---- the sweep ---- */

static struct pg_job *make_job(uint64_t runs)
{
    static const struct pg_schema *const schemas[] = {&schema};
    char text[500];
    struct pg_error error;
    struct pg_job *job = NULL;
    int length = snprintf(text, sizeof text,
                          "experiment: busy\ngrid:\n  - {name: cell, range: {from: 0, to: %" PRIu64
                          ", step: 1}}\nseeds: %d\nrecord: {points: 2}\n",
                          runs / SEEDS - 1, SEEDS);
    if (pg_job_parse("job", text, (size_t)length, schemas, 1, NULL, 0, &job, &error) != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return job;
}

struct figures {
    double busy, round_trip, sent, memory;
};

/* Sums over all ranks, on rank 0; the round trip is the mean over those that waited. */
static struct figures gather(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    double mine[] = {seconds_in_runs, round_trips, (double)waits, (double)sent}, sums[4];
    double kib = (double)usage.ru_maxrss, largest = 0.0;
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0)
        mine[1] = mine[2] = 0.0; /* the coordinator's own waits are none */
    MPI_Reduce(mine, sums, 4, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    MPI_Reduce(&kib, &largest, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    return (struct figures){sums[0], sums[2] > 0.0 ? sums[1] / sums[2] : 0.0, sums[3], largest};
}

int main(int argc, char **argv)
{
    int rank, ranks;
    struct pg_error error;
    struct pg_progress progress;
    if (argc < 4)
        return 1;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    run_seconds = 1e-6 * strtod(argv[2], NULL);
    struct pg_job *job = make_job(strtoull(argv[1], NULL, 10));
    const struct pg_sweep_options options = {.path = argv[3],
                                             .commit = "benchmark",
                                             .report_interval = 1.0,
                                             .coordination = argc > 4 ? PG_COORDINATION_DEDICATED
                                                                      : PG_COORDINATION_AUTO,
                                             .checkpoint_every = 300.0,
                                             .grace = 10.0};
    double cpu = pg_clock_cpu();
    int status = pg_sweep_run(job, &busy, &options, MPI_COMM_WORLD, &progress, &error);
    cpu = pg_clock_cpu() - cpu;
    struct figures figures = gather();
    int workers = argc > 4 && ranks > 1 ? ranks - 1 : ranks;
    if (rank == 0 && status == 0)
        (void)printf("{\"ranks\": %d, \"workers\": %d, \"runs\": %" PRIu64
                     ", \"seconds\": %.4f, \"runs_per_second\": %.0f, \"busy\": %.4f, "
                     "\"messages_per_second\": %.0f, \"round_trip_us\": %.1f, \"rank_mib\": %.1f, "
                     "\"rank0_cpu_seconds\": %.3f}\n",
                     ranks, workers, progress.done, progress.elapsed,
                     (double)progress.done / progress.elapsed,
                     figures.busy / (workers * progress.elapsed), figures.sent / progress.elapsed,
                     1e6 * figures.round_trip, figures.memory / KIB, cpu);
    if (rank == 0 && status != 0)
        (void)fprintf(stderr, "%s\n", error.text);
    pg_job_destroy(job);
    MPI_Finalize();
    return status == 0 ? 0 : 1;
}
