/* SPDX-License-Identifier: MIT */
/* Jobs in parts, and put together again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_jobs.h"

enum { RUNS_MAX = 4096, SIZES = 4 };

/* A grid of this many weight decays, widths, budgets and seeds; the values descend, so that no
   sorting would restore them. */
static struct pg_job *make_grid(const size_t sizes[SIZES])
{
    static const char *const names[] = {"weight_decay", "decoder_width", "steps"};
    char text[4000];
    size_t used = (size_t)snprintf(text, sizeof text, A "grid: [");
    for (size_t i = 0; i < SIZES - 1; i++) {
        if (sizes[i] == 0)
            continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "{name: %s, values: [", names[i]);
        for (size_t k = sizes[i]; k > 0; k--)
            used += (size_t)snprintf(text + used, sizeof text - used, "%zu%s", k,
                                     k > 1 ? ", " : "]}, ");
    }
    (void)snprintf(text + used, sizeof text - used, "]\nseeds: %zu\n", sizes[SIZES - 1]);
    return parse(text);
}

struct tally {
    unsigned char owners[RUNS_MAX]; /* shards that hold the run */
    uint64_t smallest, largest;
};

static void count_shard(const struct pg_job *shard, const struct pg_job *job, struct tally *tally)
{
    static uint64_t rows[RUNS_MAX];
    struct pg_error error;
    uint64_t runs = pg_job_run_count(shard);
    assert_true(pg_job_contains(job, shard));
    assert_int_equal(pg_job_map_rows(shard, job, rows, &error), 0);
    for (uint64_t i = 0; i < runs; i++)
        tally->owners[rows[i]]++;
    tally->smallest = runs < tally->smallest ? runs : tally->smallest;
    tally->largest = runs > tally->largest ? runs : tally->largest;
}

static struct tally expect_partition(const struct pg_job *job, size_t count)
{
    struct tally tally = {.smallest = UINT64_MAX};
    struct pg_error error = {0};
    for (size_t i = 0; i < count; i++) {
        struct pg_job *shard = NULL;
        assert_int_equal(pg_job_shard(job, i + 1, count, &shard, &error), 0);
        count_shard(shard, job, &tally);
        pg_job_destroy(shard);
    }
    for (uint64_t row = 0; row < pg_job_run_count(job); row++)
        assert_int_equal(tally.owners[row], 1);
    return tally;
}

/* Every run is in one shard, and no shard is more than half as large again as an even share (in
   whole places of the axis that is not split). */
static void test_shards_of_many_grids(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 5, 7}, budgets[] = {0, 2}, seeds[] = {1, 2, 5};
    for (size_t i = 0; i < COUNT(lengths) * COUNT(lengths) * COUNT(budgets) * COUNT(seeds); i++) {
        const size_t sizes[SIZES] = {lengths[i % 6], lengths[i / 6 % 6], budgets[i / 36 % 2],
                                     seeds[i / 72]};
        struct pg_job *job = make_grid(sizes);
        size_t unsplit = sizes[2] > 0 ? sizes[2] : 1;
        size_t most = (size_t)pg_job_run_count(job) / unsplit;
        for (size_t n = 1; n <= most; n += n < 20 ? 1 : 7) {
            struct tally tally = expect_partition(job, n);
            size_t even = unsplit * ((most + n - 1) / n);
            assert_true(tally.smallest > 0);
            if (2 * tally.largest > 3 * even)
                fail_msg("%zu shards of %zu x %zu x %zu x %zu: the largest has %llu runs", n,
                         sizes[0], sizes[1], sizes[2], sizes[3], (unsigned long long)tally.largest);
        }
        pg_job_destroy(job);
    }
}

