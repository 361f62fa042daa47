/* SPDX-License-Identifier: MIT */
/* Parallelograms and what an embedding does with them, against plain double loops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/parallelogram.h"
#include "phasegrid/random.h"

enum { P = 10, SAMPLES = 55, ROWS = 70 };

static struct pg_parallelograms *ten;

static int set_up(void **state)
{
    (void)state;
    return pg_parallelograms_create(P, &ten, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    pg_parallelograms_destroy(ten);
    return 0;
}

/* The first `count` samples of permutation `draw` as a training set. */
static void draw_split(uint32_t draw, size_t samples, size_t count, uint8_t *ret_mask)
{
    struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    uint32_t *order = malloc(samples * sizeof *order);
    assert_non_null(order);
    pg_random_permutation(&random, draw, 0, order, samples);
    memset(ret_mask, 0, samples);
    for (size_t k = 0; k < count; k++)
        ret_mask[order[k]] = 1;
    free(order);
}

static void test_parallelograms_are_all_and_different(void **state)
{
    (void)state;
    for (uint32_t p = 3; p <= 12; p++) {
        struct pg_parallelograms *all = NULL;
        size_t count = 0;
        assert_int_equal(pg_parallelograms_create(p, &all, NULL), 0);
        for (uint32_t i = 0; i < p; i++) /* the enumeration of the authors' code */
            for (uint32_t j = i + 1; j < p; j++)
                for (uint32_t m = j; m < p; m++)
                    for (uint32_t n = m + 1; n < p; n++)
                        count += i + n == j + m;
        assert_int_equal(all->count, count);
        for (size_t k = 0; k < all->count; k++) {
            const struct pg_parallelogram *at = &all->at[k];
            assert_true(at->i < at->m && at->m <= at->n && at->n < at->j && at->j < p);
            assert_int_equal(at->i + at->j, at->m + at->n);
            for (size_t l = 0; l < k; l++)
                assert_memory_not_equal(at, &all->at[l], sizeof *at);
        }
        pg_parallelograms_destroy(all);
    }
    pg_parallelograms_destroy(NULL);
}

static void test_pair_index_is_lexicographic(void **state)
{
    (void)state;
    size_t expected = 0;
    for (uint32_t i = 0; i < 59; i++)
        for (uint32_t j = i; j < 59; j++)
            assert_int_equal(pg_pair_index(59, i, j), expected++);
}

static void test_symbols_out_of_range(void **state)
{
    (void)state;
    struct pg_parallelograms *made = NULL;
    struct pg_error error;
    assert_int_equal(pg_parallelograms_create(2, &made, &error), PG_EINPUT);
    assert_string_equal(error.text, "p is 2; parallelograms need 3 to 256 symbols");
    assert_int_equal(pg_parallelograms_create(257, &made, &error), PG_EINPUT);
    assert_null(made);
}

/* Normalised gap of the pairs {i, j} and {m, n}, straight from the definition. */
static double gap_by_definition(const float *embeddings, size_t dimension,
                                const struct pg_parallelogram *at)
{
    double sum = 0.0;
    for (size_t c = 0; c < dimension; c++) {
        double mean = 0.0, variance = 0.0, z[P];
        for (size_t k = 0; k < P; k++)
            mean += (double)embeddings[k * dimension + c] / P;
        for (size_t k = 0; k < P; k++)
            variance += pow((double)embeddings[k * dimension + c] - mean, 2.0) / (P - 1);
        for (size_t k = 0; k < P; k++)
            z[k] = ((double)embeddings[k * dimension + c] - mean) / sqrt(variance);
        sum += pow(z[at->i] + z[at->j] - z[at->m] - z[at->n], 2.0);
    }
    return sum;
}

/* Random points near a number line, from disorder (noise 1) to order (noise 0). */
static void draw_embedding(uint32_t draw, size_t dimension, float noise, float *embeddings)
{
    struct pg_random random = pg_random_make(2, PG_STREAM_TEST, 0);
    for (uint32_t k = 0; k < P * dimension; k++)
        embeddings[k] = (float)(k / dimension) * 0.3f * (k % dimension == 0 ? 1.0f : -2.0f) +
                        noise * pg_random_normal(&random, k, draw, (uint32_t)dimension);
}

