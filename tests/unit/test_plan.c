/* SPDX-License-Identifier: MIT */
/*
 * The plan by scripted events, and whole sweeps in simulated time: whatever the order of events,
 * every row to do is dealt exactly once, and the last worker ends within Graham's bound.
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

enum { ROWS_MAX = 4000, WORKERS_MAX = 9, CLASSES_MAX = 5 };

static struct pg_plan *make_plan(const struct pg_plan_work *work)
{
    struct pg_plan *plan = NULL;
    struct pg_error error;
    assert_int_equal(pg_plan_create(work, &plan, &error), 0);
    return plan;
}

static void assert_deals(struct pg_plan *plan, size_t worker, uint64_t first_row, uint32_t count)
{
    struct pg_piece pieces[PG_PIECES_MAX];
    assert_int_equal(pg_plan_deal(plan, worker, 0.0, pieces), 1);
    assert_int_equal(pieces[0].first_row, first_row);
    assert_int_equal(pieces[0].count, count);
}

static void assert_deals_nothing(struct pg_plan *plan, size_t worker)
{
    struct pg_piece pieces[PG_PIECES_MAX];
    assert_int_equal(pg_plan_deal(plan, worker, 0.0, pieces), 0);
}

/* ---- scripted ---- */

/* Runs of an hour: every piece is one run, and the costly class goes first. */
static void test_longest_first(void **state)
{
    (void)state;
    const uint32_t class_of[] = {0, 1, 0};
    const struct pg_plan_class classes[] = {{1e12, 1}, {3e12, 1}};
    const struct pg_plan_work work = {.row_count = 6,
                                      .rows_per_cell = 2,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 2,
                                      .worker_count = 3,
                                      .rows_max = 64};
    struct pg_plan *plan = make_plan(&work);
    assert_deals(plan, 0, 2, 1);
    assert_deals(plan, 1, 3, 1);
    assert_deals(plan, 2, 0, 1);
    pg_plan_finish(plan, 2, 1, 1000.0, 1000.0);
    assert_deals(plan, 2, 1, 1);
    pg_plan_finish(plan, 2, 1, 1000.0, 2000.0);
    assert_deals(plan, 2, 4, 1);
    assert_int_equal(pg_plan_todo(plan), 4);
    pg_plan_destroy(plan);
}

/* As many equal runs as workers: nobody gets a second one in reserve. */
static void test_no_reserve_while_others_are_idle(void **state)
{
    (void)state;
    const uint32_t class_of[5] = {0};
    const struct pg_plan_class classes[] = {{1e12, 1}};
    const struct pg_plan_work work = {.row_count = 5,
                                      .rows_per_cell = 1,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 1,
                                      .worker_count = 5,
                                      .rows_max = 64};
    struct pg_plan *plan = make_plan(&work);
    for (size_t worker = 0; worker < 5; worker++) {
        assert_deals(plan, worker, worker, 1);
        assert_deals_nothing(plan, worker);
    }
    pg_plan_destroy(plan);
}

/* Plenty to do: one piece and one in reserve, and not a third. */
static void test_reserve_while_there_is_plenty(void **state)
{
    (void)state;
    const uint32_t class_of[100] = {0};
    const struct pg_plan_class classes[] = {{1e12, 1}};
    const struct pg_plan_work work = {.row_count = 100,
                                      .rows_per_cell = 1,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 1,
                                      .worker_count = 2,
                                      .rows_max = 64};
    struct pg_plan *plan = make_plan(&work);
    assert_deals(plan, 1, 0, 1);
    assert_deals(plan, 1, 1, 1);
    assert_deals_nothing(plan, 1);
    pg_plan_finish(plan, 1, 1, 1000.0, 1000.0);
    assert_deals(plan, 1, 2, 1);
    assert_deals_nothing(plan, 1);
    pg_plan_destroy(plan);
}

/* Pieces of short runs end where a row is done already, and at a row that failed, which is a piece
   of its own; as many are dealt at once as have rows enough, but of one class. */
