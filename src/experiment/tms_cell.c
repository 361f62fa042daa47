/* SPDX-License-Identifier: MIT */
/* Cells of the toy model of superposition: settings, starts, and the phase rule. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tms.h"

/* ---- settings ---- */

static int check_start(const struct tms *tms, struct pg_error *error)
{
    const size_t c = tms->model.features;
    struct pg_kgon kgon;
    if (tms->start == TMS_RANDOM)
        return 0;
    if (tms->model.hidden != 2)
        return pg_error_set(error, PG_EINPUT,
                            "start kgon with hidden %zu: a k-gon lies in a plane; expected 2",
                            tms->model.hidden);
    if (tms->k > c || tms->sigma > c - tms->k || tms->phi > tms->k)
        return pg_error_set(error, PG_EINPUT,
                            "start_k %zu, start_sigma %zu, start_phi %zu of %zu features; expected "
                            "k up to %zu, sigma up to features - k, phi up to k",
                            tms->k, tms->sigma, tms->phi, c, c);
    return pg_kgon_solve(tms->k, &kgon, error);
}

static int check_batch(const struct tms *tms, struct pg_error *error)
{
    if (tms->shape.batch_size <= tms->samples)
        return 0;
    if (tms->samples == 0)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size %zu, but sample_count 0 is the population; expected 0",
                            tms->shape.batch_size);
    return pg_error_set(error, PG_EINPUT,
                        "batch_size %zu is more than the %zu samples; allowed: 1 to %zu, or 0 for "
                        "all",
                        tms->shape.batch_size, tms->samples, tms->samples);
}

/* The steps of `epochs`, each as many batches as hold sample_count samples, rounded up; 0: not
 * given. */
static int64_t steps_of_epochs(const struct pg_values *values, const struct tms *tms)
{
    const size_t batch = tms->shape.batch_size;
    const int64_t each = batch > 0 ? (int64_t)((tms->samples + batch - 1) / batch) : 1;
    return pg_values_integer(values, "epochs") * each;
}

int pg_tms_check_budget(const struct pg_values *values, const struct tms *tms,
                        struct pg_error *error)
{
    const int64_t asked = steps_of_epochs(values, tms), steps = pg_values_integer(values, "steps");
    if (asked <= steps)
        return 0;
    return pg_error_set(error, PG_EINPUT,
                        "epochs %lld are %lld steps, more than steps %lld; expected steps of at "
                        "least %lld",
                        (long long)pg_values_integer(values, "epochs"), (long long)asked,
                        (long long)steps, (long long)asked);
}

int pg_tms_read(const struct pg_values *values, struct tms *ret, struct pg_error *error)
{
    const int64_t c = pg_values_integer(values, "features"),
                  r = pg_values_integer(values, "hidden");
    bool is_kgon = strcmp(pg_values_name(values, "start"), "kgon") == 0;
    /* The temperature of the population is that of a nominal n. */
    size_t samples = (size_t)pg_values_integer(values, "sample_count");
    size_t nominal = (size_t)pg_values_integer(values, "nominal_sample_count");
    *ret =
        (struct tms){.model = {.features = (size_t)c, .hidden = (size_t)r},
                     .samples = samples,
                     .start = is_kgon ? TMS_KGON : TMS_RANDOM,
                     .k = (size_t)pg_values_integer(values, "start_k"),
                     .sigma = (size_t)pg_values_integer(values, "start_sigma"),
                     .phi = (size_t)pg_values_integer(values, "start_phi"),
                     .init_scale = pg_values_real(values, "init_scale"),
                     .weight_noise = pg_values_real(values, "weight_noise"),
                     .bias_noise = pg_values_real(values, "bias_noise"),
                     .dead_bias = pg_values_real(values, "dead_bias"),
                     .is_turned = pg_values_integer(values, "start_turned") != 0,
                     .segments = {{.name = "W", .offset = 0, .rows = r, .columns = c},
                                  {.name = "b", .offset = r * c, .rows = 1, .columns = c}},
                     .shape = {.parameters = (size_t)(c * (r + 1)),
                               .steps = pg_values_integer(values, "steps"),
                               .batch_size = (size_t)pg_values_integer(values, "batch_size"),
                               .segment_count = 2,
                               .llc = pg_llc_cell_read(values, samples > 0 ? samples : nominal)}};
    int status = check_start(ret, error);
    if (status == 0)
        status = check_batch(ret, error);
    const int64_t asked = steps_of_epochs(values, ret);
    if (asked > 0 && asked < ret->shape.steps)
        ret->shape.steps = asked;
    return status;
}

