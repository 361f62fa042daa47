/* SPDX-License-Identifier: MIT */
/*
 * Every report is first applied (figures, plan), then acted upon: whoever reported is dealt what
 * the plan has for him; when nothing is left to do or could end in time, or when a worker leaves
 * before the end, all are ordered the end. Each worker is ordered it once and leaves once, so that
 * it is over when as many have left as there were.
 */
#include "coordinator.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "phasegrid/clock.h"
#include "phasegrid/nap.h"
#include "signals.h"

bool pg_coordinator_trains(enum pg_coordination coordination, int rank_count)
{
    bool is_shared = coordination == PG_COORDINATION_SHARED ||
                     (coordination == PG_COORDINATION_AUTO && rank_count <= PG_SHARED_RANKS_MAX);
    return is_shared || rank_count == 1;
}

void pg_coordinator_init(struct pg_coordinator *coordinator, MPI_Comm comm,
                         const struct pg_sweep_options *options, const struct pg_time_limit *limit,
                         struct pg_plan *plan, const struct pg_beginning *beginning)
{
    int rank_count;
    MPI_Comm_size(comm, &rank_count);
    memset(coordinator, 0, sizeof *coordinator);
    coordinator->comm = comm;
    coordinator->options = options;
    coordinator->limit = *limit;
    coordinator->plan = plan;
    coordinator->beginning = beginning;
    coordinator->trains = pg_coordinator_trains(options->coordination, rank_count);
    coordinator->worker_count = rank_count - pg_first_worker(coordinator->trains);
    coordinator->present = coordinator->worker_count;
    coordinator->progress = beginning->progress;
    coordinator->began = coordinator->reported = pg_clock_wall();
}

/* ---- action ---- */

static void send_order(struct pg_coordinator *coordinator, int worker, const struct pg_order *order)
{
    int rank = worker + pg_first_worker(coordinator->trains);
    MPI_Send(order, (int)sizeof *order, MPI_BYTE, rank, PG_TAG_ORDER, coordinator->comm);
}

/* The worker in this process is dealt when it asks, by pg_link_within(). */
static bool is_own(const struct pg_coordinator *coordinator, int worker)
{
    return coordinator->trains && worker == 0;
}

/* Orders all workers the end, once. */
static void end(struct pg_coordinator *coordinator)
{
    const struct pg_order order = {.kind = PG_ORDER_END, .urgency = (int32_t)pg_signals_urgency()};
    if (coordinator->is_ended)
        return;
    coordinator->is_ended = true;
    pg_plan_stop(coordinator->plan);
    for (int worker = 0; worker < coordinator->worker_count; worker++)
        if (!is_own(coordinator, worker))
            send_order(coordinator, worker, &order);
}

/* False: the plan has nothing for the worker now. */
static bool make_order(struct pg_coordinator *coordinator, int worker, struct pg_order *ret_order)
{
    const struct pg_beginning *beginning = coordinator->beginning;
    double now = pg_clock_wall();
    *ret_order = (struct pg_order){.kind = PG_ORDER_TRAIN};
    pg_plan_limit(coordinator->plan, pg_time_limit_room(&coordinator->limit, now));
    ret_order->count =
        (uint32_t)pg_plan_deal(coordinator->plan, (size_t)worker, now, ret_order->pieces);
    for (uint32_t i = 0; i < ret_order->count; i++)
        coordinator->held += ret_order->pieces[i].count;
    for (uint32_t i = 0; i < ret_order->count && beginning->attempts != NULL; i++) {
        ret_order->attempts[i] = beginning->attempts[ret_order->pieces[i].first_row];
        ret_order->crashes[i] = beginning->crashes[ret_order->pieces[i].first_row];
    }
    return ret_order->count > 0;
}

static void deal(struct pg_coordinator *coordinator, int worker)
{
    struct pg_order order;
    if (is_own(coordinator, worker))
        coordinator->own_may_get = true;
    else
        while (make_order(coordinator, worker, &order))
            send_order(coordinator, worker, &order);
}

/* Runs are left, nobody has any, and whoever asked got none: none of them would end in time. */
static void end_if_short_of_time(struct pg_coordinator *coordinator)
{
    if (coordinator->held > 0 || coordinator->own_may_get || coordinator->is_ended)
        return;
    coordinator->is_short_of_time = true;
    end(coordinator);
}

/* ---- update ---- */

static void count_report(struct pg_coordinator *coordinator, const struct pg_report *report)
{
    struct pg_progress *progress = &coordinator->progress;
    progress->done += report->rows;
    progress->diverged += report->diverged;
    progress->failed += report->failed;
    for (size_t i = 0; i < PG_PHASES_MAX; i++)
        progress->phases[i] += report->phases[i];
    /* What is gained counts again when its run ends: steps and seconds alike. */
    coordinator->steps += report->steps + report->part_steps;
    coordinator->seconds += report->seconds + report->part.seconds;
}

