/* SPDX-License-Identifier: MIT */
/* Settings of LLC estimates, and the way of an estimate into its row. */
#include "llc_cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "llc_tables.h"
#include "phasegrid/special.h"

const char *const pg_llc_scored_names[] = {"full_batch", "minibatch", NULL};

const struct pg_observable_attribute pg_llc_attributes[4] = {
    {.name = "formula", .text = "n beta (mean of L over the draws - L_n(w*)), mean of the chains"},
    {.name = "posterior", .text = "exp(-n beta L_n(w) - gamma / 2 |w - w*|^2)"},
    {.name = "sampler", .setting = "llc_sampler"},
    {.name = "reference", .text = "Lau et al. (2023), arXiv:2308.12108"},
};
const struct pg_observable_attribute pg_llc_rhat_attributes[1] = {
    {.name = "comment",
     .text = "sampling error only: a bias that all chains share does not show "
             "(Vehtari et al. 2021, arXiv:1903.08008)"},
};

const char *const pg_part_names[] = {
    "all",       "embedding", "decoder",   "decoder.0", "decoder.1", "decoder.2", "decoder.3",
    "decoder.4", "decoder.5", "decoder.6", "decoder.7", "decoder.8", "decoder.9", NULL};

/* ---- settings ---- */

static double n_beta_of(const struct pg_values *values, size_t samples)
{
    double n_beta = pg_values_real(values, "llc_n_beta"), n = (double)samples;
    double beta = pg_values_real(values, "llc_inverse_temperature");
    if (n_beta > 0.0)
        return n_beta;
    if (beta > 0.0)
        return n * beta;
    return samples > 1 ? n / pg_log(n) : (double)NAN;
}

static size_t index_of(const char *const *names, const char *name)
{
    size_t i = 0;
    while (strcmp(names[i], name) != 0)
        i++;
    return i;
}

struct pg_llc_cell pg_llc_cell_read(const struct pg_values *values, size_t samples)
{
    const char *sampler = pg_values_name(values, "llc_sampler");
    return (struct pg_llc_cell){
        .plan = {.sampler = {.sampler = (enum pg_sampler)index_of(pg_sampler_names, sampler),
                             .burn_in = pg_values_integer(values, "llc_burn_in"),
                             .draws = pg_values_integer(values, "llc_draws"),
                             .thin = pg_values_integer(values, "llc_thin"),
                             .batch_size = (size_t)pg_values_integer(values, "llc_batch_size"),
                             .leapfrog_steps =
                                 (size_t)pg_values_integer(values, "llc_leapfrog_steps")},
                 .chains = (size_t)pg_values_integer(values, "llc_chains")},
        .n_beta = n_beta_of(values, samples),
        .localization = pg_values_real(values, "llc_localization"),
        .step_size = pg_values_real(values, "llc_step_size"),
        .samples = samples,
        .keeps_traces = pg_values_integer(values, "llc_traces") != 0,
        .part = pg_values_name(values, "llc_restrict"),
        .part_number = values->at[pg_schema_find(values->schema, "llc_restrict")].integer,
    };
}

void pg_llc_cell_variant(const struct pg_llc_cell *cell, int64_t ret_variant[PG_LLC_VARIANT])
{
    const struct pg_sampler_plan *plan = &cell->plan.sampler;
    const int64_t variant[PG_LLC_VARIANT] = {
        (int64_t)plan->sampler,
        plan->burn_in,
        plan->draws,
        plan->thin,
        (int64_t)plan->batch_size,
        (int64_t)plan->leapfrog_steps,
        (int64_t)cell->plan.chains,
        cell->part_number,
    };
    memcpy(ret_variant, variant, sizeof variant);
}

/* ---- what is sampled ---- */

static bool is_part(const char *segment, const char *part)
{
    size_t length = strlen(part);
    return strcmp(part, "all") == 0 || (strncmp(segment, part, length) == 0 &&
                                        (segment[length] == '\0' || segment[length] == '.'));
}

size_t pg_llc_cell_mask(const struct pg_llc_cell *cell, const struct pg_segment *segments,
                        size_t segment_count, size_t parameters, bool *ret_is_free)
{
    size_t count = 0;
    memset(ret_is_free, 0, parameters * sizeof *ret_is_free);
    for (size_t i = 0; i < segment_count; i++) {
        size_t size = (size_t)(segments[i].rows * segments[i].columns);
        bool is_free = is_part(segments[i].name, cell->part);
        for (size_t k = 0; k < size && is_free; k++)
            ret_is_free[(size_t)segments[i].offset + k] = true;
        count += is_free ? size : 0;
    }
    return count;
}

/* ---- what is refused ---- */

static int refuse_part(const char *part, const struct pg_segment *segments, size_t segment_count,
                       struct pg_error *error)
{
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < segment_count && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                 segments[i].name);
    return pg_error_set(error, PG_EINPUT,
                        "llc_restrict %s names no segment of this model, which has %s", part,
                        names);
}

static int check_part(const char *part, const struct pg_segment *segments, size_t segment_count,
                      struct pg_error *error)
{
    for (size_t i = 0; i < segment_count; i++)
        if (is_part(segments[i].name, part))
            return 0;
    return refuse_part(part, segments, segment_count, error);
}

