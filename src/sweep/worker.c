/* SPDX-License-Identifier: MIT */
/*
 * The worker's loop. It holds rows in stock, in the order in which they were dealt, and is the
 * source of the experiment's runs: as long as the next row in stock is of the same shape, a run
 * that ends makes room for it. Between two steps, in pause(), it takes orders and sees to it that
 * finished rows reach the disk, and now and then that the states of unfinished ones do. When it is
 * told to leave, finished rows come first, then states, then it goes; the rows of unfinished runs
 * stay to do.
 */
#include "worker.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "faults.h"
#include "phasegrid/clock.h"
#include "phasegrid/nap.h"
#include "signals.h"
#include "warnings.h"

/* What is finished is reported as often; and earlier when the last row of a piece has begun or the
   stock is used up, so that more comes in time. */
static const double report_seconds = 0.5;

/* How far a run in training is known to be: where it began or was saved last. */
struct part {
    bool is_active;
    int64_t steps;
    double seconds;
};

/* Rows of one class that are not begun yet. */
struct stock {
    struct pg_piece piece;
    int32_t attempts;
    uint8_t crashes; /* as pg_order.crashes; above 0: to be trained alone */
};

/* After so many crashes alone a run begins anew: what its checkpoint holds may be the reason. */
enum { CRASHES_OF_STATE = 2 };

struct worker {
    struct pg_runner *runner;
    struct pg_recorder *recorder;
    struct pg_keeper *keeper;
    const struct pg_link *link;
    const struct pg_time_limit *limit;
    struct stock stock[PG_HELD_MAX]; /* in the order dealt */
    size_t stock_count;
    uint32_t shape;                     /* of the runs in training */
    bool is_alone;                      /* one run is in training, and no other may join it */
    bool has_begun;                     /* a run, in this training */
    double began[PG_RECORDER_ROWS_MAX]; /* [ticket], the runs in training */
    double longest; /* seconds that a run of this shape has taken, from begin to end */
    struct part parts[PG_RECORDER_ROWS_MAX]; /* [ticket] */
    bool has_news;                           /* of these */
    struct pg_report report;                 /* not sent yet */
    struct pg_warnings warnings;
    bool is_report_due;
    double reported, polled; /* when last */
    bool is_ended;           /* ordered the end */
    int status;              /* own failure */
    struct pg_error *error;
};

static bool must_leave(const struct worker *worker)
{
    return worker->is_ended || worker->status != 0 || pg_signals_urgency() != PG_CALM;
}

static void take_orders(struct worker *worker)
{
    struct pg_order order;
    while (worker->link->receive(worker->link->context, &order)) {
        worker->is_ended = worker->is_ended || order.kind == PG_ORDER_END;
        pg_signals_raise((enum pg_urgency)order.urgency);
        assert(worker->stock_count + order.count <= PG_HELD_MAX);
        for (uint32_t i = 0; i < order.count; i++)
            worker->stock[worker->stock_count++] =
                (struct stock){order.pieces[i], order.attempts[i], order.crashes[i]};
    }
}

static void warn(struct worker *worker, const struct pg_warning *warning)
{
    if (pg_warnings_add(&worker->warnings, warning))
        worker->link->warn(worker->link->context, warning);
}

/* ---- what is kept ---- */

/* Everything finished is on disk, the statuses too. */
static void commit(struct worker *worker)
{
    if (worker->status == 0)
        worker->status = pg_recorder_flush(worker->recorder, worker->error);
    if (worker->status == 0)
        worker->status = pg_store_sync(worker->recorder->store, worker->error);
}

/* Writes the states that the last pause asked for. A checkpoint that cannot be written is worth a
   warning: the sweep needs none to come to its end. */
static void write_states(struct worker *worker)
{
    struct pg_warning warning = {.where =
                                     "unfinished runs begin again if the sweep is interrupted"};
    struct pg_error error;
    if (worker->keeper->count == 0)
        return;
    commit(worker); /* rows whose records go with the old file */
    if (pg_keeper_write(worker->keeper, &error) == 0)
        return;
    (void)snprintf(warning.reason, sizeof warning.reason, "%s", error.text);
    warn(worker, &warning);
}

/* ---- how far runs are ---- */

static int64_t steps_of_run(const struct worker *worker)
{
    int64_t steps = worker->runner->cube->survey.shapes[worker->shape].steps;
    return steps > 0 ? steps : 1;
}

