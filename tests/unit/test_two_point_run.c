/* SPDX-License-Identifier: MIT */
/*
 * The two_point experiment: the points of its tasks, what its rows say of a network against that
 * network itself, where runs end, and what tells its cells apart.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "row.h"
#include "two_point.h"

#define SMALL "width=30 depth=2 steps=60 "

static void run(struct row *row, const char *assignments)
{
    row_run(row, "two_point", assignments, 1, false);
    assert_int_equal(row->status, 0);
}

static double at(const struct row *row, const char *name, size_t index)
{
    return ((const double *)row_slot(row, name))[index];
}

static double series(const struct row *row, const char *name, size_t index)
{
    return (double)((const float *)row_slot(row, name))[index];
}

/* ---- points ---- */

static void assert_pair(const struct row *row, size_t pair, double input, double target)
{
    assert_true(fabs(at(row, "pair_input", pair) - input) < 1e-12);
    assert_true(fabs(at(row, "pair_target", pair) - target) < 1e-12);
}

static void test_points(void **state)
{
    struct row row;
    (void)state;
    run(&row, SMALL "input_distance=1.25 target_distance=0.5");
    assert_pair(&row, 0, 1.25, 0.5);
    row_release(&row);
    /* (0,0) (0,1) (1,0) (1,1): pairs 01 02 03 12 13 23 */
    run(&row, SMALL "task=xor");
    const double root = sqrt(2.0);
    assert_pair(&row, 0, 1.0, 1.0);
    assert_pair(&row, 2, root, 0.0);
    assert_pair(&row, 3, root, 0.0);
    assert_pair(&row, 5, 1.0, 1.0);
    row_release(&row);
}

/* Leaves that part k levels above them differ in 2 k nodes. */
static void test_tree(void **state)
{
    struct row row;
    (void)state;
    run(&row, SMALL "task=tree tree_levels=3 centred=yes");
    for (size_t i = 0, pair = 0; i < 8; i++)
        for (size_t j = i + 1; j < 8; j++, pair++) {
            size_t levels = 0;
            while (i >> levels != j >> levels)
                levels++;
            assert_pair(&row, pair, sqrt(2.0), sqrt(2.0 * (double)levels));
        }
    row_release(&row);
}

/* Bumps of width .4 at -1, 0 and 1, seen at 4 x 4 pixels; v runs fastest, the context last. */
static void test_blobs(void **state)
{
    enum { SIDE = 3, PIXELS = 4, COUNT = 2 * SIDE * SIDE, INPUTS = PIXELS * PIXELS + 2 };
    static const double places[] = {-1.0, 0.0, 1.0}, pixels[] = {-1.0, -1.0 / 3, 1.0 / 3, 1.0};
    double x[COUNT][INPUTS], y[COUNT];
    struct row row;
    (void)state;
    run(&row, SMALL "task=blobs blob_side=4 points_side=3 blob_pixels=4 blob_width=0.4");
    for (size_t i = 0; i < COUNT; i++) {
        double u = places[i / SIDE % SIDE], v = places[i % SIDE];
        for (size_t p = 0; p < PIXELS * PIXELS; p++) {
            double far = hypot(pixels[p / PIXELS] - u, pixels[p % PIXELS] - v) / 0.4;
            x[i][p] = exp(-far * far / 2.0);
        }
        x[i][INPUTS - 2] = i < SIDE * SIDE;
        x[i][INPUTS - 1] = i >= SIDE * SIDE;
        y[i] = i < SIDE * SIDE ? u : v;
    }
    for (size_t i = 0, pair = 0; i < COUNT; i++)
        for (size_t j = i + 1; j < COUNT; j++, pair++) {
            double sum = 0.0;
            for (size_t k = 0; k < INPUTS; k++)
                sum += (x[i][k] - x[j][k]) * (x[i][k] - x[j][k]);
            assert_pair(&row, pair, sqrt(sum), fabs(y[i] - y[j]));
        }
    row_release(&row);
}

/* A network of zeros says 0. The loss is that of the training set: targets -1, -1/3, 1/3, 1. */
static void test_blobs_are_trained_on_a_grid_of_their_own(void **state)
{
    struct row row;
    (void)state;
    run(&row, SMALL "task=blobs blob_side=4 points_side=2 init_gain=0 batch_size=5");
    assert_true(fabs(series(&row, "train_loss", 0) - 0.5 * (1.0 + 1.0 / 9) / 2.0) < 1e-6);
    row_release(&row);
}

/* ---- what rows say ---- */

