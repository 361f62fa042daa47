/* SPDX-License-Identifier: MIT */
/*
 * A sweep from beginning to end, on every rank:
 *
 *     owner -> layout -> file created or read (rank 0) -> opened (all) -> work -> closed (all)
 *
 * After each part that one rank may fail alone, all agree; so an error anywhere is one error
 * everywhere, and no rank waits for one that has left.
 */
#include "phasegrid/sweep.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "begin.h"
#include "coordinator.h"
#include "cube.h"
#include "earlier.h"
#include "faults.h"
#include "launch.h"
#include "phasegrid/clock.h"
#include "phasegrid/consensus.h"
#include "phasegrid/kernel.h"
#include "phasegrid/owner.h"
#include "phasegrid/store.h"
#include "phasegrid/trainer.h"
#include "provision.h"
#include "recorder.h"
#include "runner.h"
#include "signals.h"
#include "time_limit.h"
#include "worker.h"

/* Rows dealt at once: enough that messages cost nothing beside the shortest runs. */
enum { DEAL_ROWS_MAX = 64 };

static const char last_words[] =
    "phasegrid: a rank was still at work at the end of the grace time; finished runs are kept, and "
    "the same command goes on\n";

struct sweep {
    const struct pg_job *job;
    const struct pg_experiment *experiment;
    const struct pg_sweep_options *options;
    MPI_Comm comm; /* our own */
    int rank, rank_count;
    struct pg_cube *cube;
    struct pg_owner *owner;
    struct pg_store *store;
    struct pg_runner runner;
    struct pg_recorder recorder;
    struct pg_keeper keeper;
    struct pg_checkpoints *checkpoints; /* of earlier launches; NULL: none */
    char launch[PG_LAUNCH_NAME_SIZE];   /* its name among all launches */
    struct pg_time_limit limit;
    char stop_reason[64];          /* rank 0's, of a sweep that is stopped */
    struct pg_beginning beginning; /* rank 0's */
    struct pg_plan *plan;          /* rank 0's */
    struct pg_progress progress;
    struct pg_error *error;
};

/* ---- set-up ---- */

/* What the plan is told of the runs of each shape; NULL: no memory. */
static struct pg_plan_class *list_classes(const struct pg_survey *survey)
{
    struct pg_plan_class *classes = calloc(survey->shape_count, sizeof *classes);
    for (size_t i = 0; classes != NULL && i < survey->shape_count; i++) {
        const struct pg_shape *shape = &survey->shapes[i];
        classes[i].cost = shape->flops_per_step * (double)shape->steps;
        classes[i].lanes = (uint32_t)shape->lanes;
    }
    return classes;
}

static int make_plan(struct sweep *sweep)
{
    const struct pg_cube *cube = sweep->cube;
    bool trains = pg_coordinator_trains(sweep->options->coordination, sweep->rank_count);
    struct pg_plan_class *classes = list_classes(&cube->survey);
    if (classes == NULL)
        return pg_error_set(sweep->error, PG_EMACHINE, "out of memory: the costs of the runs");
    const struct pg_plan_work work = {
        .row_count = pg_layout_row_count(&cube->layout),
        .rows_per_cell = sweep->job->seed_count,
        .todo = sweep->beginning.todo,
        .class_of = cube->survey.shape_of,
        .classes = classes,
        .class_count = cube->survey.shape_count,
        .worker_count = (size_t)(sweep->rank_count - pg_first_worker(trains)),
        .rows_max = DEAL_ROWS_MAX,
    };
    int status = pg_plan_create(&work, &sweep->plan, sweep->error);
    free(classes);
    return status;
}

/* Runs that have a result. */
static int64_t finished_runs(const struct pg_progress *progress)
{
    return (int64_t)(progress->done - progress->failed);
}

/* Noted as soon as there is a file, so that a launch that dies in its set-up is known as well. */
static int begin_launch(struct sweep *sweep)
{
    struct pg_launch_text text;
    const struct pg_kernel *kernel = NULL;
    if (sweep->rank != 0)
        return 0;
    int status = pg_kernel_choose(&kernel, sweep->error);
    if (status != 0)
        return status;
    struct pg_launch launch =
        pg_launch_describe(&text, sweep->options->commit, kernel->name, sweep->rank_count);
    launch.finished = finished_runs(&sweep->beginning.progress);
    launch.steps_kept = pg_checkpoints_steps(sweep->beginning.checkpoints);
    status = pg_store_launch_begin(sweep->store, &launch, sweep->error);
    if (status == 0)
        pg_launch_forget_starts(sweep->options->path);
    return status;
}