static void test_pieces_are_consecutive_and_equal(void **state)
{
    (void)state;
    enum { ROWS = 400 };
    uint32_t class_of[ROWS];
    uint8_t todo[ROWS];
    const struct pg_plan_class classes[] = {{1e3, 1}, {999.0, 1}};
    for (size_t i = 0; i < ROWS; i++) {
        class_of[i] = i >= 10;
        todo[i] = PG_PLAN_DO;
    }
    todo[3] = PG_PLAN_SKIP;
    todo[6] = PG_PLAN_DO_ALONE;
    const struct pg_plan_work work = {.row_count = ROWS,
                                      .rows_per_cell = 1,
                                      .todo = todo,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 2,
                                      .worker_count = 5,
                                      .rows_max = 8};
    struct pg_plan *plan = make_plan(&work);
    assert_int_equal(pg_plan_todo(plan), ROWS - 1);
    const struct pg_piece expected[] = {{0, 3}, {4, 2}, {6, 1}, {7, 2}};
    struct pg_piece pieces[PG_PIECES_MAX];
    assert_int_equal(pg_plan_deal(plan, 0, 0.0, pieces), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pieces[i].first_row, expected[i].first_row);
        assert_int_equal(pieces[i].count, expected[i].count);
    }
    assert_deals(plan, 1, 9, 1);
    assert_deals(plan, 2, 10, 8);
    pg_plan_destroy(plan);
}

/* The class that was expected to be short turns out to be the long one. */
static void test_measured_times_correct_the_order(void **state)
{
    (void)state;
    const uint32_t class_of[] = {0, 0, 0, 1, 1, 1};
    const struct pg_plan_class classes[] = {{1.0e12, 1}, {1.5e12, 1}};
    const struct pg_plan_work work = {.row_count = 6,
                                      .rows_per_cell = 1,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 2,
                                      .worker_count = 3,
                                      .rows_max = 64};
    struct pg_plan *plan = make_plan(&work);
    assert_deals(plan, 0, 3, 1);
    assert_deals(plan, 1, 4, 1);
    assert_deals(plan, 2, 5, 1);
    pg_plan_finish(plan, 0, 1, 10.0, 10.0);
    assert_deals(plan, 0, 0, 1);
    pg_plan_finish(plan, 0, 1, 5000.0, 5010.0);
    assert_deals(plan, 0, 1, 1);
    pg_plan_destroy(plan);
}

static void test_stop(void **state)
{
    (void)state;
    const uint32_t class_of[3] = {0};
    const struct pg_plan_class classes[] = {{1e12, 1}};
    const struct pg_plan_work work = {.row_count = 3,
                                      .rows_per_cell = 1,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 1,
                                      .worker_count = 1,
                                      .rows_max = 64};
    struct pg_plan *plan = make_plan(&work);
    assert_deals(plan, 0, 0, 1);
    pg_plan_stop(plan);
    pg_plan_finish(plan, 0, 1, 1.0, 1.0);
    assert_deals_nothing(plan, 0);
    assert_int_equal(pg_plan_todo(plan), 2);
    pg_plan_destroy(plan);
}

/* Two workers, 10 runs of 10 s each: after 2 are done and 5 s are gone of the next two, 35 s. */
static void test_seconds_left(void **state)
{
    (void)state;
    const uint32_t class_of[10] = {0};
    const struct pg_plan_class classes[] = {{1e15, 1}};
    const struct pg_plan_work work = {.row_count = 10,
                                      .rows_per_cell = 1,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 1,
                                      .worker_count = 2,
                                      .rows_max = 1};
    struct pg_plan *plan = make_plan(&work);
    struct pg_piece pieces[PG_PIECES_MAX];
    assert_true(isnan(pg_plan_seconds_left(plan, 0.0)));
    for (size_t worker = 0; worker < 2; worker++) {
        assert_int_equal(pg_plan_deal(plan, worker, 0.0, pieces), 1);
        pg_plan_finish(plan, worker, 1, 10.0, 10.0);
        assert_int_equal(pg_plan_deal(plan, worker, 10.0, pieces), 1);
    }
    assert_true(fabs(pg_plan_seconds_left(plan, 15.0) - 35.0) < 0.01);
    pg_plan_destroy(plan);
}

