/* SPDX-License-Identifier: MIT */
/* What an optimiser's inner loop needs at step t. Stateless: a step's factors depend on t alone. */
#include "phasegrid/optimizer.h"

#include <math.h>

static void fill_squares(double base, double *ret_squares)
{
    for (size_t k = 0; k < PG_STEP_BITS; k++, base *= base)
        ret_squares[k] = base;
}

struct pg_schedule pg_schedule_make(const struct pg_rates *rates)
{
    struct pg_schedule schedule = {.rates = *rates};
    fill_squares(rates->beta1, schedule.beta1_squares);
    fill_squares(rates->beta2, schedule.beta2_squares);
    return schedule;
}

/* beta^exponent from beta^(2^k), lowest k first, so that no libm function enters a run's bytes. */
static double power(const double *squares, int64_t exponent)
{
    double result = 1.0;
    for (uint64_t left = (uint64_t)exponent; left != 0; left &= left - 1)
        result *= squares[__builtin_ctzll(left)];
    return result;
}

/* Kingma & Ba (2015) with the decoupled decay of Loshchilov & Hutter (2019). */
static void prepare_adamw(const struct pg_schedule *schedule, int64_t step, size_t lane,
                          struct pg_update *ret)
{
    const struct pg_rates *rates = &schedule->rates;
    double rest1 = 1.0 - power(schedule->beta1_squares, step);
    double rest2 = 1.0 - power(schedule->beta2_squares, step);
    ret->optimizer = PG_ADAMW;
    ret->keep[lane] = (float)(1.0 - rates->learning_rate * rates->weight_decay);
    ret->rate[lane] = (float)(rates->learning_rate / rest1);
    ret->beta1[lane] = (float)rates->beta1;
    ret->beta1_rest[lane] = (float)(1.0 - rates->beta1);
    ret->beta2[lane] = (float)rates->beta2;
    ret->beta2_rest[lane] = (float)(1.0 - rates->beta2);
    ret->root_scale[lane] = (float)(1.0 / sqrt(rest2));
    ret->epsilon[lane] = (float)rates->epsilon;
    ret->penalty[lane] = (float)rates->penalty;
}

static void prepare_sgd(const struct pg_schedule *schedule, int64_t step, size_t lane,
                        struct pg_update *ret)
{
    const struct pg_rates *rates = &schedule->rates;
    (void)step;
    ret->optimizer = PG_SGD;
    ret->keep[lane] = (float)(1.0 - rates->learning_rate * rates->weight_decay);
    ret->rate[lane] = (float)rates->learning_rate;
    ret->beta1[lane] = (float)rates->momentum;
    ret->penalty[lane] = (float)rates->penalty;
}

static void spread(float *lanes)
{
    for (size_t lane = 1; lane < PG_LANES; lane++)
        lanes[lane] = lanes[0];
}

void pg_update_spread(struct pg_update *update)
{
    spread(update->keep);
    spread(update->rate);
    spread(update->beta1);
    spread(update->beta1_rest);
    spread(update->beta2);
    spread(update->beta2_rest);
    spread(update->root_scale);
    spread(update->epsilon);
    spread(update->penalty);
}

const struct pg_optimizer_kind pg_optimizers[] = {
    [PG_ADAMW] = {"adamw", prepare_adamw},
    [PG_SGD] = {"sgd", prepare_sgd},
};

const char *const pg_optimizer_names[] = {"adamw", "sgd", NULL};
