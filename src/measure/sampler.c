/* SPDX-License-Identifier: MIT */
/*
 * Random numbers of a chain: Philox with a key that is itself Philox of (training step, chain), so
 * that no two chains share one; the counter is (block, sampling step, purpose). The Metropolis
 * decision and what is only a diagnosis are computed here, in plain C; inner loops are kernels.
 */
#include "phasegrid/sampler.h"

#include <math.h>
#include <string.h>

static const double rms_decay = 0.99, rms_floor = 0.1; /* devinterp's, of pSGLD */
static const double diffusion = 0.01;                  /* A of SGHMC and SGNHT */
enum { PAUSE_EVERY = 16 };                             /* steps between two questions to leave */
enum purpose { NOISE, BATCH, CHOICE };

const char *const pg_sampler_names[] = {"sgld", "psgld", "sghmc", "sgnht", "mala", "hmc", NULL};

bool pg_sampler_is_adjusted(enum pg_sampler sampler)
{
    return sampler == PG_MALA || sampler == PG_HMC;
}

int64_t pg_sampler_steps(const struct pg_sampler_plan *plan)
{
    return plan->burn_in + (plan->draws - 1) * plan->thin + 1;
}

/* ---- memory ---- */

static double *take_rows(struct pg_arena *arena, size_t rows)
{
    return pg_arena_take(arena, rows * PG_LANES * sizeof(double));
}

static size_t count_free(const bool *is_free, size_t parameters)
{
    size_t count = 0;
    for (size_t p = 0; p < parameters; p++)
        count += is_free == NULL || is_free[p];
    return count;
}

void pg_chains_arrange(struct pg_chains *chains, const struct pg_kernel *kernel,
                       const struct pg_landscape *landscape, const struct pg_sampler_plan *plan,
                       const bool *is_free, struct pg_arena *arena)
{
    const size_t parameters = landscape->parameters;
    memset(chains, 0, sizeof *chains);
    chains->kernel = kernel;
    chains->landscape = landscape;
    chains->plan = *plan;
    chains->is_free = is_free;
    chains->rows = count_free(is_free, parameters);
    chains->places = pg_arena_take(arena, chains->rows * sizeof *chains->places);
    chains->point = take_rows(arena, parameters);
    chains->slope = take_rows(arena, parameters);
    chains->noise = take_rows(arena, (chains->rows + 3) / 4 * 4); /* whole blocks */
    double **const rows[] = {&chains->w, &chains->anchor, &chains->gradient,
                             &chains->v, &chains->old_w,  &chains->old_gradient};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        *rows[i] = take_rows(arena, chains->rows);
    double **const numbers[] = {&chains->loss,         &chains->old_loss,  &chains->n_beta,
                                &chains->localization, &chains->step_size, &chains->root_step_size,
                                &chains->friction,     &chains->diffusion, &chains->acceptance,
                                &chains->distance,     &chains->pull};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = take_rows(arena, 1);
}

/* ---- the beginning ---- */

static void key_lane(struct pg_lane_random *random, size_t lane, const uint32_t key[2],
                     enum purpose purpose)
{
    random->key[0][lane] = key[0];
    random->key[1][lane] = key[1];
    random->counter[0][lane] = random->counter[1][lane] = 0;
    random->counter[2][lane] = (uint32_t)purpose;
}

static void set_keys(struct pg_chains *chains, size_t lane, const struct pg_chain *chain)
{
    const uint64_t at = (uint64_t)chain->at;
    const uint32_t counter[4] = {(uint32_t)at, (uint32_t)(at >> 32), chain->number,
                                 chain->random.mix};
    uint32_t key[4];
    pg_philox(counter, chain->random.key, key);
    key_lane(&chains->noise_random, lane, key, NOISE);
    key_lane(&chains->batch_random, lane, key, BATCH);
    key_lane(&chains->choice_random, lane, key, CHOICE);
}

static void set_lane(struct pg_chains *chains, size_t lane, const struct pg_chain *chain,
                     const double *anchor)
{
    size_t row = 0;
    chains->landscape->look_at(chains->landscape->context, lane, chain->set);
    set_keys(chains, lane, chain);
    chains->n_beta[lane] = chain->n_beta;
    chains->localization[lane] = chain->localization;
    chains->step_size[lane] = chain->step_size;
    chains->root_step_size[lane] = sqrt(chain->step_size);
    chains->friction[lane] = diffusion;
    chains->diffusion[lane] = sqrt(2.0 * diffusion * chain->step_size);
    chains->acceptance[lane] = chains->distance[lane] = chains->pull[lane] = 0.0;
    for (size_t p = 0; p < chains->landscape->parameters; p++) {
        chains->point[p * PG_LANES + lane] = anchor[p];
        if (chains->is_free != NULL && !chains->is_free[p])
            continue;
        chains->places[row] = p;
        chains->w[row * PG_LANES + lane] = chains->anchor[row * PG_LANES + lane] = anchor[p];
        row++;
    }
}