/* Where a product of axes is even, the shards are. */
static void test_even_shards(void **state)
{
    (void)state;
    static const struct {
        size_t sizes[SIZES], count, runs;
    } cases[] = {
        {{6, 4, 0, 5}, 5, 24}, {{6, 4, 0, 5}, 12, 10}, {{6, 4, 2, 5}, 120, 2},
        {{7, 3, 0, 1}, 21, 1}, {{8, 3, 0, 1}, 4, 6},   {{100, 0, 0, 1}, 4, 25},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_job *job = make_grid(cases[i].sizes);
        struct tally tally = expect_partition(job, cases[i].count);
        assert_int_equal(tally.smallest, cases[i].runs);
        assert_int_equal(tally.largest, cases[i].runs);
        pg_job_destroy(job);
    }
}

/* A shard of an axis has values from all over it. */
static void test_shards_are_strided(void **state)
{
    (void)state;
    const size_t sizes[SIZES] = {9, 0, 0, 1};
    struct pg_job *job = make_grid(sizes);
    for (size_t n = 1; n <= 3; n++) {
        struct pg_job *shard = NULL;
        struct pg_error error;
        assert_int_equal(pg_job_shard(job, n, 3, &shard, &error), 0);
        assert_int_equal(shard->axes[0].count, 3);
        for (size_t k = 0; k < 3; k++) { /* one value of each third, 9 .. 7, 6 .. 4, 3 .. 1 */
            double value = shard->axes[0].members[0].values[k].real;
            assert_true(value <= 9.0 - 3.0 * (double)k && value > 6.0 - 3.0 * (double)k);
        }
        pg_job_destroy(shard);
    }
    pg_job_destroy(job);
}

