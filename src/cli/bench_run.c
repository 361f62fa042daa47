/* SPDX-License-Identifier: MIT */
/*
 * Whole runs of the addition experiment: both accuracies, the representation quality and the
 * crossings at every step. Runs of two lengths are timed, and the difference counts, so that
 * drawing the data does not.
 */
#include "bench_run.h"

#include <stdlib.h>

#include "trial.h"

enum { SHORT_STEPS = 4, SEED = 0, SETTINGS_MAX = 64 };

static int read_defaults(const struct pg_schema *schema, struct pg_value *values,
                         struct pg_error *error)
{
    for (size_t i = 0; i < schema->count; i++) {
        int status =
            pg_value_parse(&schema->settings[i], schema->settings[i].fallback, &values[i], error);
        if (status != 0)
            return status;
    }
    return 0;
}

static int init_trial(struct pg_trial *trial, struct pg_error *error)
{
    const struct pg_experiment *experiment = pg_experiment_find("addition");
    struct pg_value defaults[SETTINGS_MAX];
    const struct pg_values values = {experiment->schema, defaults};
    struct pg_shape shape;
    int status = read_defaults(experiment->schema, defaults, error);
    if (status == 0)
        status = experiment->shape(&values, &shape, error);
    if (status == 0)
        status = pg_trial_init(trial, experiment, shape.lengths, error);
    return status == 0 ? read_defaults(experiment->schema, trial->values, error) : status;
}

static int measure(const struct pg_trial *trial, size_t runs, double seconds, double *ret_rate,
                   struct pg_error *error)
{
    struct pg_trial_cost brief, cost = {0};
    int64_t steps = SHORT_STEPS;
    int status = pg_trial_run(trial, SEED, runs, steps, &brief, error);
    while (status == 0 && cost.cpu_seconds < brief.cpu_seconds + seconds) {
        steps *= 2;
        status = pg_trial_run(trial, SEED, runs, steps, &cost, error);
    }
    *ret_rate = (double)(cost.steps - brief.steps) / (cost.cpu_seconds - brief.cpu_seconds);
    return status;
}

/* The environment of this process, until it ends: the verb does nothing else. */
static int force(const struct pg_kernel *kernel, size_t lanes, struct pg_error *error)
{
    if (setenv("PHASEGRID_KERNEL", kernel->name, 1) != 0 ||
        setenv("PHASEGRID_LAYOUT", lanes == 1 ? "samples" : "runs", 1) != 0)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the environment");
    return 0;
}

int pg_bench_run(const struct pg_kernel *kernel, size_t lanes, double seconds, double *ret_rate,
                 struct pg_error *error)
{
    struct pg_trial trial = {0};
    int status = force(kernel, lanes, error);
    if (status == 0)
        status = init_trial(&trial, error);
    if (status == 0)
        status = measure(&trial, lanes, seconds, ret_rate, error);
    pg_trial_release(&trial);
    return status;
}