void pg_chains_begin(struct pg_chains *chains, const struct pg_chain *which,
                     const double *const *anchors, size_t count)
{
    for (size_t lane = 0; lane < PG_LANES; lane++)
        set_lane(chains, lane, &which[lane < count ? lane : 0], anchors[lane < count ? lane : 0]);
    memset(chains->v, 0, chains->rows * PG_LANES * sizeof *chains->v);
}

static void count_to(struct pg_lane_random *random, int64_t step)
{
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        random->counter[0][lane] = (uint32_t)((uint64_t)step & 0xffffffffu);
        random->counter[1][lane] = (uint32_t)((uint64_t)step >> 32);
    }
}

static void draw_noise(struct pg_chains *chains, int64_t step)
{
    count_to(&chains->noise_random, step);
    chains->kernel->in_lanes->normals(&chains->noise_random, 0, (chains->rows + 3) / 4,
                                      chains->noise);
}

/* ---- the landscape ---- */

/* w where the landscape is asked, and its slope where the step wants it. */
static void put_point(struct pg_chains *chains)
{
    for (size_t row = 0; row < chains->rows; row++)
        memcpy(chains->point + chains->places[row] * PG_LANES, chains->w + row * PG_LANES,
               PG_LANES * sizeof *chains->w);
}

static void take_slope(struct pg_chains *chains)
{
    for (size_t row = 0; row < chains->rows; row++)
        memcpy(chains->gradient + row * PG_LANES, chains->slope + chains->places[row] * PG_LANES,
               PG_LANES * sizeof *chains->slope);
}

static void ask_full(struct pg_chains *chains)
{
    const struct pg_landscape *landscape = chains->landscape;
    put_point(chains);
    landscape->full(landscape->context, chains->point, chains->loss, chains->slope);
    take_slope(chains);
}

/* The loss is scored where a draw is taken. */
static void ask_batch(struct pg_chains *chains, int64_t step, bool is_draw)
{
    const struct pg_landscape *landscape = chains->landscape;
    bool scores_full = landscape->scores_full;
    put_point(chains);
    count_to(&chains->batch_random, step);
    landscape->batch(landscape->context, &chains->batch_random, chains->plan.batch_size,
                     chains->point, is_draw && !scores_full ? chains->loss : NULL, chains->slope);
    if (is_draw && scores_full)
        landscape->full(landscape->context, chains->point, chains->loss, NULL);
    take_slope(chains);
}

/* ---- acceptance ---- */

static double square(double x)
{
    return x * x;
}

/* dU/dw of one number. */
static double pull(const struct pg_chains *chains, size_t lane, double w, double anchor, double g)
{
    return chains->n_beta[lane] * g + chains->localization[lane] * (w - anchor);
}

/* U = n_beta L + localization / 2 |w - anchor|^2 of each lane. */
static void potential(const struct pg_chains *chains, const double *w, const double *loss,
                      double ret[PG_LANES])
{
    double distance[PG_LANES] = {0.0};
    for (size_t at = 0; at < chains->rows * PG_LANES; at++)
        distance[at % PG_LANES] += square(w[at] - chains->anchor[at]);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        ret[lane] =
            chains->n_beta[lane] * loss[lane] + 0.5 * chains->localization[lane] * distance[lane];
}

/* Adds min(1, exp(log_ratio)) of each lane to the acceptance; a NaN adds nothing. */
static void add_acceptance(struct pg_chains *chains, const double log_ratio[PG_LANES])
{
    _Alignas(64) float exponent[PG_LANES], probability[PG_LANES];
    for (size_t lane = 0; lane < PG_LANES; lane++)
        exponent[lane] = log_ratio[lane] < 0.0    ? (float)fmax(log_ratio[lane], -100.0)
                         : log_ratio[lane] >= 0.0 ? 0.0f
                                                  : -100.0f;
    chains->kernel->map("exp", exponent, probability, PG_LANES);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        chains->acceptance[lane] += (double)probability[lane];
}