/* The file: rank 0 creates it, or reads how far it is; then all open it. */
static int open_file(struct sweep *sweep)
{
    int status = 0;
    if (sweep->rank == 0) {
        status = pg_begin(sweep->options, sweep->job, sweep->experiment, sweep->cube,
                          &sweep->beginning, sweep->error);
        if (status == 0)
            status = make_plan(sweep);
        sweep->progress = sweep->beginning.progress;
    }
    status = pg_consensus(sweep->comm, status, sweep->error);
    if (status != 0)
        return status;
    status = pg_store_open(sweep->options->path, &sweep->cube->layout, sweep->comm, &sweep->store,
                           sweep->error);
    if (status != 0)
        return status;
    pg_store_set_sync(sweep->store, sweep->options->sync);
    status = begin_launch(sweep);
    return pg_consensus(sweep->comm, status, sweep->error);
}

/* The index of what earlier launches kept, from rank 0 to all. */
static int share_checkpoints(struct sweep *sweep)
{
    void *bytes = NULL;
    size_t size = 0;
    int status = 0;
    if (sweep->rank == 0 && pg_checkpoints_count(sweep->beginning.checkpoints) > 0)
        status = pg_checkpoints_pack(sweep->beginning.checkpoints, &bytes, &size, sweep->error);
    if (status == 0 && size > INT_MAX)
        size = 0; /* tens of millions of unfinished runs: they begin again */
    pg_share_bytes(sweep->comm, &size, (int)sizeof size);
    if (sweep->rank != 0 && size > 0) {
        bytes = malloc(size);
        if (bytes == NULL)
            status = pg_error_set(sweep->error, PG_EMACHINE, "out of memory: the index of states");
    }
    status = pg_consensus(sweep->comm, status, sweep->error);
    if (status == 0 && size > 0) {
        pg_share_bytes(sweep->comm, bytes, (int)size);
        status = pg_checkpoints_unpack(sweep->options->path, bytes, size, &sweep->checkpoints,
                                       sweep->error);
        status = pg_consensus(sweep->comm, status, sweep->error);
    }
    free(bytes);
    return status;
}

/* A name that no other launch has had. */
static void name_launch(struct sweep *sweep)
{
    uint64_t name = 0;
    if (sweep->rank == 0 && getrandom(&name, sizeof name, 0) != (ssize_t)sizeof name)
        name = (uint64_t)(1e6 * pg_clock_unix());
    pg_share_bytes(sweep->comm, &name, (int)sizeof name);
    (void)snprintf(sweep->launch, sizeof sweep->launch, "%016" PRIx64, name);
}

/* Told as what is left, since the clocks of nodes differ. */
static void share_limit(struct sweep *sweep)
{
    const struct pg_sweep_options *options = sweep->options;
    double left = options->deadline > 0.0 ? options->deadline - pg_clock_unix() : HUGE_VAL;
    pg_share_bytes(sweep->comm, &left, (int)sizeof left);
    sweep->limit =
        pg_time_limit_make(pg_clock_wall(), left, options->grace, options->checkpoint_every > 0.0);
}

/* Rows to do again lose their status first: a crash in the middle of new data would else leave it
   over bytes that are not its own. */
static int forget_failed(struct sweep *sweep)
{
    if (sweep->beginning.failed_count == 0)
        return 0;
    return pg_store_forget(sweep->store, sweep->beginning.failed, sweep->beginning.failed_count,
                           sweep->error);
}

/* Rank 0 writes the rows of runs that are given up; what was noted of them is then in the file. */
static int write_given_up(struct sweep *sweep)
{
    const struct pg_beginning *beginning = &sweep->beginning;
    int status = 0;
    for (size_t i = 0; i < beginning->given_up_count && status == 0; i++) {
        const struct pg_given_up *run = &beginning->given_up[i];
        size_t index;
        status = pg_recorder_take(&sweep->recorder, run->row, &index, sweep->error);
        if (status != 0)
            break;
        pg_runner_give_up(&sweep->runner, run->row, index, run->signal, run->attempts);
        status = pg_recorder_finish(&sweep->recorder, index, PG_ROW_FAILED, pg_clock_wall(),
                                    sweep->error);
    }
    return status == 0 ? pg_recorder_flush(&sweep->recorder, sweep->error) : status;
}

/* What a worker needs: room for rows, and a runner that fills it. */
static int prepare_work(struct sweep *sweep)
{
    int status =
        pg_recorder_init(&sweep->recorder, &sweep->cube->layout,
                         pg_survey_lanes(&sweep->cube->survey), sweep->store, sweep->error);
    if (status == 0)
        status = pg_runner_init(&sweep->runner, sweep->job, sweep->experiment, sweep->cube,
                                &sweep->recorder.block, sweep->error);
    sweep->runner.rank = sweep->rank;
    sweep->runner.checkpoints = sweep->checkpoints;
    pg_keeper_init(&sweep->keeper, sweep->options->path, sweep->launch, sweep->rank,
                   sweep->options->checkpoint_every, sweep->options->sync);
    if (status == 0)
        status = forget_failed(sweep);
    if (status == 0)
        status = write_given_up(sweep);
    return pg_consensus(sweep->comm, status, sweep->error);
}