static void check_embedding(const float *embeddings, size_t dimension, const uint8_t *mask)
{
    double normalised[3 * P], loss = 0.0;
    size_t satisfied = 0, first = 0, correct = 0;
    for (uint32_t i = 0; i < P; i++)
        for (uint32_t j = i; j < P; j++, first++) {
            size_t second = 0;
            bool predicted = mask[first];
            for (uint32_t m = 0; m < P; m++)
                for (uint32_t n = m; n < P; n++, second++) {
                    const struct pg_parallelogram at = {i, j, m, n};
                    if (first == second || i + j != m + n)
                        continue;
                    double gap = gap_by_definition(embeddings, dimension, &at);
                    bool close = gap / (double)dimension < 0.01;
                    predicted = predicted || (close && mask[second]);
                    loss += first < second ? gap : 0.0;
                    satisfied += first < second && close;
                }
            correct += predicted;
        }
    double found = pg_effective_loss(ten, embeddings, dimension, normalised);
    loss /= (double)dimension * (P - 1);
    assert_true(fabs(found - loss) <= 1e-12 * loss);
    assert_true(pg_representation_quality(ten, embeddings, dimension, normalised) ==
                (double)satisfied / ROWS);
    assert_true(pg_predicted_accuracy(ten, mask, embeddings, dimension, normalised) ==
                (double)correct / SAMPLES);
}

static void test_embeddings_against_double_loops(void **state)
{
    (void)state;
    static const float noises[] = {1.0f, 0.1f, 0.05f, 0.02f, 0.01f};
    for (uint32_t draw = 0; draw < 100; draw++)
        for (size_t dimension = 1; dimension <= 3; dimension++) {
            float embeddings[3 * P];
            uint8_t mask[SAMPLES];
            draw_split(draw, SAMPLES, draw % (SAMPLES + 1), mask);
            draw_embedding(draw, dimension, noises[draw % 5], embeddings);
            check_embedding(embeddings, dimension, mask);
        }
}

/* E_k = a + k b satisfies everything, whatever a and b; Z0 = p - 1 leaves l0 = 0. */
static void test_number_lines_are_perfect(void **state)
{
    (void)state;
    static const float lines[][2] = {{0.0f, 1.0f}, {-3.5f, 0.25f}, {7.0f, -1e-2f}, {0.0f, 1e30f}};
    uint8_t one_per_sum[SAMPLES] = {0};
    double normalised[2 * P];
    for (uint32_t s = 0; s <= 2 * (P - 1); s++)
        one_per_sum[pg_pair_index(P, s / 2, s - s / 2)] = 1;
    for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
        float line[P], plane[2 * P];
        for (size_t k = 0; k < P; k++) {
            line[k] = lines[l][0] + (float)k * lines[l][1];
            plane[2 * k] = line[k];
            plane[2 * k + 1] = 2.0f - (float)k;
        }
        assert_true(pg_representation_quality(ten, line, 1, normalised) == 1.0);
        assert_true(pg_representation_quality(ten, plane, 2, normalised) == 1.0);
        assert_true(pg_effective_loss(ten, line, 1, normalised) < 1e-6);
        assert_true(pg_predicted_accuracy(ten, one_per_sum, line, 1, normalised) == 1.0);
    }
}

/* A number line whose last symbol is moved far away loses that symbol's parallelograms alone: {i,
   9} and another pair of the sum 9 + i, for i = 0, 1, ...: 4 + 4 + 3 + 3 + 2 + 2 + 1 + 1. */
static void test_one_misplaced_symbol(void **state)
{
    (void)state;
    float line[P];
    double normalised[P];
    for (size_t k = 0; k < P; k++)
        line[k] = (float)k;
    line[P - 1] = 30.0f;
    assert_true(pg_representation_quality(ten, line, 1, normalised) == 50.0 / 70.0);
}

static void test_embeddings_without_shape(void **state)
{
    (void)state;
    static const float bad[] = {0.1f, NAN, INFINITY, -INFINITY};
    double normalised[2 * P];
    uint8_t mask[SAMPLES];
    draw_split(0, SAMPLES, 11, mask);
    for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
        float line[P], plane[2 * P];
        for (size_t k = 0; k < P; k++) {
            line[k] = k == 3 || b == 0 ? bad[b] : (float)k;
            plane[2 * k] = (float)k;
            plane[2 * k + 1] = line[k];
        }
        assert_true(pg_representation_quality(ten, line, 1, normalised) == 0.0);
        assert_true(pg_representation_quality(ten, plane, 2, normalised) == 0.0);
        assert_true(isnan(pg_effective_loss(ten, line, 1, normalised)));
        assert_true(pg_predicted_accuracy(ten, mask, line, 1, normalised) == 11.0 / SAMPLES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parallelograms_are_all_and_different),
        cmocka_unit_test(test_pair_index_is_lexicographic),
        cmocka_unit_test(test_symbols_out_of_range),
        cmocka_unit_test(test_embeddings_against_double_loops),
        cmocka_unit_test(test_number_lines_are_perfect),
        cmocka_unit_test(test_one_misplaced_symbol),
        cmocka_unit_test(test_embeddings_without_shape),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
