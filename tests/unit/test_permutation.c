/* SPDX-License-Identifier: MIT */
/*
 * The permutation experiment: the group against composition and permutation matrices, quadruples
 * against enumeration, what a split implies against Gaussian elimination, the quality of matrices,
 * the data and the penalty of runs, the same rows in both layouts. The layer's gradients are
 * checked in test_model.c.
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

#include "permutation.h"
#include "phasegrid/random.h"
#include "row.h"

static struct pg_parallelograms *quadruples; /* of the group */

static int set_up(void **state)
{
    (void)state;
    return pg_permutation_quadruples(&quadruples, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    pg_parallelograms_destroy(quadruples);
    return 0;
}

/* ---- the group ---- */

/* E (6, 9): row i of matrix a has its 1 where a(j) = i. */
static void fill_matrices(float *ret)
{
    memset(ret, 0, (size_t)PERMUTATION_COUNT * 9 * sizeof *ret);
    for (size_t a = 0; a < PERMUTATION_COUNT; a++)
        for (size_t j = 0; j < 3; j++)
            ret[a * 9 + pg_permutations[a][j] * 3u + j] = 1.0f;
}

static void test_products_compose(void **state)
{
    (void)state;
    uint32_t products[PERMUTATION_PAIRS];
    size_t seen[PERMUTATION_COUNT] = {0}, commuting = 0;
    pg_permutation_products(products);
    for (size_t a = 0; a < PERMUTATION_COUNT; a++)
        for (size_t b = 0; b < PERMUTATION_COUNT; b++) {
            const uint32_t product = products[a * PERMUTATION_COUNT + b];
            assert_true(product < PERMUTATION_COUNT);
            for (size_t x = 0; x < 3; x++)
                assert_int_equal(pg_permutations[product][x],
                                 pg_permutations[a][pg_permutations[b][x]]);
            seen[product]++;
            commuting += product == products[b * PERMUTATION_COUNT + a];
        }
    for (size_t c = 0; c < PERMUTATION_COUNT; c++)
        assert_int_equal(seen[c], 6);
    assert_int_equal(commuting, 18); /* |G| times 3 classes of conjugates */
}

/* Matrices of the permutations multiply as they do. */
static void test_products_are_those_of_matrices(void **state)
{
    (void)state;
    uint32_t products[PERMUTATION_PAIRS];
    float matrices[PERMUTATION_COUNT * 9];
    double multiplied[PERMUTATION_PAIRS * 9];
    pg_permutation_products(products);
    fill_matrices(matrices);
    assert_true(pg_permutation_multiply(matrices, 3, multiplied));
    for (size_t pair = 0; pair < PERMUTATION_PAIRS; pair++)
        for (size_t i = 0; i < 9; i++) /* a third of the elements are 1: mean square 1/3 */
            assert_true(fabs(multiplied[pair * 9 + i] / 3.0 -
                             (double)matrices[products[pair] * 9 + i]) < 1e-12);
}

/* Each product has 6 pairs: 6 x 15 quadruples, each once. */
static void test_quadruples_are_all_and_different(void **state)
{
    (void)state;
    size_t tuples = 0;
    for (size_t a = 0; a < 6; a++)
        for (size_t b = 0; b < 6; b++)
            for (size_t c = 0; c < 6; c++)
                for (size_t d = 0; d < 6; d++) {
                    bool is_same = true;
                    for (size_t x = 0; x < 3; x++)
                        is_same &= pg_permutations[a][pg_permutations[b][x]] ==
                                   pg_permutations[c][pg_permutations[d][x]];
                    tuples += is_same;
                }
    assert_int_equal(tuples, 216);
    assert_int_equal(quadruples->count, (tuples - PERMUTATION_PAIRS) / 2);
    for (size_t k = 0; k < quadruples->count; k++)
        for (size_t l = 0; l < k; l++)
            assert_memory_not_equal(&quadruples->at[k], &quadruples->at[l], sizeof *quadruples->at);
}

/* ---- what a split implies ---- */

enum { ROWS_MAX = 100 };

/* Rank of rows (count, 6), by elimination with pivots in double. */
static size_t rank_of(double rows[][PERMUTATION_COUNT], size_t count)
{
    double left[ROWS_MAX][PERMUTATION_COUNT];
    size_t rank = 0;
    memcpy(left, rows, count * sizeof *left);
    for (size_t c = 0; c < PERMUTATION_COUNT; c++) {
        size_t pivot = rank;
        for (size_t r = rank; r < count; r++)
            if (fabs(left[r][c]) > fabs(left[pivot][c]))
                pivot = r;
        if (rank == count || fabs(left[pivot][c]) < 1e-9)
            continue;
        for (size_t k = 0; k < PERMUTATION_COUNT; k++) {
            double kept = left[rank][k];
            left[rank][k] = left[pivot][k];
            left[pivot][k] = kept;
        }
        for (size_t r = rank + 1; r < count; r++) {
            double factor = left[r][c] / left[rank][c];
            for (size_t k = 0; k < PERMUTATION_COUNT; k++)
                left[r][k] -= factor * left[rank][k];
        }
        rank++;
    }
    return rank;
}

static void put_row(size_t one, size_t other, double *row)
{
    memset(row, 0, PERMUTATION_COUNT * sizeof *row);
    row[one / 6] += 1.0;
    row[one % 6] += 1.0;
    row[other / 6] -= 1.0;
    row[other % 6] -= 1.0;
}

/* Nullity and number of known pairs of a split, from the definition. */
static void imply(const uint8_t *mask, size_t *ret_nullity, size_t *ret_known)
{
    static double rows[ROWS_MAX][PERMUTATION_COUNT];
    uint32_t products[PERMUTATION_PAIRS];
    size_t count = 0;
    pg_permutation_products(products);
    for (size_t one = 0; one < PERMUTATION_PAIRS; one++)
        for (size_t other = 0; other < one; other++)
            if (mask[one] && mask[other] && products[one] == products[other])
                put_row(one, other, rows[count++]);
    const size_t rank = rank_of(rows, count);
    *ret_nullity = PERMUTATION_COUNT - rank;
    *ret_known = 0;
    for (size_t one = 0; one < PERMUTATION_PAIRS; one++) {
        bool is_known = mask[one];
        for (size_t other = 0; other < PERMUTATION_PAIRS && !is_known; other++) {
            put_row(one, other, rows[count]);
            is_known =
                mask[other] && products[one] == products[other] && rank_of(rows, count + 1) == rank;
        }
        *ret_known += is_known;
    }
}

static void check_split(const uint8_t *mask, size_t trained)
{
    struct pg_split_theory theory;
    size_t nullity = 0, known = 0;
    assert_int_equal(pg_split_theory(quadruples, mask, &theory, NULL), 0);
    imply(mask, &nullity, &known);
    assert_int_equal(theory.nullity, nullity);
    assert_true(fabs(theory.ideal_accuracy - (double)known / PERMUTATION_PAIRS) < 1e-12);
    if (trained < PERMUTATION_PAIRS)
        assert_true(fabs(theory.ideal_test_accuracy -
                         (double)(known - trained) / (double)(PERMUTATION_PAIRS - trained)) <
                    1e-12);
}

static void test_full_nullity(void **state)
{
    (void)state;
    uint8_t all[PERMUTATION_PAIRS];
    struct pg_split_theory theory;
    memset(all, 1, sizeof all);
    check_split(all, PERMUTATION_PAIRS);
    assert_int_equal(pg_split_theory(quadruples, all, &theory, NULL), 0);
    assert_int_equal(theory.nullity, 1); /* S3 has no homomorphism into numbers but 0 */
}

static void test_splits(void **state)
{
    (void)state;
    struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    size_t undecided = 0;
    for (uint32_t draw = 0; draw < 200; draw++) {
        const size_t trained = 4 + draw % 30;
        uint32_t order[PERMUTATION_PAIRS];
        uint8_t mask[PERMUTATION_PAIRS] = {0};
        size_t nullity = 0, known = 0;
        pg_random_permutation(&random, draw, 0, order, PERMUTATION_PAIRS);
        for (size_t k = 0; k < trained; k++)
            mask[order[k]] = 1;
        check_split(mask, trained);
        imply(mask, &nullity, &known);
        undecided += nullity > 1 && known < PERMUTATION_PAIRS;
    }
    assert_true(undecided > 20);
}

/* ---- the quality of matrices ---- */

static double quality(const float *embeddings, size_t order)
{
    static double products[PERMUTATION_PAIRS * 16 * 16];
    bool is_scaled = pg_permutation_multiply(embeddings, order, products);
    return pg_permutation_quality(quadruples, products, order, is_scaled);
}

/* A representation satisfies all; whatever its scale. Numbers without a structure hardly any. */
static void test_quality(void **state)
{
    (void)state;
    struct pg_random random = pg_random_make(2, PG_STREAM_TEST, 0);
    float matrices[PERMUTATION_COUNT * 9], noise[PERMUTATION_COUNT * 9];
    fill_matrices(matrices);
    for (uint32_t i = 0; i < PERMUTATION_COUNT * 9; i++) {
        noise[i] = pg_random_normal(&random, i, 0, 0);
        assert_true(fabsf(noise[i]) < 10.0f);
    }
    assert_true(quality(matrices, 3) == 1.0);
    for (size_t i = 0; i < PERMUTATION_COUNT * 9; i++)
        matrices[i] *= -37.5f;
    assert_true(quality(matrices, 3) == 1.0);
    assert_true(quality(noise, 3) < 0.2);
    memset(noise, 0, sizeof noise);
    assert_true(quality(noise, 3) == 0.0);
}

/* Matrices of one row: the sign of the permutation, but x for the identity, which satisfies all
   where x is 1; else by the definition. */
static void test_quality_of_numbers(void **state)
{
    (void)state;
    static const double sizes[] = {1.0, 1.5, 2.0, 5.0};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const float signs[PERMUTATION_COUNT] = {(float)sizes[s], -1, -1, 1, 1, -1};
        double square = (sizes[s] * sizes[s] + 5.0) / 6.0;
        size_t count = 0;
        uint32_t products[PERMUTATION_PAIRS];
        pg_permutation_products(products);
        for (size_t one = 0; one < PERMUTATION_PAIRS; one++)
            for (size_t other = 0; other < one; other++) {
                double apart = ((double)signs[one / 6] * (double)signs[one % 6] -
                                (double)signs[other / 6] * (double)signs[other % 6]) /
                               square;
                count += products[one] == products[other] && apart * apart < 0.5;
            }
        assert_true(fabs(quality(signs, 1) - (double)count / 90.0) < 1e-12);
        assert_true(s == 0 ? count == 90 : count <= 90);
    }
}