static void note_begin(struct worker *worker, size_t index)
{
    const struct pg_running *running = &worker->runner->running[index];
    worker->parts[index] = (struct part){true, running->steps_before, running->seconds_before};
    worker->has_news = worker->has_news || running->steps_before > 0;
}

static void note_save(struct worker *worker, size_t index,
                      const struct pg_checkpoint_record *record)
{
    struct part *part = &worker->parts[index];
    struct pg_report *report = &worker->report;
    report->part_steps += record->progress - part->steps;
    report->part.gained += (double)(record->progress - part->steps) / (double)steps_of_run(worker);
    report->part.seconds += record->seconds - part->seconds;
    *part = (struct part){true, record->progress, record->seconds};
    worker->has_news = true;
}

static double trained_in_all(const struct worker *worker)
{
    double steps = 0.0;
    for (size_t i = 0; i < PG_RECORDER_ROWS_MAX; i++)
        if (worker->parts[i].is_active)
            steps += (double)worker->parts[i].steps;
    return steps > 0.0 ? steps / (double)steps_of_run(worker) : 0.0;
}

static void send_report(struct worker *worker, enum pg_report_kind kind)
{
    worker->report.kind = (int32_t)kind;
    worker->report.urgency = (int32_t)pg_signals_urgency();
    worker->report.part.trained = trained_in_all(worker);
    worker->link->report(worker->link->context, &worker->report);
    worker->report = (struct pg_report){0};
    worker->is_report_due = false;
    worker->has_news = false;
    worker->reported = pg_clock_wall();
}

static void remove_states(struct worker *worker)
{
    if (!pg_keeper_is_settled(worker->keeper))
        return;
    commit(worker);
    if (worker->status == 0)
        pg_keeper_remove(worker->keeper);
}

/* What is to be seen to at any moment. */
static void look_around(struct worker *worker, double now)
{
    worker->polled = now;
    if (pg_time_limit_is_over(worker->limit, now))
        pg_signals_raise(PG_LEAVE);
    take_orders(worker);
    if (worker->status == 0)
        worker->status = pg_recorder_tick(worker->recorder, now, worker->error);
    remove_states(worker);
    if (worker->has_news && !must_leave(worker))
        send_report(worker, PG_REPORT_GOES_ON);
}

/* What those in training are told. */
static enum pg_pause answer(struct worker *worker)
{
    if (!must_leave(worker))
        return pg_keeper_asks(worker->keeper, pg_clock_wall()) ? PG_PAUSE_SAVE : PG_PAUSE_GO_ON;
    commit(worker);
    bool keeps_states =
        worker->status == 0 && worker->keeper->every > 0.0 && pg_signals_urgency() != PG_HURRY;
    return keeps_states ? PG_PAUSE_SAVE_AND_LEAVE : PG_PAUSE_LEAVE;
}

/* The same, when it is time. */
static void glance(struct worker *worker)
{
    double now = pg_clock_wall();
    if (now - worker->polled >= worker->link->poll_interval)
        look_around(worker, now);
}

static void count_outcome(struct pg_report *report, const struct pg_outcome *outcome)
{
    report->rows++;
    report->diverged += outcome->status == PG_ROW_DIVERGED;
    report->failed += outcome->status == PG_ROW_FAILED;
    if (outcome->phase >= 0 && outcome->phase < PG_PHASES_MAX)
        report->phases[outcome->phase]++;
    report->steps += outcome->steps;
    report->seconds += outcome->seconds;
    report->whole_seconds += outcome->whole_seconds;
}

/* ---- the source of the experiment's runs ---- */

static uint32_t next_shape(const struct worker *worker)
{
    return pg_runner_shape(worker->runner, worker->stock[0].piece.first_row);
}

/* Takes a run out of the stock. */
static struct pg_assignment take_run(struct worker *worker)
{
    struct pg_piece *piece = &worker->stock[0].piece;
    const struct pg_assignment run = {.row = piece->first_row++,
                                      .attempts = worker->stock[0].attempts,
                                      .is_anew = worker->stock[0].crashes > CRASHES_OF_STATE};
    if (--piece->count == 0) {
        memmove(&worker->stock[0], &worker->stock[1],
                --worker->stock_count * sizeof worker->stock[0]);
        worker->is_report_due = true;
    }
    return run;
}

/* Whether the next run in stock is of the shape that was trained last, whose runs take too long for
   the time that is left. */
static bool is_too_long(const struct worker *worker)
{
    return worker->stock_count > 0 && next_shape(worker) == worker->shape &&
           !pg_time_limit_allows(worker->limit, pg_clock_wall(), worker->longest);
}

