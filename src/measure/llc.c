/* SPDX-License-Identifier: MIT */
/*
 * Chains are dealt to lanes point by point, so that where the points are runs of one seed, a pack
 * holds the same chain of many runs, which draws one batch for all of them.
 */
#include "phasegrid/llc.h"

#include <math.h>
#include <string.h>

#include "llc_step_size.h"
#include "phasegrid/chain_statistics.h"
#include "phasegrid/special.h"

const char *const pg_llc_flag_names[] = {"ok", "negative", "escaped", "diverged", NULL};

static size_t draws_of(const struct pg_llc *llc)
{
    return (size_t)llc->plan.sampler.draws;
}

void pg_llc_arrange(struct pg_llc *llc, const struct pg_kernel *kernel,
                    const struct pg_landscape *landscape, const struct pg_llc_plan *plan,
                    const bool *is_free, size_t most_points, struct pg_arena *arena)
{
    const size_t chains = plan->chains, all = most_points * chains;
    memset(llc, 0, sizeof *llc);
    llc->plan = *plan;
    llc->most_points = most_points;
    pg_chains_arrange(&llc->chains, kernel, landscape, &plan->sampler, is_free, arena);
    llc->traces = pg_arena_take(arena, all * draws_of(llc) * sizeof(double));
    llc->values = pg_arena_take(arena, all * sizeof(double));
    llc->summaries = pg_arena_take(arena, all * sizeof *llc->summaries);
    llc->anchor_losses = pg_arena_take(arena, most_points * sizeof(double));
    size_t pilot = PG_PILOT_DRAWS > draws_of(llc) ? PG_PILOT_DRAWS : draws_of(llc);
    llc->pack_trace = pg_arena_take(arena, pilot * PG_LANES * sizeof(double));
    llc->scratch =
        pg_arena_take(arena, pg_chain_statistics_scratch(chains, draws_of(llc)) * sizeof(double));
}

const double *pg_llc_values(const struct pg_llc *llc, size_t point)
{
    return llc->values + point * llc->plan.chains;
}

const double *pg_llc_traces(const struct pg_llc *llc, size_t point)
{
    return llc->traces + point * llc->plan.chains * draws_of(llc);
}

/* ---- sampling ---- */

/* Tasks first .. first + count: chain task / points of point task % points. */
static void begin_pack(struct pg_llc *llc, const struct pg_llc_point *points, size_t point_count,
                       size_t first, size_t count)
{
    struct pg_chain chains[PG_LANES];
    const double *anchors[PG_LANES];
    for (size_t lane = 0; lane < count; lane++) {
        const struct pg_llc_point *point = &points[(first + lane) % point_count];
        chains[lane] = (struct pg_chain){.set = point->set,
                                         .n_beta = point->n_beta,
                                         .localization = point->localization,
                                         .step_size = point->step_size,
                                         .random = point->random,
                                         .number = (uint32_t)((first + lane) / point_count),
                                         .at = point->at};
        anchors[lane] = point->anchor;
    }
    pg_chains_begin(&llc->chains, chains, anchors, count);
}

