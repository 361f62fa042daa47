/* SPDX-License-Identifier: MIT */
/*
 * The relation experiment: its theory against the figures of GenEFT (Baek et al. 2024) and against
 * enumeration, the data of its runs, what tells its cells apart, the same rows in both layouts.
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

#include "phasegrid/random.h"
#include "relation_theory.h"
#include "row.h"

/* ---- theory ---- */

/* B1: n = 30, alpha = 0.9. */
static void test_description_lengths(void **state)
{
    (void)state;
    static const struct {
        struct relation relation;
        double bits, fraction;
    } cases[] = {
        {{RELATION_CONGRUENCE, 30, 3, NULL}, 39.75, 0.100},
        {{RELATION_CONGRUENCE, 30, 5, NULL}, 53.34, 0.135},
        {{RELATION_GREATER_THAN, 30, 0, NULL}, 107.71, 0.274},
        {{RELATION_BIPARTITE, 30, 10, NULL}, 24.84, 0.062},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct relation *relation = &cases[i].relation;
        assert_true(fabs(pg_relation_description_length(relation) - cases[i].bits) < 1e-2);
        assert_true(fabs(pg_relation_critical_fraction(relation, 0.9) - cases[i].fraction) < 1e-3);
    }
}

static void swap(size_t *a, size_t *b)
{
    size_t kept = *a;
    *a = *b;
    *b = kept;
}

/* The next permutation in lexicographic order; false after the last. */
static bool permute(size_t *order, size_t n)
{
    size_t i = n - 1, j = n - 1;
    while (i > 0 && order[i - 1] > order[i])
        i--;
    if (i == 0)
        return false;
    while (order[j] < order[i - 1])
        j--;
    swap(&order[i - 1], &order[j]);
    for (j = n - 1; i < j; i++, j--)
        swap(&order[i], &order[j]);
    return true;
}

static bool is_automorphism(const struct relation *relation, const size_t *order)
{
    for (size_t i = 0; i < relation->n; i++)
        for (size_t j = 0; j < relation->n; j++)
            if (pg_relation_label(relation, i, j) !=
                pg_relation_label(relation, order[i], order[j]))
                return false;
    return true;
}

/* All n! permutations tried, classes of unequal sizes and equal parts among them. */
static void test_automorphisms_are_counted(void **state)
{
    (void)state;
    static const struct relation relations[] = {
        {RELATION_CONGRUENCE, 7, 3, NULL},
        {RELATION_CONGRUENCE, 6, 3, NULL},
        {RELATION_CONGRUENCE, 7, 5, NULL},
        {RELATION_GREATER_THAN, 6, 0, NULL},
        {RELATION_BIPARTITE, 7, 3, NULL},
        {RELATION_BIPARTITE, 6, 3, NULL},
        {RELATION_MATRIX, 6, 0, "010000/101000/010100/001010/000101/000010"}, /* a path */
        {RELATION_MATRIX, 6, 0, "010000/001000/100000/000010/000001/000100"}, /* two cycles */
        {RELATION_MATRIX, 7, 0,
         "1000000/1100000/1010000/1101000/1000100/1110010/1000001"}, /* j + 1 divides i + 1 */
        {RELATION_MATRIX, 6, 0, "111111/000000/000000/000000/000000/000000"},
    };
    for (size_t r = 0; r < sizeof relations / sizeof relations[0]; r++) {
        size_t order[7] = {0, 1, 2, 3, 4, 5, 6}, all = 0, automorphisms = 0;
        do {
            all++;
            automorphisms += is_automorphism(&relations[r], order);
        } while (permute(order, relations[r].n));
        assert_int_equal(all, relations[r].n == 7 ? 5040 : 720);
        double bits = log2((double)all / (double)automorphisms);
        assert_true(fabs(pg_relation_description_length(&relations[r]) - bits) < 1e-12);
    }
}

/* f = 1 - (1 - 1/b)^m with b = log2 C(30, 10); nothing seen is worth a guess. */
static void test_bound(void **state)
{
    (void)state;
    const struct relation relation = {RELATION_BIPARTITE, 30, 10, NULL};
    double unknown = pow(1.0 - 1.0 / log2(30045015.0), 90.0);
    assert_true(fabs(pg_relation_bound(&relation, 0) - 0.5) < 1e-15);
    assert_true(fabs(pg_relation_bound(&relation, 90) - (1.0 - 0.5 * unknown)) < 1e-12);
}