/* Two workers, four runs of the same cost; nothing is finished, but what is trained is known: a
   quarter of a run took 10 s, so a run takes 40 and what is left 40 * (4 - 1/4 - 1/2) / 2. */
static void test_seconds_left_of_unfinished_runs(void **state)
{
    (void)state;
    const uint32_t class_of[4] = {0};
    const struct pg_plan_class classes[] = {{1e15, 1}};
    const struct pg_plan_work work = {.row_count = 4,
                                      .rows_per_cell = 1,
                                      .class_of = class_of,
                                      .classes = classes,
                                      .class_count = 1,
                                      .worker_count = 2,
                                      .rows_max = 1};
    const struct pg_plan_part quarter = {0.25, 0.25, 10.0}, resumed = {0.5, 0.0, 0.0};
    struct pg_plan *plan = make_plan(&work);
    assert_deals(plan, 0, 0, 1);
    assert_deals(plan, 1, 1, 1);
    pg_plan_note(plan, 1, &resumed, 0.0);
    assert_true(isnan(pg_plan_seconds_left(plan, 0.0)));
    pg_plan_note(plan, 0, &quarter, 10.0);
    pg_plan_note(plan, 1, &resumed, 10.0);
    assert_true(fabs(pg_plan_seconds_left(plan, 10.0) - 65.0) < 0.01);
    assert_true(fabs(pg_plan_seconds_left(plan, 20.0) - 55.0) < 0.01); /* both go on meanwhile */
    /* Its end counts the whole run: 40 s. */
    pg_plan_finish(plan, 0, 1, 40.0, 40.0);
    pg_plan_note(plan, 0, &(const struct pg_plan_part){0.0, 0.0, 0.0}, 40.0);
    pg_plan_note(plan, 1, &resumed, 40.0);
    assert_true(fabs(pg_plan_seconds_left(plan, 40.0) - 40.0 * 2.5 / 2) < 0.01);
    pg_plan_destroy(plan);
}

/* ---- simulated sweeps ---- */

struct simulation {
    struct pg_plan *plan;
    struct pg_plan_work work;
    uint8_t todo[ROWS_MAX];
    uint32_t class_of[ROWS_MAX], dealt[ROWS_MAX];
    struct pg_plan_class classes[CLASSES_MAX];
    double durations[ROWS_MAX];
    struct pg_piece held[WORKERS_MAX][PG_HELD_MAX];
    size_t held_count[WORKERS_MAX];
    double free_at[WORKERS_MAX];
};

static uint32_t draw(const struct pg_random *random, uint32_t bound, uint32_t *counter)
{
    return pg_random_below(random, bound, (*counter)++, 0, 0);
}

/* A random job: classes, statuses, workers; runs last as their class costs, times 1 +- noise. */
static void draw_simulation(struct simulation *simulation, uint32_t seed, double noise)
{
    struct pg_random random = pg_random_make(seed, PG_STREAM_TEST, 0);
    uint32_t counter = 0, class_count = 1 + draw(&random, CLASSES_MAX, &counter);
    memset(simulation, 0, sizeof *simulation);
    for (uint32_t i = 0; i < class_count; i++) /* 1 ms to 10 s */
        simulation->classes[i] =
            (struct pg_plan_class){1e6 * pow(10.0, 0.1 * draw(&random, 41, &counter)), 1};
    size_t rows_per_cell = 1 + draw(&random, 3, &counter);
    uint64_t cells = 1 + draw(&random, seed % 2 == 0 ? ROWS_MAX / 3 - 1 : 10, &counter);
    for (uint64_t i = 0; i < cells; i++)
        simulation->class_of[i] = draw(&random, class_count, &counter);
    for (uint64_t row = 0; row < cells * rows_per_cell; row++) {
        uint32_t kind = draw(&random, 10, &counter);
        simulation->todo[row] = (uint8_t)(kind == 0   ? PG_PLAN_SKIP
                                          : kind == 1 ? PG_PLAN_DO_ALONE
                                                      : PG_PLAN_DO);
        double swing = 2.0 * draw(&random, 1001, &counter) / 1000.0 - 1.0;
        simulation->durations[row] =
            1e-9 * simulation->classes[simulation->class_of[row / rows_per_cell]].cost *
            (1.0 + noise * swing);
    }
    simulation->work =
        (struct pg_plan_work){.row_count = cells * rows_per_cell,
                              .rows_per_cell = rows_per_cell,
                              .todo = simulation->todo,
                              .class_of = simulation->class_of,
                              .classes = simulation->classes,
                              .class_count = class_count,
                              .worker_count = 1 + draw(&random, WORKERS_MAX, &counter),
                              .rows_max = 1 + draw(&random, 64, &counter)};
    simulation->plan = make_plan(&simulation->work);
}

