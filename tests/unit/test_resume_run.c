/* SPDX-License-Identifier: MIT */
/*
 * Runs that are interrupted and go on: saved between any two steps in one layout and on one kernel,
 * resumed in another, beside others, in rows of a larger cube, each gives the bytes that it gives
 * undisturbed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run_state.h"
#include "stage.h"
#include "trajectory.h"

enum { RUNS = STAGE_RUNS, TIMES = 10, ROUNDS_MAX = 400, WIDER = 3 };

/* From so many on a step, single runs pause at every step; packs from a sixteenth on. */
static const double flops_of_a_pause = 5e5;

static const struct job {
    const char *experiment, *assignments;
    bool stops; /* when decided */
} jobs[] = {
    {"addition", "steps=44 decoder_width=100 decoder_depth=1 representation_lr=0.01", false},
    {"addition",
     "steps=44 decoder_width=140 decoder_depth=1 task=classification batch_size=12 activation=relu "
     "optimizer=sgd momentum=0.5",
     false},
    /* Accuracies that are held from step 0 on, and one parallelogram, whose quality comes and goes:
       some runs end when it has been held. */
    {"addition",
     "p=3 train_count=5 steps=160 decoder_width=60 phase_accuracy=0 representation_lr=0.1", true},
    /* Splits of which about one in four is drawn again. */
    {"addition", "steps=22 decoder_width=100 decoder_depth=1 train_count=45 min_ideal_accuracy=0.9",
     false},
    {"modular",
     "p=11 embedding_dim=6 decoder_width=240 evaluate_test_every=7 steps=44 batch_size=40 "
     "embedding=concat data_fraction=0.7",
     false},
    {"modular",
     "p=7 embedding_dim=6 decoder_width=60 evaluate_test_every=2 steps=160 phase_accuracy=0.3 "
     "data_fraction=0.5 weight_decay=0 representation_lr=0.01 decoder_lr=0.01",
     true},
    {"transformer",
     "p=7 embedding_dim=8 heads=2 decoder_width=60 evaluate_test_every=3 steps=44 dropout=0.2 "
     "data_fraction=0.5",
     false},
    {"permutation", "steps=44 decoder_width=100 decoder_depth=1 representation_lr=0.01", false},
    {"two_point", "steps=44 width=60 depth=3 skip=yes dropout=0.1 momentum=0.5", false},
    {"two_point",
     "task=blobs blob_side=5 points_side=2 blob_pixels=3 batch_size=8 steps=44 width=60 depth=2",
     false},
};
enum { JOB_COUNT = sizeof jobs / sizeof jobs[0], QUALITY = 2, REDRAWS = 3 };

static struct row whole[RUNS], cut[RUNS];
static struct saved between[TIMES][RUNS], last[RUNS];
static int64_t times[TIMES];

/* ---- rows ---- */

/* The same shape, but rates of its own; one run in ten diverges. */
static void prepare(const struct job *job, size_t run, struct row *row)
{
    char text[32];
    row_prepare(row, job->experiment, job->assignments, (uint32_t)run, job->stops);
    assert_true(PG_LANES * row->shape.flops_per_step >= flops_of_a_pause);
    row->snapshots[0] = 7;
    (void)snprintf(text, sizeof text, "%g", 0.1 * (double)(run % 4));
    row_set(row, "weight_decay", run % 10 != 7 ? text : run == 7 ? "1e6" : "1");
    if (run % 10 == 7)
        row_set(row, strcmp(job->experiment, "two_point") == 0 ? "learning_rate" : "decoder_lr",
                run == 7 ? "1e6" : "10");
}

static void prepare_all(const struct job *job, struct row *rows, size_t wider)
{
    for (size_t i = 0; i < RUNS; i++) {
        prepare(job, i, &rows[i]);
        if (wider > 0)
            row_widen(&rows[i], wider);
    }
}

static void release_all(struct row *rows)
{
    for (size_t i = 0; i < RUNS; i++)
        row_release(&rows[i]);
}

static void go_on_from(struct row *row, const struct saved *saved)
{
    row->request.state = saved->size > 0 ? saved->bytes : NULL;
    row->request.state_size = saved->size;
}

/* A permutation of the runs. */
static void shuffle(size_t order[RUNS], size_t by)
{
    for (size_t i = 0; i < RUNS; i++)
        order[i] = (i * 11 + by) % RUNS;
}

static const char *const layouts[] = {"samples", "runs"};

/* ---- what pauses say ---- */

static enum pg_pause say_nothing(const struct stage *stage)
{
    (void)stage;
    return PG_PAUSE_GO_ON;
}