static void keep_pack(struct pg_llc *llc, size_t point_count, size_t first, size_t count,
                      const struct pg_chain_summary summaries[PG_LANES])
{
    const size_t draws = draws_of(llc);
    for (size_t lane = 0; lane < count; lane++) {
        size_t chain = (first + lane) / point_count, point = (first + lane) % point_count;
        size_t row = point * llc->plan.chains + chain;
        for (size_t draw = 0; draw < draws; draw++)
            llc->traces[row * draws + draw] = llc->pack_trace[draw * PG_LANES + lane];
        llc->summaries[row] = summaries[lane];
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool sample_all(struct pg_llc *llc, const struct pg_llc_point *points, size_t point_count,
                       bool (*must_leave)(void *context), void *context)
{
    const size_t tasks = point_count * llc->plan.chains;
    struct pg_chain_summary summaries[PG_LANES];
    for (size_t first = 0; first < tasks; first += PG_LANES) {
        size_t count = smaller(PG_LANES, tasks - first);
        begin_pack(llc, points, point_count, first, count);
        if (!pg_chains_run(&llc->chains, llc->pack_trace, summaries, must_leave, context))
            return false;
        keep_pack(llc, point_count, first, count, summaries);
    }
    return true;
}

static void find_anchor_losses(struct pg_llc *llc, const struct pg_llc_point *points, size_t count)
{
    double losses[PG_LANES];
    for (size_t first = 0; first < count; first += PG_LANES) {
        size_t lanes = smaller(PG_LANES, count - first);
        begin_pack(llc, points + first, lanes, 0, lanes);
        pg_chains_loss(&llc->chains, losses);
        memcpy(llc->anchor_losses + first, losses, lanes * sizeof *losses);
    }
}

/* ---- what the chains say ---- */

static double mean_of(const double *x, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += x[i];
    return sum / (double)count;
}

/* Standard deviation with count - 1. */
static double deviation_of(const double *x, size_t count)
{
    double mean = mean_of(x, count), sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return count > 1 ? sqrt(sum / (double)(count - 1)) : (double)NAN;
}

static double share_below(const double *x, size_t count, double limit)
{
    size_t below = 0;
    for (size_t i = 0; i < count; i++)
        below += x[i] < limit;
    return (double)below / (double)count;
}

static void raise_flag(struct pg_llc_result *result, enum pg_llc_flag flag)
{
    result->flag = flag > result->flag ? flag : result->flag;
}

/* Counts and flags the chains of a point. */
static void judge_chains(const struct pg_llc *llc, const struct pg_llc_point *point,
                         const struct pg_chain_summary *summaries, const double *values,
                         struct pg_llc_result *result)
{
    const double d = (double)llc->chains.rows;
    const double far =
        point->localization > 0.0 ? 3.0 * sqrt(d / point->localization) : (double)INFINITY;
    for (size_t chain = 0; chain < llc->plan.chains; chain++) {
        bool is_finite = isfinite(values[chain]) && isfinite(summaries[chain].distance);
        bool is_far = !is_finite || summaries[chain].distance > far;
        result->negative += is_finite && values[chain] < 0.0;
        result->escaped += is_far;
        if (is_finite && values[chain] < 0.0)
            raise_flag(result, PG_LLC_NEGATIVE);
        if (is_far)
            raise_flag(result, is_finite ? PG_LLC_ESCAPED : PG_LLC_DIVERGED);
    }
}

static struct pg_llc_result conclude(struct pg_llc *llc, const struct pg_llc_point *point,
                                     size_t index)
{
    const size_t chains = llc->plan.chains, draws = draws_of(llc);
    const double *traces = pg_llc_traces(llc, index);
    const struct pg_chain_summary *summaries = llc->summaries + index * chains;
    const double loss = llc->anchor_losses[index];
    double *values = llc->values + index * chains, acceptance = 0.0, distance = 0.0;
    for (size_t chain = 0; chain < chains; chain++) {
        values[chain] = point->n_beta * (mean_of(traces + chain * draws, draws) - loss);
        acceptance += summaries[chain].acceptance / (double)chains;
        distance += summaries[chain].distance * summaries[chain].distance / (double)chains;
    }
    const struct pg_chain_statistics statistics =
        pg_chain_statistics(traces, chains, draws, llc->scratch);
    double deviation = deviation_of(traces, chains * draws);
    struct pg_llc_result result = {.llc = mean_of(values, chains),
                                   .se = deviation_of(values, chains) / sqrt((double)chains),
                                   .se_draws = point->n_beta * deviation / sqrt(statistics.ess),
                                   .rhat = statistics.rhat,
                                   .ess = statistics.ess,
                                   .loss = loss,
                                   .acceptance = acceptance,
                                   .below = share_below(traces, chains * draws, loss),
                                   .distance = sqrt(distance)};
    result.half_width = pg_student_quantile_975(chains - 1) * result.se;
    judge_chains(llc, point, summaries, values, &result);
    return result;
}

bool pg_llc_estimate(struct pg_llc *llc, struct pg_llc_point *points, size_t count,
                     struct pg_llc_result *ret_results, bool (*must_leave)(void *context),
                     void *context)
{
    for (size_t i = 0; i < count; i++)
        if (points[i].step_size <= 0.0 &&
            !pg_llc_choose_step_size(llc, &points[i], must_leave, context))
            return false;
    find_anchor_losses(llc, points, count);
    if (!sample_all(llc, points, count, must_leave, context))
        return false;
    for (size_t i = 0; i < count; i++)
        ret_results[i] = conclude(llc, &points[i], i);
    return true;
}
