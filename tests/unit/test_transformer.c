/* SPDX-License-Identifier: MIT */
/*
 * Modular addition by a transformer as a pure function of settings and seed: its data are those of
 * `modular`, what its settings change, the same rows in both layouts. That what it trains is right
 * is for tests/unit/test_attention.c and tests/science/test_transformer.py.
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
#define SMALL "p=7 embedding_dim=8 heads=2 decoder_width=20 "

static void run(struct row *row, const char *assignments, uint32_t seed, bool stop_when_decided)
{
    row_run(row, "transformer", assignments, seed, stop_when_decided);
    assert_int_equal(row->status, 0);
}

static size_t parameters_of(const struct row *row)
{
    return row->bytes[row_index_of(row, "parameters")] / (2 * sizeof(float));
}

/* ---- data ---- */

/* One task, one split, whatever the model. */
static void test_splits_are_those_of_modular(void **state)
{
    (void)state;
    struct row transformer, perceptron;
    run(&transformer, SMALL "steps=1 train_count=20", 4, false);
    row_run(&perceptron, "modular", "p=7 decoder_width=20 steps=1 train_count=20", 4, false);
    row_assert_same(&transformer, &perceptron, "train_mask");
    row_release(&transformer);
    row_release(&perceptron);
}

/* Logits of 0: the loss is log p, and class 0 is named everywhere, which is right for the p pairs
   with b = -a mod p. */
static void test_labels_are_sums(void **state)
{
    (void)state;
    struct row row;
    run(&row, SMALL "steps=1 decoder_init_scale=0", 2, false);
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
    size_t batches, count;
    uint32_t samples[2][49];
};

static void take_batch(void *context, int64_t step, const uint32_t *samples, size_t count)
{
    struct taken *taken = context;
    assert_true(taken->batches < 2);
    assert_int_equal(step, 5 + (int64_t)taken->batches);
    taken->count = count;
    memcpy(taken->samples[taken->batches++], samples, count * sizeof *samples);
}

/* With dropout a full batch is one of all training samples, each once. */
static void test_full_batches_with_dropout(void **state)
{
    (void)state;
    struct row row;
    struct taken taken = {0};
    const struct pg_batch_sink sink = {take_batch, &taken};
    run(&row, SMALL "steps=1 dropout=0.1 train_count=20", 6, false);
    const uint8_t *mask = row_slot(&row, "train_mask");
    assert_int_equal(row.experiment->batches(&row.request, 5, 6, &sink, &row.error), 0);
    assert_int_equal(taken.batches, 2);
    assert_int_equal(taken.count, 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(mask[taken.samples[0][i]], 1);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(taken.samples[0][i], taken.samples[0][k]);
    }
    row_release(&row);
}

/* ---- settings ---- */

/* Tokens, places, queries with keys and values, output, hidden units, logits, with biases. */
static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *assignments;
        size_t parameters;
    } cases[] = {
        {SMALL "equals_token=no", 7 * 8 + 2 * 8 + 24 * 9 + 8 * 9 + 20 * 9 + 8 * 21 + 7 * 9},
        {SMALL "equals_token=yes", 8 * 8 + 3 * 8 + 24 * 9 + 8 * 9 + 20 * 9 + 8 * 21 + 7 * 9},
        {SMALL "dropout=0.5 heads=8", 8 * 8 + 3 * 8 + 24 * 9 + 8 * 9 + 20 * 9 + 8 * 21 + 7 * 9},
        {"", 60 * 128 + 3 * 128 + 384 * 129 + 128 * 129 + 512 * 129 + 128 * 513 + 59 * 129},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "transformer", cases[i].assignments, 0, false);
        assert_int_equal(parameters_of(&row), cases[i].parameters);
        row_release(&row);
    }
}

/* Initial values do not depend on heads, on "=" or on dropout but in number; what follows does. */
static void test_settings_change_the_training(void **state)
{
    (void)state;
    static const char *const others[] = {SMALL "steps=3 heads=1", SMALL "steps=3 heads=8",
                                         SMALL "steps=3 dropout=0.2",
                                         SMALL "steps=3 activation=tanh"};
    struct row one;
    run(&one, SMALL "steps=3", 4, false);
    size_t bytes = parameters_of(&one) * sizeof(float);
    const uint8_t *a = row_slot(&one, "parameters");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct row other;
        run(&other, others[i], 4, false);
        const uint8_t *b = row_slot(&other, "parameters");
        assert_memory_equal(a, b, bytes);
        assert_memory_not_equal(a + bytes, b + bytes, bytes);
        row_release(&other);
    }
    row_release(&one);
}

