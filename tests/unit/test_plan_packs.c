/* SPDX-License-Identifier: MIT */
/*
 * The plan of runs that are trained side by side, by whole sweeps in simulated time. The simulated
 * worker is the trainer: lanes advance together; one that ends takes up the next row in stock; once
 * there was none, no more is asked for until all have ended, and when no more than half the lanes
 * are left they go one by one, each as fast as half a pack together.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/plan.h"
#include "phasegrid/random.h"

enum { ROWS_MAX = 6000, WORKERS_MAX = 8, CLASSES_MAX = 4, LANES_MAX = 16 };

struct lane {
    uint64_t row;
    double left;  /* seconds of a full pack */
    double began; /* worker's `shared` at that moment */
};

struct worker {
    uint64_t stock[PG_HELD_MAX]; /* rows in the order dealt */
    size_t stock_count;
    struct lane lanes[LANES_MAX];
    size_t active;
    uint32_t class_index; /* of the rows in lanes */
    bool is_exhausted;
    double now, shared; /* seconds; the time that each lane would have got so far */
};

struct simulation {
    struct pg_plan *plan;
    struct pg_plan_work work;
    struct pg_plan_class classes[CLASSES_MAX];
    uint8_t todo[ROWS_MAX];
    uint32_t class_of[ROWS_MAX], dealt[ROWS_MAX];
    double durations[ROWS_MAX]; /* of a run in a full pack */
    struct worker workers[WORKERS_MAX];
    double end;
};

static uint32_t class_at(const struct simulation *simulation, uint64_t row)
{
    return simulation->class_of[row / simulation->work.rows_per_cell];
}

static uint32_t lanes_at(const struct simulation *simulation, const struct worker *worker)
{
    return simulation->classes[worker->class_index].lanes;
}

/* ---- a worker ---- */

static void ask(struct simulation *simulation, size_t index)
{
    struct worker *worker = &simulation->workers[index];
    struct pg_piece pieces[PG_PIECES_MAX];
    for (size_t count; (count = pg_plan_deal(simulation->plan, index, worker->now, pieces)) > 0;)
        for (size_t i = 0; i < count; i++)
            for (uint32_t k = 0; k < pieces[i].count; k++) {
                uint64_t row = pieces[i].first_row + k;
                assert_true(worker->stock_count < PG_HELD_MAX);
                assert_int_equal(class_at(simulation, row),
                                 class_at(simulation, pieces[0].first_row));
                worker->stock[worker->stock_count++] = row;
                simulation->dealt[row]++;
            }
}

static bool take_row(struct simulation *simulation, struct worker *worker)
{
    if (worker->stock_count == 0)
        return false;
    uint64_t row = worker->stock[0];
    if (worker->active > 0 && class_at(simulation, row) != worker->class_index)
        return false;
    worker->class_index = class_at(simulation, row);
    worker->lanes[worker->active++] =
        (struct lane){row, simulation->durations[row], worker->shared};
    memmove(&worker->stock[0], &worker->stock[1], --worker->stock_count * sizeof worker->stock[0]);
    return true;
}

static void fill(struct simulation *simulation, struct worker *worker)
{
    worker->is_exhausted = worker->is_exhausted && worker->active > 0;
    while (!worker->is_exhausted &&
           (worker->active == 0 || worker->active < lanes_at(simulation, worker)))
        worker->is_exhausted = !take_row(simulation, worker);
}

static bool goes_one_by_one(const struct simulation *simulation, const struct worker *worker)
{
    return worker->is_exhausted && 2 * worker->active <= lanes_at(simulation, worker);
}

/* Lane that ends next, and in how many seconds. */
static size_t next_lane(const struct simulation *simulation, const struct worker *worker,
                        double *ret_seconds)
{
    size_t next = 0;
    if (goes_one_by_one(simulation, worker)) {
        *ret_seconds = worker->lanes[0].left * 2.0 / lanes_at(simulation, worker);
        return 0;
    }
    for (size_t i = 1; i < worker->active; i++)
        if (worker->lanes[i].left < worker->lanes[next].left)
            next = i;
    *ret_seconds = worker->lanes[next].left;
    return next;
}

/* To the end of the next run, its report, and what it brings. An order comes after the lane has
   asked for a row. */
