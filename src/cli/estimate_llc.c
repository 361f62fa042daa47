/* SPDX-License-Identifier: MIT */
/*
 * The cost of an estimate is that of its chain-steps, which a short estimate tells: the same chains
 * with few draws, less the same runs without. `step_size: auto` adds its pilot, which is counted,
 * not tried (src/measure/llc_step_size.c).
 */
#include "estimate_llc.h"

#include <stdlib.h>

#include "trial.h"

enum { TRIAL_DRAWS = 200, PILOT_CHAINS = 32, PILOT_DRAWS = 500 };

static int64_t *integer_of(const struct pg_trial *trial, const char *name)
{
    return &trial->values[pg_schema_find(trial->experiment->schema, name)].integer;
}

static double chain_steps(const struct pg_trial *trial)
{
    double steps =
        (double)*integer_of(trial, "llc_burn_in") +
        (double)(*integer_of(trial, "llc_draws") - 1) * (double)*integer_of(trial, "llc_thin") +
        1.0;
    return (double)*integer_of(trial, "llc_chains") * steps;
}

static double pilot_steps(const struct pg_trial *trial)
{
    const int64_t burn_in = *integer_of(trial, "llc_burn_in");
    int64_t kept = burn_in < 200 ? 200 : burn_in > 2000 ? 2000 : burn_in;
    return PILOT_CHAINS * (double)(kept + PILOT_DRAWS);
}

/* Few draws, and no pilot. */
static void shorten(struct pg_trial *trial)
{
    int64_t *draws = integer_of(trial, "llc_draws");
    double *step_size =
        &trial->values[pg_schema_find(trial->experiment->schema, "llc_step_size")].real;
    *draws = *draws < TRIAL_DRAWS ? *draws : TRIAL_DRAWS;
    *integer_of(trial, "llc_burn_in") = 0;
    *integer_of(trial, "llc_thin") = 1;
    *step_size = *step_size > 0.0 ? *step_size : 1e-9;
}

/* CPU-seconds of one chain-step. */
static int time_step(struct pg_trial *trial, uint32_t seed, const struct pg_shape *shape,
                     double *ret_seconds, struct pg_error *error)
{
    const int64_t budget = shape->steps > 0 ? 1 : 0;
    struct pg_trial_cost with, without;
    int status = pg_trial_run(trial, seed, shape->lanes, budget, &without, error);
    trial->has_llc = true;
    if (status == 0)
        status = pg_trial_run(trial, seed, shape->lanes, budget, &with, error);
    if (status != 0)
        return status;
    double seconds = with.cpu_seconds - without.cpu_seconds;
    *ret_seconds = seconds > 0.0 ? seconds / ((double)shape->lanes * chain_steps(trial)) : 0.0;
    return 0;
}

static int count_estimates(const struct pg_subject_job *subject, const struct pg_survey *survey,
                           size_t *ret_count, struct pg_error *error)
{
    int64_t *steps = NULL;
    int status = pg_job_llc_steps(subject->job, survey->steps, &steps, ret_count, error);
    free(steps);
    return status;
}

int pg_estimate_llc(const struct pg_subject_job *subject, const struct pg_survey *survey,
                    uint64_t cell, double *ret_seconds, struct pg_error *error)
{
    struct pg_trial trial;
    size_t count = 0;
    double whole = 0.0, seconds = 0.0;
    *ret_seconds = 0.0;
    if (!pg_job_has_llc(subject->job))
        return 0;
    int status = pg_trial_init(&trial, subject->experiment, survey->lengths, error);
    if (status == 0)
        status = count_estimates(subject, survey, &count, error);
    if (status == 0) {
        pg_job_cell_values(subject->job, cell, trial.values);
        bool is_auto =
            trial.values[pg_schema_find(trial.experiment->schema, "llc_step_size")].real <= 0.0;
        whole = chain_steps(&trial) + (is_auto ? pilot_steps(&trial) : 0.0);
        shorten(&trial);
        status = time_step(&trial, subject->job->seeds[0], &survey->shapes[survey->shape_of[cell]],
                           &seconds, error);
    }
    *ret_seconds = (double)count * whole * seconds;
    pg_trial_release(&trial);
    return status;
}
