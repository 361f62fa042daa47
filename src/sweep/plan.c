/* SPDX-License-Identifier: MIT */
/*
 * Who does what next.
 *
 * Rows to do are kept as spans: consecutive rows of one class (runs of equal expected cost). The
 * expected seconds of a run come from its cost and the speed measured so far, and are corrected
 * class by class as runs finish. A worker gets rows of the class with the longest runs (list
 * scheduling, longest first; Graham 1969), as many as make its work short against what is left:
 * deals shrink towards the end, so that all workers end together.
 *
 * A worker holds rows in reserve, so that it never waits. They are dealt only while what stays
 * undealt keeps all workers busy for longer than this one needs for all that it holds: then no
 * worker can run dry while rows lie in another's reserve, and the schedule is as good as without.
 *
 * Runs of some classes are trained side by side, `lanes` at a time: a pack. A pack takes as long as
 * its longest run, however few runs it has; so its rows are dealt as whole packs, also from several
 * spans, while rows suffice. A lane that ends takes up a row from the reserve; so a reserve of the
 * same class is as good as begun, and is dealt while every worker can have as much.
 */
#include "phasegrid/plan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "phasegrid/layout.h"

enum { HELD_MAX = 2, DEALS_PER_WORKER = 4 };

/* What is dealt at once should take no longer, so that reports and commits come often. */
static const double longest_deal = 0.5;

/* A worker goes on with its class of packs while those of another are hardly longer. */
static const double much_longer = 1.25;

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
    double slowest; /* seconds that one has surely taken, from its begin to its end */
};

struct holding {
    size_t class_index;
    uint32_t rows; /* unfinished */
};

struct worker {
    struct holding held[HELD_MAX]; /* in the order dealt, neighbours of different classes */
    size_t held_count;
    double since;   /* when it last finished or noted something, or began */
    double trained; /* then, of the runs that it has not finished; in runs */
};