/* Masks are new at every step and follow from the seed: with all rates but the decay 0 nothing
   moves, and the test loss is that without dropout. */
static void test_dropout_is_for_training_only(void **state)
{
    (void)state;
    struct row with, without;
    run(&with, SMALL "steps=5 dropout=0.5 decoder_lr=0 representation_lr=0", 4, false);
    run(&without, SMALL "steps=5 decoder_lr=0 representation_lr=0", 4, false);
    row_assert_same(&with, &without, "test_loss");
    row_assert_same(&with, &without, "train_loss");
    row_assert_same(&with, &without, "parameters");
    row_release(&with);
    row_release(&without);
}

/* Runs of equal shapes are trained by one trainer. */
static void test_shapes_tell_cells_apart(void **state)
{
    (void)state;
    static const char *const cells[][2] = {
        {SMALL "heads=2", SMALL "heads=4"},
        {SMALL "dropout=0.1", SMALL "dropout=0.2"},
        {SMALL "dropout=0.1", SMALL "dropout=0 batch_size=15"},
        {SMALL "equals_token=no", SMALL "equals_token=yes"},
        {SMALL "activation=tanh", SMALL "activation=relu"},
        {SMALL "evaluate_test_every=1", SMALL "evaluate_test_every=2"},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        row_assert_apart("transformer", cells[i]);
}

static void test_wrong_cells(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *message;
    } cases[] = {
        {"p", "57", "p 57 is 3 x 19; expected a prime, such as 53 or 59"},
        {"heads", "3", "embedding_dim 8 is no multiple of heads 3; heads share it evenly"},
        {"data_fraction", "1",
         "train_count 0 and data_fraction 1 make 49 of 49 pairs training samples; at least one "
         "must train and one must test"},
        {"batch_size", "16",
         "batch_size 16 is more than the 15 training samples; allowed: 1 to 15, or 0 for all"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "transformer", SMALL, 0, false);
        row_set(&row, cases[i].name, cases[i].value);
        assert_int_equal(row.experiment->check(&row.request.values, &row.error), PG_EINPUT);
        assert_string_equal(row.error.text, cases[i].message);
        row_release(&row);
    }
}

/* ---- training ---- */

static void test_norms_are_of_their_step(void **state)
{
    (void)state;
    struct row row;
    run(&row, SMALL "steps=30", 6, false);
    size_t parameters = parameters_of(&row);
    const float *last = row_slot(&row, "parameters");
    double embeddings = 0.0, decoder = 0.0;
    last += parameters;
    for (size_t i = 0; i < parameters; i++)
        *(i < 11 * 8 ? &embeddings : &decoder) += (double)last[i] * (double)last[i];
    const float *embedding_norm = row_slot(&row, "embedding_norm");
    const float *decoder_norm = row_slot(&row, "decoder_norm");
    assert_true(fabs((double)embedding_norm[ROW_POINTS - 1] - sqrt(embeddings)) < 1e-5);
    assert_true(fabs((double)decoder_norm[ROW_POINTS - 1] - sqrt(decoder)) < 1e-5);
    row_release(&row);
}

static void test_training_allocates_nothing(void **state)
{
    (void)state;
    struct row row;
    run(&row, SMALL "steps=2000 batch_size=10 dropout=0.1", 6, false);
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
        row_prepare(&rows[i], "transformer", assignments, i, true);
    row_run_all(rows, RUNS);
    assert_int_equal(unsetenv("PHASEGRID_LAYOUT"), 0);
}

/* More runs than lanes, which end at different steps. */
static void test_layouts_give_the_same_rows(void **state)
{
    (void)state;
    static struct row packed[RUNS], alone[RUNS];
    static const char *const jobs[] = {
        SMALL "steps=400 train_count=40 phase_accuracy=0.3 decoder_lr=0.01",
        SMALL "steps=100 equals_token=no heads=1 batch_size=9 activation=tanh",
        SMALL "steps=100 dropout=0.3 heads=4 evaluate_test_every=7"};
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
        cmocka_unit_test(test_splits_are_those_of_modular),
        cmocka_unit_test(test_labels_are_sums),
        cmocka_unit_test(test_full_batches_with_dropout),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_settings_change_the_training),
        cmocka_unit_test(test_dropout_is_for_training_only),
        cmocka_unit_test(test_shapes_tell_cells_apart),
        cmocka_unit_test(test_wrong_cells),
        cmocka_unit_test(test_norms_are_of_their_step),
        cmocka_unit_test(test_training_allocates_nothing),
        cmocka_unit_test(test_layouts_give_the_same_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