static void advance(struct simulation *simulation, size_t index)
{
    struct worker *worker = &simulation->workers[index];
    double seconds;
    size_t lane = next_lane(simulation, worker, &seconds);
    for (size_t i = 0; i < worker->active && !goes_one_by_one(simulation, worker); i++)
        worker->lanes[i].left -= seconds;
    worker->now += seconds;
    worker->shared += seconds / (double)worker->active;
    pg_plan_finish(simulation->plan, index, 1, worker->shared - worker->lanes[lane].began,
                   worker->now);
    worker->lanes[lane] = worker->lanes[--worker->active];
    fill(simulation, worker);
    ask(simulation, index);
    if (worker->active == 0)
        fill(simulation, worker);
}

/* ---- a sweep ---- */

/* The worker whose next run ends first; worker_count: none trains. */
static size_t next_worker(const struct simulation *simulation)
{
    size_t next = simulation->work.worker_count;
    double earliest = HUGE_VAL, seconds;
    for (size_t i = 0; i < simulation->work.worker_count; i++) {
        const struct worker *worker = &simulation->workers[i];
        if (worker->active == 0)
            continue;
        (void)next_lane(simulation, worker, &seconds);
        if (worker->now + seconds < earliest) {
            earliest = worker->now + seconds;
            next = i;
        }
    }
    return next;
}

static void simulate(struct simulation *simulation)
{
    struct pg_error error;
    assert_int_equal(pg_plan_create(&simulation->work, &simulation->plan, &error), 0);
    for (size_t i = 0; i < simulation->work.worker_count; i++) {
        ask(simulation, i);
        fill(simulation, &simulation->workers[i]);
    }
    for (size_t next; (next = next_worker(simulation)) < simulation->work.worker_count;) {
        advance(simulation, next);
        simulation->end = fmax(simulation->end, simulation->workers[next].now);
    }
    for (uint64_t row = 0; row < simulation->work.row_count; row++)
        assert_int_equal(simulation->dealt[row], simulation->todo[row] != PG_PLAN_SKIP);
    assert_int_equal(pg_plan_todo(simulation->plan), 0);
    pg_plan_destroy(simulation->plan);
}

static uint32_t draw(const struct pg_random *random, uint32_t bound, uint32_t *counter)
{
    return pg_random_below(random, bound, (*counter)++, 0, 0);
}

/* ---- random sweeps ---- */

/* What a run's length may be of what its class costs, by a draw from [0, 1]. */
static double equal_length(double u)
{
    (void)u;
    return 1.0;
}

static double uneven_length(double u)
{
    return 0.5 + u;
}

/* Most are decided early, a few late: from a fiftieth to twice. */
static double decided_length(double u)
{
    return 0.02 + 1.98 * u * u * u;
}

static double (*const lengths[])(double u) = {equal_length, uneven_length, decided_length};

static void draw_classes(struct simulation *simulation, const struct pg_random *random,
                         uint32_t *counter)
{
    for (size_t i = 0; i < simulation->work.class_count; i++) { /* 1 ms to 10 s */
        bool is_pack = i == 0 || draw(random, 3, counter) > 0;
        simulation->classes[i].cost = 1e6 * pow(10.0, 0.1 * draw(random, 41, counter));
        simulation->classes[i].lanes = is_pack ? 2 + draw(random, LANES_MAX - 1, counter) : 1;
    }
}

static void draw_rows(struct simulation *simulation, const struct pg_random *random,
                      double (*length)(double u), uint32_t *counter)
{
    static const uint8_t kinds[] = {PG_PLAN_SKIP, PG_PLAN_DO_ALONE, PG_PLAN_DO, PG_PLAN_DO,
                                    PG_PLAN_DO,   PG_PLAN_DO,       PG_PLAN_DO, PG_PLAN_DO};
    for (uint64_t row = 0; row < simulation->work.row_count; row++) {
        const struct pg_plan_class *class = &simulation->classes[class_at(simulation, row)];
        double u = draw(random, 1001, counter) / 1000.0;
        simulation->todo[row] = kinds[draw(random, sizeof kinds, counter)];
        simulation->durations[row] = 1e-9 * class->cost * class->lanes * length(u);
    }
}

/* Every other sweep is small. Classes alternate at random from cell to cell, so that the rows of a
   pack hardly ever follow each other. */