static int check_temperature(const struct pg_values *values, size_t samples, struct pg_error *error)
{
    double n_beta = pg_values_real(values, "llc_n_beta");
    double beta = pg_values_real(values, "llc_inverse_temperature");
    if (n_beta > 0.0 && beta > 0.0)
        return pg_error_set(error, PG_EINPUT,
                            "llc_n_beta %g and llc_inverse_temperature %g are both given; expected "
                            "one of them, or neither for 1 / ln n",
                            n_beta, beta);
    if (n_beta <= 0.0 && beta <= 0.0 && samples < 2)
        return pg_error_set(error, PG_EINPUT,
                            "%zu training sample%s: the temperature ln n needs at least 2; set "
                            "llc_n_beta or llc_inverse_temperature",
                            samples, samples == 1 ? "" : "s");
    return 0;
}

static int check_batches(const struct pg_llc_cell *cell, bool has_batches, struct pg_error *error)
{
    const struct pg_sampler_plan *plan = &cell->plan.sampler;
    if (plan->batch_size == 0)
        return 0;
    if (pg_sampler_is_adjusted(plan->sampler))
        return pg_error_set(error, PG_EINPUT,
                            "llc_sampler %s with llc_batch_size %zu: what accepts and rejects "
                            "needs the exact loss; expected 0 (all samples)",
                            pg_sampler_names[plan->sampler], plan->batch_size);
    if (!has_batches)
        return pg_error_set(error, PG_EINPUT,
                            "llc_batch_size %zu, but this experiment's loss is that of the "
                            "population; expected 0",
                            plan->batch_size);
    if (plan->batch_size > cell->samples)
        return pg_error_set(error, PG_EINPUT,
                            "llc_batch_size %zu is more than the %zu training samples; allowed: 1 "
                            "to %zu, or 0 for all",
                            plan->batch_size, cell->samples, cell->samples);
    return 0;
}

int pg_llc_cell_check(const struct pg_values *values, size_t samples, bool has_batches,
                      const struct pg_segment *segments, size_t segment_count,
                      struct pg_error *error)
{
    const struct pg_llc_cell cell = pg_llc_cell_read(values, samples);
    int status = check_temperature(values, samples, error);
    if (status == 0)
        status = check_batches(&cell, has_batches, error);
    if (status == 0)
        status = check_part(cell.part, segments, segment_count, error);
    return status;
}

/* ---- the record ---- */

size_t pg_llc_due(const struct pg_record *record, int64_t step, int64_t steps)
{
    for (size_t i = 0; i < record->llc_step_count; i++) {
        int64_t at = record->llc_steps[i];
        if (at == step || (step == steps && at > step))
            return i;
    }
    return SIZE_MAX;
}

static void put_numbers(const struct pg_llc_slots *slots, const struct pg_run_request *request,
                        size_t index, const struct pg_llc_cell *cell,
                        const struct pg_llc_point *point, const struct pg_llc_result *result)
{
    const struct {
        enum pg_llc_observable which;
        double value;
    } numbers[] = {{PG_LLC_VALUE, result->llc},
                   {PG_LLC_SE, result->se},
                   {PG_LLC_HALF_WIDTH, result->half_width},
                   {PG_LLC_SE_DRAWS, result->se_draws},
                   {PG_LLC_RHAT, result->rhat},
                   {PG_LLC_ESS, result->ess},
                   {PG_LLC_LOSS, result->loss},
                   {PG_LLC_SAMPLES, (double)cell->samples},
                   {PG_LLC_USED_N_BETA, point->n_beta},
                   {PG_LLC_USED_LOCALIZATION, point->localization},
                   {PG_LLC_USED_STEP_SIZE, point->step_size},
                   {PG_LLC_ACCEPTANCE, result->acceptance},
                   {PG_LLC_BELOW, result->below},
                   {PG_LLC_DISTANCE, result->distance}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double *to = request->slots[slots->first + numbers[i].which];
        to[index] = isnan(numbers[i].value) ? (double)NAN : numbers[i].value;
    }
}

/* Every NaN in a file is the same one. */
static void put_row(double *to, const double *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = isnan(from[i]) ? (double)NAN : from[i];
}

void pg_llc_put(const struct pg_llc_slots *slots, const struct pg_run_request *request,
                size_t index, const struct pg_llc_cell *cell, const struct pg_llc_point *point,
                size_t parameters, bool scores_full, const struct pg_llc_result *result,
                const double *values, const double *traces)
{
    const size_t chains = cell->plan.chains, draws = (size_t)cell->plan.sampler.draws;
    const size_t *lengths = request->lengths;
    void *const *at = request->slots + slots->first;
    bool is_full = scores_full || cell->plan.sampler.batch_size == 0;
    put_numbers(slots, request, index, cell, point, result);
    ((int32_t *)at[PG_LLC_NEGATIVE_CHAINS])[index] = result->negative;
    ((int32_t *)at[PG_LLC_ESCAPED_CHAINS])[index] = result->escaped;
    ((uint8_t *)at[PG_LLC_FLAG])[index] = (uint8_t)result->flag;
    ((uint8_t *)at[PG_LLC_SCORED])[index] = is_full ? 0 : 1;
    put_row((double *)at[PG_LLC_CHAIN] + index * lengths[slots->chain], values, chains);
    put_row((double *)at[PG_LLC_POINT] + index * lengths[slots->parameter], point->anchor,
            parameters);
    for (size_t chain = 0; chain < chains && cell->keeps_traces; chain++)
        put_row((double *)at[PG_LLC_TRACE] +
                    (index * lengths[slots->chain] + chain) * lengths[slots->draw],
                traces + chain * draws, draws);
}