/* ---- work ---- */

static int work_as_worker(struct sweep *sweep)
{
    const struct pg_link link = pg_link_to_coordinator(&sweep->comm);
    return pg_worker_run(&sweep->runner, &sweep->recorder, &sweep->keeper, &link, &sweep->limit,
                         sweep->error);
}

/* Runs are left: why, for the provenance and the user. */
static int say_stopped(struct sweep *sweep, const struct pg_coordinator *coordinator)
{
    const char *name = pg_signals_name(), *why = "";
    if (coordinator->is_short_of_time)
        why = ", since none would end before the allocation does";
    else if (name == NULL && pg_time_limit_is_over(&sweep->limit, pg_clock_wall()))
        why = ", since the allocation ends";
    if (why[0] == '\0')
        (void)snprintf(sweep->stop_reason, sizeof sweep->stop_reason, "stopped by %.16s",
                       name != NULL ? name : "a signal");
    else
        (void)snprintf(sweep->stop_reason, sizeof sweep->stop_reason, "stopped%s", why);
    return pg_error_set(sweep->error, PG_ESTOPPED,
                        "stopped with %llu of %llu runs to do%s; the same command goes on",
                        (unsigned long long)pg_plan_todo(sweep->plan),
                        (unsigned long long)sweep->progress.runs, why);
}

static int work_as_coordinator(struct sweep *sweep)
{
    struct pg_coordinator coordinator;
    int status = 0;
    pg_coordinator_init(&coordinator, sweep->comm, sweep->options, &sweep->limit, sweep->plan,
                        &sweep->beginning);
    if (coordinator.trains) {
        const struct pg_link link = pg_link_within(&coordinator);
        status = pg_worker_run(&sweep->runner, &sweep->recorder, &sweep->keeper, &link,
                               &sweep->limit, sweep->error);
    }
    pg_coordinator_finish(&coordinator);
    sweep->progress = coordinator.progress;
    return status == 0 && pg_plan_todo(sweep->plan) > 0 ? say_stopped(sweep, &coordinator) : status;
}

static int work(struct sweep *sweep)
{
    int status = pg_faults_catch(sweep->options->path, sweep->error);
    status = pg_consensus(sweep->comm, status, sweep->error);
    if (status != 0)
        return status;
    status = sweep->rank == 0 ? work_as_coordinator(sweep) : work_as_worker(sweep);
    pg_faults_release();
    if (status != 0 && status != PG_ESTOPPED)
        (void)pg_error_prefix(sweep->error, "%s", sweep->options->path);
    return pg_consensus(sweep->comm, status, sweep->error);
}

/* ---- end ---- */

static int end_launch(struct sweep *sweep, int status)
{
    struct pg_error error;
    const char *reason = status == 0             ? "done"
                         : status == PG_ESTOPPED ? sweep->stop_reason
                         : sweep->error != NULL  ? sweep->error->text
                                                 : "failed";
    if (sweep->rank != 0 || sweep->store == NULL)
        return status;
    const struct pg_launch_end end = {pg_clock_unix(), reason, finished_runs(&sweep->progress)};
    int ended = pg_store_launch_end(sweep->store, &end, &error);
    if (ended == 0 || status != 0)
        return status;
    return pg_error_set(sweep->error, ended, "%s", error.text);
}

/* Collective, as far as the file was opened. The first error is the one that is told. */
static int close_file(struct sweep *sweep, int status)
{
    struct pg_error error;
    if (sweep->store == NULL)
        return status;
    int closed = pg_store_close(sweep->store, &error);
    if (closed != 0 && status == 0)
        status = pg_error_set(sweep->error, closed, "%s", error.text);
    return pg_consensus(sweep->comm, status, sweep->error);
}

/* A whole cube has no crash to remember (what is given up says so itself) and no run to go on with.
 */
static void tidy(const struct sweep *sweep, int status)
{
    if (sweep->rank == 0 && (status == 0 || status == PG_ESTOPPED) && sweep->store != NULL)
        pg_earlier_tidy(sweep->options->path, sweep->job, sweep->cube, status == 0);
}

