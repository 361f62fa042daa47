/* SPDX-License-Identifier: MIT */
/*
 * The loops in double over lanes, of every instruction set that this CPU has: against plain sums
 * over samples, quadrature and finite differences, against the scalar random numbers, and each
 * lane beside others and alone. The digests are compared with another CPU's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "digest.h"
#include "phasegrid/lane_kernel.h"
#include "phasegrid/random.h"

enum { SAMPLES = 200, ROOM = 255, NUMBERS_MAX = 16 * 17 * PG_LANES };

static const struct pg_autoencoder_shape shapes[] = {{6, 2}, {4, 2}, {9, 3}, {1, 1}, {16, 5}};
enum { SHAPE_COUNT = sizeof shapes / sizeof shapes[0] };

struct sample {
    uint32_t feature;
    double magnitude;
};

static struct data {
    struct sample samples[PG_LANES][SAMPLES];
    _Alignas(64) double w[NUMBERS_MAX];
    _Alignas(64) double rows[16 * SAMPLES * PG_LANES]; /* of the batch */
    struct pg_autoencoder_batch batch;
    _Alignas(64) double base[PG_LANES * 16 * (3 * ROOM + 2)];
    struct pg_autoencoder_sorted sorted;
} data;

struct result {
    _Alignas(64) double loss[PG_LANES];
    double gradient[NUMBERS_MAX];
};

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.17g, expected %.17g within %g", found, expected, tolerance);
}

static size_t parameters(const struct pg_autoencoder_shape *shape)
{
    return shape->features * (shape->hidden + 1);
}

static int ascending(const void *a, const void *b)
{
    const struct sample *left = a, *right = b;
    return (left->magnitude > right->magnitude) - (left->magnitude < right->magnitude);
}

static void draw(const struct pg_autoencoder_shape *shape)
{
    struct pg_random random = pg_random_make(11, PG_STREAM_TEST, 0);
    for (size_t i = 0; i < parameters(shape) * PG_LANES; i++)
        data.w[i] = 0.8 * (double)pg_random_normal(&random, (uint32_t)i, 0, 0);
    for (uint32_t lane = 0; lane < PG_LANES; lane++) {
        for (uint32_t n = 0; n < SAMPLES; n++)
            data.samples[lane][n] =
                (struct sample){pg_random_below(&random, (uint32_t)shape->features, n, lane, 1),
                                (double)pg_random_uniform(&random, n, lane, 2)};
        qsort(data.samples[lane], SAMPLES, sizeof(struct sample), ascending);
    }
}

/* ret (SAMPLES): a lane's magnitudes of one feature, ascending; returns how many. */
static size_t pick(size_t lane, size_t feature, double *ret)
{
    size_t count = 0;
    for (size_t n = 0; n < SAMPLES; n++)
        if (data.samples[lane][n].feature == feature)
            ret[count++] = data.samples[lane][n].magnitude;
    return count;
}

static void lay_out(const struct pg_autoencoder_shape *shape)
{
    const size_t c = shape->features, size = pg_autoencoder_sorted_size(c, ROOM);
    double own[SAMPLES];
    double *row = data.rows;
    data.batch = (struct pg_autoencoder_batch){.magnitudes = data.rows, .scale = 1.0 / SAMPLES};
    data.sorted = (struct pg_autoencoder_sorted){.base = data.base, .room = ROOM};
    for (size_t j = 0; j < c; j++) {
        size_t most = 0, fewest = SAMPLES;
        for (size_t i = 0; i < SAMPLES * PG_LANES; i++)
            row[i] = -1.0;
        for (size_t lane = 0; lane < PG_LANES; lane++) {
            double *set = data.base + lane * size, *magnitudes = set + j * ROOM;
            double *sums = set + c * ROOM + j * (ROOM + 1), *squares = sums + c * (ROOM + 1);
            size_t count = pick(lane, j, own);
            most = count > most ? count : most;
            fewest = count < fewest ? count : fewest;
            data.sorted.offset[lane] = (double)(lane * size);
            data.sorted.scale[lane] = 1.0 / SAMPLES;
            data.sorted.count[j][lane] = (double)count;
            sums[0] = squares[0] = 0.0;
            for (size_t i = 0; i < ROOM; i++) {
                double m = i < count ? own[i] : 0.0;
                magnitudes[i] = i < count ? m : (double)INFINITY;
                sums[i + 1] = sums[i] + m;
                squares[i + 1] = squares[i] + m * m;
                if (i < count)
                    row[i * PG_LANES + lane] = m;
            }
        }
        data.batch.first[j] = (size_t)(row - data.rows) / PG_LANES;
        data.batch.slots[j] = most;
        data.batch.full[j] = fewest;
        row += most * PG_LANES;
    }
}