/* A linear net of one hidden layer without training: h, y and w by the weights of its snapshot. */
static void test_distances_of_a_network(void **state)
{
    enum { WIDTH = 30 };
    struct row row;
    (void)state;
    run(&row, "width=30 depth=1 activation=identity steps=1 learning_rate=0 input_distance=1.5 "
              "target_distance=0.5");
    const float *parameters = row_slot(&row, "parameters");
    double h = 0.0, dy = 0.0;
    for (size_t i = 0; i < WIDTH; i++) {
        double in = (double)parameters[i], out = (double)parameters[2 * WIDTH + i];
        h += 1.5 * 1.5 * in * in;
        dy += 1.5 * in * out;
    }
    assert_true(fabs(series(&row, "h", 0) / h - 1.0) < 1e-5);
    assert_true(fabs(series(&row, "y", 0) / (dy * dy) - 1.0) < 1e-4);
    assert_true(fabs(series(&row, "w", 0) - (dy * dy - 0.5 * dy)) < 1e-6);
    assert_true(fabs(at(&row, "growth", 0) - 1.0) < 1e-12);
    row_release(&row);
}

/* A network of zeros says 0: half the mean square of the targets. */
static void test_half_mean_square(void **state)
{
    struct row row;
    (void)state;
    run(&row, SMALL "init_gain=0 target_distance=0.5");
    assert_true(fabs(series(&row, "train_loss", 0) - 0.25 * (0.6 * 0.6 + 1.1 * 1.1)) < 1e-6);
    row_release(&row);
}

static void test_measurements_drop_nothing(void **state)
{
    struct row with, without;
    (void)state;
    run(&with, SMALL "activation=tanh dropout=0.5");
    run(&without, SMALL "activation=tanh");
    for (size_t layer = 0; layer < 2; layer++)
        assert_true(fabs(series(&with, "h", layer) / series(&without, "h", layer) - 1.0) < 1e-5);
    assert_true(fabs(series(&with, "h", 11 * 2) - series(&without, "h", 11 * 2)) > 1e-5);
    row_release(&with);
    row_release(&without);
}

/* Mean distance, not squared, with equal targets over that with different ones. */
static void test_label_ratio(void **state)
{
    struct row row;
    (void)state;
    run(&row, SMALL "task=xor activation=relu");
    const float *h = row_slot(&row, "h"); /* (step, layer, pair) */
    double same = 0.5 * (sqrt((double)h[2]) + sqrt((double)h[3]));
    double other =
        0.25 * (sqrt((double)h[0]) + sqrt((double)h[1]) + sqrt((double)h[4]) + sqrt((double)h[5]));
    assert_true(fabs(series(&row, "label_ratio", 0) / (same / other) - 1.0) < 1e-5);
    assert_true(isnan(at(&row, "encoder_rate", 0)));
    row_release(&row);
}

/* ---- the end of runs ---- */