struct pg_plan {
    struct run_class *classes;
    size_t class_count;
    struct span *spans; /* of all classes */
    struct worker *workers;
    size_t worker_count;
    uint32_t rows_max;
    uint64_t todo;
    double cost_done, seconds_done; /* over all classes */
    double limit;                   /* seconds within which what is dealt has to end */
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

static void set_class(struct run_class *class, const struct pg_plan_class *from, uint32_t rows_max)
{
    assert(from->lanes > 0 && from->lanes + 2 * rows_max <= PG_HELD_MAX &&
           3 * from->lanes <= PG_HELD_MAX);
    class->cost = from->cost > 1.0 ? from->cost : 1.0;
    class->lanes = from->lanes;
}

int pg_plan_create(const struct pg_plan_work *work, struct pg_plan **ret_plan,
                   struct pg_error *error)
{
    assert(work->worker_count > 0 && work->rows_max > 0 && work->rows_per_cell > 0);
    struct pg_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the plan of the sweep");
    int status = take_memory(plan, work, error);
    if (status != 0) {
        pg_plan_destroy(plan);
        return status;
    }
    plan->worker_count = work->worker_count;
    plan->rows_max = work->rows_max;
    plan->limit = HUGE_VAL;
    for (size_t i = 0; i < plan->class_count; i++)
        set_class(&plan->classes[i], &work->classes[i], work->rows_max);
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

/* From a run's begin to its end, beside others in a full pack. */
static double run_duration(const struct pg_plan *plan, size_t class_index)
{
    return expected_seconds(plan, class_index) * plan->classes[class_index].lanes;
}

static double held_seconds(const struct pg_plan *plan, const struct worker *worker)
{
    double seconds = 0.0;
    for (size_t i = 0; i < worker->held_count; i++)
        seconds += worker->held[i].rows * expected_seconds(plan, worker->held[i].class_index);
    return seconds;
}

/* Whether a run of the class that begins after `wait` seconds is expected to end in time. */
static bool ends_in_time(const struct pg_plan *plan, size_t class_index, double wait)
{
    double duration = fmax(run_duration(plan, class_index), plan->classes[class_index].slowest);
    return plan->cost_done <= 0.0 || wait + duration <= plan->limit;
}

/* Seconds of all undealt rows, and the class with the longest runs among those that end in time. */
static double undealt_seconds(const struct pg_plan *plan, size_t *ret_longest)
{
    double sum = 0.0, longest = -1.0;
    *ret_longest = plan->class_count;
    for (size_t i = 0; i < plan->class_count; i++) {
        if (plan->classes[i].undealt == 0)
            continue;
        sum += expected_seconds(plan, i) * (double)plan->classes[i].undealt;
        if (run_duration(plan, i) > longest && ends_in_time(plan, i, 0.0)) {
            longest = run_duration(plan, i);
            *ret_longest = i;
        }
    }
    return sum;
}

/* Of what the worker holds. */
static double seconds_to_go(const struct pg_plan *plan, const struct worker *worker, double now)
{
    double trained = worker->trained * expected_seconds(plan, worker->held[0].class_index);
    return held_seconds(plan, worker) - trained - (now - worker->since);
}

double pg_plan_seconds_left(const struct pg_plan *plan, double now)
{
    if (plan->todo > 0 && plan->cost_done <= 0.0)
        return PG_NAN;
    size_t longest;
    double sum = undealt_seconds(plan, &longest), last = 0.0;
    for (size_t i = 0; i < plan->worker_count; i++) {
        const struct worker *worker = &plan->workers[i];
        double seconds = worker->held_count > 0 ? seconds_to_go(plan, worker, now) : 0.0;
        if (seconds <= 0.0)
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

/* The class that `worker` gets rows of. */
static size_t choose_class(const struct pg_plan *plan, const struct worker *worker, size_t longest)
{
    if (worker->held_count == 0)
        return longest;
    size_t last = worker->held[worker->held_count - 1].class_index;
    const struct run_class *class = &plan->classes[last];
    bool goes_on = class->lanes > 1 && class->undealt > 0 && ends_in_time(plan, last, 0.0) &&
                   run_duration(plan, longest) <= much_longer * run_duration(plan, last);
    return goes_on ? last : longest;
}

/* Whole packs, at least one. Where half a pack for each worker is all that is left, each gets its
   share of it: so few runs are trained one by one, and so end earlier. */
static double pack_rows(const struct pg_plan *plan, size_t class_index, double rows, double undealt)
{
    double lanes = plan->classes[class_index].lanes;
    double share = undealt / (double)plan->worker_count / expected_seconds(plan, class_index);
    if (share <= 0.5 * lanes)
        return ceil(share);
    return fmax(floor(rows / lanes), 1.0) * lanes;
}

/* Rows of `class_index` that are dealt at once while `undealt` seconds of work are left. */
static uint32_t deal_rows(const struct pg_plan *plan, size_t class_index, double undealt)
{
    const struct run_class *class = &plan->classes[class_index];
    double share = undealt / (double)(DEALS_PER_WORKER * plan->worker_count);
    double rows = fmin(fmin(share, longest_deal) / expected_seconds(plan, class_index),
                       (double)plan->rows_max);
    rows = class->lanes > 1 ? pack_rows(plan, class_index, rows, undealt) : fmax(rows, 1.0);
    return rows < (double)class->undealt ? (uint32_t)rows : (uint32_t) class->undealt;
}

/* Takes up to `rows` rows from the class's next span. */
static struct pg_piece take_piece(struct run_class *class, uint32_t rows)
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

/* Rows that it holds and has surely not begun. */
static uint32_t reserved_rows(const struct pg_plan *plan, const struct worker *worker)
{
    uint32_t lanes = plan->classes[worker->held[0].class_index].lanes;
    uint32_t rows = worker->held[0].rows > lanes ? worker->held[0].rows - lanes : 0;
    return worker->held_count > 1 ? rows + worker->held[1].rows : rows;
}

/* Whether `worker`, who has some, may get `rows` more of the class. */
static bool may_reserve(const struct pg_plan *plan, const struct worker *worker, size_t class_index,
                        uint32_t rows, double undealt)
{
    bool goes_on = worker->held[worker->held_count - 1].class_index == class_index;
    uint32_t reserved = reserved_rows(plan, worker);
    double seconds = expected_seconds(plan, class_index), rest = undealt - rows * seconds;
    if (reserved >= rows || (worker->held_count == HELD_MAX && !goes_on))
        return false;
    if (worker->held_count == 1 && goes_on && plan->classes[class_index].lanes > 1)
        return rest >= (double)(plan->worker_count - 1) * (reserved + rows) * seconds;
    return rest >= (double)plan->worker_count * (held_seconds(plan, worker) + rows * seconds);
}

static void hold(struct worker *worker, size_t class_index, uint32_t rows)
{
    size_t last = worker->held_count - 1;
    if (worker->held_count == 0 || worker->held[last].class_index != class_index)
        worker->held[worker->held_count++] = (struct holding){class_index, rows};
    else
        worker->held[last].rows += rows;
}

size_t pg_plan_deal(struct pg_plan *plan, size_t worker, double now,
                    struct pg_piece ret_pieces[PG_PIECES_MAX])
{
    assert(worker < plan->worker_count);
    struct worker *to = &plan->workers[worker];
    size_t longest, count = 0;
    double undealt = undealt_seconds(plan, &longest);
    if (plan->is_stopped || longest == plan->class_count)
        return 0;
    size_t class_index = choose_class(plan, to, longest);
    uint32_t rows = deal_rows(plan, class_index, undealt);
    if (to->held_count > 0 && (!may_reserve(plan, to, class_index, rows, undealt) ||
                               !ends_in_time(plan, class_index, held_seconds(plan, to))))
        return 0;
    if (to->held_count == 0)
        to->since = now;
    while (rows > 0 && count < PG_PIECES_MAX) {
        ret_pieces[count] = take_piece(&plan->classes[class_index], rows);
        hold(to, class_index, ret_pieces[count].count);
        rows -= ret_pieces[count++].count;
    }
    return count;
}

/* Of the class that it was dealt first. */
static void let_go(struct worker *worker, uint32_t rows)
{
    worker->held[0].rows -= rows;
    if (worker->held[0].rows == 0)
        worker->held[0] = worker->held[--worker->held_count];
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
    class->slowest = fmax(class->slowest, seconds / rows);
    plan->cost_done += rows * class->cost;
    plan->seconds_done += seconds;
    plan->todo -= rows;
    by->since = now;
    by->trained = 0.0;
    let_go(by, rows);
}

void pg_plan_note(struct pg_plan *plan, size_t worker, const struct pg_plan_part *part, double now)
{
    assert(worker < plan->worker_count);
    struct worker *by = &plan->workers[worker];
    if (by->held_count == 0)
        return;
    by->since = now;
    by->trained = part->trained;
    if (part->gained <= 0.0 || part->seconds <= 0.0)
        return;
    plan->cost_done += part->gained * plan->classes[by->held[0].class_index].cost;
    plan->seconds_done += part->seconds;
}

void pg_plan_decline(struct pg_plan *plan, size_t worker, uint32_t rows, double seconds)
{
    assert(worker < plan->worker_count);
    struct worker *by = &plan->workers[worker];
    assert(by->held_count > 0 && rows <= by->held[0].rows);
    struct run_class *class = &plan->classes[by->held[0].class_index];
    class->slowest = fmax(class->slowest, seconds);
    let_go(by, rows);
}

void pg_plan_limit(struct pg_plan *plan, double seconds)
{
    plan->limit = seconds;
}

void pg_plan_stop(struct pg_plan *plan)
{
    plan->is_stopped = true;
}
