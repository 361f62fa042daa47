/* SPDX-License-Identifier: MIT */
/*
 * The modular-addition experiment as a pure function of settings and seed: its data, what its
 * settings change and leave alone, when its accuracies are looked at, the same rows in both
 * layouts. That what it trains is right is for tests/unit/test_table.c and tests/science.
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

/* Small enough for milliseconds. */
#define SMALL "p=7 embedding_dim=6 decoder_width=20 "

static void run(struct row *row, const char *assignments, uint32_t seed, bool stop_when_decided)
{
    row_run(row, "modular", assignments, seed, stop_when_decided);
    assert_int_equal(row->status, 0);
}

static size_t parameters_of(const struct row *row)
{
    return row->bytes[row_index_of(row, "parameters")] / (2 * sizeof(float));
}

/* ---- data ---- */

static void test_splits_are_nested(void **state)
{
    (void)state;
    struct row small, large;
    run(&small, SMALL "steps=1 train_count=20", 4, false);
    run(&large, SMALL "steps=1 data_fraction=0.7", 4, false);
    const uint8_t *a = row_slot(&small, "train_mask"), *b = row_slot(&large, "train_mask");
    size_t sum_a = 0, sum_b = 0;
    for (size_t i = 0; i < 49; i++) {
        sum_a += a[i];
        sum_b += b[i];
        assert_true(a[i] <= b[i]);
    }
    assert_int_equal(sum_a, 20);
    assert_int_equal(sum_b, 34); /* floor(0.7 * 49 + 0.5) */
    row_release(&small);
    run(&small, SMALL "steps=1 train_count=20", 5, false);
    assert_memory_not_equal(row_slot(&small, "train_mask"), a, 49);
    row_release(&small);
    row_release(&large);
}

/* Logits of 0: the loss is log p, and class 0 is named everywhere, which is right for the p pairs
   with b = -a mod p. */
static void test_labels_are_sums(void **state)
{
    (void)state;
    struct row row;
    run(&row, SMALL "steps=1 init_scale=0 decoder_init_scale=0", 2, false);
    const uint8_t *mask = row_slot(&row, "train_mask");
    const float *loss = row_slot(&row, "train_loss"), *test_loss = row_slot(&row, "test_loss");
    const float *accuracy = row_slot(&row, "train_accuracy");
    size_t zeros = 0, count = 0;
    for (size_t a = 0; a < 7; a++)
        zeros += mask[a * 7 + (7 - a) % 7];
    for (size_t n = 0; n < 49; n++)
        count += mask[n];
    assert_true(fabs((double)loss[0] - log(7.0)) < 1e-6);
    assert_true(fabs((double)test_loss[0] - log(7.0)) < 1e-6);
    assert_true(accuracy[0] == (float)((double)zeros / (double)count));
    row_release(&row);
}

struct taken {
    uint32_t samples[2][12];
    size_t batches;
};

static void take_batch(void *context, int64_t step, const uint32_t *samples, size_t count)
{
    struct taken *taken = context;
    assert_true(taken->batches < 2);
    assert_int_equal(step, 5 + (int64_t)taken->batches);
    assert_int_equal(count, 12);
    memcpy(taken->samples[taken->batches++], samples, 12 * sizeof *samples);
}

/* A batch is drawn without replacement from the training samples, anew at each step. */
static void test_batches(void **state)
{
    (void)state;
    struct row row;
    struct taken taken = {0};
    const struct pg_batch_sink sink = {take_batch, &taken};
    run(&row, SMALL "steps=1 batch_size=12", 6, false);
    const uint8_t *mask = row_slot(&row, "train_mask");
    assert_int_equal(row.experiment->batches(&row.request, 5, 6, &sink, &row.error), 0);
    assert_int_equal(taken.batches, 2);
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(mask[taken.samples[0][i]], 1);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(taken.samples[0][i], taken.samples[0][k]);
    }
    assert_memory_not_equal(taken.samples[0], taken.samples[1], sizeof taken.samples[0]);
    row_release(&row);
}

/* ---- settings ---- */

/* -1 follows weight_decay; 0 leaves the embeddings alone, and after one step of AdamW they lie
   lr x weight_decay x their initial values apart (Loshchilov & Hutter 2019, algorithm 2). */