/* By hand, of 6 symbols: the diagonal is known, the two pairs seen tell those turned round, and a
   third follows, both ways: 0 = 2 and not 2 = 3 make not 0 = 3 modulo 2; 3 > 2 and not 0 > 2 make
   3 > 0; 0 and 5, 5 and 1 in different parts put 0 and 1 in one; 3 divides 6 and 1 divides 3. */
static void test_closure(void **state)
{
    (void)state;
    static const char divides[] = "100000/110000/101000/110100/100010/111001";
    static const struct {
        struct relation relation;
        uint32_t seen[2];
        double known, guess;
    } cases[] = {
        {{RELATION_CONGRUENCE, 6, 2, NULL}, {0 * 6 + 2, 2 * 6 + 3}, 12, 0.5},
        {{RELATION_GREATER_THAN, 6, 0, NULL}, {3 * 6 + 2, 0 * 6 + 2}, 12, 2.0 / 3.0},
        {{RELATION_BIPARTITE, 6, 4, NULL}, {0 * 6 + 5, 5 * 6 + 1}, 12, 0.5},
        {{RELATION_MATRIX, 6, 0, divides}, {5 * 6 + 2, 2 * 6 + 0}, 6 + 6, 22.0 / 36.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double expected = (cases[i].known + (36.0 - cases[i].known) * cases[i].guess) / 36.0;
        double found = pg_relation_closure_accuracy(&cases[i].relation, cases[i].seen, 2);
        assert_true(fabs(found - expected) < 1e-12);
    }
    uint32_t all[36];
    for (uint32_t i = 0; i < 36; i++)
        all[i] = i;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(pg_relation_closure_accuracy(&cases[i].relation, all, 36) == 1.0);
}

/* Two classes of two on a line: of 0 and 1 a = 1, b = 10.5 and 9.5, of 10 and 11 the same. */
static void test_silhouette(void **state)
{
    (void)state;
    const struct relation relation = {RELATION_CONGRUENCE, 4, 2, NULL};
    const struct relation order = {RELATION_GREATER_THAN, 4, 0, NULL};
    const float line[] = {0.0f, 10.0f, 1.0f, 11.0f};
    double expected = ((1.0 - 1.0 / 10.5) + (1.0 - 1.0 / 9.5)) / 2.0;
    uint8_t classes[4];
    pg_relation_classes(&relation, classes);
    assert_true(fabs(pg_relation_silhouette(4, classes, line, 1) - expected) < 1e-12);
    pg_relation_classes(&order, classes);
    assert_true(isnan(pg_relation_silhouette(4, classes, line, 1)));
    memset(classes, 0, sizeof classes);
    assert_true(isnan(pg_relation_silhouette(4, classes, line, 1)));
}

/* A relation and the matrix that says the same: the same classes, bits, closure. */
static void test_matrix_is_the_relation(void **state)
{
    (void)state;
    static const struct relation relations[] = {
        {RELATION_CONGRUENCE, 8, 3, NULL},
        {RELATION_GREATER_THAN, 8, 0, NULL},
        {RELATION_BIPARTITE, 8, 3, NULL},
    };
    static const uint8_t classes[3][8] = {
        {0, 1, 2, 0, 1, 2, 0, 1}, {0, 1, 2, 3, 4, 5, 6, 7}, {0, 0, 0, 3, 3, 3, 3, 3}};
    for (size_t r = 0; r < sizeof relations / sizeof relations[0]; r++) {
        char text[8 * 9] = "";
        for (size_t i = 0; i < 8; i++) {
            for (size_t j = 0; j < 8; j++)
                text[9 * i + j] = pg_relation_label(&relations[r], i, j) ? '1' : '0';
            text[9 * i + 8] = i < 7 ? '/' : '\0';
        }
        const struct relation matrix = {RELATION_MATRIX, 8, 0, text};
        uint8_t found[2][8];
        pg_relation_classes(&relations[r], found[0]);
        pg_relation_classes(&matrix, found[1]);
        assert_memory_equal(found[0], classes[r], 8);
        assert_memory_equal(found[1], classes[r], 8);
        assert_true(!(fabs(pg_relation_description_length(&matrix) -
                           pg_relation_description_length(&relations[r])) > 0.0));
    }
}

/* B2: p_r at rho = (sigma_a / sigma_c) sqrt(eta_x / (2 eta_a)), and the share of normal starts with
   C > 0. */
static void test_collisions(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    static const struct {
        double rho, share;
    } cases[] = {{0.25, 0.156}, {0.5, 0.295}, {1.0, 0.500}, {2.0, 0.705}, {4.0, 0.844}};
    struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double eta_x = 2.0 * cases[i].rho * cases[i].rho, collisions = 0.0;
        for (uint32_t n = 0; n < DRAWS; n++) {
            const struct repon start = {(double)pg_random_normal(&random, n, 0, 0),
                                        (double)pg_random_normal(&random, n, 1, 0)};
            collisions += pg_repon_invariant(start, 1.0, eta_x) > 0.0 ? 1.0 / DRAWS : 0.0;
        }
        assert_true(fabs(pg_repon_collision(1.0, 1.0, 1.0, eta_x) - cases[i].share) < 1e-3);
        assert_true(fabs(collisions - cases[i].share) < 0.01);
    }
    double boundary = pg_repon_boundary(3.0, 1.5, 0.01);
    assert_true(fabs(boundary - 0.02) < 1e-15);
    assert_true(fabs(pg_repon_collision(3.0, 1.5, boundary, 0.01) - 0.5) < 1e-12);
    assert_true(fabs(pg_repon_collision(3.0, 1.5, 0.02, 0.01) - pg_repon_collision(1, 1, 1, 2)) <
                1e-12);
}

