/* SPDX-License-Identifier: MIT */
/*
 * Who does what next.
 *
 * Rows to do are kept as spans: consecutive rows of one class (runs of equal expected cost). The
 * expected seconds of a run come from its cost and the speed measured so far, and are corrected
 * class by class as runs finish. A worker gets rows of the class with the longest runs (list
 * scheduling, longest first; Graham 1969), as many as make a piece short against what is left:
 * pieces shrink towards the end, so that all workers end together.
 *
 * A worker holds up to two pieces, so that it never waits. The second is dealt only while what
 * stays undealt keeps all workers busy for longer than this one needs for both: then no worker can
 * run dry while rows lie in another's reserve, and the schedule is as good as without reserves.
 *
 * Runs of some classes are trained side by side, in packs of `lanes`. Their pieces are whole packs
 * as long as rows suffice.
 */
#include "phasegrid/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/layout.h"

enum { HELD_MAX = 2, PIECES_PER_WORKER = 4 };

/* A piece should take no longer, so that reports and commits come often. */
static const double longest_piece = 0.5;

/* Before anything is measured: 1e9 units of cost a second, with the weight of a millisecond. */
static const double prior_cost = 1e6, prior_seconds = 1e-3;

struct span {
    uint64_t first_row, count;
};

struct run_class {
    double cost;
    uint32_t lanes;
    struct span *spans; /* (span_count), in ascending rows */
    size_t span_count, next_span;
    uint64_t undealt; /* rows */
    uint64_t finished;
    double seconds; /* of the finished ones */
};

struct held_piece {
    size_t class_index;
    uint32_t rows; /* unfinished */
};

struct worker {
    struct held_piece held[HELD_MAX]; /* in the order dealt */
    size_t held_count;
    double since; /* when it last finished something, or began */
};

struct pg_plan {
    struct run_class *classes;
    size_t class_count;
    struct span *spans; /* of all classes */
    struct worker *workers;
    size_t worker_count;
    uint32_t piece_max;
    uint64_t todo;
    double cost_done, seconds_done; /* over all classes */
    bool is_stopped;
};

/* ---- what is to do ---- */

static bool is_to_do(const struct pg_plan_work *work, uint64_t row)
{
    return work->todo == NULL || work->todo[row] != PG_PLAN_SKIP;
}

static bool is_alone(const struct pg_plan_work *work, uint64_t row)
{
    return work->todo != NULL && work->todo[row] == PG_PLAN_DO_ALONE;
}

static size_t class_at(const struct pg_plan_work *work, uint64_t row)
{
    return work->class_of[row / work->rows_per_cell];
}

/* The next span at or after *row, which moves behind it; false: there is none. */
static bool next_span(const struct pg_plan_work *work, uint64_t *row, struct span *ret_span)
{
    while (*row < work->row_count && !is_to_do(work, *row))
        ++*row;
    if (*row == work->row_count)
        return false;
    *ret_span = (struct span){*row, 1};
    while (++*row < work->row_count && is_to_do(work, *row) && !is_alone(work, *row) &&
           !is_alone(work, ret_span->first_row) &&
           class_at(work, *row) == class_at(work, ret_span->first_row))
        ret_span->count++;
    return true;
}

static void count_spans(struct pg_plan *plan, const struct pg_plan_work *work)
{
    uint64_t row = 0;
    for (struct span span; next_span(work, &row, &span);)
        plan->classes[class_at(work, span.first_row)].span_count++;
}

static void fill_spans(struct pg_plan *plan, const struct pg_plan_work *work)
{
    struct span *room = plan->spans;
    for (size_t i = 0; i < plan->class_count; i++) {
        plan->classes[i].spans = room;
        room += plan->classes[i].span_count;
        plan->classes[i].span_count = 0;
    }
    uint64_t row = 0;
    for (struct span span; next_span(work, &row, &span);) {
        struct run_class *class = &plan->classes[class_at(work, span.first_row)];
        class->spans[class->span_count++] = span;
        class->undealt += span.count;
        plan->todo += span.count;
    }
}

static size_t total_spans(const struct pg_plan *plan)
{
    size_t total = 0;
    for (size_t i = 0; i < plan->class_count; i++)
        total += plan->classes[i].span_count;
    return total;
}

/* Everything but the spans; on failure the caller destroys. */
static int take_memory(struct pg_plan *plan, const struct pg_plan_work *work,
                       struct pg_error *error)
{
    plan->classes = calloc(work->class_count, sizeof *plan->classes);
    plan->workers = calloc(work->worker_count, sizeof *plan->workers);
    if (plan->classes != NULL && plan->workers != NULL) {
        plan->class_count = work->class_count;
        count_spans(plan, work);
        plan->spans = calloc(total_spans(plan) + 1, sizeof *plan->spans);
        if (plan->spans != NULL)
            return 0;
    }
    return pg_error_set(error, PG_EMACHINE, "out of memory: the plan of %llu runs",
                        (unsigned long long)work->row_count);
}

static void set_class(struct run_class *class, const struct pg_plan_class *from)
{
    assert(from->lanes > 0);
    class->cost = from->cost > 1.0 ? from->cost : 1.0;
    class->lanes = from->lanes;
}

int pg_plan_create(const struct pg_plan_work *work, struct pg_plan **ret_plan,
                   struct pg_error *error)
{
    assert(work->worker_count > 0 && work->piece_max > 0 && work->rows_per_cell > 0);
    struct pg_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the plan of the sweep");
    int status = take_memory(plan, work, error);
    if (status != 0) {
        pg_plan_destroy(plan);
        return status;
    }
    plan->worker_count = work->worker_count;
    plan->piece_max = work->piece_max;
    for (size_t i = 0; i < plan->class_count; i++)
        set_class(&plan->classes[i], &work->classes[i]);
    fill_spans(plan, work);
    *ret_plan = plan;
    return 0;
}