static void test_predicted_accuracy(void **state)
{
    (void)state;
    float matrices[PERMUTATION_COUNT * 9];
    double products[PERMUTATION_PAIRS * 9];
    uint8_t mask[PERMUTATION_PAIRS] = {0};
    fill_matrices(matrices);
    bool is_scaled = pg_permutation_multiply(matrices, 3, products);
    for (size_t b = 0; b < 3; b++)
        mask[b] = 1; /* three products, each of six pairs */
    assert_true(pg_permutation_predicted_accuracy(quadruples, mask, products, 3, is_scaled) == 0.5);
    assert_true(fabs(pg_permutation_predicted_accuracy(quadruples, mask, products, 3, false) -
                     3.0 / 36.0) < 1e-12);
}

/* ---- runs ---- */

#define SMALL "decoder_width=12 "

static void run(struct row *row, const char *assignments, uint32_t seed)
{
    row_run(row, "permutation", assignments, seed, false);
    assert_int_equal(row->status, 0);
}

/* Outputs of 0: the loss is the mean square of the templates of the training pairs' products. */
static void test_data(void **state)
{
    (void)state;
    struct row row;
    uint32_t products[PERMUTATION_PAIRS];
    double square = 0.0;
    size_t count = 0;
    run(&row, SMALL "steps=1 decoder_init_scale=0", 3);
    const uint8_t *mask = row_slot(&row, "train_mask");
    const float *templates = row_slot(&row, "templates"), *loss = row_slot(&row, "train_loss");
    pg_permutation_products(products);
    for (size_t pair = 0; pair < PERMUTATION_PAIRS; pair++) {
        count += mask[pair];
        for (size_t o = 0; o < 30 && mask[pair]; o++)
            square += pow((double)templates[products[pair] * 30 + o], 2.0);
    }
    assert_int_equal(count, 24);
    assert_true(fabs((double)loss[0] - square / (24.0 * 30.0)) < 1e-5 * square);
    assert_int_equal(*(const int32_t *)row_slot(&row, "nullity"), 1);
    row_release(&row);
}