/* B2: C is conserved; its sign says which of a and c is left. */
static void test_repon_dynamics(void **state)
{
    (void)state;
    static const struct repon starts[] = {{1.5, 0.4}, {0.3, 1.2}};
    for (size_t i = 0; i < 2; i++) {
        struct repon at = starts[i];
        double invariant = pg_repon_invariant(at, 0.5, 0.8);
        for (int step = 0; step < 20000; step++)
            at = pg_repon_step(at, 0.5, 0.8, 1e-2);
        assert_true(fabs(pg_repon_invariant(at, 0.5, 0.8) - invariant) < 1e-6);
        assert_true(invariant > 0.0 ? fabs(at.c) < 1e-6 && fabs(at.a) > 0.1
                                    : fabs(at.a) < 1e-6 && fabs(at.c) > 0.1);
    }
}

/* ---- runs ---- */

#define SMALL "n=8 decoder_width=10 "

static void run(struct row *row, const char *assignments, uint32_t seed)
{
    row_run(row, "relation", assignments, seed, false);
    assert_int_equal(row->status, 0);
}

/* Logits of 0: the loss is log 2, and label 0 is named everywhere. */
static void test_labels(void **state)
{
    (void)state;
    static const struct {
        const char *assignments;
        struct relation relation;
    } cases[] = {
        {SMALL "steps=1 decoder_init_scale=0 modulus=3", {RELATION_CONGRUENCE, 8, 3, NULL}},
        {SMALL "steps=1 decoder_init_scale=0 relation=greater_than",
         {RELATION_GREATER_THAN, 8, 0, NULL}},
        {SMALL "steps=1 decoder_init_scale=0 relation=bipartite bipartite_size=3",
         {RELATION_BIPARTITE, 8, 3, NULL}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        run(&row, cases[i].assignments, 2);
        const uint8_t *mask = row_slot(&row, "train_mask");
        const float *loss = row_slot(&row, "train_loss"),
                    *accuracy = row_slot(&row, "train_accuracy");
        const double *bits = row_slot(&row, "description_length");
        size_t zeros = 0, count = 0;
        for (size_t n = 0; n < 64; n++) {
            zeros += mask[n] && pg_relation_label(&cases[i].relation, n / 8, n % 8) == 0;
            count += mask[n];
        }
        assert_int_equal(count, 48);
        assert_true(fabs((double)loss[0] - log(2.0)) < 1e-6);
        assert_true(accuracy[0] == (float)((double)zeros / (double)count));
        assert_true(*bits == pg_relation_description_length(&cases[i].relation));
        row_release(&row);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *assignments;
        size_t parameters;
    } cases[] = {
        {"", 5461}, /* 30 x 2 + 50 x 5 + 2 x 50 x 51 + 51 */
        {"embedding=difference", 30 * 2 + 50 * 3 + 2 * 50 * 51 + 51},
        {"embedding=squared_difference embedding_dim=1 decoder_depth=0", 30 + 2},
        {"decoder_depth=0", 30 * 2 + 5},
        {"decoder_depth=6 decoder_width=10", 30 * 2 + 10 * 5 + 5 * 10 * 11 + 11},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "relation", cases[i].assignments, 0, false);
        assert_int_equal(row.bytes[row_index_of(&row, "parameters")] / (2 * sizeof(float)),
                         cases[i].parameters);
        row_release(&row);
    }
}

