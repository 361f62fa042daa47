/* SPDX-License-Identifier: MIT */
/*
 * A queue of events, ordered by time: a worker's run ends, a report arrives, an order arrives. A
 * report is served when the coordinator is through with those before it, so it is enough to know
 * when that will be.
 */
#include "phasegrid/schedule.h"

#include <assert.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/plan.h"
#include "phasegrid/random.h"

enum { DEAL_ROWS = 64, CLASSES_MAX = 32 };
static const double report_seconds = 0.5; /* as in worker.c */

struct stock {
    struct pg_piece *pieces; /* (count), in the order dealt; capacity is a power of two */
    uint32_t first, count, capacity;
};

struct worker {
    struct stock stock;
    bool is_training;
    uint32_t class_index; /* of the run in training */
    double takes;         /* seconds, in all */
    double reported, finished_at;
    bool is_report_due;
    uint32_t rows; /* finished and not reported, all of one class */
    double seconds;
};

enum event_kind { RUN_ENDS, REPORT_ARRIVES, ORDER_ARRIVES };

struct event {
    double time;
    uint64_t number; /* of equal times the first one made comes first */
    uint32_t worker;
    enum event_kind kind;
    union {
        struct {
            uint32_t rows;
            double seconds;
        } report;
        struct pg_piece piece;
    } what;
};

struct simulation {
    const struct pg_schedule *schedule;
    struct pg_plan *plan;
    struct worker *workers;
    uint32_t *class_of;   /* (runs) */
    struct event *events; /* a heap */
    size_t event_count, event_capacity;
    uint64_t events_made;
    double coordinator_free, served;
    double now;
    bool is_out_of_memory;
    struct pg_schedule_outcome *outcome;
};

double pg_schedule_run_seconds(const struct pg_schedule *schedule, uint64_t run)
{
    const struct pg_random random = pg_random_make(schedule->seed, PG_STREAM_TEST, 0);
    double share = (double)pg_random_uniform(&random, (uint32_t)run, (uint32_t)(run >> 32), 0);
    return schedule->shortest * pow(schedule->longest / schedule->shortest, share);
}

/* ---- the queue of events ---- */

static bool is_before(const struct event *a, const struct event *b)
{
    return a->time < b->time || (a->time <= b->time && a->number < b->number);
}