/* No gradient comes through a decoder of zeros: what is left is that of l1 mean |E|. */
static void test_penalty(void **state)
{
    (void)state;
    struct row row;
    run(&row,
        SMALL "steps=1 decoder_init_scale=0 optimizer=sgd decoder_lr=0 representation_lr=0.5 "
              "embedding_l1=0.2 init_scale=2",
        5);
    const float *embeddings = row_slot(&row, "embeddings");
    const size_t count = (size_t)PERMUTATION_COUNT * 9;
    const float *after = embeddings + (ROW_POINTS - 1) * count;
    for (size_t i = 0; i < count; i++) {
        double sign = embeddings[i] > 0.0f ? 1.0 : -1.0;
        double expected = (double)embeddings[i] - 0.5 * 0.2 / (double)count * sign;
        assert_true(fabs((double)embeddings[i]) <= 1.0);
        assert_true(fabs((double)after[i] - expected) < 1e-6);
    }
    row_release(&row);
}

static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *assignments;
        size_t parameters;
    } cases[] = {
        {"", 48284}, /* 54 + 200 x 10 + 200 x 201 + 30 x 201 */
        {"matrix_size=1 decoder_depth=0", 6 + 60},
        {"matrix_size=4 decoder_depth=1 decoder_width=10", 96 + 170 + 330},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "permutation", cases[i].assignments, 0, false);
        assert_int_equal(row.bytes[row_index_of(&row, "parameters")] / (2 * sizeof(float)),
                         cases[i].parameters);
        row_release(&row);
    }
}