static enum pg_pause say_save(const struct stage *stage)
{
    (void)stage;
    return PG_PAUSE_SAVE;
}

/* Some pauses in between, then the end of the stage. */
static enum pg_pause say_leave_soon(const struct stage *stage)
{
    if (stage->pauses > 2 + (long)(stage->order[0] % 9) * 4)
        return PG_PAUSE_SAVE_AND_LEAVE;
    return stage->pauses % 3 == 0 ? PG_PAUSE_SAVE : PG_PAUSE_GO_ON;
}

static enum pg_pause say_leave(const struct stage *stage)
{
    return stage->pauses > 5 ? PG_PAUSE_LEAVE : PG_PAUSE_GO_ON;
}

static void keep_times(size_t run, const struct saved *saved)
{
    for (size_t t = 0; t < TIMES; t++)
        if (saved->step == times[t])
            between[t][run] = *saved;
}

static void keep_last(size_t run, const struct saved *saved)
{
    last[run] = *saved;
}

/* ---- every step, every layout ---- */

static void choose_times(const struct row *row)
{
    int64_t point = row->steps[2], end = row->shape.steps;
    const int64_t chosen[TIMES] = {
        0,       1,           point - 1, point, point + 1, 8 /* a snapshot behind */,
        end / 2, 3 * end / 4, end - 1,   end};
    memcpy(times, chosen, sizeof times);
}

/* Undisturbed: alone, without a pause that says anything. */
static void train_whole(const struct job *job)
{
    size_t order[RUNS];
    struct stage stage = {.waits = job == &jobs[REDRAWS],
                          .rows = whole,
                          .order = order,
                          .count = RUNS,
                          .says = say_nothing};
    shuffle(order, 0);
    prepare_all(job, whole, 0);
    choose_times(&whole[0]);
    assert_int_equal(stage_play(&stage, "samples", stage_kernel(0)), 0);
    assert_int_equal(stage.finished, RUNS);
}

static void assert_as_whole(size_t run)
{
    assert_int_equal(cut[run].status, 0);
    assert_int_equal(cut[run].result.last_step, whole[run].result.last_step);
    assert_int_equal(cut[run].result.diverged, whole[run].result.diverged);
    assert_int_equal(cut[run].result.phase, whole[run].result.phase);
    row_assert_spread(&whole[run], &cut[run]);
}

/* Saves at every step, which nobody sees, and keeps the states at the chosen times. */
static void save_all(const struct job *job, size_t layout, size_t turn)
{
    size_t order[RUNS];
    struct stage stage = {.waits = job == &jobs[REDRAWS],
                          .rows = cut,
                          .order = order,
                          .count = RUNS,
                          .says = say_save,
                          .keep = keep_times};
    for (size_t t = 0; t < TIMES; t++)
        for (size_t i = 0; i < RUNS; i++)
            between[t][i].size = 0;
    shuffle(order, turn);
    prepare_all(job, cut, turn % 2 == 0 ? WIDER : 0);
    assert_int_equal(stage_play(&stage, layouts[layout], stage_kernel(turn)), 0);
    assert_true(stage.waited > 0 || job != &jobs[REDRAWS]);
    for (size_t i = 0; i < RUNS; i++)
        assert_as_whole(i);
    release_all(cut);
}

/* The first of a shuffle go on from where they were at a time; who had ended begins anew. */
static void resume_some(const struct job *job, size_t time, size_t layout, size_t turn)
{
    static const size_t counts[] = {1, 5, 16, 19, RUNS};
    size_t order[RUNS];
    struct stage stage = {.waits = job == &jobs[REDRAWS],
                          .rows = cut,
                          .order = order,
                          .count = counts[turn % 5],
                          .says = say_save};
    shuffle(order, turn);
    prepare_all(job, cut, turn % 2 == 0 ? 0 : WIDER);
    for (size_t i = 0; i < RUNS; i++)
        go_on_from(&cut[i], &between[time][i]);
    assert_int_equal(stage_play(&stage, layouts[layout], stage_kernel(turn + time)), 0);
    for (size_t i = 0; i < stage.count; i++) {
        size_t run = order[i];
        int64_t begin = between[time][run].size > 0 ? times[time] : 0;
        assert_true(stage.first_step[run] == begin ||
                    cut[run].shape.flops_per_step < flops_of_a_pause);
        assert_as_whole(run);
    }
    release_all(cut);
}

