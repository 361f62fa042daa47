/* SPDX-License-Identifier: MIT */
/* Runs of the experiment tms through a source of their own; two lengths are timed, and the
   difference counts, so that drawing the data does not. */
#include "bench_w3.h"

#include <stdio.h>
#include <stdlib.h>

#include "phasegrid/clock.h"
#include "trial.h"

enum { FEATURES = 6, HIDDEN = 2, BATCH = 64, SAMPLING_BATCH = 500, THIN = 100, FIRST_STEPS = 64 };

struct w3 {
    const struct pg_trial *trial;
    struct pg_record record;
    bool is_shared;
    uint32_t given;
    int status;
    struct pg_error *error;
};

static bool next(void *context, struct pg_run_request *ret)
{
    struct w3 *w3 = context;
    if (w3->given == PG_LANES)
        return false;
    *ret = (struct pg_run_request){.values = {w3->trial->experiment->schema, w3->trial->values},
                                   .seed = w3->is_shared ? 0 : w3->given,
                                   .record = &w3->record,
                                   .lengths = w3->trial->lengths,
                                   .slots = w3->trial->slots,
                                   .ticket = w3->given};
    w3->given++;
    return true;
}

static void finish(void *context, uint64_t ticket, int status, const struct pg_run_result *result,
                   const struct pg_error *error)
{
    struct w3 *w3 = context;
    (void)ticket;
    (void)result;
    w3->status = status != 0 ? status : w3->status;
    if (status != 0 && w3->error != NULL)
        *w3->error = *error;
}

/* CPU-seconds of PG_LANES runs. */
static int time_runs(const struct pg_trial *trial, bool is_shared, bool is_sampling, int64_t steps,
                     double *ret_seconds, struct pg_error *error)
{
    const int64_t points[] = {0, steps}, at_once = 0;
    struct w3 w3 = {.trial = trial, .is_shared = is_shared, .error = error};
    w3.record = (struct pg_record){.steps = points,
                                   .step_count = is_sampling ? 1 : 2,
                                   .llc_steps = &at_once,
                                   .llc_step_count = is_sampling ? 1 : 0};
    const struct pg_run_source source = {.next = next, .finish = finish, .context = &w3};
    double began = pg_clock_cpu();
    int status = trial->experiment->run(&source, error);
    *ret_seconds = pg_clock_cpu() - began;
    return status != 0 ? status : w3.status;
}

static int set(const struct pg_trial *trial, const char *name, int64_t value,
               struct pg_error *error)
{
    const struct pg_schema *schema = trial->experiment->schema;
    int index = pg_schema_find(schema, name);
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return pg_value_parse(&schema->settings[index], text, &trial->values[index], error);
}

static int set_steps(const struct pg_trial *trial, bool is_sampling, int64_t steps,
                     struct pg_error *error)
{
    int status = set(trial, "steps", is_sampling ? 0 : steps, error);
    return status != 0 ? status : set(trial, "llc_draws", steps / THIN + 1, error);
}

static int measure(const struct pg_trial *trial, bool is_shared, bool is_sampling, double seconds,
                   double *ret_rate, struct pg_error *error)
{
    double brief = 0.0, whole = 0.0;
    int64_t steps = FIRST_STEPS * THIN;
    int status = set_steps(trial, is_sampling, steps, error);
    if (status == 0)
        status = time_runs(trial, is_shared, is_sampling, steps, &brief, error);
    while (status == 0 && whole < brief + seconds) {
        steps *= 2;
        status = set_steps(trial, is_sampling, steps, error);
        if (status == 0)
            status = time_runs(trial, is_shared, is_sampling, steps, &whole, error);
    }
    *ret_rate = (double)(steps - FIRST_STEPS * THIN) * PG_LANES / (whole - brief);
    return status;
}

static int read_settings(const struct pg_trial *trial, struct pg_error *error)
{
    const struct pg_schema *schema = trial->experiment->schema;
    int status = 0;
    for (size_t i = 0; i < schema->count && status == 0; i++)
        status = pg_value_parse(&schema->settings[i], schema->settings[i].fallback,
                                &trial->values[i], error);
    const struct {
        const char *name;
        int64_t value;
    } settings[] = {{"batch_size", BATCH},
                    {"llc_batch_size", SAMPLING_BATCH},
                    {"llc_chains", 1},
                    {"llc_burn_in", 0},
                    {"llc_thin", THIN}};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && status == 0; i++)
        status = set(trial, settings[i].name, settings[i].value, error);
    int index = pg_schema_find(schema, "llc_step_size");
    return status != 0
               ? status
               : pg_value_parse(&schema->settings[index], "5e-4", &trial->values[index], error);
}

/* Room for one estimate and its chain. */
static int init_trial(struct pg_trial *trial, struct pg_error *error)
{
    const struct pg_experiment *experiment = pg_experiment_find("tms");
    size_t lengths[PG_EXPERIMENT_DIMS_MAX];
    for (size_t i = 0; i < PG_EXPERIMENT_DIMS_MAX; i++)
        lengths[i] = 1000; /* samples; nothing else is longer */
    int status = pg_trial_init(trial, experiment, lengths, error);
    return status != 0 ? status : read_settings(trial, error);
}

int pg_bench_w3(enum pg_bench_w3 which, const struct pg_kernel *kernel, double seconds,
                double *ret_rate, struct pg_error *error)
{
    const bool is_shared = which == PG_BENCH_W3_SHARED || which == PG_BENCH_W3_SGLD_SHARED;
    struct pg_trial trial = {0};
    if (setenv("PHASEGRID_KERNEL", kernel->name, 1) != 0)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the environment");
    int status = init_trial(&trial, error);
    if (status == 0)
        status =
            measure(&trial, is_shared, which >= PG_BENCH_W3_SGLD_SHARED, seconds, ret_rate, error);
    pg_trial_release(&trial);
    return status;
}

double pg_bench_w3_flops(enum pg_bench_w3 which)
{
    const double samples = which >= PG_BENCH_W3_SGLD_SHARED ? SAMPLING_BATCH : BATCH;
    return 10.0 * FEATURES * samples + 6.0 * HIDDEN * FEATURES * FEATURES;
}