/* Whether each lane takes its proposal: log u < log_ratio, u uniform of this step. */
static void choose(struct pg_chains *chains, int64_t step, const double log_ratio[PG_LANES],
                   bool ret_taken[PG_LANES])
{
    _Alignas(64) uint32_t words[4 * PG_LANES];
    _Alignas(64) float u[PG_LANES], log_u[PG_LANES];
    count_to(&chains->choice_random, step);
    chains->kernel->in_lanes->words(&chains->choice_random, 0, 1, words);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        u[lane] = ((float)(words[lane] >> 9) + 0.5f) * 0x1p-23f;
    chains->kernel->map("log", u, log_u, PG_LANES);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        ret_taken[lane] = (double)log_u[lane] < log_ratio[lane];
}

/* What MALA would say to the SGLD step from old_w to w (Roberts and Tweedie 1996). */
static void judge_sgld(struct pg_chains *chains)
{
    double before[PG_LANES], after[PG_LANES], there[PG_LANES] = {0.0}, back[PG_LANES] = {0.0};
    double log_ratio[PG_LANES];
    potential(chains, chains->old_w, chains->old_loss, before);
    potential(chains, chains->w, chains->loss, after);
    for (size_t at = 0; at < chains->rows * PG_LANES; at++) {
        size_t lane = at % PG_LANES;
        double half = 0.5 * chains->step_size[lane], from = chains->old_w[at], to = chains->w[at];
        double anchor = chains->anchor[at];
        there[lane] +=
            square(to - from + half * pull(chains, lane, from, anchor, chains->old_gradient[at]));
        back[lane] +=
            square(from - to + half * pull(chains, lane, to, anchor, chains->gradient[at]));
    }
    for (size_t lane = 0; lane < PG_LANES; lane++)
        log_ratio[lane] = before[lane] - after[lane] +
                          (there[lane] - back[lane]) / (2.0 * chains->step_size[lane]);
    add_acceptance(chains, log_ratio);
}

/* ---- a step ---- */

static void keep_old(struct pg_chains *chains)
{
    size_t bytes = chains->rows * PG_LANES * sizeof *chains->w;
    memcpy(chains->old_w, chains->w, bytes);
    memcpy(chains->old_gradient, chains->gradient, bytes);
    memcpy(chains->old_loss, chains->loss, PG_LANES * sizeof *chains->loss);
}

static void step_langevin(struct pg_chains *chains, int64_t step)
{
    const struct pg_lane_kernel *kernel = chains->kernel->in_lanes;
    const struct pg_langevin langevin = {
        chains->rows,         chains->w,         chains->anchor,
        chains->gradient,     chains->noise,     chains->n_beta,
        chains->localization, chains->step_size, chains->root_step_size};
    const struct pg_langevin_memory memory = {chains->v, rms_decay, rms_floor, chains->friction,
                                              chains->diffusion};
    draw_noise(chains, step);
    switch (chains->plan.sampler) {
    case PG_PSGLD:
        kernel->psgld(&langevin, &memory);
        break;
    case PG_SGHMC:
        kernel->sghmc(&langevin, &memory, 0);
        break;
    case PG_SGNHT:
        kernel->sghmc(&langevin, &memory, 1);
        break;
    case PG_SGLD:
    case PG_MALA:
    case PG_HMC:
        kernel->sgld(&langevin);
        break;
    }
}

/* p += - time root(step_size) dU/dw; time: of a leapfrog step. */
static void kick(struct pg_chains *chains, double time)
{
    for (size_t at = 0; at < chains->rows * PG_LANES; at++) {
        size_t lane = at % PG_LANES;
        chains->v[at] -=
            time * chains->root_step_size[lane] *
            pull(chains, lane, chains->w[at], chains->anchor[at], chains->gradient[at]);
    }
}

static void drift(struct pg_chains *chains)
{
    for (size_t at = 0; at < chains->rows * PG_LANES; at++)
        chains->w[at] += chains->root_step_size[at % PG_LANES] * chains->v[at];
}

static void kinetic(const struct pg_chains *chains, double ret[PG_LANES])
{
    memset(ret, 0, PG_LANES * sizeof *ret);
    for (size_t at = 0; at < chains->rows * PG_LANES; at++)
        ret[at % PG_LANES] += 0.5 * square(chains->v[at]);
}

static void restore_rejected(struct pg_chains *chains, const bool taken[PG_LANES])
{
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        if (taken[lane])
            continue;
        chains->loss[lane] = chains->old_loss[lane];
        for (size_t at = lane; at < chains->rows * PG_LANES; at += PG_LANES) {
            chains->w[at] = chains->old_w[at];
            chains->gradient[at] = chains->old_gradient[at];
        }
    }
}

/* Leapfrog steps of a step of HMC: uniform in 1 .. leapfrog_steps, since a constant number is a
   whole period of some direction, which then does not move; a function of the step alone, so that
   lanes stay together. */
