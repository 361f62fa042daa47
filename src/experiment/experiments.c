/* SPDX-License-Identifier: MIT */
/* The table of experiments: a new one is one file and one row here. */
#include <stdbool.h>
#include <string.h>

#include "phasegrid/experiment.h"

extern const struct pg_experiment pg_experiment_addition, pg_experiment_permutation,
    pg_experiment_modular, pg_experiment_transformer, pg_experiment_relation, pg_experiment_tms,
    pg_experiment_tms_posterior, pg_experiment_two_point, pg_experiment_parity,
    pg_experiment_diagonal_linear, pg_experiment_least_squares, pg_experiment_gradient_variance,
    pg_experiment_deep_linear, pg_experiment_normal_crossing, pg_experiment_quadratic;

const struct pg_experiment *const pg_experiments[] = {
    &pg_experiment_addition,      &pg_experiment_permutation,
    &pg_experiment_modular,       &pg_experiment_transformer,
    &pg_experiment_relation,      &pg_experiment_tms,
    &pg_experiment_tms_posterior, &pg_experiment_two_point,
    &pg_experiment_parity,        &pg_experiment_diagonal_linear,
    &pg_experiment_least_squares, &pg_experiment_gradient_variance,
    &pg_experiment_deep_linear,   &pg_experiment_normal_crossing,
    &pg_experiment_quadratic,     NULL,
};

const struct pg_experiment *pg_experiment_find(const char *name)
{
    for (size_t i = 0; pg_experiments[i] != NULL; i++)
        if (strcmp(pg_experiments[i]->name, name) == 0)
            return pg_experiments[i];
    return NULL;
}

/* ---- a source of one run ---- */

struct single {
    const struct pg_run_request *request; /* NULL: given */
    struct pg_run_result *result;
    struct pg_error *error;
    int status;
};

static bool give(void *context, struct pg_run_request *ret_request)
{
    struct single *single = context;
    if (single->request == NULL)
        return false;
    *ret_request = *single->request;
    single->request = NULL;
    return true;
}

static void take_back(void *context, uint64_t ticket, int status,
                      const struct pg_run_result *result, const struct pg_error *error)
{
    struct single *single = context;
    (void)ticket;
    single->status = status;
    if (status == 0)
        *single->result = *result;
    else if (single->error != NULL)
        *single->error = *error;
}

int pg_experiment_run_one(const struct pg_experiment *experiment,
                          const struct pg_run_request *request, struct pg_run_result *ret_result,
                          struct pg_error *error)
{
    struct single single = {request, ret_result, error, 0};
    const struct pg_run_source source = {.next = give, .finish = take_back, .context = &single};
    int status = experiment->run(&source, error);
    return status == 0 ? single.status : status;
}
