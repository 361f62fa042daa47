/* SPDX-License-Identifier: MIT */
/*
 * superposition: the phases of the toy model of superposition with two hidden dimensions, computed:
 * where they lie, what they cost, how singular they are, and the sample count at which the
 * posterior changes from one to another.
 */
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "listing.h"
#include "phasegrid/kgon.h"
#include "phasegrid/lane_kernel.h"
#include "verbs.h"

enum { PHASES_MAX = 2, NAME_MAX_LENGTH = 64 };

struct arguments {
    const char *phases[PHASES_MAX]; /* of the critical n */
    size_t phase_count;
    long features;
    bool json;
};

static const struct argp_option options[] = {
    {"features", 'c', "C", 0, "Features of the model (default 6)", 0},
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'c':
        arguments->features =
            pg_arguments_number(state, "--features", argument, 4, PG_AUTOENCODER_MAX);
        return 0;
    case 'j':
        arguments->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->phase_count == PHASES_MAX)
            argp_error(state, "two phases have a critical n; '%s' is too much", argument);
        arguments->phases[arguments->phase_count++] = argument;
        return 0;
    case ARGP_KEY_END:
        if (arguments->phase_count == 1)
            argp_error(state, "a second phase is needed: superposition %s OTHER",
                       arguments->phases[0]);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

/* ---- a phase ---- */

struct phase {
    struct pg_superposition_phase at;
    struct pg_kgon kgon;
    struct pg_free_energy energy; /* lambda: NaN where no rule is known */
};

static int solve(struct phase *phase, size_t features, struct pg_error *error)
{
    const struct pg_superposition_phase *at = &phase->at;
    int status = pg_kgon_solve(at->k, &phase->kgon, error);
    if (status != 0)
        return status;
    phase->energy =
        (struct pg_free_energy){pg_kgon_loss(&phase->kgon, at->sigma, at->phi, features),
                                pg_kgon_volume_exponent(at->k, at->sigma, features),
                                pg_kgon_prior(&phase->kgon, at->sigma, features)};
    return 0;
}

/* "4+", "5", "5+=8.5": k, sigma by pluses, lambda if it is not the volume exponent. */
static int read_phase(const char *text, size_t features, struct phase *ret, struct pg_error *error)
{
    char *end = NULL;
    double lambda = 0.0;
    ret->at = (struct pg_superposition_phase){0, 0, 0};
    if (isdigit((unsigned char)text[0]))
        ret->at.k = (size_t)strtoul(text, &end, 10);
    for (; end != NULL && *end == '+'; end++)
        ret->at.sigma++;
    bool has_lambda = end != NULL && *end == '=' && end[1] != '\0';
    if (has_lambda)
        lambda = strtod(end + 1, &end);
    if (end == NULL || *end != '\0' || !isfinite(lambda))
        return pg_error_set(
            error, PG_EINPUT,
            "superposition: found '%s', expected a phase such as 5, 4+ or 4+=5 (k, a plus "
            "for each of sigma, = lambda)",
            text);
    if (ret->at.k > features || ret->at.sigma > features - ret->at.k)
        return pg_error_set(
            error, PG_EINPUT,
            "superposition: phase %s has %zu columns, expected at most the %zu features", text,
            ret->at.k + ret->at.sigma, features);
    int status = solve(ret, features, error);
    if (status != 0)
        return status;
    ret->energy.lambda = has_lambda ? lambda : ret->energy.lambda;
    if (isnan(ret->energy.lambda))
        return pg_error_set(
            error, PG_EINPUT,
            "superposition: phase %s is a saddle and has no volume exponent; expected its "
            "lambda, %s=LAMBDA",
            text, text);
    return 0;
}

/* ---- printing ---- */

static json_t *number(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *describe(const struct phase *phase, size_t features)
{
    char name[NAME_MAX_LENGTH];
    struct pg_kgon_hessian hessian;
    bool has_hessian =
        pg_kgon_hessian(&phase->kgon, phase->at.sigma, features, &hessian, NULL) == 0;
    (void)snprintf(name, sizeof name, "%zu%.*s", phase->at.k, (int)phase->at.sigma,
                   "++++++++++++++++");
    return json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:o, s:o, s:o, s:f}", "phase", name, "k",
                     (int)phase->at.k, "sigma", (int)phase->at.sigma, "length", phase->kgon.length,
                     "bias", phase->kgon.bias, "loss", phase->energy.loss, "hessian_rank",
                     has_hessian ? json_integer((json_int_t)hessian.rank) : json_null(), "negative",
                     has_hessian ? json_integer((json_int_t)hessian.negative) : json_null(),
                     "lambda", number(phase->energy.lambda), "prior", phase->energy.prior);
}

static json_t *list_phases(size_t features)
{
    json_t *rows = json_array();
    for (size_t k = 4; k <= features; k++)
        for (size_t sigma = 0; sigma <= features - k; sigma++) {
            struct phase phase = {.at = {k, sigma, 0}};
            if (solve(&phase, features, NULL) == 0)
                json_array_append_new(rows, describe(&phase, features));
        }
    return rows;
}

static int print_critical(const struct arguments *arguments, struct pg_error *error)
{
    struct phase phases[PHASES_MAX];
    for (size_t i = 0; i < PHASES_MAX; i++)
        if (read_phase(arguments->phases[i], (size_t)arguments->features, &phases[i], error) != 0)
            return error->status;
    double n = pg_critical_sample_count(phases[0].energy, phases[1].energy);
    if (arguments->json)
        return pg_json_print(json_pack("{s:s, s:s, s:o}", "from", arguments->phases[0], "to",
                                       arguments->phases[1], "critical_n", number(n)),
                             error);
    if (isnan(n))
        (void)printf("%s and %s: no critical n above 1\n", arguments->phases[0],
                     arguments->phases[1]);
    else
        (void)printf("%s and %s: equal free energies at n = %.1f\n", arguments->phases[0],
                     arguments->phases[1], n);
    return 0;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    static const char *const columns[] = {"phase",    "length", "bias",  "loss", "hessian_rank",
                                          "negative", "lambda", "prior", NULL};
    struct arguments arguments = {.features = 6};
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    if (arguments.phase_count > 0)
        return print_critical(&arguments, error);
    json_t *rows = list_phases((size_t)arguments.features);
    if (arguments.json)
        return pg_json_print(rows, error);
    pg_listing_print_table(rows, columns);
    json_decref(rows);
    return 0;
}

const struct pg_verb pg_verb_superposition = {
    .name = "superposition",
    .summary = "the phases of the toy model of superposition, and critical sample counts",
    .arguments = "[PHASE[=LAMBDA] PHASE[=LAMBDA]]",
    .example = "  phasegrid superposition --features 8\n"
               "  phasegrid superposition 5 6\n"
               "  phasegrid superposition 4+=5 5=7\n\n"
               "Without phases: length and bias of each k-gon (with a plus for each column 0 of\n"
               "positive bias), its population loss, the rank of its Hessian and the negative\n"
               "eigenvalues in it (none at a minimum; none known at the square, where the loss\n"
               "has a kink), the volume exponent lambda, and the energy of the prior N(0, 1).\n"
               "With two: the n at which n loss + lambda ln n + prior are equal (Chen et al.\n"
               "2023); lambda is the volume exponent unless it is given.",
    .run = run,
};