static void sift_up(struct event *heap, size_t at)
{
    struct event moved = heap[at];
    for (; at > 0 && is_before(&moved, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = moved;
}

static void sift_down(struct event *heap, size_t count, size_t at)
{
    struct event moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && is_before(&heap[child + 1], &heap[child]);
        if (!is_before(&heap[child], &moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static void push(struct simulation *simulation, struct event event)
{
    if (simulation->event_count == simulation->event_capacity) {
        size_t capacity = simulation->event_capacity == 0 ? 1024 : 2 * simulation->event_capacity;
        struct event *larger = reallocarray(simulation->events, capacity, sizeof *larger);
        if (larger == NULL) {
            simulation->is_out_of_memory = true;
            return;
        }
        simulation->events = larger;
        simulation->event_capacity = capacity;
    }
    event.number = simulation->events_made++;
    simulation->events[simulation->event_count] = event;
    sift_up(simulation->events, simulation->event_count++);
}

static struct event pop(struct simulation *simulation)
{
    struct event first = simulation->events[0];
    simulation->events[0] = simulation->events[--simulation->event_count];
    if (simulation->event_count > 0)
        sift_down(simulation->events, simulation->event_count, 0);
    return first;
}

/* ---- a worker ---- */

static bool put_in_stock(struct stock *stock, struct pg_piece piece)
{
    if (stock->count == stock->capacity) {
        uint32_t capacity = stock->capacity == 0 ? 4 : 2 * stock->capacity;
        struct pg_piece *larger = malloc(capacity * sizeof *larger);
        if (larger == NULL)
            return false;
        for (uint32_t i = 0; i < stock->count; i++)
            larger[i] = stock->pieces[(stock->first + i) & (stock->capacity - 1)];
        free(stock->pieces);
        *stock = (struct stock){larger, 0, stock->count, capacity};
    }
    stock->pieces[(stock->first + stock->count++) & (stock->capacity - 1)] = piece;
    return true;
}

static void send_report(struct simulation *simulation, uint32_t index)
{
    struct worker *worker = &simulation->workers[index];
    push(simulation, (struct event){.time = simulation->now + simulation->schedule->latency,
                                    .worker = index,
                                    .kind = REPORT_ARRIVES,
                                    .what.report = {worker->rows, worker->seconds}});
    worker->rows = 0;
    worker->seconds = 0.0;
    worker->is_report_due = false;
    worker->reported = simulation->now;
}

static void begin_run(struct simulation *simulation, uint32_t index)
{
    struct worker *worker = &simulation->workers[index];
    if (worker->is_training || worker->stock.count == 0)
        return;
    struct pg_piece *piece = &worker->stock.pieces[worker->stock.first];
    uint64_t run = piece->first_row++;
    uint32_t class_index = simulation->class_of[run];
    if (worker->rows > 0 && class_index != worker->class_index)
        send_report(simulation, index);
    if (--piece->count == 0) {
        worker->stock.first = (worker->stock.first + 1) & (worker->stock.capacity - 1);
        worker->stock.count--;
        worker->is_report_due = true;
    }
    double seconds = pg_schedule_run_seconds(simulation->schedule, run);
    worker->is_training = true;
    worker->class_index = class_index;
    worker->takes = seconds;
    push(simulation,
         (struct event){.time = simulation->now + seconds, .worker = index, .kind = RUN_ENDS});
}

static void end_run(struct simulation *simulation, uint32_t index)
{
    struct worker *worker = &simulation->workers[index];
    worker->is_training = false;
    worker->finished_at = simulation->now;
    worker->rows++;
    worker->seconds += worker->takes;
    simulation->outcome->work += worker->takes;
    if (worker->is_report_due || worker->stock.count == 0 ||
        simulation->now - worker->reported >= report_seconds)
        send_report(simulation, index);
    begin_run(simulation, index);
}

/* ---- the coordinator ---- */

static void serve(struct simulation *simulation)
{
    simulation->coordinator_free += simulation->schedule->message_seconds;
    simulation->served += simulation->schedule->message_seconds;
}

static void send_orders(struct simulation *simulation, uint32_t worker)
{
    struct pg_piece pieces[PG_PIECES_MAX];
    for (size_t count; (count = pg_plan_deal(simulation->plan, worker, simulation->coordinator_free,
                                             pieces)) > 0;) {
        serve(simulation);
        simulation->outcome->orders++;
        for (size_t i = 0; i < count; i++)
            push(simulation, (struct event){.time = simulation->coordinator_free +
                                                    simulation->schedule->latency,
                                            .worker = worker,
                                            .kind = ORDER_ARRIVES,
                                            .what.piece = pieces[i]});
    }
}

static void serve_report(struct simulation *simulation, const struct event *event)
{
    simulation->coordinator_free = fmax(simulation->coordinator_free, simulation->now);
    serve(simulation);
    simulation->outcome->reports++;
    pg_plan_finish(simulation->plan, event->worker, event->what.report.rows,
                   event->what.report.seconds, simulation->coordinator_free);
    send_orders(simulation, event->worker);
}

static void take_order(struct simulation *simulation, const struct event *event)
{
    if (!put_in_stock(&simulation->workers[event->worker].stock, event->what.piece))
        simulation->is_out_of_memory = true;
    else
        begin_run(simulation, event->worker);
}

/* ---- the whole ---- */

static size_t memory_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static size_t class_count(const struct pg_schedule *schedule)
{
    return schedule->costs_known && schedule->longest > schedule->shortest ? CLASSES_MAX : 1;
}

/* Equal parts of the logarithm. */
static uint32_t class_of_seconds(const struct pg_schedule *schedule, double seconds)
{
    double share = log(seconds / schedule->shortest) / log(schedule->longest / schedule->shortest);
    return (uint32_t)fmin(floor(share * CLASSES_MAX), CLASSES_MAX - 1);
}

static int make_plan(struct simulation *simulation, struct pg_error *error)
{
    const struct pg_schedule *schedule = simulation->schedule;
    struct pg_plan_class classes[CLASSES_MAX];
    size_t count = class_count(schedule), before;
    uint32_t *class_of = calloc(schedule->runs, sizeof *class_of);
    if (class_of == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the costs of %llu runs",
                            (unsigned long long)schedule->runs);
    for (uint64_t run = 0; run < schedule->runs && count > 1; run++)
        class_of[run] = class_of_seconds(schedule, pg_schedule_run_seconds(schedule, run));
    for (size_t i = 0; i < count; i++) {
        double share = count > 1 ? ((double)i + 0.5) / CLASSES_MAX : 0.5;
        double cost = schedule->shortest * pow(schedule->longest / schedule->shortest, share);
        classes[i] = (struct pg_plan_class){.cost = 1e9 * cost, .lanes = 1};
    }
    const struct pg_plan_work work = {.row_count = schedule->runs,
                                      .rows_per_cell = 1,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = count,
                                      .worker_count = schedule->workers,
                                      .rows_max = DEAL_ROWS};
    before = memory_in_use();
    int status = pg_plan_create(&work, &simulation->plan, error);
    simulation->outcome->plan_bytes = memory_in_use() - before;
    simulation->class_of = class_of;
    return status;
}

static void drive(struct simulation *simulation)
{
    for (uint32_t i = 0; i < simulation->schedule->workers; i++)
        send_report(simulation, i); /* it joins */
    while (simulation->event_count > 0 && !simulation->is_out_of_memory) {
        struct event event = pop(simulation);
        simulation->now = event.time;
        if (event.kind == RUN_ENDS)
            end_run(simulation, event.worker);
        else if (event.kind == REPORT_ARRIVES)
            serve_report(simulation, &event);
        else
            take_order(simulation, &event);
    }
}

static void sum_up(const struct simulation *simulation)
{
    struct pg_schedule_outcome *outcome = simulation->outcome;
    double first = (double)INFINITY;
    for (size_t i = 0; i < simulation->schedule->workers; i++) {
        outcome->makespan = fmax(outcome->makespan, simulation->workers[i].finished_at);
        first = fmin(first, simulation->workers[i].finished_at);
    }
    outcome->tail = outcome->makespan - first;
    outcome->busy = simulation->served / fmax(outcome->makespan, simulation->coordinator_free);
}

static void release(struct simulation *simulation)
{
    for (size_t i = 0; simulation->workers != NULL && i < simulation->schedule->workers; i++)
        free(simulation->workers[i].stock.pieces);
    free(simulation->workers);
    free(simulation->class_of);
    free(simulation->events);
    pg_plan_destroy(simulation->plan);
}

int pg_schedule_simulate(const struct pg_schedule *schedule,
                         struct pg_schedule_outcome *ret_outcome, struct pg_error *error)
{
    struct simulation simulation = {.schedule = schedule, .outcome = ret_outcome};
    assert(schedule->workers > 0 && schedule->workers <= UINT32_MAX && schedule->runs > 0 &&
           schedule->shortest > 0.0 && schedule->longest >= schedule->shortest);
    *ret_outcome = (struct pg_schedule_outcome){0};
    simulation.workers = calloc(schedule->workers, sizeof *simulation.workers);
    simulation.is_out_of_memory = simulation.workers == NULL;
    int status = make_plan(&simulation, error);
    if (status == 0 && !simulation.is_out_of_memory) {
        drive(&simulation);
        assert(simulation.is_out_of_memory || pg_plan_todo(simulation.plan) == 0);
        sum_up(&simulation);
    }
    if (status == 0 && simulation.is_out_of_memory)
        status = pg_error_set(error, PG_EMACHINE, "out of memory: a schedule of %zu workers",
                              schedule->workers);
    release(&simulation);
    return status;
}