/* Whether the next run in stock may join those in training, or begin a training. */
static bool may_begin(const struct worker *worker)
{
    if (must_leave(worker) || worker->stock_count == 0 || next_shape(worker) != worker->shape ||
        is_too_long(worker))
        return false;
    bool is_suspect = worker->stock[0].crashes > 0;
    return is_suspect == worker->is_alone && !(worker->is_alone && worker->has_begun);
}

static bool begin_next(struct worker *worker, struct pg_run_request *ret_request)
{
    size_t index = 0;
    if (worker->stock_count == 0)
        take_orders(worker);
    if (!may_begin(worker))
        return false;
    const struct pg_assignment run = take_run(worker);
    worker->has_begun = true;
    worker->status = pg_recorder_take(worker->recorder, run.row, &index, worker->error);
    if (worker->status == 0)
        worker->status = pg_runner_begin(worker->runner, &run, index, ret_request, worker->error);
    if (worker->status == 0) {
        worker->began[index] = pg_clock_wall();
        note_begin(worker, index);
        pg_keeper_enter(worker->keeper, index, worker->began[index]);
    }
    return worker->status == 0;
}

/* A failed run's message has no place in its row. */
static void warn_of_failure(struct worker *worker, size_t index, const struct pg_error *error)
{
    const struct pg_runner *runner = worker->runner;
    uint64_t row = runner->running[index].row;
    struct pg_warning warning;
    int length = snprintf(warning.where, sizeof warning.where, "seed %" PRIu32 " of ",
                          runner->job->seeds[row % runner->job->seed_count]);
    pg_survey_print_cell(runner->job, row / runner->job->seed_count, warning.where + length,
                         sizeof warning.where - (size_t)length);
    (void)snprintf(warning.reason, sizeof warning.reason, "a run failed: %s",
                   error != NULL ? error->text : "no reason was given");
    warn(worker, &warning);
}

static void end_run(struct worker *worker, size_t index, int status,
                    const struct pg_run_result *result, const struct pg_error *error)
{
    struct pg_outcome outcome;
    double now = pg_clock_wall();
    if (status != 0)
        warn_of_failure(worker, index, error);
    worker->parts[index].is_active = false;
    worker->longest = fmax(worker->longest, now - worker->began[index]);
    pg_keeper_leave(worker->keeper, index);
    pg_runner_end(worker->runner, index, status, result, &outcome);
    if (worker->status != 0)
        return;
    count_outcome(&worker->report, &outcome);
    worker->status =
        pg_recorder_finish(worker->recorder, index, outcome.status, now, worker->error);
    if (worker->is_report_due || worker->stock_count == 0 ||
        now - worker->reported >= report_seconds)
        send_report(worker, PG_REPORT_GOES_ON);
    glance(worker); /* runs shorter than a pause */
}

/* What the machine refused before a run ended fails the runs that have begun, at least one. */
static void fail_runs(struct worker *worker, const struct pg_error *error)
{
    struct pg_run_request unused;
    if (worker->runner->active == 0)
        (void)begin_next(worker, &unused);
    for (size_t index = 0; index < PG_RECORDER_ROWS_MAX; index++)
        if (worker->runner->running[index].is_active)
            end_run(worker, index, error->status, NULL, error);
}

/* The source's functions. A crash in them is ours, and no run's. */
static bool next(void *context, struct pg_run_request *ret_request)
{
    bool before = pg_faults_blame(false);
    write_states(context);
    bool has_begun = begin_next(context, ret_request);
    (void)pg_faults_blame(before);
    return has_begun;
}

static void finish(void *context, uint64_t ticket, int status, const struct pg_run_result *result,
                   const struct pg_error *error)
{
    bool before = pg_faults_blame(false);
    write_states(context);
    end_run(context, (size_t)ticket, status, result, error);
    (void)pg_faults_blame(before);
}

static enum pg_pause pause_runs(void *context)
{
    bool before = pg_faults_blame(false);
    write_states(context);
    glance(context);
    enum pg_pause told = answer(context);
    (void)pg_faults_blame(before);
    return told;
}

static void save(void *context, uint64_t ticket, int64_t progress, const void *state, size_t size)
{
    struct worker *worker = context;
    struct pg_checkpoint_record record;
    bool before = pg_faults_blame(false);
    pg_runner_record(worker->runner, (size_t)ticket, &record);
    record.progress = progress;
    record.state = state;
    record.size = size;
    pg_keeper_gather(worker->keeper, (size_t)ticket, &record);
    note_save(worker, (size_t)ticket, &record);
    (void)pg_faults_blame(before);
}