static void release(struct sweep *sweep)
{
    pg_keeper_release(&sweep->keeper);
    pg_checkpoints_close(sweep->checkpoints);
    pg_runner_release(&sweep->runner);
    pg_recorder_release(&sweep->recorder);
    pg_plan_destroy(sweep->plan);
    pg_beginning_release(&sweep->beginning);
    pg_cube_release(sweep->cube);
    pg_owner_release(sweep->owner);
}

int pg_sweep_check_room(const struct pg_job *job, const struct pg_experiment *experiment,
                        const char *path, struct pg_error *error)
{
    struct pg_cube *bound = NULL;
    if (access(path, F_OK) == 0)
        return 0;
    int status = pg_cube_build(job, experiment, PG_CUBE_BOUND, &bound, error);
    if (status == 0)
        status = pg_store_check_room(path, &bound->layout, error);
    pg_cube_release(bound);
    return status;
}

/* What is wrong with the job is said with its name. */
static int agree_on_job(struct sweep *sweep, int status)
{
    if (status == PG_EINPUT && sweep->options->job_path != NULL)
        (void)pg_error_prefix(sweep->error, "%s", sweep->options->job_path);
    return pg_consensus(sweep->comm, status, sweep->error);
}

/* Rank 0 looks for room before all look at every cell. */
static int lay_out(struct sweep *sweep)
{
    enum pg_cube_extent extent = sweep->rank == 0 ? PG_CUBE_WITH_DATA : PG_CUBE_LAYOUT;
    int status = 0;
    if (sweep->rank == 0)
        status =
            pg_sweep_check_room(sweep->job, sweep->experiment, sweep->options->path, sweep->error);
    status = agree_on_job(sweep, status);
    if (status != 0)
        return status;
    status = pg_cube_build(sweep->job, sweep->experiment, extent, &sweep->cube, sweep->error);
    status = agree_on_job(sweep, status);
    if (status != 0)
        return status;
    status = pg_provision_check(sweep->cube, sweep->options->checkpoint_every > 0.0, sweep->comm,
                                sweep->error);
    return pg_consensus(sweep->comm, status, sweep->error);
}

/* Every rank has the kernel and the layout that are asked for; else no file is begun. */
static int agree_on_kernel(struct sweep *sweep)
{
    const struct pg_kernel *kernel;
    int status = pg_kernel_choose(&kernel, sweep->error);
    if (status == 0)
        status = pg_trainer_check_layout(sweep->error);
    return pg_consensus(sweep->comm, status, sweep->error);
}

/* The file is ours, or somebody else's who is named. */
static int own(struct sweep *sweep)
{
    const struct pg_sweep_options *options = sweep->options;
    char token[PG_OWNER_TOKEN_SIZE] = "";
    int status = 0;
    if (sweep->rank == 0)
        status = pg_owner_claim(options->path, options->take_over, &sweep->owner, sweep->error);
    status = pg_consensus(sweep->comm, status, sweep->error);
    if (status != 0)
        return status;
    if (sweep->rank == 0)
        pg_owner_token(sweep->owner, token);
    pg_share_bytes(sweep->comm, token, (int)sizeof token);
    if (sweep->rank != 0)
        status = pg_owner_join(options->path, token, &sweep->owner, sweep->error);
    return pg_consensus(sweep->comm, status, sweep->error);
}

static int run(struct sweep *sweep)
{
    int status = agree_on_kernel(sweep);
    name_launch(sweep);
    share_limit(sweep);
    if (status == 0)
        status = own(sweep);
    if (status == 0)
        status = lay_out(sweep);
    if (status == 0)
        status = open_file(sweep);
    if (status == 0)
        status = share_checkpoints(sweep);
    if (status == 0)
        status = prepare_work(sweep);
    if (status == 0)
        status = work(sweep);
    status = close_file(sweep, end_launch(sweep, status));
    tidy(sweep, status);
    return status;
}

int pg_sweep_run(const struct pg_job *job, const struct pg_experiment *experiment,
                 const struct pg_sweep_options *options, MPI_Comm comm,
                 struct pg_progress *ret_progress, struct pg_error *error)
{
    struct pg_error unheard;
    struct sweep sweep = {.job = job,
                          .experiment = experiment,
                          .options = options,
                          .error = error != NULL ? error : &unheard};
    MPI_Comm_dup(comm, &sweep.comm);
    MPI_Comm_rank(sweep.comm, &sweep.rank);
    pg_signals_catch(options->grace, PG_STOPPED_EXIT, sweep.rank == 0 ? last_words : NULL);
    MPI_Comm_size(sweep.comm, &sweep.rank_count);
    int status = run(&sweep);
    pg_share_bytes(sweep.comm, &sweep.progress, (int)sizeof sweep.progress);
    pg_signals_ignore();
    *ret_progress = sweep.progress;
    release(&sweep);
    MPI_Comm_free(&sweep.comm);
    return status;
}