static void draw_simulation(struct simulation *simulation, uint32_t seed, double (*length)(double))
{
    struct pg_random random = pg_random_make(seed, PG_STREAM_TEST, 0);
    uint32_t counter = 0;
    memset(simulation, 0, sizeof *simulation);
    size_t rows_per_cell = 1 + draw(&random, 3, &counter);
    uint64_t cells = 1 + draw(&random, seed % 2 == 0 ? ROWS_MAX / 3 - 1 : 40, &counter);
    simulation->work =
        (struct pg_plan_work){.row_count = cells * rows_per_cell,
                              .rows_per_cell = rows_per_cell,
                              .todo = simulation->todo,
                              .class_of = simulation->class_of,
                              .classes = simulation->classes,
                              .class_count = 1 + draw(&random, CLASSES_MAX, &counter),
                              .worker_count = 1 + draw(&random, WORKERS_MAX, &counter),
                              .rows_max = 64};
    for (uint64_t i = 0; i < cells; i++)
        simulation->class_of[i] = draw(&random, (uint32_t)simulation->work.class_count, &counter);
    draw_classes(simulation, &random, &counter);
    draw_rows(simulation, &random, length, &counter);
}

/* The end were every pack full to its end and the workers ended together; and the longest run. */
static double ideal_end(const struct simulation *simulation, double *ret_longest)
{
    double sum = 0.0;
    *ret_longest = 0.0;
    for (uint64_t row = 0; row < simulation->work.row_count; row++) {
        if (simulation->todo[row] == PG_PLAN_SKIP)
            continue;
        sum += simulation->durations[row] / simulation->classes[class_at(simulation, row)].lanes;
        *ret_longest = fmax(*ret_longest, simulation->durations[row]);
    }
    return sum / (double)simulation->work.worker_count;
}

/* Every row is dealt once, and the sweep ends at most one and a half packs after the ideal end: the
   last run cannot begin later than that, and the lanes beside it may be empty. */
static void test_simulated_sweeps(void **state)
{
    (void)state;
    struct simulation *simulation = malloc(sizeof *simulation);
    assert_non_null(simulation);
    for (uint32_t seed = 0; seed < 900; seed++) {
        double longest;
        draw_simulation(simulation, seed, lengths[seed % 3]);
        simulate(simulation);
        double ideal = ideal_end(simulation, &longest);
        assert_true(simulation->end <= ideal + 1.5 * longest);
    }
    free(simulation);
}

/* ---- scripted ---- */

static struct pg_plan *make_plan(const struct pg_plan_work *work)
{
    struct pg_plan *plan = NULL;
    struct pg_error error;
    assert_int_equal(pg_plan_create(work, &plan, &error), 0);
    return plan;
}

/* Rows that the worker gets, and of which class. */
static uint32_t deal(struct pg_plan *plan, const struct pg_plan_work *work, size_t worker,
                     uint32_t *ret_class)
{
    struct pg_piece pieces[PG_PIECES_MAX];
    uint32_t rows = 0;
    size_t count = pg_plan_deal(plan, worker, 0.0, pieces);
    for (size_t i = 0; i < count; i++)
        rows += pieces[i].count;
    *ret_class = count > 0 ? work->class_of[pieces[0].first_row / work->rows_per_cell] : UINT32_MAX;
    return rows;
}

/* The shape changes with every cell of three seeds: a pack is made of six pieces. */
static void test_a_pack_of_many_pieces(void **state)
{
    (void)state;
    enum { CELLS = 200 };
    const struct pg_plan_class classes[] = {{2e12, 16}, {1e12, 16}};
    uint32_t class_of[CELLS];
    for (uint32_t i = 0; i < CELLS; i++)
        class_of[i] = i % 2;
    const struct pg_plan_work work = {.row_count = 3 * CELLS,
                                      .rows_per_cell = 3,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 2,
                                      .worker_count = 2,
                                      .rows_max = 64};
    struct pg_plan *plan = make_plan(&work);
    struct pg_piece pieces[PG_PIECES_MAX];
    assert_int_equal(pg_plan_deal(plan, 0, 0.0, pieces), 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(pieces[i].first_row, 6 * i);
        assert_int_equal(pieces[i].count, i < 5 ? 3 : 1);
    }
    assert_int_equal(pg_plan_deal(plan, 1, 0.0, pieces), 6);
    assert_int_equal(pieces[0].first_row, 31);
    assert_int_equal(pieces[0].count, 2);
    pg_plan_destroy(plan);
}