void pg_plan_destroy(struct pg_plan *plan)
{
    if (plan == NULL)
        return;
    free(plan->classes);
    free(plan->workers);
    free(plan->spans);
    free(plan);
}

/* ---- what it will take ---- */

/* Expected seconds of one run: what its cost says counts as one measurement among the others. */
static double expected_seconds(const struct pg_plan *plan, size_t class_index)
{
    const struct run_class *class = &plan->classes[class_index];
    double speed = (prior_cost + plan->cost_done) / (prior_seconds + plan->seconds_done);
    return (class->cost / speed + class->seconds) / (1.0 + (double)class->finished);
}

static double held_seconds(const struct pg_plan *plan, size_t worker)
{
    double seconds = 0.0;
    for (size_t i = 0; i < plan->workers[worker].held_count; i++) {
        const struct held_piece *held = &plan->workers[worker].held[i];
        seconds += held->rows * expected_seconds(plan, held->class_index);
    }
    return seconds;
}

/* Seconds of all undealt rows, and the class among them with the longest runs. */
static double undealt_seconds(const struct pg_plan *plan, size_t *ret_longest)
{
    double sum = 0.0, longest = -1.0;
    *ret_longest = plan->class_count;
    for (size_t i = 0; i < plan->class_count; i++) {
        if (plan->classes[i].undealt == 0)
            continue;
        double seconds = expected_seconds(plan, i);
        sum += seconds * (double)plan->classes[i].undealt;
        if (seconds > longest) {
            longest = seconds;
            *ret_longest = i;
        }
    }
    return sum;
}

double pg_plan_seconds_left(const struct pg_plan *plan, double now)
{
    if (plan->todo > 0 && plan->cost_done <= 0.0)
        return PG_NAN;
    size_t longest;
    double sum = undealt_seconds(plan, &longest), last = 0.0;
    for (size_t i = 0; i < plan->worker_count; i++) {
        double seconds = held_seconds(plan, i) - (now - plan->workers[i].since);
        if (plan->workers[i].held_count == 0 || seconds < 0.0)
            continue;
        sum += seconds;
        last = seconds > last ? seconds : last;
    }
    double shared = sum / (double)plan->worker_count;
    return shared > last ? shared : last;
}

uint64_t pg_plan_todo(const struct pg_plan *plan)
{
    return plan->todo;
}

/* ---- events and answers ---- */

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Rows of `class_index` that make a good piece while `undealt` seconds of work are left. Runs that
   are trained side by side end side by side, so that a piece of theirs may be as much longer; and a
   pack that is not full costs what a full one costs, so that it is not cut to end together. */
static uint32_t piece_rows(const struct pg_plan *plan, size_t class_index, double undealt)
{
    const uint32_t lanes = plan->classes[class_index].lanes;
    double share = undealt / (double)(PIECES_PER_WORKER * plan->worker_count);
    double longest = longest_piece * lanes;
    double rows = (share < longest ? share : longest) / expected_seconds(plan, class_index);
    if (rows < lanes)
        return lanes < plan->piece_max ? lanes : plan->piece_max;
    return rows < plan->piece_max ? (uint32_t)rows / lanes * lanes
                                  : larger(plan->piece_max / lanes * lanes, 1);
}

/* Takes up to `rows` rows from the class's next span. */
static struct pg_piece take_rows(struct run_class *class, uint32_t rows)
{
    struct span *span = &class->spans[class->next_span];
    uint32_t count = span->count < rows ? (uint32_t)span->count : rows;
    struct pg_piece piece = {span->first_row, count};
    span->first_row += count;
    span->count -= count;
    class->next_span += span->count == 0;
    class->undealt -= count;
    return piece;
}

/* Whether the others stay busy for as long as the worker needs for what it holds and this. */
static bool may_reserve(const struct pg_plan *plan, size_t worker, double undealt, double piece)
{
    double needed = held_seconds(plan, worker) + piece;
    return undealt - piece >= (double)plan->worker_count * needed;
}

bool pg_plan_deal(struct pg_plan *plan, size_t worker, double now, struct pg_piece *ret_piece)
{
    assert(worker < plan->worker_count);
    struct worker *to = &plan->workers[worker];
    size_t longest;
    double undealt = undealt_seconds(plan, &longest);
    if (plan->is_stopped || longest == plan->class_count || to->held_count == HELD_MAX)
        return false;
    uint32_t rows = piece_rows(plan, longest, undealt);
    if (to->held_count > 0 &&
        !may_reserve(plan, worker, undealt, rows * expected_seconds(plan, longest)))
        return false;
    *ret_piece = take_rows(&plan->classes[longest], rows);
    if (to->held_count == 0)
        to->since = now;
    to->held[to->held_count++] = (struct held_piece){longest, ret_piece->count};
    return true;
}

void pg_plan_finish(struct pg_plan *plan, size_t worker, uint32_t rows, double seconds, double now)
{
    assert(worker < plan->worker_count);
    struct worker *by = &plan->workers[worker];
    assert(rows == 0 || (by->held_count > 0 && rows <= by->held[0].rows));
    if (rows == 0)
        return;
    struct run_class *class = &plan->classes[by->held[0].class_index];
    class->finished += rows;
    class->seconds += seconds;
    plan->cost_done += rows * class->cost;
    plan->seconds_done += seconds;
    plan->todo -= rows;
    by->since = now;
    by->held[0].rows -= rows;
    if (by->held[0].rows == 0)
        memmove(&by->held[0], &by->held[1], --by->held_count * sizeof by->held[0]);
}

void pg_plan_stop(struct pg_plan *plan)
{
    plan->is_stopped = true;
}
