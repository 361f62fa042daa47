/* SPDX-License-Identifier: MIT */
/*
 * A pilot of the burn-in (of 200 to 2,000 steps) and 500 draws from w*, full batch, a pack of step
 * sizes at once:
 * powers of two from 4 / localization (beyond which the localisation alone diverges; 4 without one)
 * down over 32 octaves. Samplers that accept and reject want a mean acceptance of .9 (MALA), .8
 * (HMC). The others want .9 of what MALA would say, and a small Euler bias: on a quadratic with the
 * curvatures a_i = n_beta h_i + localization the LLC is too large by (step / 8) sum n_beta h_i to
 * first order in the step, and the mean square of |dU/dw| is sum a_i, so that the bias can be read
 * off the draws; it is to be at most 2 % of the LLC. Where no step size is so good, as where w* is
 * no minimum, acceptance alone decides.
 */
#include "llc_step_size.h"

#include <math.h>

enum { OCTAVES = 2 * PG_LANES };
static const double most_bias = 0.02, least_acceptance = 0.9, least_acceptance_hmc = 0.8;

static enum pg_sampler pilot_sampler(enum pg_sampler sampler)
{
    return pg_sampler_is_adjusted(sampler) ? sampler : PG_SGLD;
}

enum verdict { BAD, ACCEPTED, GOOD };

static enum verdict judge(const struct pg_llc *llc, const struct pg_llc_point *point,
                          double step_size, double llc_value,
                          const struct pg_chain_summary *summary)
{
    const double held = (double)llc->chains.rows * point->localization;
    const double bias = step_size / 8.0 * fmax(summary->pull - held, 0.0);
    switch (llc->chains.plan.sampler) {
    case PG_HMC:
        return summary->acceptance >= least_acceptance_hmc ? GOOD : BAD;
    case PG_MALA:
        return summary->acceptance >= least_acceptance ? GOOD : BAD;
    case PG_SGLD:
    case PG_PSGLD:
    case PG_SGHMC:
    case PG_SGNHT:
        break;
    }
    if (!(summary->acceptance >= least_acceptance))
        return BAD;
    return bias <= most_bias * llc_value ? GOOD : ACCEPTED;
}

static int64_t pilot_burn_in(int64_t burn_in)
{
    const int64_t least = 200, most = 2000;
    return burn_in < least ? least : burn_in > most ? most : burn_in;
}

static double mean_of_lane(const double *trace, size_t lane)
{
    double sum = 0.0;
    for (size_t draw = 0; draw < PG_PILOT_DRAWS; draw++)
        sum += trace[draw * PG_LANES + lane];
    return sum / PG_PILOT_DRAWS;
}

/* Step sizes of octaves first .. first + PG_LANES, each a lane. */
static bool try_pack(struct pg_llc *llc, const struct pg_llc_point *point, double largest,
                     size_t first, enum verdict ret[PG_LANES], bool (*must_leave)(void *context),
                     void *context)
{
    struct pg_chain chains[PG_LANES];
    struct pg_chain_summary summaries[PG_LANES];
    const double *anchors[PG_LANES];
    double losses[PG_LANES];
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        anchors[lane] = point->anchor;
        chains[lane] = (struct pg_chain){.set = point->set,
                                         .n_beta = point->n_beta,
                                         .localization = point->localization,
                                         .step_size = ldexp(largest, -(int)(first + lane)),
                                         .random = point->random,
                                         .number = UINT32_MAX,
                                         .at = point->at};
    }
    pg_chains_begin(&llc->chains, chains, anchors, PG_LANES);
    pg_chains_loss(&llc->chains, losses);
    if (!pg_chains_run(&llc->chains, llc->pack_trace, summaries, must_leave, context))
        return false;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        double value = point->n_beta * (mean_of_lane(llc->pack_trace, lane) - losses[lane]);
        ret[lane] = judge(llc, point, chains[lane].step_size, value, &summaries[lane]);
    }
    return true;
}

bool pg_llc_choose_step_size(struct pg_llc *llc, struct pg_llc_point *point,
                             bool (*must_leave)(void *context), void *context)
{
    const struct pg_sampler_plan plan = llc->chains.plan;
    const double largest = point->localization > 0.0 ? 4.0 / point->localization : 4.0;
    enum verdict verdicts[OCTAVES], best = BAD;
    bool goes_on = true;
    size_t chosen = OCTAVES - 1;
    llc->chains.plan = (struct pg_sampler_plan){.sampler = pilot_sampler(plan.sampler),
                                                .burn_in = pilot_burn_in(plan.burn_in),
                                                .draws = PG_PILOT_DRAWS,
                                                .thin = 1,
                                                .leapfrog_steps = plan.leapfrog_steps};
    for (size_t first = 0; first < OCTAVES && goes_on; first += PG_LANES)
        goes_on = try_pack(llc, point, largest, first, verdicts + first, must_leave, context);
    llc->chains.plan = plan;
    if (!goes_on)
        return false;
    for (size_t octave = 0; octave < OCTAVES; octave++)
        if (verdicts[octave] > best) {
            best = verdicts[octave];
            chosen = octave;
        }
    point->step_size = ldexp(largest, -(int)chosen);
    return true;
}