static void test_shapes_tell_cells_apart(void **state)
{
    (void)state;
    static const char *const cells[][2] = {
        {SMALL "embedding=difference", SMALL "embedding=squared_difference"},
        {SMALL "embedding=concat embedding_dim=2", SMALL "embedding=difference embedding_dim=4"},
        {SMALL "activation=tanh", SMALL "activation=relu"},
        {SMALL "embedding=difference decoder=ideal",
         SMALL "embedding=squared_difference decoder=ideal"},
        {SMALL "embedding=difference decoder=ideal", SMALL "embedding=difference decoder_depth=0"},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        row_assert_apart("relation", cells[i]);
}

static void test_wrong_cells(void **state)
{
    (void)state;
    static const struct {
        const char *assignments, *name, *value, *message;
    } cases[] = {
        {SMALL, "modulus", "8", "modulus is 8; with n 8 allowed: up to 7"},
        {SMALL "relation=bipartite bipartite_size=3", "bipartite_size", "9",
         "bipartite_size is 9; with n 8 allowed: up to 7"},
        {SMALL, "data_fraction", "1",
         "train_count 0 and data_fraction 1 make 64 of 64 pairs training samples; at least one "
         "must train and one must test"},
        {SMALL "embedding=concat", "decoder", "ideal",
         "decoder is ideal and embedding concat; an ideal decoder sees a difference or "
         "squared_difference"},
        {SMALL, "relation", "matrix",
         "relation is matrix, but matrix is none; expected a file of 8 rows of 0 and 1"},
        {SMALL "matrix=010/101/010", "relation", "matrix",
         "n is 8; with a matrix of 3 rows allowed: 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row;
        row_prepare(&row, "relation", cases[i].assignments, 0, false);
        row_set(&row, cases[i].name, cases[i].value);
        assert_int_equal(row.experiment->check(&row.request.values, &row.error), PG_EINPUT);
        assert_string_equal(row.error.text, cases[i].message);
        row_release(&row);
    }
}

enum { RUNS = 19 };

static void train_many(struct row *rows, const char *assignments, const char *layout)
{
    assert_int_equal(setenv("PHASEGRID_LAYOUT", layout, 1), 0);
    for (uint32_t i = 0; i < RUNS; i++)
        row_prepare(&rows[i], "relation", assignments, i, true);
    row_run_all(rows, RUNS);
    assert_int_equal(unsetenv("PHASEGRID_LAYOUT"), 0);
}

/* More runs than lanes, which end at different steps. */
static void test_layouts_give_the_same_rows(void **state)
{
    (void)state;
    static struct row packed[RUNS], alone[RUNS];
    static const char *const jobs[] = {
        SMALL "steps=400 phase_accuracy=0.6 decoder_lr=0.01",
        SMALL "steps=400 embedding=difference relation=greater_than decoder_lr=0.01",
        SMALL "steps=400 embedding=squared_difference batch_size=9 activation=relu"};
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
    run(&row, SMALL "steps=3000 embedding=squared_difference", 6);
    assert_true(row_allocations > 0 && row.pauses > 20);
    assert_int_equal(row.allocations_first, row.allocations_last);
    row_release(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description_lengths),
        cmocka_unit_test(test_automorphisms_are_counted),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_closure),
        cmocka_unit_test(test_silhouette),
        cmocka_unit_test(test_matrix_is_the_relation),
        cmocka_unit_test(test_collisions),
        cmocka_unit_test(test_repon_dynamics),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_shapes_tell_cells_apart),
        cmocka_unit_test(test_wrong_cells),
        cmocka_unit_test(test_layouts_give_the_same_rows),
        cmocka_unit_test(test_training_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