static void test_stop_and_phases(void **state)
{
    static const struct {
        const char *assignments;
        uint8_t phase;
        bool stops;
    } cases[] = {
        {"width=30 depth=1 activation=identity init_gain=0.01 learning_rate=0.1 steps=4000 "
         "stop_loss=1e-4",
         TWO_POINT_RICH, true},
        {"width=2000 depth=1 activation=identity init_gain=10 learning_rate=0.001 steps=4000 "
         "stop_loss=1e-4",
         TWO_POINT_LAZY, true},
        {SMALL "learning_rate=0", TWO_POINT_UNLEARNED, false},
        {SMALL "learning_rate=1e5", TWO_POINT_DIVERGED, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        run(&row, cases[i].assignments);
        assert_int_equal(*(const uint8_t *)row_slot(&row, "phase"), cases[i].phase);
        assert_int_equal(row.result.diverged, cases[i].phase == TWO_POINT_DIVERGED);
        if (cases[i].stops) {
            assert_true(row.result.last_step < row.shape.steps);
            assert_true(series(&row, "train_loss", ROW_POINTS - 1) <= 1e-4 * 0.5 * (1.0 + 1e-6));
            assert_true(series(&row, "h", ROW_POINTS - 1) > 0.0);
        }
        row_release(&row);
    }
}

/* The states of a fit are its own, whatever is recorded; beyond 512 steps they are thinned out. */
static void test_fit_is_of_the_run(void **state)
{
    struct row dense, sparse;
    const char *cell = "width=30 depth=1 activation=identity init_gain=0.1 learning_rate=0.1 "
                       "steps=1500";
    (void)state;
    run(&dense, cell);
    row_prepare(&sparse, "two_point", cell, 1, false);
    sparse.record.step_count = 2;
    sparse.steps[1] = 1500;
    row_run_all(&sparse, 1);
    assert_true(at(&dense, "encoder_rate", 0) > 0.0);
    for (size_t i = 0; i < 2; i++)
        assert_memory_equal(row_slot(&dense, i == 0 ? "encoder_rate" : "fit_squares"),
                            row_slot(&sparse, i == 0 ? "encoder_rate" : "fit_squares"),
                            sizeof(double));
    /* the last point of the theory's curve is the theory at the end */
    assert_memory_equal((const float *)row_slot(&dense, "theory_h") + ROW_POINTS - 1,
                        (const float *)row_slot(&sparse, "theory_h") + 1, sizeof(float));
    row_release(&dense);
    row_release(&sparse);
}

/* ---- cells ---- */

static void test_shapes(void **state)
{
    static const struct {
        const char *assignments;
        size_t parameters, lanes;
    } cases[] = {
        /* 2 x 500 + 19 x 500 x 501 + 501 */
        {"", 4761001, 1},
        {"depth=1 width=10 task=xor", 2 * 10 + 10 + 11, 0},
        {"depth=3 width=10 skip=yes dropout=0.1 activation=silu", 20 + 2 * 110 + 11, 0},
        {"depth=1 width=10 task=tree tree_levels=2", 40 + 10 + 60 + 6, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "two_point", cases[i].assignments, 0, false);
        assert_int_equal(row.bytes[row_index_of(&row, "parameters")] / (2 * sizeof(float)),
                         cases[i].parameters);
        if (cases[i].lanes > 0)
            assert_int_equal(row.shape.lanes, cases[i].lanes);
        row_release(&row);
    }
}

static void test_shapes_tell_cells_apart(void **state)
{
    static const char *const cells[][2] = {
        {"activation=tanh", "activation=elu"},
        {"activation=tanh", "activation=tanh skip=yes"},
        {"activation=tanh skip=yes", "activation=elu skip=yes"},
        {"dropout=0", "dropout=0.1"},
        {"dropout=0.2", "dropout=0.1"},
        {"task=two_point activation=silu", "task=two_point activation=leaky_relu dropout=0.1"},
        {"optimizer=sgd", "optimizer=adamw"},
        {"task=blobs", "task=blobs batch_size=64"},
        {"task=blobs blob_side=6", "task=blobs blob_side=8"},
        {"task=blobs points_side=3", "task=blobs points_side=4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        row_assert_apart("two_point", cells[i]);
}

static void test_wrong_cells(void **state)
{
    static const struct {
        const char *assignments, *name, *value, *text;
    } cases[] = {
        {SMALL "rich_growth=2", "lazy_growth", "3",
         "rich_growth is 2 and lazy_growth 3; a run cannot be both: expected "
         "rich_growth >= lazy_growth"},
        {SMALL "task=xor", "batch_size", "2",
         "batch_size 2 with task xor: mini-batches are for blobs; expected 0, the full batch"},
        {SMALL "task=blobs blob_side=4", "batch_size", "33",
         "batch_size 33 is more than the 32 training samples; allowed: 1 to 32, or 0 for all"},
        {SMALL "task=blobs", "centred", "yes",
         "centred yes with task blobs: its targets have mean 0 and its inputs are pixels; "
         "expected no"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "two_point", cases[i].assignments, 0, false);
        row_set(&row, cases[i].name, cases[i].value);
        assert_true(row.experiment->check(&row.request.values, &row.error) < 0);
        assert_string_equal(row.error.text, cases[i].text);
        row_release(&row);
    }
}

/* Packed or alone, with all that makes networks differ. */
static void test_layouts_agree(void **state)
{
    static const char *const cells[] = {
        SMALL "activation=silu skip=yes",
        SMALL "dropout=0.2 optimizer=adamw",
        "task=tree tree_levels=2 width=20 depth=3 steps=60 activation=elu",
        SMALL "task=blobs blob_side=4 points_side=2 batch_size=5 activation=tanh",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct row rows[2];
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(setenv("PHASEGRID_LAYOUT", k == 0 ? "samples" : "runs", 1), 0);
            run(&rows[k], cells[i]);
        }
        row_assert_all_same(&rows[0], &rows[1]);
        row_release(&rows[0]);
        row_release(&rows[1]);
    }
    assert_int_equal(unsetenv("PHASEGRID_LAYOUT"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_blobs),
        cmocka_unit_test(test_blobs_are_trained_on_a_grid_of_their_own),
        cmocka_unit_test(test_distances_of_a_network),
        cmocka_unit_test(test_half_mean_square),
        cmocka_unit_test(test_measurements_drop_nothing),
        cmocka_unit_test(test_label_ratio),
        cmocka_unit_test(test_stop_and_phases),
        cmocka_unit_test(test_fit_is_of_the_run),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_shapes_tell_cells_apart),
        cmocka_unit_test(test_wrong_cells),
        cmocka_unit_test(test_layouts_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