/* ---- starts ---- */

int pg_tms_start(const struct tms *tms, const struct pg_run_request *request, double *ret_w,
                 struct pg_error *error)
{
    const size_t c = tms->model.features, weights = c * tms->model.hidden;
    const struct pg_random random = pg_random_make(request->seed, PG_STREAM_INITIAL, request->mix);
    struct pg_kgon kgon;
    double turn = tms->is_turned ? (double)pg_random_uniform(&random, 0, 2, 0) : 0.0;
    memset(ret_w, 0, tms->shape.parameters * sizeof *ret_w);
    if (tms->start == TMS_KGON) {
        int status = pg_kgon_solve(tms->k, &kgon, error);
        if (status != 0)
            return status;
        pg_kgon_point(&kgon, tms->sigma, tms->phi, c, tms->dead_bias, turn, ret_w);
    }
    double spread = tms->start == TMS_KGON ? tms->weight_noise : tms->init_scale;
    for (size_t p = 0; p < weights; p++)
        ret_w[p] += spread * (double)pg_random_normal(&random, (uint32_t)p, 0, 0);
    for (size_t i = 0; i < c; i++)
        ret_w[weights + i] +=
            tms->bias_noise * (double)pg_random_normal(&random, (uint32_t)i, 1, 0);
    return 0;
}

/* ---- phases ---- */

const char *const pg_tms_phase_names[] = {
    "unclassified", "diverged", "3",    "3+",  "3++", "4",  "4+",    "4++", "4+++",
    "4-",           "4--",      "4---", "4+-", "5",   "5+", "5++",   "5-",  "6",
    "6+",           "6++",      "6-",   "7",   "7+",  "8",  "other", NULL};

void pg_tms_solve(struct tms *tms)
{
    for (size_t k = 0; k <= tms->model.features; k++)
        if (pg_kgon_solve(k, &tms->kgons[k], NULL) != 0)
            tms->kgons[k].k = 0;
}

/* k with a plus for each of sigma and a minus for each of phi; "other": one without a name. */
static int code_of(struct pg_superposition_phase phase)
{
    char name[64];
    int used = snprintf(name, sizeof name, "%zu", phase.k), code = 0;
    if (phase.sigma + phase.phi < 16) {
        memset(name + used, '+', phase.sigma);
        memset(name + used + phase.sigma, '-', phase.phi);
        name[(size_t)used + phase.sigma + phase.phi] = '\0';
    }
    while (strcmp(pg_tms_phase_names[code], name) != 0 &&
           strcmp(pg_tms_phase_names[code], "other") != 0)
        code++;
    return code;
}

int pg_tms_classify(const struct tms *tms, const double *w, double population_loss,
                    struct pg_superposition_phase *ret_phase)
{
    const size_t c = tms->model.features;
    *ret_phase = (struct pg_superposition_phase){0, 0, 0};
    if (tms->model.hidden != 2 || c < 3)
        return TMS_UNCLASSIFIED;
    *ret_phase = pg_superposition_classify(c, w);
    const struct pg_kgon *kgon = &tms->kgons[ret_phase->k];
    if (kgon->k == 0)
        return TMS_UNCLASSIFIED;
    double level = pg_kgon_loss(kgon, ret_phase->sigma, ret_phase->phi, c);
    return fabs(population_loss - level) <= 0.004 ? code_of(*ret_phase) : TMS_UNCLASSIFIED;
}