static double piece_seconds(const struct simulation *simulation, const struct pg_piece *piece)
{
    double seconds = 0.0;
    for (uint32_t i = 0; i < piece->count; i++)
        seconds += simulation->durations[piece->first_row + i];
    return seconds;
}

/* A piece is of one class, and dealt once. */
static void hold(struct simulation *simulation, size_t worker, const struct pg_piece *piece)
{
    const struct pg_plan_work *work = &simulation->work;
    assert_true(simulation->held_count[worker] < PG_HELD_MAX);
    for (uint32_t i = 0; i < piece->count; i++) {
        uint64_t row = piece->first_row + i;
        simulation->dealt[row]++;
        assert_int_equal(simulation->class_of[row / work->rows_per_cell],
                         simulation->class_of[piece->first_row / work->rows_per_cell]);
    }
    simulation->held[worker][simulation->held_count[worker]++] = *piece;
}

/* Takes all that the plan has for the worker. */
static void ask(struct simulation *simulation, size_t worker, double now)
{
    struct pg_piece pieces[PG_PIECES_MAX];
    for (size_t count; (count = pg_plan_deal(simulation->plan, worker, now, pieces)) > 0;) {
        uint32_t rows = 0;
        if (simulation->held_count[worker] == 0)
            simulation->free_at[worker] = now + piece_seconds(simulation, &pieces[0]);
        for (size_t i = 0; i < count; i++) {
            assert_true(pieces[i].count >= 1);
            rows += pieces[i].count;
            hold(simulation, worker, &pieces[i]);
        }
        assert_true(rows <= simulation->work.rows_max);
    }
}

/* The piece that was dealt first is wholly finished. */
static void drop_piece(struct simulation *simulation, size_t worker)
{
    struct pg_piece *held = simulation->held[worker];
    memmove(&held[0], &held[1], --simulation->held_count[worker] * sizeof held[0]);
}

/* The worker has finished its piece and begins the next one. */
static void finish(struct simulation *simulation, size_t worker, double now)
{
    struct pg_piece *held = simulation->held[worker];
    pg_plan_finish(simulation->plan, worker, held[0].count, piece_seconds(simulation, &held[0]),
                   now);
    drop_piece(simulation, worker);
    if (simulation->held_count[worker] > 0)
        simulation->free_at[worker] = now + piece_seconds(simulation, &held[0]);
    ask(simulation, worker, now);
}

/* The worker whose piece ends next; worker_count: none holds any. */
static size_t next_to_end(const struct simulation *simulation)
{
    size_t next = simulation->work.worker_count;
    for (size_t i = 0; i < simulation->work.worker_count; i++)
        if (simulation->held_count[i] > 0 && (next == simulation->work.worker_count ||
                                              simulation->free_at[i] < simulation->free_at[next]))
            next = i;
    return next;
}

/* The whole sweep; returns the moment at which the last worker ends. */
static double simulate(struct simulation *simulation)
{
    double now = 0.0;
    for (size_t worker = 0; worker < simulation->work.worker_count; worker++)
        ask(simulation, worker, 0.0);
    for (size_t next; (next = next_to_end(simulation)) < simulation->work.worker_count;) {
        now = simulation->free_at[next];
        finish(simulation, next, now);
    }
    return now;
}