/* ---- the plain sums ---- */

/* |x - f(x)|^2 of one lane's w at x = m e_j. */
static double loss_at(const struct pg_autoencoder_shape *shape, const double *w, size_t j, double m)
{
    const size_t c = shape->features, r = shape->hidden;
    double sum = 0.0;
    for (size_t i = 0; i < c; i++) {
        double y = w[(r * c + i) * PG_LANES];
        for (size_t k = 0; k < r; k++)
            y += w[(k * c + i) * PG_LANES] * w[(k * c + j) * PG_LANES] * m;
        double e = (y > 0.0 ? y : 0.0) - (i == j ? m : 0.0);
        sum += e * e;
    }
    return sum;
}

static double plain_loss(const struct pg_autoencoder_shape *shape, const double *w, size_t lane)
{
    double sum = 0.0;
    for (size_t n = 0; n < SAMPLES; n++)
        sum += loss_at(shape, w + lane, data.samples[lane][n].feature,
                       data.samples[lane][n].magnitude);
    return sum / SAMPLES;
}

/* Simpson's rule between the kinks of the integrand, where it is a quadratic: exact. */
static double population_loss(const struct pg_autoencoder_shape *shape, const double *w,
                              size_t lane)
{
    const size_t c = shape->features, r = shape->hidden;
    double sum = 0.0;
    for (size_t j = 0; j < c; j++) {
        double from = 0.0;
        while (from < 1.0) {
            double to = 1.0; /* the next kink */
            for (size_t i = 0; i < c; i++) {
                double g = 0.0, b = w[(r * c + i) * PG_LANES + lane];
                for (size_t k = 0; k < r; k++)
                    g += w[(k * c + i) * PG_LANES + lane] * w[(k * c + j) * PG_LANES + lane];
                to = -b / g > from + 1e-14 && -b / g < to ? -b / g : to;
            }
            sum += (to - from) / 6.0 *
                   (loss_at(shape, w + lane, j, from) +
                    4.0 * loss_at(shape, w + lane, j, 0.5 * (from + to)) +
                    loss_at(shape, w + lane, j, to));
            from = to;
        }
    }
    return sum / (double)c;
}

typedef double (*loss_function)(const struct pg_autoencoder_shape *shape, const double *w,
                                size_t lane);

static void check_result(const struct pg_autoencoder_shape *shape, const struct result *result,
                         loss_function expected, double loss_tolerance, double slope_tolerance)
{
    static double moved[NUMBERS_MAX];
    const double h = 1e-5;
    for (size_t lane = 0; lane < PG_LANES; lane += 5) {
        assert_near(result->loss[lane], expected(shape, data.w, lane), loss_tolerance);
        for (size_t p = 0; p < parameters(shape); p++) {
            memcpy(moved, data.w, sizeof moved);
            moved[p * PG_LANES + lane] += h;
            double above = expected(shape, moved, lane);
            moved[p * PG_LANES + lane] -= 2.0 * h;
            double slope = (above - expected(shape, moved, lane)) / (2.0 * h);
            assert_near(result->gradient[p * PG_LANES + lane], slope, slope_tolerance);
        }
    }
}

static uint32_t digest_of(uint32_t digest, const struct pg_autoencoder_shape *shape,
                          const struct result *result)
{
    digest = digest_floats(digest, (const void *)result->loss, 2 * PG_LANES);
    return digest_floats(digest, (const void *)result->gradient, 2 * PG_LANES * parameters(shape));
}