static void test_weight_decay_of_embeddings(void **state)
{
    (void)state;
    struct row follows, same, none;
    run(&follows, SMALL "steps=1 weight_decay=3", 4, false);
    run(&same, SMALL "steps=1 weight_decay=3 weight_decay_embeddings=3", 4, false);
    run(&none, SMALL "steps=1 weight_decay=3 weight_decay_embeddings=0", 4, false);
    row_assert_all_same(&follows, &same);
    size_t parameters = parameters_of(&follows);
    const float *a = row_slot(&follows, "parameters"), *b = row_slot(&none, "parameters");
    for (size_t i = 0; i < 7 * 6; i++) {
        double apart = (double)b[parameters + i] - (double)a[parameters + i];
        assert_true(fabs(apart - 1e-3 * 3.0 * (double)a[i]) < 1e-6);
    }
    assert_memory_equal(a + parameters + 42, b + parameters + 42, (parameters - 42) * sizeof *a);
    row_release(&follows);
    row_release(&same);
    row_release(&none);
}

/* One embedding table in both; a concatenated pair makes the first weights twice as wide. */
static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *assignments;
        size_t parameters;
    } cases[] = {
        {SMALL "embedding=sum", 7 * 6 + 20 * 7 + 7 * 21},
        {SMALL "embedding=concat", 7 * 6 + 20 * 13 + 7 * 21},
        {SMALL "embedding=concat decoder_depth=0", 7 * 6 + 7 * 13},
        {SMALL "decoder_widths=[5,9]", 7 * 6 + 5 * 7 + 9 * 6 + 7 * 10},
        {"", 59 * 64 + 256 * 65 + 59 * 257},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "modular", cases[i].assignments, 0, false);
        assert_int_equal(parameters_of(&row), cases[i].parameters);
        row_release(&row);
    }
}

/* Runs of equal shapes are trained by one trainer, that of the first: whatever it looks at tells
   cells apart, also where their costs are the same. */