static void test_interruptions_cannot_be_seen(void **state)
{
    (void)state;
    for (size_t j = 0; j < JOB_COUNT; j++) {
        train_whole(&jobs[j]);
        for (size_t layout = 0; layout < 2; layout++) {
            save_all(&jobs[j], layout, j + layout);
            for (size_t t = 0; t < TIMES; t++)
                resume_some(&jobs[j], t, (layout + (t + j) % 2) % 2, 2 * t + j + layout);
        }
        release_all(whole);
    }
}

/* ---- launch after launch ---- */

/* One launch with what is left to do; returns how many runs it finished. */
static size_t launch(const struct job *job, size_t round, bool is_done[RUNS])
{
    size_t shuffled[RUNS], order[RUNS];
    struct stage stage = {.waits = job == &jobs[REDRAWS],
                          .rows = cut,
                          .order = order,
                          .says = say_leave_soon,
                          .keep = keep_last};
    shuffle(shuffled, round);
    prepare_all(job, cut, round % 2 == 0 ? 0 : WIDER);
    for (size_t i = 0; i < RUNS; i++) {
        go_on_from(&cut[i], &last[i]);
        if (!is_done[shuffled[i]])
            order[stage.count++] = shuffled[i];
    }
    int status = stage_play(&stage, layouts[round / 2 % 2], stage_kernel(round));
    assert_int_equal(status, stage.finished == stage.count ? 0 : PG_ESTOPPED);
    for (size_t i = 0; i < RUNS; i++) {
        if (!cut[i].is_given || cut[i].status == 1)
            continue;
        is_done[i] = true;
        assert_as_whole(i);
    }
    release_all(cut);
    return stage.finished;
}

static void test_launch_after_launch(void **state)
{
    (void)state;
    for (size_t j = 0; j < JOB_COUNT; j++) {
        bool is_done[RUNS] = {false};
        size_t done = 0, round = 0;
        train_whole(&jobs[j]);
        for (size_t i = 0; i < RUNS; i++)
            last[i].size = 0;
        for (; done < RUNS && round < ROUNDS_MAX; round++)
            done += launch(&jobs[j], round, is_done);
        assert_int_equal(done, RUNS);
        assert_true(round > 5);
        release_all(whole);
    }
}

/* The jobs show what they are made for. */
static void test_jobs(void **state)
{
    (void)state;
    size_t late = 0, early = 0, diverged = 0, redrawn = 0, of_quality = 0;
    for (size_t j = 0; j < JOB_COUNT; j++) {
        train_whole(&jobs[j]);
        for (size_t i = 0; i < RUNS; i++) {
            const struct row *row = &whole[i];
            diverged += row->result.diverged;
            late += row->result.diverged && row->result.last_step > 1;
            early += !row->result.diverged && row->result.last_step < row->shape.steps;
            of_quality += j == QUALITY && row_steps_to(row, "steps_to_rqi") > 0;
            redrawn += j == REDRAWS && *(const int32_t *)row_slot(row, "split_attempt") > 0;
        }
        release_all(whole);
    }
    assert_in_range(diverged, 12, 4 * JOB_COUNT);
    assert_true(late > 0 && early > 10 && redrawn > 2 && of_quality > 10);
}

/* ---- states that do not fit ---- */

/* Trains run 0 of the first job from the bytes; the first step of which it was saved. */
static int64_t first_step_from(const void *bytes, size_t size)
{
    const size_t order[] = {0};
    struct stage stage = {.rows = cut, .order = order, .count = 1, .says = say_save};
    prepare(&jobs[0], 0, &cut[0]);
    cut[0].request.state = bytes;
    cut[0].request.state_size = size;
    assert_int_equal(stage_play(&stage, "samples", stage_kernel(0)), 0);
    assert_as_whole(0);
    row_release(&cut[0]);
    return stage.first_step[0];
}

