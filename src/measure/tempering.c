/* SPDX-License-Identifier: MIT */
/* A temperature keeps its lane; what is exchanged is where its chain stands. */
#include "phasegrid/tempering.h"

#include <math.h>
#include <string.h>

#include "phasegrid/special.h"

static const double wanted_acceptance = 0.8, fitting_rate = 0.05;

/* ---- lanes ---- */

struct place {
    struct pg_chains *chains;
    size_t lane;
};

static struct place place_of(struct pg_tempering *tempering, size_t temperature)
{
    return (struct place){&tempering->chains[temperature / PG_LANES], temperature % PG_LANES};
}

static double cube(double x)
{
    return x * x * x;
}

void pg_tempering_arrange(struct pg_tempering *tempering, const struct pg_kernel *kernel,
                          const struct pg_landscape *landscape,
                          const struct pg_tempering_plan *plan, struct pg_arena *arena)
{
    const struct pg_sampler_plan sampler = {
        .sampler = PG_HMC, .draws = 1, .thin = 1, .leapfrog_steps = plan->leapfrog_steps};
    tempering->plan = *plan;
    tempering->landscape = landscape;
    tempering->packs = plan->temperatures / PG_LANES;
    for (size_t i = 0; i < tempering->packs; i++)
        pg_chains_arrange(&tempering->chains[i], kernel, landscape, &sampler, NULL, arena);
    for (size_t i = 0; i < plan->temperatures; i++)
        tempering->inverse[i] = cube((double)i / (double)(plan->temperatures - 1));
}

/* ---- the beginning ---- */

/* Every pack is begun at the anchor 0, then moved to draws of the prior. */
static void begin_pack(struct pg_tempering *tempering, size_t pack)
{
    const struct pg_tempering_plan *plan = &tempering->plan;
    struct pg_chains *chains = &tempering->chains[pack];
    const double precision = 1.0 / (plan->prior_scale * plan->prior_scale);
    struct pg_chain which[PG_LANES];
    const double *anchors[PG_LANES];
    memset(chains->old_w, 0, chains->rows * PG_LANES * sizeof *chains->old_w);
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        double inverse = tempering->inverse[pack * PG_LANES + lane];
        double curvature = precision + plan->n * inverse;
        which[lane] = (struct pg_chain){.n_beta = plan->n * inverse,
                                        .localization = precision,
                                        .step_size = 0.1 / curvature,
                                        .random = plan->random,
                                        .number = (uint32_t)(pack * PG_LANES + lane)};
        anchors[lane] = chains->old_w; /* zeros */
    }
    pg_chains_begin(chains, which, anchors, PG_LANES);
    for (size_t at = 0; at < chains->rows * PG_LANES; at++) {
        uint32_t row = (uint32_t)(at / PG_LANES), number = which[at % PG_LANES].number;
        chains->w[at] =
            plan->prior_scale * (double)pg_random_normal(&plan->random, row, number, UINT32_MAX);
    }
    pg_chains_ask(chains);
}

void pg_tempering_begin(struct pg_tempering *tempering)
{
    tempering->step = 0;
    memset(tempering->energy, 0, sizeof tempering->energy);
    memset(tempering->accepted, 0, sizeof tempering->accepted);
    memset(tempering->swapped, 0, sizeof tempering->swapped);
    memset(tempering->offered, 0, sizeof tempering->offered);
    for (size_t pack = 0; pack < tempering->packs; pack++)
        begin_pack(tempering, pack);
}

/* ---- a step ---- */

static void fit_step_size(struct pg_chains *chains, size_t lane, double acceptance)
{
    double factor = 1.0 + fitting_rate * (acceptance - wanted_acceptance);
    chains->step_size[lane] *= factor;
    chains->root_step_size[lane] = sqrt(chains->step_size[lane]);
}

static void move_pack(struct pg_tempering *tempering, size_t pack)
{
    struct pg_chains *chains = &tempering->chains[pack];
    memset(chains->acceptance, 0, PG_LANES * sizeof *chains->acceptance);
    pg_chains_step(chains, tempering->step);
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        size_t i = pack * PG_LANES + lane;
        if (tempering->step < tempering->plan.burn_in)
            fit_step_size(chains, lane, chains->acceptance[lane]);
        else
            tempering->accepted[i] += chains->acceptance[lane];
    }
}