static size_t count_leaps(const struct pg_sampler_plan *plan, int64_t step)
{
    static const struct pg_random leaps = {.key = {0, PG_STREAM_CHAINS}};
    const uint64_t at = (uint64_t)step;
    if (plan->sampler == PG_MALA)
        return 1;
    return 1 + pg_random_below(&leaps, (uint32_t)plan->leapfrog_steps, 0, (uint32_t)at,
                               (uint32_t)(at >> 32));
}

/* Duane et al. 1987, Neal 2011; loss and gradient are those of w before and after. */
static void step_hmc(struct pg_chains *chains, int64_t step)
{
    const size_t leaps = count_leaps(&chains->plan, step);
    double before[PG_LANES], moved[PG_LANES], energy[PG_LANES], after[PG_LANES];
    bool taken[PG_LANES];
    draw_noise(chains, step);
    memcpy(chains->v, chains->noise, chains->rows * PG_LANES * sizeof *chains->v);
    keep_old(chains);
    potential(chains, chains->w, chains->loss, before);
    kinetic(chains, energy);
    kick(chains, 0.5);
    for (size_t leap = 1; leap <= leaps; leap++) {
        drift(chains);
        ask_full(chains);
        kick(chains, leap < leaps ? 1.0 : 0.5);
    }
    potential(chains, chains->w, chains->loss, after);
    kinetic(chains, moved);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        before[lane] += energy[lane] - after[lane] - moved[lane];
    add_acceptance(chains, before);
    choose(chains, step, before, taken);
    restore_rejected(chains, taken);
}

/* ---- all steps ---- */

static void take_draw(struct pg_chains *chains, double *ret_losses)
{
    memcpy(ret_losses, chains->loss, PG_LANES * sizeof *ret_losses);
    for (size_t at = 0; at < chains->rows * PG_LANES; at++) {
        size_t lane = at % PG_LANES;
        chains->distance[lane] += square(chains->w[at] - chains->anchor[at]);
        chains->pull[lane] +=
            square(pull(chains, lane, chains->w[at], chains->anchor[at], chains->gradient[at]));
    }
}

void pg_chains_loss(struct pg_chains *chains, double ret_loss[PG_LANES])
{
    ask_full(chains);
    memcpy(ret_loss, chains->loss, PG_LANES * sizeof *ret_loss);
}

static void summarise(const struct pg_chains *chains, double judged,
                      struct pg_chain_summary ret_summary[PG_LANES])
{
    for (size_t lane = 0; lane < PG_LANES; lane++)
        ret_summary[lane] = (struct pg_chain_summary){
            judged > 0.0 ? chains->acceptance[lane] / judged : (double)NAN,
            sqrt(chains->distance[lane] / (double)chains->plan.draws),
            chains->pull[lane] / (double)chains->plan.draws};
}

/* One step of every chain from where the loss and gradient are known. */
static void step_all(struct pg_chains *chains, int64_t step, bool is_judged)
{
    if (pg_sampler_is_adjusted(chains->plan.sampler)) {
        step_hmc(chains, step);
        return;
    }
    if (is_judged)
        keep_old(chains);
    step_langevin(chains, step);
}

bool pg_chains_run(struct pg_chains *chains, double *ret_trace,
                   struct pg_chain_summary ret_summary[PG_LANES], bool (*must_leave)(void *context),
                   void *context)
{
    const struct pg_sampler_plan *plan = &chains->plan;
    const int64_t last = pg_sampler_steps(plan) - 1;
    const bool is_adjusted = pg_sampler_is_adjusted(plan->sampler);
    const bool is_judged = plan->sampler == PG_SGLD && plan->batch_size == 0;
    if (is_adjusted)
        ask_full(chains);
    for (int64_t step = 0; step <= last; step++) {
        bool is_draw = step >= plan->burn_in && (step - plan->burn_in) % plan->thin == 0;
        if (step % PAUSE_EVERY == 0 && must_leave != NULL && must_leave(context))
            return false;
        if (!is_adjusted && plan->batch_size == 0)
            ask_full(chains);
        else if (!is_adjusted)
            ask_batch(chains, step, is_draw);
        if (is_judged && step > 0)
            judge_sgld(chains);
        if (is_draw)
            take_draw(chains, ret_trace + (step - plan->burn_in) / plan->thin * PG_LANES);
        if (step < last)
            step_all(chains, step, is_judged);
    }
    summarise(chains, is_adjusted || is_judged ? (double)last : 0.0, ret_summary);
    return true;
}

void pg_chains_ask(struct pg_chains *chains)
{
    ask_full(chains);
}

void pg_chains_step(struct pg_chains *chains, int64_t step)
{
    step_hmc(chains, step);
}
