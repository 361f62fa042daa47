/* SPDX-License-Identifier: MIT */
/* The table of experiments: a new one is one file and one row here. */
#include <string.h>

#include "phasegrid/experiment.h"

extern const struct pg_experiment pg_experiment_addition;

const struct pg_experiment *const pg_experiments[] = {
    &pg_experiment_addition,
    NULL,
};

const struct pg_experiment *pg_experiment_find(const char *name)
{
    for (size_t i = 0; pg_experiments[i] != NULL; i++)
        if (strcmp(pg_experiments[i]->name, name) == 0)
            return pg_experiments[i];
    return NULL;
}
