/* SPDX-License-Identifier: MIT */
/*
 * The worker's loop. It holds the piece that it trains and at most one in reserve. Between two
 * steps of a run, in pause(), it takes orders and sees to it that finished rows reach the disk; a
 * run in which pause() says to leave is dropped, and its row stays to do.
 */
#include "worker.h"

#include <assert.h>
#include <string.h>

#include "phasegrid/clock.h"
#include "phasegrid/nap.h"
#include "signals.h"

enum { HELD_MAX = 2 };

/* Longer pieces are reported in parts. */
static const double report_seconds = 0.5;

struct worker {
    struct pg_runner *runner;
    struct pg_recorder *recorder;
    const struct pg_link *link;
    struct pg_order held[HELD_MAX]; /* not begun yet */
    size_t held_count;
    struct pg_report report; /* not sent yet */
    double reported, polled; /* when last */
    bool is_ended;           /* ordered the end */
    int status;              /* own failure */
    struct pg_error *error;
};

static bool must_leave(const struct worker *worker)
{
    return worker->is_ended || worker->status != 0 || pg_signals_raised();
}

static void take_orders(struct worker *worker)
{
    struct pg_order order;
    while (worker->link->receive(worker->link->context, &order)) {
        if (order.kind == PG_ORDER_END) {
            worker->is_ended = true;
        } else {
            assert(worker->held_count < HELD_MAX);
            worker->held[worker->held_count++] = order;
        }
    }
}

/* What is to be seen to at any moment. */
static void look_around(struct worker *worker, double now)
{
    worker->polled = now;
    take_orders(worker);
    if (worker->status == 0)
        worker->status = pg_recorder_tick(worker->recorder, now, worker->error);
}

/* The training loop's hook. */
static bool pause_run(void *context)
{
    struct worker *worker = context;
    double now = pg_clock_wall();
    if (now - worker->polled >= worker->link->poll_interval)
        look_around(worker, now);
    return must_leave(worker);
}

static void send_report(struct worker *worker, enum pg_report_kind kind)
{
    worker->report.kind = (int32_t)kind;
    worker->link->report(worker->link->context, &worker->report);
    worker->report = (struct pg_report){0};
    worker->reported = pg_clock_wall();
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
}

/* A row on its way from the runner to the recorder and into the next report. */
static void take_row(void *context, size_t index, const struct pg_outcome *outcome)
{
    struct worker *worker = context;
    double now = pg_clock_wall();
    count_outcome(&worker->report, outcome);
    if (worker->status == 0)
        worker->status =
            pg_recorder_finish(worker->recorder, index, outcome->status, now, worker->error);
    if (now - worker->reported >= report_seconds)
        send_report(worker, PG_REPORT_GOES_ON);
}

static void train_piece(struct worker *worker, const struct pg_order *order)
{
    const struct pg_runner_client client = {take_row, pause_run, worker};
    const struct pg_piece *piece = &order->piece;
    worker->status =
        pg_recorder_begin(worker->recorder, piece->first_row, piece->count, worker->error);
    if (worker->status == 0)
        pg_runner_train(worker->runner, piece, order->attempts, &client);
    if (!must_leave(worker))
        send_report(worker, PG_REPORT_GOES_ON);
}

/* Waits for something to do; false: it is time to leave. */
static bool take_piece(struct worker *worker, struct pg_order *ret_order)
{
    struct pg_nap nap = {0};
    look_around(worker, pg_clock_wall());
    while (worker->held_count == 0 && !must_leave(worker)) {
        pg_nap(&nap);
        look_around(worker, pg_clock_wall());
    }
    if (must_leave(worker))
        return false;
    *ret_order = worker->held[0];
    memmove(&worker->held[0], &worker->held[1], --worker->held_count * sizeof worker->held[0]);
    return true;
}

/* Everything finished is made safe and reported; then the end is waited for. */
static void leave(struct worker *worker)
{
    struct pg_nap nap = {0};
    if (worker->status == 0)
        worker->status = pg_recorder_flush(worker->recorder, worker->error);
    send_report(worker, PG_REPORT_LEAVES);
    while (!worker->is_ended) {
        worker->held_count = 0;
        take_orders(worker);
        pg_nap(&nap);
    }
}

int pg_worker_run(struct pg_runner *runner, struct pg_recorder *recorder,
                  const struct pg_link *link, struct pg_error *error)
{
    struct worker worker = {.runner = runner, .recorder = recorder, .link = link, .error = error};
    struct pg_order order;
    send_report(&worker, PG_REPORT_JOINS);
    while (take_piece(&worker, &order))
        train_piece(&worker, &order);
    leave(&worker);
    return worker.status;
}

/* ---- the link over MPI ---- */

static void send_over_mpi(void *context, const struct pg_report *report)
{
    const MPI_Comm *comm = context;
    MPI_Send(report, (int)sizeof *report, MPI_BYTE, 0, PG_TAG_REPORT, *comm);
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
    return (struct pg_link){send_over_mpi, receive_over_mpi, comm, 1e-3};
}