static struct pg_plan *plan_of_one_class(struct pg_plan_work *work, uint64_t rows, size_t workers)
{
    static const struct pg_plan_class classes[] = {{1e12, 16}};
    static const uint32_t class_of[] = {0};
    *work = (struct pg_plan_work){.row_count = rows,
                                  .rows_per_cell = rows,
                                  .class_of = class_of,
                                  .classes = classes,
                                  .class_count = 1,
                                  .worker_count = workers,
                                  .rows_max = 64};
    return make_plan(work);
}

/* Thirteen rows for each of four workers: a pack is not cut, since thirteen side by side take as
   long as sixteen. Three for each: they are shared out, since three one by one end before twelve.
 */
static void test_packs_are_cut_only_where_it_helps(void **state)
{
    (void)state;
    static const uint32_t shares[] = {3, 3, 2};
    struct pg_plan_work work;
    uint32_t class_index;
    struct pg_plan *plan = plan_of_one_class(&work, 100, 4);
    for (size_t worker = 0; worker < 4; worker++)
        assert_int_equal(deal(plan, &work, worker, &class_index), 16);
    pg_plan_destroy(plan);
    plan = plan_of_one_class(&work, 12, 4);
    for (size_t worker = 0; worker < 3; worker++)
        assert_int_equal(deal(plan, &work, worker, &class_index), shares[worker]);
    pg_plan_destroy(plan);
}

/* One pack in training and one in reserve, for each of two workers; then a lane's end brings a pack
   only when the reserve is used up. */
static void test_a_pack_in_reserve(void **state)
{
    (void)state;
    struct pg_plan_work work;
    uint32_t class_index;
    struct pg_plan *plan = plan_of_one_class(&work, 200, 2);
    for (size_t worker = 0; worker < 2; worker++) {
        assert_int_equal(deal(plan, &work, worker, &class_index), 16);
        assert_int_equal(deal(plan, &work, worker, &class_index), 16);
        assert_int_equal(deal(plan, &work, worker, &class_index), 0);
    }
    pg_plan_finish(plan, 0, 1, 60.0, 960.0);
    assert_int_equal(deal(plan, &work, 0, &class_index), 16);
    assert_int_equal(deal(plan, &work, 0, &class_index), 0);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(deal(plan, &work, 0, &class_index), 0);
        pg_plan_finish(plan, 0, 1, 60.0, 960.0);
    }
    assert_int_equal(deal(plan, &work, 0, &class_index), 16);
    pg_plan_destroy(plan);
}

/* Two classes of about equal runs: a worker does not change between them with every measurement,
   but it does when the other's are much longer. */
static void test_a_worker_goes_on_with_its_class(void **state)
{
    (void)state;
    const struct pg_plan_class classes[] = {{1e12, 16}, {1e12, 16}};
    const uint32_t class_of[] = {0, 1};
    const struct pg_plan_work work = {.row_count = 2000,
                                      .rows_per_cell = 1000,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 2,
                                      .worker_count = 2,
                                      .rows_max = 64};
    struct pg_plan *plan = make_plan(&work);
    uint32_t class_index;
    assert_int_equal(deal(plan, &work, 0, &class_index), 16);
    assert_int_equal(class_index, 0);
    pg_plan_finish(plan, 0, 10, 9000.0,
                   9000.0); /* 10 % less than the other's are expected to take */
    assert_int_equal(deal(plan, &work, 1, &class_index), 16);
    assert_int_equal(class_index, 1);
    assert_int_equal(deal(plan, &work, 0, &class_index), 16);
    assert_int_equal(class_index, 0);
    pg_plan_finish(plan, 1, 16, 32000.0, 32000.0); /* twice as long */
    pg_plan_finish(plan, 0, 16, 14400.0, 32000.0);
    assert_int_equal(deal(plan, &work, 0, &class_index), 16);
    assert_int_equal(class_index, 1);
    pg_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulated_sweeps),
        cmocka_unit_test(test_a_pack_of_many_pieces),
        cmocka_unit_test(test_packs_are_cut_only_where_it_helps),
        cmocka_unit_test(test_a_pack_in_reserve),
        cmocka_unit_test(test_a_worker_goes_on_with_its_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