static void run_all(const struct pg_lane_kernel *kernel, const struct pg_autoencoder_shape *shape,
                    struct result ret[3])
{
    memset(ret, 0, 3 * sizeof *ret);
    kernel->autoencoder_batch(shape, &data.batch, data.w, ret[0].loss, ret[0].gradient);
    kernel->autoencoder_sorted(shape, &data.sorted, data.w, ret[1].loss, ret[1].gradient);
    kernel->autoencoder_population(shape, data.w, ret[2].loss, ret[2].gradient);
}

static void test_autoencoder(void **state)
{
    static struct result found[3], first[3];
    uint32_t digest = digest_start;
    (void)state;
    for (size_t s = 0; s < SHAPE_COUNT; s++) {
        draw(&shapes[s]);
        lay_out(&shapes[s]);
        run_all(pg_kernels[0]->in_lanes, &shapes[s], first);
        for (size_t i = 0; i < 3; i++)
            digest = digest_of(digest, &shapes[s], &first[i]);
        for (size_t i = 1; pg_kernels[i] != NULL; i++)
            if (pg_kernel_is_supported(pg_kernels[i])) {
                run_all(pg_kernels[i]->in_lanes, &shapes[s], found);
                assert_memory_equal(found, first, sizeof found);
            }
        if (s == SHAPE_COUNT - 1)
            continue; /* finite differences of 96 parameters take long */
        check_result(&shapes[s], &first[0], plain_loss, 1e-12, 1e-7);
        check_result(&shapes[s], &first[1], plain_loss, 1e-12, 1e-7);
        for (size_t lane = 0; lane < PG_LANES; lane += 7)
            assert_near(first[2].loss[lane], population_loss(&shapes[s], data.w, lane), 1e-12);
    }
    printf("autoencoder %08x\n", digest);
}

static void test_population_gradient(void **state)
{
    static struct result found[3];
    (void)state;
    draw(&shapes[1]);
    lay_out(&shapes[1]);
    run_all(pg_kernels[0]->in_lanes, &shapes[1], found);
    check_result(&shapes[1], &found[2], population_loss, 1e-12, 1e-7);
}

/* The lane is what it is with any others, and with a NaN beside it. */
static void test_lanes_are_alone(void **state)
{
    static struct result beside[3], alone[3];
    const struct pg_autoencoder_shape *shape = &shapes[0];
    const size_t lane = 3;
    (void)state;
    for (size_t k = 0; pg_kernels[k] != NULL; k++) {
        if (!pg_kernel_is_supported(pg_kernels[k]))
            continue;
        draw(shape);
        lay_out(shape);
        run_all(pg_kernels[k]->in_lanes, shape, beside);
        for (size_t other = 0; other < PG_LANES; other++)
            for (size_t p = 0; p < parameters(shape) && other != lane; p++)
                data.w[p * PG_LANES + other] = other % 2 == 0 ? (double)NAN : 0.5;
        run_all(pg_kernels[k]->in_lanes, shape, alone);
        for (size_t i = 0; i < 3; i++) {
            assert_true(beside[i].loss[lane] == alone[i].loss[lane]);
            for (size_t p = 0; p < parameters(shape); p++)
                assert_true(beside[i].gradient[p * PG_LANES + lane] ==
                            alone[i].gradient[p * PG_LANES + lane]);
            assert_true(isnan(alone[i].loss[0]));
        }
    }
}

/* A batch that all lanes share is the same as one of each lane with the same samples. */
static void test_shared_batch(void **state)
{
    static struct result shared, own;
    static double numbers[SAMPLES];
    const struct pg_autoencoder_shape *shape = &shapes[0];
    (void)state;
    draw(shape);
    for (size_t lane = 1; lane < PG_LANES; lane++)
        memcpy(data.samples[lane], data.samples[0], sizeof data.samples[0]);
    lay_out(shape);
    for (size_t i = 0; i < SAMPLES; i++)
        numbers[i] = data.rows[i * PG_LANES];
    struct pg_autoencoder_batch batch = data.batch;
    batch.magnitudes = numbers;
    batch.is_shared = true;
    for (size_t k = 0; pg_kernels[k] != NULL; k++) {
        const struct pg_lane_kernel *kernel = pg_kernels[k]->in_lanes;
        if (!pg_kernel_is_supported(pg_kernels[k]))
            continue;
        kernel->autoencoder_batch(shape, &data.batch, data.w, own.loss, own.gradient);
        kernel->autoencoder_batch(shape, &batch, data.w, shared.loss, shared.gradient);
        assert_memory_equal(&shared, &own, sizeof own);
        kernel->autoencoder_batch(shape, &batch, data.w, NULL, shared.gradient);
        assert_memory_equal(shared.gradient, own.gradient, sizeof own.gradient);
    }
}

