/* SPDX-License-Identifier: MIT */
/*
 * sweep_fake JOB FILE [OPTION ...]    a sweep of the fake experiment; one line of figures as JSON
 * sweep_fake --digest FILE            the digest of a file
 *
 * Options: dedicated, retry, grace=SECONDS, every=SECONDS (between checkpoints), left=SECONDS
 * (until the allocation ends).
 *
 * Exit codes as those of the command: 0, 1, 3, 85. The tests in Python drive it.
 */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_experiment.h"
#include "phasegrid/clock.h"
#include "phasegrid/store.h"
#include "phasegrid/sweep.h"

static int exit_code(int status)
{
    switch (status) {
    case PG_OK:
        return 0;
    case PG_EMISMATCH:
        return 3;
    case PG_ESTOPPED:
        return 85;
    default:
        return 1;
    }
}

static int print_digest(const char *path)
{
    struct pg_error error;
    struct pg_reader *reader;
    char digest[65];
    int status = pg_reader_open(path, &reader, &error);
    if (status == 0) {
        status = pg_reader_digest(reader, digest, &error);
        pg_reader_close(reader);
    }
    if (status == 0)
        (void)printf("%s\n", digest);
    else
        (void)fprintf(stderr, "%s\n", error.text);
    return exit_code(status);
}

static void count_report(const struct pg_progress *progress, void *context)
{
    int *reports = context;
    *reports += progress->done <= progress->runs;
}

static void warn(const char *text, void *context)
{
    (void)context;
    (void)fprintf(stderr, "warning: %s\n", text);
}

static void print_figures(const struct pg_progress *progress, double busiest, int reports)
{
    (void)printf("{\"runs\": %llu, \"done\": %llu, \"diverged\": %llu, \"failed\": %llu, "
                 "\"phases\": [%llu, %llu], \"elapsed\": %.3f, \"busiest\": %.3f, "
                 "\"reports\": %d}\n",
                 (unsigned long long)progress->runs, (unsigned long long)progress->done,
                 (unsigned long long)progress->diverged, (unsigned long long)progress->failed,
                 (unsigned long long)progress->phases[0], (unsigned long long)progress->phases[1],
                 progress->elapsed, busiest, reports);
}

static bool takes(const char *option, const char *name, double *ret_number)
{
    size_t length = strlen(name);
    bool is_it = strncmp(option, name, length) == 0;
    if (is_it)
        *ret_number = strtod(option + length, NULL);
    return is_it;
}

static void read_option(const char *option, struct pg_sweep_options *options)
{
    if (strcmp(option, "dedicated") == 0)
        options->coordination = PG_COORDINATION_DEDICATED;
    options->retry = options->retry || strcmp(option, "retry") == 0;
    (void)(takes(option, "grace=", &options->grace) ||
           takes(option, "every=", &options->checkpoint_every));
    double left = 0.0;
    if (takes(option, "left=", &left))
        options->deadline = pg_clock_unix() + left;
}

/* argv: the file and the options. */
static int sweep(const struct pg_job *job, char **argv)
{
    struct pg_error error;
    struct pg_progress progress;
    int rank, reports = 0;
    struct pg_sweep_options options = {.path = argv[0],
                                       .commit = "test",
                                       .report = count_report,
                                       .warn = warn,
                                       .context = &reports,
                                       .report_interval = 0.1};
    while (*++argv != NULL)
        read_option(*argv, &options);
    double wall = pg_clock_wall(), cpu = pg_clock_cpu(), busiest;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    int status = pg_sweep_run(job, &fake_experiment, &options, MPI_COMM_WORLD, &progress, &error);
    double share = (pg_clock_cpu() - cpu) / (pg_clock_wall() - wall);
    MPI_Reduce(&share, &busiest, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (rank == 0)
        print_figures(&progress, busiest, reports);
    if (rank == 0 && status != 0)
        (void)fprintf(stderr, "%s\n", error.text);
    return exit_code(status);
}

int main(int argc, char **argv)
{
    const struct pg_schema *const schemas[] = {fake_experiment.schema};
    struct pg_error error;
    struct pg_job *job;
    if (argc == 3 && strcmp(argv[1], "--digest") == 0)
        return print_digest(argv[2]);
    if (argc < 3)
        return 1;
    MPI_Init(&argc, &argv);
    if (pg_job_read(argv[1], schemas, 1, NULL, 0, &job, &error) != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        MPI_Abort(MPI_COMM_WORLD, 1);
        return 1;
    }
    int code = sweep(job, argv + 2);
    pg_job_destroy(job);
    MPI_Finalize();
    return code;
}