static void assert_each_once(const struct simulation *simulation)
{
    for (uint64_t row = 0; row < simulation->work.row_count; row++)
        assert_int_equal(simulation->dealt[row], simulation->todo[row] != PG_PLAN_SKIP);
    assert_int_equal(pg_plan_todo(simulation->plan), 0);
}

/* sum / m + (1 - 1 / m) max: no list schedule is longer (Graham 1969). */
static double graham_bound(const struct simulation *simulation)
{
    double sum = 0.0, longest = 0.0, workers = (double)simulation->work.worker_count;
    for (uint64_t row = 0; row < simulation->work.row_count; row++) {
        if (simulation->todo[row] == PG_PLAN_SKIP)
            continue;
        sum += simulation->durations[row];
        longest = fmax(longest, simulation->durations[row]);
    }
    return sum / workers + (1.0 - 1.0 / workers) * longest;
}

static void test_simulated_sweeps(void **state)
{
    (void)state;
    struct simulation *simulation = malloc(sizeof *simulation);
    assert_non_null(simulation);
    for (uint32_t seed = 0; seed < 300; seed++) {
        draw_simulation(simulation, seed, 0.0);
        double end = simulate(simulation);
        assert_each_once(simulation);
        assert_true(end <= graham_bound(simulation) * (1.0 + 1e-9));
        pg_plan_destroy(simulation->plan);
    }
    free(simulation);
}

/* Runs that take half to one and a half of what was expected: within 4/3 of the bound. */
static void test_simulated_sweeps_with_wrong_costs(void **state)
{
    (void)state;
    struct simulation *simulation = malloc(sizeof *simulation);
    assert_non_null(simulation);
    for (uint32_t seed = 1000; seed < 1300; seed++) {
        draw_simulation(simulation, seed, 0.5);
        double end = simulate(simulation);
        assert_each_once(simulation);
        assert_true(end <= 4.0 / 3.0 * graham_bound(simulation));
        pg_plan_destroy(simulation->plan);
    }
    free(simulation);
}

/* Reports in any order, in parts of a piece: still every row once. */
static void test_random_events(void **state)
{
    (void)state;
    struct simulation *simulation = malloc(sizeof *simulation);
    assert_non_null(simulation);
    for (uint32_t seed = 2000; seed < 2100; seed++) {
        struct pg_random random = pg_random_make(seed, PG_STREAM_TEST, 1);
        uint32_t counter = 0;
        draw_simulation(simulation, seed, 0.9);
        for (double now = 0.0; pg_plan_todo(simulation->plan) > 0; now += 1.0) {
            uint32_t workers = (uint32_t)simulation->work.worker_count;
            size_t worker = draw(&random, workers, &counter);
            struct pg_piece *held = simulation->held[worker];
            if (simulation->held_count[worker] > 0) {
                uint32_t rows = draw(&random, held[0].count + 1, &counter);
                pg_plan_finish(simulation->plan, worker, rows, 0.01 * rows, now);
                held[0].first_row += rows;
                held[0].count -= rows;
                if (held[0].count == 0)
                    drop_piece(simulation, worker);
            }
            ask(simulation, worker, now);
        }
        assert_each_once(simulation);
        pg_plan_destroy(simulation->plan);
    }
    free(simulation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_first),
        cmocka_unit_test(test_no_reserve_while_others_are_idle),
        cmocka_unit_test(test_reserve_while_there_is_plenty),
        cmocka_unit_test(test_pieces_are_consecutive_and_equal),
        cmocka_unit_test(test_measured_times_correct_the_order),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_seconds_left),
        cmocka_unit_test(test_seconds_left_of_unfinished_runs),
        cmocka_unit_test(test_simulated_sweeps),
        cmocka_unit_test(test_simulated_sweeps_with_wrong_costs),
        cmocka_unit_test(test_random_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