/* ---- random numbers ---- */

static struct pg_lane_random make_random(void)
{
    struct pg_lane_random random;
    for (uint32_t lane = 0; lane < PG_LANES; lane++) {
        random.key[0][lane] = 7 + lane;
        random.key[1][lane] = PG_STREAM_TEST;
        random.counter[0][lane] = 3 * lane;
        random.counter[1][lane] = 100 - lane;
        random.counter[2][lane] = lane % 2;
    }
    return random;
}

static void test_words(void **state)
{
    enum { BLOCKS = 21, FIRST = 1000 };
    static _Alignas(64) uint32_t words[4 * BLOCKS * PG_LANES], stream[4 * BLOCKS];
    const struct pg_lane_random random = make_random();
    (void)state;
    for (size_t k = 0; pg_kernels[k] != NULL; k++) {
        if (!pg_kernel_is_supported(pg_kernels[k]))
            continue;
        pg_kernels[k]->in_lanes->words(&random, FIRST, BLOCKS, words);
        pg_kernels[k]->in_lanes->stream(&random, FIRST, BLOCKS, stream);
        for (uint32_t lane = 0; lane < PG_LANES; lane++) {
            struct pg_random one = pg_random_make(7 + lane, PG_STREAM_TEST, lane % 2);
            for (uint32_t i = 0; i < 4 * BLOCKS; i++)
                assert_int_equal(words[i * PG_LANES + lane],
                                 pg_random_word(&one, 4 * FIRST + i, 3 * lane, 100 - lane));
        }
        for (size_t i = 0; i < 4 * BLOCKS; i++)
            assert_int_equal(stream[i], words[i * PG_LANES]);
    }
}

/* Moments of 3.2 million deviates within five standard errors (1/N, 2/N, 15/N, 96/N). */
static void test_normals(void **state)
{
    enum { BLOCKS = 500, ROUNDS = 100, ROWS = 4 * BLOCKS };
    static _Alignas(64) double normals[ROWS * PG_LANES], first[ROWS * PG_LANES];
    const struct pg_lane_random random = make_random();
    double moments[5] = {0}, count = (double)ROUNDS * ROWS * PG_LANES, beyond_two = 0.0;
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        pg_kernels[0]->in_lanes->normals(&random, round * BLOCKS, BLOCKS, normals);
        for (size_t i = 0; i < ROWS * PG_LANES; i++) {
            double x = normals[i], power = 1.0;
            for (int k = 1; k <= 4; k++)
                moments[k] += (power *= x) / count;
            beyond_two += fabs(x) > 2.0;
        }
    }
    assert_true(fabs(moments[1]) < 5.0 / sqrt(count));
    assert_true(fabs(moments[2] - 1.0) < 5.0 * sqrt(2.0 / count));
    assert_true(fabs(moments[3]) < 5.0 * sqrt(15.0 / count));
    assert_true(fabs(moments[4] - 3.0) < 5.0 * sqrt(96.0 / count));
    assert_true(fabs(beyond_two / count - 0.0455003) < 5.0 * sqrt(0.0455 / count));
    pg_kernels[0]->in_lanes->normals(&random, 9, BLOCKS, first);
    for (size_t k = 1; pg_kernels[k] != NULL; k++)
        if (pg_kernel_is_supported(pg_kernels[k])) {
            pg_kernels[k]->in_lanes->normals(&random, 9, BLOCKS, normals);
            assert_memory_equal(normals, first, sizeof first);
        }
    printf("normals %08x\n", digest_floats(digest_start, (const void *)first, 2 * ROWS * PG_LANES));
}

/* ---- steps of samplers, each against its formula ---- */

enum { ROWS = 5 };