static void exchange_numbers(double *a, double *b)
{
    double kept = *a;
    *a = *b;
    *b = kept;
}

static void exchange_points(struct place a, struct place b)
{
    exchange_numbers(&a.chains->loss[a.lane], &b.chains->loss[b.lane]);
    for (size_t row = 0; row < a.chains->rows; row++) {
        size_t of_a = row * PG_LANES + a.lane, of_b = row * PG_LANES + b.lane;
        exchange_numbers(&a.chains->w[of_a], &b.chains->w[of_b]);
        exchange_numbers(&a.chains->gradient[of_a], &b.chains->gradient[of_b]);
    }
}

/* Metropolis: min(1, exp((beta' - beta) n (L' - L))). */
static void offer_exchange(struct pg_tempering *tempering, size_t i)
{
    const int64_t step = tempering->step;
    struct place a = place_of(tempering, i), b = place_of(tempering, i + 1);
    double gap = tempering->inverse[i + 1] - tempering->inverse[i];
    double log_ratio = gap * tempering->plan.n * (b.chains->loss[b.lane] - a.chains->loss[a.lane]);
    double u = (double)pg_random_uniform(&tempering->plan.random, (uint32_t)i,
                                         (uint32_t)((uint64_t)step & 0xffffffffu),
                                         (uint32_t)((uint64_t)step >> 32));
    bool is_taken = log_ratio >= 0.0 || pg_log(u + 0x1p-25) < log_ratio;
    if (is_taken)
        exchange_points(a, b);
    if (step >= tempering->plan.burn_in) {
        tempering->offered[i] += 1.0;
        tempering->swapped[i] += is_taken;
    }
}

void pg_tempering_step(struct pg_tempering *tempering)
{
    for (size_t pack = 0; pack < tempering->packs; pack++)
        move_pack(tempering, pack);
    for (size_t i = (size_t)(tempering->step % 2); i + 1 < tempering->plan.temperatures; i += 2)
        offer_exchange(tempering, i);
    for (size_t i = 0; i < tempering->plan.temperatures; i++) {
        struct place place = place_of(tempering, i);
        if (tempering->step >= tempering->plan.burn_in)
            tempering->energy[i] += tempering->plan.n * place.chains->loss[place.lane];
    }
    tempering->step++;
}

/* ---- results ---- */

double pg_tempering_point(const struct pg_tempering *tempering, double *ret_w)
{
    const struct pg_chains *chains = &tempering->chains[tempering->packs - 1];
    pg_lane_take(chains->w, PG_LANES - 1, chains->rows, ret_w);
    return chains->loss[PG_LANES - 1];
}

double pg_tempering_free_energy(const struct pg_tempering *tempering)
{
    double count = (double)(tempering->step - tempering->plan.burn_in), sum = 0.0;
    for (size_t i = 0; i + 1 < tempering->plan.temperatures; i++)
        sum += 0.5 * (tempering->inverse[i + 1] - tempering->inverse[i]) *
               (tempering->energy[i] + tempering->energy[i + 1]) / count;
    return sum;
}

void pg_tempering_pass(struct pg_tempering *tempering, struct pg_state *state)
{
    pg_state_pass(state, &tempering->step, sizeof tempering->step);
    pg_state_pass(state, tempering->energy, sizeof tempering->energy);
    pg_state_pass(state, tempering->accepted, sizeof tempering->accepted);
    pg_state_pass(state, tempering->swapped, sizeof tempering->swapped);
    pg_state_pass(state, tempering->offered, sizeof tempering->offered);
    for (size_t pack = 0; pack < tempering->packs; pack++) {
        struct pg_chains *chains = &tempering->chains[pack];
        size_t bytes = chains->rows * PG_LANES * sizeof *chains->w;
        pg_state_pass(state, chains->w, bytes);
        pg_state_pass(state, chains->gradient, bytes);
        pg_state_pass(state, chains->loss, PG_LANES * sizeof *chains->loss);
        pg_state_pass(state, chains->step_size, PG_LANES * sizeof *chains->step_size);
        pg_state_pass(state, chains->root_step_size, PG_LANES * sizeof *chains->root_step_size);
    }
}