static void test_shapes_tell_cells_apart(void **state)
{
    (void)state;
    static const char *const cells[][2] = {
        {SMALL "batch_size=4 train_count=20", SMALL "batch_size=4 train_count=21"},
        {SMALL "batch_size=20 train_count=20", SMALL "train_count=20"},
        {SMALL "activation=tanh", SMALL "activation=relu"},
        {SMALL "optimizer=adamw", SMALL "optimizer=sgd"},
        {SMALL "evaluate_test_every=1", SMALL "evaluate_test_every=4294967296"},
        {SMALL "embedding=sum embedding_dim=6", SMALL "embedding=concat embedding_dim=3"},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        row_assert_apart("modular", cells[i]);
}

static void test_wrong_cells(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *message;
    } cases[] = {
        {"p", "57", "p 57 is 3 x 19; expected a prime, such as 53 or 59"},
        {"p", "4", "p 4 is 2 x 2; expected a prime, such as 3 or 5"},
        {"p", "256", "p 256 is 2 x 128; expected a prime, such as 251 or 257"},
        {"weight_decay_embeddings", "-0.5",
         "weight_decay_embeddings is -0.5; allowed: 0 or more, or -1 for that of weight_decay"},
        {"data_fraction", "1",
         "train_count 0 and data_fraction 1 make 49 of 49 pairs training samples; at least one "
         "must train and one must test"},
        {"batch_size", "21",
         "batch_size 21 is more than the 20 training samples; allowed: 1 to 20, or 0 for all"},
        {"decoder_widths", "[9,9,9,9,9,9,9,9,9,9,9,9,9]",
         "decoder_widths has 13 layers; at most 12 are allowed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "modular", SMALL, 0, false);
        row_set(&row, cases[i].name, cases[i].value);
        assert_int_equal(row.experiment->check(&row.request.values, &row.error), PG_EINPUT);
        assert_string_equal(row.error.text, cases[i].message);
        row_release(&row);
    }
}

/* ---- training ---- */

/* Both accuracies cross within these steps; the record's points are no multiples of 7. */
#define QUICK SMALL "steps=1000 train_count=40 phase_accuracy=0.3 decoder_lr=0.01 "

static void test_test_accuracy_is_reached_at_multiples(void **state)
{
    (void)state;
    struct row every, seldom;
    run(&every, QUICK "evaluate_test_every=1", 3, false);
    run(&seldom, QUICK "evaluate_test_every=7", 3, false);
    int64_t first = row_steps_to(&every, "steps_to_test");
    int64_t multiple = row_steps_to(&seldom, "steps_to_test");
    assert_true(first > 0 && multiple >= first);
    assert_int_equal(multiple % 7, 0);
    row_assert_same(&every, &seldom, "steps_to_train");
    row_assert_same(&every, &seldom, "test_loss");
    row_assert_same(&every, &seldom, "parameters");
    row_release(&every);
    row_release(&seldom);
}

/* With mini-batches the training set, too, is looked at at multiples only. */
static void test_train_accuracy_in_batches(void **state)
{
    (void)state;
    struct row row;
    run(&row, QUICK "evaluate_test_every=7 batch_size=10", 3, false);
    assert_true(row_steps_to(&row, "steps_to_train") > 0);
    assert_int_equal(row_steps_to(&row, "steps_to_train") % 7, 0);
    row_release(&row);
}

/* What is recorded changes neither crossings nor where a decided run ends. */
static void test_the_record_does_not_show(void **state)
{
    (void)state;
    struct row sparse, dense;
    run(&sparse, QUICK "evaluate_test_every=50", 3, true);
    row_prepare(&dense, "modular", QUICK "evaluate_test_every=50", 3, true);
    for (int64_t i = 0; i < ROW_POINTS - 1; i++)
        dense.steps[i] = 3 * i;
    row_run_all(&dense, 1);
    assert_true(sparse.result.last_step < 1000);
    assert_int_equal(sparse.result.last_step % 50, 0);
    assert_int_equal(sparse.result.last_step, dense.result.last_step);
    static const char *const names[] = {"steps_to_train", "steps_to_test", "steps_to_train_held",
                                        "steps_to_test_held", "phase"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        row_assert_same(&sparse, &dense, names[i]);
    const float *loss = row_slot(&sparse, "test_loss");
    assert_true(isfinite(loss[ROW_POINTS - 1]) && loss[ROW_POINTS - 1] == loss[ROW_POINTS - 2]);
    row_release(&sparse);
    row_release(&dense);
}

static void test_norms_are_of_their_step(void **state)
{
    (void)state;
    struct row row;
    run(&row, SMALL "steps=30 embedding=concat", 6, false);
    size_t parameters = parameters_of(&row);
    const float *last = row_slot(&row, "parameters");
    double embeddings = 0.0, decoder = 0.0;
    last += parameters;
    for (size_t i = 0; i < parameters; i++)
        *(i < 42 ? &embeddings : &decoder) += (double)last[i] * (double)last[i];
    const float *embedding_norm = row_slot(&row, "embedding_norm");
    const float *decoder_norm = row_slot(&row, "decoder_norm");
    assert_true(fabs((double)embedding_norm[ROW_POINTS - 1] - sqrt(embeddings)) < 1e-5);
    assert_true(fabs((double)decoder_norm[ROW_POINTS - 1] - sqrt(decoder)) < 1e-5);
    row_release(&row);
}

static void test_divergence(void **state)
{
    (void)state;
    struct row row;
    run(&row, SMALL "steps=500 optimizer=sgd decoder_lr=1e5 representation_lr=1e5", 1, false);
    assert_true(row.result.diverged);
    assert_string_equal(row.experiment->phase_names[row.result.phase], "diverged");
    row_release(&row);
}

static void test_training_allocates_nothing(void **state)
{
    (void)state;
    struct row row;
    run(&row, SMALL "steps=3000 batch_size=10", 6, false);
    assert_true(row_allocations > 0 && row.pauses > 20);
    assert_int_equal(row.allocations_first, row.allocations_last);
    row_release(&row);
}

/* ---- layouts ---- */

enum { RUNS = 21 };

static void train_many(struct row *rows, const char *assignments, const char *layout)
{
    assert_int_equal(setenv("PHASEGRID_LAYOUT", layout, 1), 0);
    for (uint32_t i = 0; i < RUNS; i++)
        row_prepare(&rows[i], "modular", assignments, i, true);
    row_run_all(rows, RUNS);
    assert_int_equal(unsetenv("PHASEGRID_LAYOUT"), 0);
}

/* More runs than lanes, which end at different steps. */
static void test_layouts_give_the_same_rows(void **state)
{
    (void)state;
    static struct row packed[RUNS], alone[RUNS];
    static const char *const jobs[] = {QUICK "evaluate_test_every=10",
                                       QUICK "embedding=concat decoder_widths=[17,9]",
                                       QUICK "batch_size=9 activation=tanh"};
    for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++) {
        train_many(packed, jobs[j], "runs");
        train_many(alone, jobs[j], "samples");
        for (size_t i = 0; i < RUNS; i++) {
            assert_int_equal(packed[i].status, 0);
            assert_int_equal(packed[i].result.last_step, alone[i].result.last_step);
            row_assert_all_same(&packed[i], &alone[i]);
            row_release(&packed[i]);
            row_release(&alone[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits_are_nested),
        cmocka_unit_test(test_labels_are_sums),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_weight_decay_of_embeddings),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_shapes_tell_cells_apart),
        cmocka_unit_test(test_wrong_cells),
        cmocka_unit_test(test_test_accuracy_is_reached_at_multiples),
        cmocka_unit_test(test_train_accuracy_in_batches),
        cmocka_unit_test(test_the_record_does_not_show),
        cmocka_unit_test(test_norms_are_of_their_step),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_training_allocates_nothing),
        cmocka_unit_test(test_layouts_give_the_same_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
