/* SPDX-License-Identifier: MIT */
/*
 * Settings for the ranks go through the environment and only where nothing is set, neither there
 * nor in Open MPI's parameter files, so that whatever the user has chosen wins. Those that assume
 * one machine (loopback, no binding, oversubscription, root as in containers) stay away from
 * allocations, where the scheduler knows better.
 */
#include "launch_environment.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "user_parameters.h"

struct variable {
    const char *name, *value;
    const char *unless; /* the user's opposite choice: leave both alone */
    bool single_host, root;
};

static const struct variable variables[] = {
    {"OPENBLAS_NUM_THREADS", "1", NULL, false, false},
    {"OMPI_MCA_mpi_yield_when_idle", "1", NULL, false, false},
    {"OMPI_ALLOW_RUN_AS_ROOT", "1", NULL, true, true},
    {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", NULL, true, true},
    {"OMPI_MCA_rmaps_base_oversubscribe", "1", "OMPI_MCA_rmaps_base_no_oversubscribe", true, false},
    {"OMPI_MCA_hwloc_base_binding_policy", "none", NULL, true, false},
    {"OMPI_MCA_btl_tcp_if_include", "lo", "OMPI_MCA_btl_tcp_if_exclude", true, false},
    {"OMPI_MCA_oob_tcp_if_include", "lo", "OMPI_MCA_oob_tcp_if_exclude", true, false},
};

bool pg_launch_is_single_host(void)
{
    static const char *const signs[] = {
        "SLURM_JOB_ID",
        "PBS_JOBID",
        "LSB_JOBID",
        "PE_HOSTFILE",
        "FLUX_JOB_ID",
        "OMPI_MCA_orte_default_hostfile",
        "OMPI_MCA_orte_default_dash_host",
    };
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (pg_user_has_set(signs[i]))
            return false;
    return true;
}

void pg_launch_prepare_environment(bool single_host)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const struct variable *variable = &variables[i];
        bool suits = (single_host || !variable->single_host) && (geteuid() == 0 || !variable->root);
        bool chosen = pg_user_has_set(variable->name) ||
                      (variable->unless != NULL && pg_user_has_set(variable->unless));
        if (suits && !chosen)
            (void)setenv(variable->name, variable->value, 0);
    }
}