static void test_shapes_tell_cells_apart(void **state)
{
    (void)state;
    static const char *const cells[][2] = {
        {SMALL "matrix_size=2", SMALL "matrix_size=3"},
        {SMALL "train_count=24", SMALL "train_count=25"},
        {SMALL "activation=tanh", SMALL "activation=relu"},
        {SMALL "optimizer=adamw", SMALL "optimizer=sgd"},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        row_assert_apart("permutation", cells[i]);
}

static void test_wrong_cells(void **state)
{
    (void)state;
    struct row row;
    row_prepare(&row, "permutation", SMALL, 0, false);
    row_set(&row, "data_fraction", "1");
    assert_int_equal(row.experiment->check(&row.request.values, &row.error), PG_EINPUT);
    assert_string_equal(row.error.text,
                        "train_count 0 and data_fraction 1 make 36 of 36 pairs training samples; "
                        "at least one must train and one must test");
    row_release(&row);
}

enum { RUNS = 19 };

static void train_many(struct row *rows, const char *const assignments[2], const char *layout)
{
    assert_int_equal(setenv("PHASEGRID_LAYOUT", layout, 1), 0);
    for (uint32_t i = 0; i < RUNS; i++)
        row_prepare(&rows[i], "permutation", assignments[i % 2], i, true);
    row_run_all(rows, RUNS);
    assert_int_equal(unsetenv("PHASEGRID_LAYOUT"), 0);
}

/* More runs than lanes, which end at different steps, with penalties of their own. */
static void test_layouts_give_the_same_rows(void **state)
{
    (void)state;
    static struct row packed[RUNS], alone[RUNS];
    static const char *const jobs[][2] = {
        {SMALL "steps=600 phase_accuracy=0.5 decoder_lr=0.01",
         SMALL "steps=600 phase_accuracy=0.5 decoder_lr=0.01 embedding_l1=0.5"},
        {SMALL "steps=300 matrix_size=2 activation=relu batch_size=9",
         SMALL "steps=300 matrix_size=2 activation=relu batch_size=9 embedding_l1=0"},
    };
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

static void test_training_allocates_nothing(void **state)
{
    (void)state;
    struct row row;
    run(&row, SMALL "steps=3000 batch_size=20", 6);
    assert_true(row_allocations > 0 && row.pauses > 20);
    assert_int_equal(row.allocations_first, row.allocations_last);
    row_release(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_compose),
        cmocka_unit_test(test_products_are_those_of_matrices),
        cmocka_unit_test(test_quadruples_are_all_and_different),
        cmocka_unit_test(test_full_nullity),
        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_quality),
        cmocka_unit_test(test_quality_of_numbers),
        cmocka_unit_test(test_predicted_accuracy),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_penalty),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_shapes_tell_cells_apart),
        cmocka_unit_test(test_wrong_cells),
        cmocka_unit_test(test_layouts_give_the_same_rows),
        cmocka_unit_test(test_training_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