static void test_what_does_not_fit_is_ignored(void **state)
{
    (void)state;
    static struct saved own, other, foreign;
    train_whole(&jobs[4]);
    save_all(&jobs[4], 0, 0);
    foreign = between[3][0];
    release_all(whole);
    train_whole(&jobs[0]);
    save_all(&jobs[0], 0, 0);
    own = between[3][0];
    other = between[3][1];
    assert_true(own.size > 0 && other.size > 0 && foreign.size > 0);
    assert_int_equal(first_step_from(own.bytes, own.size), times[3]);
    const size_t sizes[] = {0,
                            1,
                            sizeof(struct pg_run_head) - 1,
                            sizeof(struct pg_run_head),
                            own.size / 2,
                            own.size - 1,
                            own.size + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(first_step_from(own.bytes, sizes[i]), 0);
    assert_int_equal(first_step_from(other.bytes, other.size), 0);
    assert_int_equal(first_step_from(foreign.bytes, foreign.size), 0);
    const int64_t steps[] = {-1, 45, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        memcpy(own.bytes + offsetof(struct pg_run_head, step), &steps[i], sizeof steps[i]);
        assert_int_equal(first_step_from(own.bytes, own.size), 0);
    }
    release_all(whole);
}

/* Between two looks at the test set a trajectory does not know by its crossings that it is decided.
 */
static void test_decided_trajectories(void **state)
{
    (void)state;
    const int64_t steps[] = {0, 10, 20}, snapshots[] = {5, 12};
    const struct pg_record record = {
        .steps = steps, .step_count = 3, .snapshots = snapshots, .snapshot_count = 2};
    const struct pg_run_request request = {.record = &record};
    unsigned char bytes[256];
    struct pg_trajectory saved = {.request = request, .is_decided = true}, loaded = saved;
    struct pg_state save = pg_state_save(bytes, sizeof bytes);
    saved.train = (struct pg_crossing){.hold = 100, .first = 1, .held = -1, .since = 4};
    saved.test = (struct pg_crossing){.hold = 100, .first = 2, .held = 3, .since = -1};
    loaded.is_decided = false;
    pg_trajectory_pass(&saved, 11, &save);
    struct pg_state load = pg_state_load(bytes, save.used);
    pg_trajectory_pass(&loaded, 11, &load);
    assert_true(loaded.is_decided && load.used == save.used && !load.is_short);
    assert_int_equal(loaded.next_point, 2);    /* of step 20 */
    assert_int_equal(loaded.next_snapshot, 1); /* of step 12 */
    assert_int_equal(loaded.train.first, 1);
    assert_int_equal(loaded.train.since, 4);
    assert_int_equal(loaded.test.held, 3);
}

/* ---- the rest of the promise ---- */

static void test_leaving_at_once_saves_nothing(void **state)
{
    (void)state;
    size_t order[RUNS];
    struct stage stage = {.rows = cut, .order = order, .count = RUNS, .says = say_leave};
    shuffle(order, 0);
    prepare_all(&jobs[0], cut, 0);
    assert_int_equal(stage_play(&stage, "runs", stage_kernel(0)), PG_ESTOPPED);
    for (size_t i = 0; i < RUNS; i++)
        assert_int_equal(stage.first_step[i], -1);
    assert_int_equal(stage.pauses, 6);
    release_all(cut);
}

static void test_saving_allocates_nothing(void **state)
{
    (void)state;
    const size_t order[] = {0};
    struct stage stage = {.rows = cut, .order = order, .count = 1, .says = say_save};
    prepare(&jobs[0], 0, &cut[0]);
    assert_int_equal(stage_play(&stage, "samples", stage_kernel(0)), 0);
    assert_true(row_allocations > 0 && stage.pauses > 40);
    assert_int_equal(cut[0].allocations_first, cut[0].allocations_last);
    row_release(&cut[0]);
}

/* Such a run would be trained with the memory and the loops of another shape. */
static void test_another_shape_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *what;
    } cases[] = {{"decoder_width", "101", "model"},
                 {"train_count", "50", "number of training samples"},
                 {"optimizer", "sgd", "optimiser"}};
    const size_t order[] = {0, 1, 2};
    train_whole(&jobs[0]);
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        struct stage stage = {.rows = cut, .order = order, .count = 3, .says = say_nothing};
        char expected[160];
        for (size_t run = 0; run < 3; run++)
            prepare(&jobs[0], run, &cut[run]);
        row_set(&cut[1], cases[i / 2].name, cases[i / 2].value);
        assert_int_equal(stage_play(&stage, layouts[i % 2], stage_kernel(0)), 0);
        (void)snprintf(expected, sizeof expected,
                       "runs that are trained together must have one shape, but the %s of this run "
                       "is not that of the first one",
                       cases[i / 2].what);
        assert_int_equal(cut[1].status, PG_EINPUT);
        assert_string_equal(cut[1].error.text, expected);
        assert_as_whole(0);
        assert_as_whole(2);
        for (size_t run = 0; run < 3; run++)
            row_release(&cut[run]);
    }
    release_all(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_interruptions_cannot_be_seen),
        cmocka_unit_test(test_launch_after_launch),
        cmocka_unit_test(test_what_does_not_fit_is_ignored),
        cmocka_unit_test(test_decided_trajectories),
        cmocka_unit_test(test_leaving_at_once_saves_nothing),
        cmocka_unit_test(test_saving_allocates_nothing),
        cmocka_unit_test(test_another_shape_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