static struct chains {
    _Alignas(64) double w[ROWS * PG_LANES], anchor[ROWS * PG_LANES], gradient[ROWS * PG_LANES],
        noise[ROWS * PG_LANES], v[ROWS * PG_LANES];
    double n_beta[PG_LANES], localization[PG_LANES], step_size[PG_LANES], root[PG_LANES],
        friction[PG_LANES], diffusion[PG_LANES];
} chains;

static struct pg_langevin make_chains(void)
{
    struct pg_random random = pg_random_make(5, PG_STREAM_TEST, 0);
    for (uint32_t i = 0; i < ROWS * PG_LANES; i++) {
        chains.w[i] = (double)pg_random_normal(&random, i, 0, 0);
        chains.anchor[i] = (double)pg_random_normal(&random, i, 1, 0);
        chains.gradient[i] = (double)pg_random_normal(&random, i, 2, 0);
        chains.noise[i] = (double)pg_random_normal(&random, i, 3, 0);
        chains.v[i] = 0.1 * (double)pg_random_uniform(&random, i, 4, 0);
    }
    for (uint32_t lane = 0; lane < PG_LANES; lane++) {
        chains.n_beta[lane] = 10.0 + lane;
        chains.localization[lane] = lane % 3;
        chains.step_size[lane] = 1e-3 * (1.0 + lane);
        chains.root[lane] = sqrt(chains.step_size[lane]);
        chains.friction[lane] = 0.02 + 0.001 * lane;
        chains.diffusion[lane] = sqrt(2.0 * 0.02 * chains.step_size[lane]);
    }
    return (struct pg_langevin){ROWS,         chains.w,      chains.anchor,       chains.gradient,
                                chains.noise, chains.n_beta, chains.localization, chains.step_size,
                                chains.root};
}

enum { SGLD, PSGLD, SGHMC, SGNHT, STEP_COUNT };

static void take_step(const struct pg_lane_kernel *kernel, int which)
{
    const struct pg_langevin step = make_chains();
    const struct pg_langevin_memory memory = {chains.v, 0.99, 0.1, chains.friction,
                                              chains.diffusion};
    if (which == SGLD)
        kernel->sgld(&step);
    else if (which == PSGLD)
        kernel->psgld(&step, &memory);
    else
        kernel->sghmc(&step, &memory, which == SGNHT);
}

static void check_step(const struct chains *before, int which, size_t lane)
{
    double energy = 0.0, size = before->step_size[lane];
    for (size_t row = 0; row < ROWS; row++) {
        size_t at = row * PG_LANES + lane;
        double g = before->n_beta[lane] * before->gradient[at];
        double u = g + before->localization[lane] * (before->w[at] - before->anchor[at]);
        double slope = before->gradient[at];
        double v = 0.99 * before->v[at] + 0.01 * slope * slope, scale = 1.0 / (sqrt(v) + 0.1);
        double p = (1.0 - before->friction[lane]) * before->v[at] - size * u +
                   before->diffusion[lane] * before->noise[at];
        double expected[STEP_COUNT] = {
            before->w[at] - size / 2.0 * u + sqrt(size) * before->noise[at],
            before->w[at] - size / 2.0 * scale * u + sqrt(size * scale) * before->noise[at],
            before->w[at] + p, before->w[at] + p};
        energy += p * p;
        assert_near(chains.w[at], expected[which], 1e-12);
    }
    if (which == SGNHT)
        assert_near(chains.friction[lane], before->friction[lane] + energy / ROWS - size, 1e-12);
}

static void test_steps(void **state)
{
    static struct chains before, first;
    (void)state;
    for (int which = 0; which < STEP_COUNT; which++)
        for (size_t k = 0; pg_kernels[k] != NULL; k++) {
            if (!pg_kernel_is_supported(pg_kernels[k]))
                continue;
            (void)make_chains();
            before = chains;
            take_step(pg_kernels[k]->in_lanes, which);
            for (size_t lane = 0; lane < PG_LANES; lane++)
                check_step(&before, which, lane);
            if (k == 0)
                first = chains;
            assert_memory_equal(&first, &chains, sizeof chains);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_autoencoder),
                                       cmocka_unit_test(test_population_gradient),
                                       cmocka_unit_test(test_lanes_are_alone),
                                       cmocka_unit_test(test_shared_batch),
                                       cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_normals),
                                       cmocka_unit_test(test_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