static void test_shard_refuses(void **state)
{
    (void)state;
    static const struct {
        size_t sizes[SIZES], index, count;
        const char *message;
    } cases[] = {
        {{3, 0, 0, 2}, 1, 7, "found 7 shards, expected at most 6: the job has 6 runs"},
        {{3, 0, 2, 2},
         1,
         7,
         "found 7 shards, expected at most 6: the job has 12 runs, and the axis of steps is not "
         "split"},
        {{3, 0, 0, 2}, 0, 6, "found shard 0, expected 1 to 6"},
        {{3, 0, 0, 2}, 7, 6, "found shard 7, expected 1 to 6"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_job *job = make_grid(cases[i].sizes), *shard = NULL;
        struct pg_error error = {0};
        assert_int_equal(pg_job_shard(job, cases[i].index, cases[i].count, &shard, &error),
                         PG_EINPUT);
        assert_string_equal(error.text, cases[i].message);
        pg_job_destroy(job);
    }
}

/* ---- unions ---- */

enum { UNITED_MAX = 8 };

static const char *const job_names[UNITED_MAX] = {"a.h5", "b.h5", "c.h5", "d.h5",
                                                  "e.h5", "f.h5", "g.h5", "h.h5"};

static struct pg_job *unite(const struct pg_job *const *jobs, size_t count)
{
    struct pg_job *job = NULL;
    struct pg_error error = {0};
    if (pg_job_unite(jobs, job_names, count, &job, &error) != 0)
        fail_msg("%s", error.text);
    return job;
}

/* In any order, and even if some are missing; the values of the job descend. */
static void test_shards_unite(void **state)
{
    (void)state;
    const size_t sizes[SIZES] = {5, 3, 2, 2};
    struct pg_job *job = make_grid(sizes);
    struct pg_job *shards[UNITED_MAX];
    struct pg_error error;
    for (size_t i = 0; i < UNITED_MAX; i++)
        assert_int_equal(
            pg_job_shard(job, (3 * i) % UNITED_MAX + 1, UNITED_MAX, &shards[i], &error), 0);
    for (size_t count = UNITED_MAX; count >= 1; count /= 2) {
        struct pg_job *united = unite((const struct pg_job *const *)shards, count);
        expect_same_job(united, job);
        assert_string_equal(united->text, job->text);
        pg_job_destroy(united);
    }
    for (size_t i = 0; i < UNITED_MAX; i++)
        pg_job_destroy(shards[i]);
    pg_job_destroy(job);
}

static void test_unite(void **state)
{
    (void)state;
    static const struct {
        const char *jobs[3], *expected;
    } cases[] = {
        {{A, A, A}, A},
        {{A "seeds: [5, 7]\n", A "seeds: [3]\n", A "seeds: [5, 6]\n"}, A "seeds: [3, 5, 6, 7]\n"},
        {{A "seeds: [7, 5]\n", A "seeds: [9]\n", A "seeds: [6, 5]\n"}, A "seeds: [9, 7, 6, 5]\n"},
        {{A "seeds: [7, 5]\n", A "seeds: [8, 9]\n", A "seeds: [5]\n"}, A "seeds: [7, 5, 8, 9]\n"},
        {{A "grid: [{name: widths, values: [[5], [5, 4]]}, {name: optimiser, values: [sgd]}]\n",
          A "grid: [{name: widths, values: [[]]}, {name: optimiser, values: [adamw, sgd]}]\n",
          A "grid: [{name: widths, values: [[6]]}, {name: optimiser, values: [sgd]}]\n"},
         A "grid: [{name: widths, values: [[], [5], [5, 4], [6]]}, "
           "{name: optimiser, values: [adamw, sgd]}]\n"},
        {{A "grid: [{name: z, zip: [{name: decoder_lr, values: [3, 1]}, "
            "{name: decoder_width, values: [5, 5]}]}]\n",
          A "grid: [{name: z, zip: [{name: decoder_lr, values: [3]}, "
            "{name: decoder_width, values: [6]}]}]\n",
          A "grid: [{name: z, zip: [{name: decoder_lr, values: [2, 1]}, "
            "{name: decoder_width, values: [5, 5]}]}]\n"},
         A "grid: [{name: z, zip: [{name: decoder_lr, values: [3, 3, 2, 1]}, "
           "{name: decoder_width, values: [6, 5, 5, 5]}]}]\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_job *jobs[3], *expected = parse(cases[i].expected);
        for (size_t k = 0; k < 3; k++)
            jobs[k] = parse(cases[i].jobs[k]);
        struct pg_job *united = unite((const struct pg_job *const *)jobs, 3);
        expect_same_job(united, expected);
        struct pg_job *again = parse(united->text);
        expect_same_job(again, expected);
        for (size_t k = 0; k < 3; k++) {
            assert_true(pg_job_contains(united, jobs[k]));
            pg_job_destroy(jobs[k]);
        }
        pg_job_destroy(again);
        pg_job_destroy(expected);
        pg_job_destroy(united);
    }
}

static void test_unite_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *message;
    } cases[] = {
        {A, "experiment: relation\n",
         "a.h5 and b.h5 are not of one job:\nexperiment: addition in a.h5, relation in b.h5"},
        {A, A "settings: {steps: 5}\nstop: decided\n",
         "a.h5 and b.h5 are not of one job:\nsettings.steps: 1000 in a.h5, 5 in b.h5\n"
         "stop: budget in a.h5, decided in b.h5"},
        {A "grid: [{name: decoder_lr, values: [1]}]\n", A "settings: {decoder_lr: 1}\n",
         "a.h5 and b.h5 are not of one job:\nsettings.decoder_lr: an axis in a.h5, 1 in b.h5\n"
         "grid: decoder_lr in a.h5, no axes in b.h5"},
        {A "grid: [{name: steps, values: [7, 8]}]\n", A "grid: [{name: steps, values: [7, 9]}]\n",
         "a.h5 and b.h5 are not of one job:\nlongest budget, which decides the recorded steps: "
         "8 steps in a.h5, 9 in b.h5"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_job *jobs[2] = {parse(cases[i].first), parse(cases[i].second)}, *united = NULL;
        struct pg_error error = {0};
        assert_int_equal(
            pg_job_unite((const struct pg_job *const *)jobs, job_names, 2, &united, &error),
            PG_EMISMATCH);
        assert_string_equal(error.text, cases[i].message);
        pg_job_destroy(jobs[0]);
        pg_job_destroy(jobs[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shards_of_many_grids), cmocka_unit_test(test_even_shards),
        cmocka_unit_test(test_shards_are_strided),   cmocka_unit_test(test_shard_refuses),
        cmocka_unit_test(test_shards_unite),         cmocka_unit_test(test_unite),
        cmocka_unit_test(test_unite_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