static void apply(struct pg_coordinator *coordinator, int worker, const struct pg_report *report)
{
    double now = pg_clock_wall();
    pg_signals_raise((enum pg_urgency)report->urgency);
    count_report(coordinator, report);
    pg_plan_finish(coordinator->plan, (size_t)worker, report->rows, report->whole_seconds, now);
    pg_plan_note(coordinator->plan, (size_t)worker, &report->part, now);
    if (report->declined > 0)
        pg_plan_decline(coordinator->plan, (size_t)worker, report->declined, report->longest);
    coordinator->held -= report->rows + report->declined;
    if (report->kind == PG_REPORT_LEAVES)
        coordinator->present--;
    if (report->kind == PG_REPORT_LEAVES || pg_plan_todo(coordinator->plan) == 0)
        end(coordinator);
    else
        deal(coordinator, worker);
    end_if_short_of_time(coordinator);
}

static void tell(struct pg_coordinator *coordinator, const struct pg_warning *warning)
{
    char text[sizeof *warning + 8];
    if (coordinator->options->warn == NULL || !pg_warnings_add(&coordinator->warnings, warning))
        return;
    (void)snprintf(text, sizeof text, "%s (%s)", warning->reason, warning->where);
    coordinator->options->warn(text, coordinator->options->context);
}

static void receive_report(struct pg_coordinator *coordinator, int rank)
{
    struct pg_report report;
    MPI_Recv(&report, (int)sizeof report, MPI_BYTE, rank, PG_TAG_REPORT, coordinator->comm,
             MPI_STATUS_IGNORE);
    apply(coordinator, rank - pg_first_worker(coordinator->trains), &report);
}

static void receive_warning(struct pg_coordinator *coordinator, int rank)
{
    struct pg_warning warning;
    MPI_Recv(&warning, (int)sizeof warning, MPI_BYTE, rank, PG_TAG_WARNING, coordinator->comm,
             MPI_STATUS_IGNORE);
    tell(coordinator, &warning);
}

/* What has come next, of any kind: a worker's last report comes behind its warnings. */
static bool receive_message(struct pg_coordinator *coordinator)
{
    MPI_Status status;
    int is_there = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, coordinator->comm, &is_there, &status);
    if (is_there && status.MPI_TAG == PG_TAG_WARNING)
        receive_warning(coordinator, status.MPI_SOURCE);
    else if (is_there)
        receive_report(coordinator, status.MPI_SOURCE);
    return is_there != 0;
}

/* ---- figures ---- */

static void update_progress(struct pg_coordinator *coordinator, double now)
{
    struct pg_progress *progress = &coordinator->progress;
    progress->elapsed = now - coordinator->began;
    progress->seconds_left = pg_plan_seconds_left(coordinator->plan, now);
    progress->steps_per_second = 0.0;
    if (coordinator->seconds > 0.0)
        progress->steps_per_second =
            (double)coordinator->steps / coordinator->seconds * coordinator->worker_count;
}

static void show_progress(struct pg_coordinator *coordinator)
{
    const struct pg_sweep_options *options = coordinator->options;
    double now = pg_clock_wall();
    if (options->report == NULL || now - coordinator->reported < options->report_interval)
        return;
    coordinator->reported = now;
    update_progress(coordinator, now);
    options->report(&coordinator->progress, options->context);
}

bool pg_coordinator_serve(struct pg_coordinator *coordinator)
{
    bool has_served = false;
    if (pg_signals_urgency() != PG_CALM)
        end(coordinator);
    while (receive_message(coordinator))
        has_served = true;
    show_progress(coordinator);
    return has_served;
}

void pg_coordinator_finish(struct pg_coordinator *coordinator)
{
    struct pg_nap nap = {0};
    while (coordinator->present > 0) {
        if (pg_coordinator_serve(coordinator))
            nap = (struct pg_nap){0};
        else
            pg_nap(&nap);
    }
    update_progress(coordinator, pg_clock_wall());
}

/* ---- the link within the process ---- */

static void report_within(void *context, const struct pg_report *report)
{
    apply(context, 0, report);
}

static void warn_within(void *context, const struct pg_warning *warning)
{
    tell(context, warning);
}

static bool receive_within(void *context, struct pg_order *ret_order)
{
    struct pg_coordinator *coordinator = context;
    (void)pg_coordinator_serve(coordinator);
    if (coordinator->is_ended && !coordinator->own_is_told) {
        *ret_order = (struct pg_order){.kind = PG_ORDER_END};
        coordinator->own_is_told = true;
        return true;
    }
    if (!coordinator->own_may_get || coordinator->is_ended)
        return false;
    coordinator->own_may_get = make_order(coordinator, 0, ret_order);
    end_if_short_of_time(coordinator);
    return coordinator->own_may_get;
}

struct pg_link pg_link_within(struct pg_coordinator *coordinator)
{
    return (struct pg_link){report_within, warn_within, receive_within, coordinator, 2e-4};
}
