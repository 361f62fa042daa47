/* SPDX-License-Identifier: MIT */
/*
 * Random and extreme numbers for a kernel, its optimizers' factors, and the comparison of what two
 * kernels made of them, byte for byte.
 */
#ifndef PHASEGRID_TEST_KERNEL_NUMBERS_H
#define PHASEGRID_TEST_KERNEL_NUMBERS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phasegrid/kernel.h"
#include "phasegrid/random.h"

enum { FLOATS_MAX = 64 * 320 };

enum { SERIES = 10 };

static inline void draw(float *to, uint32_t which, int is_extreme)
{
    static const float extremes[] = {0.0f,     -0.0f,     1e30f, -1e30f, 1e-30f,
                                     INFINITY, -INFINITY, 88.0f, -104.0f};
    struct pg_random random = pg_random_make(which, PG_STREAM_TEST, 0);
    for (uint32_t i = 0; i < FLOATS_MAX; i++) {
        to[i] = pg_random_normal(&random, i, 0, 0);
        if (is_extreme && pg_random_below(&random, 5, i, 1, 0) == 0)
            to[i] = extremes[pg_random_below(&random, 9, i, 2, 0)];
    }
}

/* The first `count` numbers of a series; each series is drawn once. */
static inline void fill(float *to, size_t count, uint32_t which, int is_extreme)
{
    static float series[SERIES][2][FLOATS_MAX];
    static bool is_drawn[SERIES][2];
    if (!is_drawn[which][is_extreme])
        draw(series[which][is_extreme], which, is_extreme);
    is_drawn[which][is_extreme] = true;
    memcpy(to, series[which][is_extreme], count * sizeof *to);
}

/* NaNs count as equal whatever their payload: which operand's survives is the CPU's choice. */
static inline void assert_same_bytes(const float *x, const float *y, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&x[i], &y[i], sizeof *x) != 0 && !(isnan(x[i]) && isnan(y[i])))
            fail_msg("%s: element %zu is %a, expected %a", what, i, (double)y[i], (double)x[i]);
}

/* Factors of every lane; each lane has its own. */
static inline struct pg_update update_of(enum pg_optimizer optimizer)
{
    struct pg_update update = {.optimizer = optimizer};
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        float shift = (float)lane / 1024.0f;
        update.keep[lane] = 0.99f - shift;
        update.rate[lane] = 0.01f + shift;
        update.beta1[lane] = 0.9f - shift;
        update.beta1_rest[lane] = 0.1f + shift;
        update.beta2[lane] = 0.999f - shift;
        update.beta2_rest[lane] = 0.001f + shift;
        update.root_scale[lane] = 3.0f + shift;
        update.epsilon[lane] = 1e-8f;
    }
    return update;
}

/* With samples in lanes all lanes have the factors of lane 0. */
static inline void spread(struct pg_update *update)
{
    float *const factors[] = {update->keep,       update->rate,   update->beta1,
                              update->beta1_rest, update->beta2,  update->beta2_rest,
                              update->root_scale, update->epsilon};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++)
        for (size_t lane = 1; lane < PG_LANES; lane++)
            factors[i][lane] = factors[i][0];
}

#endif