/* ---- from the first order to the end ---- */

/* Trains what is in stock, as far as it is of one shape. */
static void train(struct worker *worker)
{
    const struct pg_run_source source = {
        .next = next, .finish = finish, .pause = pause_runs, .save = save, .context = worker};
    struct pg_error error;
    if (next_shape(worker) != worker->shape)
        worker->longest = 0.0;
    worker->shape = next_shape(worker);
    worker->is_alone = worker->stock[0].crashes > 0;
    worker->has_begun = false;
    (void)pg_faults_blame(true);
    int status = worker->runner->experiment->run(&source, &error);
    (void)pg_faults_blame(false);
    write_states(worker);
    if (status != 0 && status != PG_ESTOPPED)
        fail_runs(worker, &error);
    assert(worker->runner->active == 0 || must_leave(worker));
    if (worker->report.rows > 0 && !must_leave(worker))
        send_report(worker, PG_REPORT_GOES_ON);
}

/* Gives back what it can no longer end. */
static void decline(struct worker *worker)
{
    uint32_t rows = 0;
    size_t count = 0;
    while (count < worker->stock_count &&
           pg_runner_shape(worker->runner, worker->stock[count].piece.first_row) == worker->shape)
        rows += worker->stock[count++].piece.count;
    worker->stock_count -= count;
    memmove(&worker->stock[0], &worker->stock[count],
            worker->stock_count * sizeof worker->stock[0]);
    worker->report.declined = rows;
    worker->report.longest = worker->longest;
    send_report(worker, PG_REPORT_GOES_ON);
}

/* Waits for something to do; false: it is time to leave. */
static bool wait_for_stock(struct worker *worker)
{
    struct pg_nap nap = {0};
    look_around(worker, pg_clock_wall());
    while ((worker->stock_count == 0 || is_too_long(worker)) && !must_leave(worker)) {
        if (worker->stock_count > 0)
            decline(worker);
        else
            pg_nap(&nap);
        look_around(worker, pg_clock_wall());
    }
    return !must_leave(worker);
}

/* Everything finished is made safe and reported; then the end is waited for. */
static void leave(struct worker *worker)
{
    struct pg_nap nap = {0};
    commit(worker);
    remove_states(worker);
    send_report(worker, PG_REPORT_LEAVES);
    while (!worker->is_ended) {
        worker->stock_count = 0;
        take_orders(worker);
        pg_nap(&nap);
    }
}

int pg_worker_run(struct pg_runner *runner, struct pg_recorder *recorder, struct pg_keeper *keeper,
                  const struct pg_link *link, const struct pg_time_limit *limit,
                  struct pg_error *error)
{
    struct worker worker = {.runner = runner,
                            .recorder = recorder,
                            .keeper = keeper,
                            .link = link,
                            .limit = limit,
                            .shape = UINT32_MAX,
                            .error = error};
    send_report(&worker, PG_REPORT_JOINS);
    while (wait_for_stock(&worker))
        train(&worker);
    leave(&worker);
    return worker.status;
}

/* ---- the link over MPI ---- */

static void send_over_mpi(void *context, const struct pg_report *report)
{
    const MPI_Comm *comm = context;
    MPI_Send(report, (int)sizeof *report, MPI_BYTE, 0, PG_TAG_REPORT, *comm);
}

static void warn_over_mpi(void *context, const struct pg_warning *warning)
{
    const MPI_Comm *comm = context;
    MPI_Send(warning, (int)sizeof *warning, MPI_BYTE, 0, PG_TAG_WARNING, *comm);
}

static bool receive_over_mpi(void *context, struct pg_order *ret_order)
{
    const MPI_Comm *comm = context;
    int is_there = 0;
    MPI_Iprobe(0, PG_TAG_ORDER, *comm, &is_there, MPI_STATUS_IGNORE);
    if (is_there)
        MPI_Recv(ret_order, (int)sizeof *ret_order, MPI_BYTE, 0, PG_TAG_ORDER, *comm,
                 MPI_STATUS_IGNORE);
    return is_there != 0;
}

struct pg_link pg_link_to_coordinator(MPI_Comm *comm)
{
    return (struct pg_link){send_over_mpi, warn_over_mpi, receive_over_mpi, comm, 1e-3};
}
