/* SPDX-License-Identifier: MIT */
/* The values of a setting along an axis, as the results file keeps them. */
#ifndef PHASEGRID_SWEEP_SETTING_VALUES_H
#define PHASEGRID_SWEEP_SETTING_VALUES_H

#include "phasegrid/error.h"
#include "phasegrid/layout.h"
#include "phasegrid/pool.h"
#include "phasegrid/setting.h"

struct pg_setting_values {
    enum pg_coordinate kind; /* REAL, INTEGER, or TEXT for names and lists */
    const double *reals;     /* (count), the one that `kind` names; the others are NULL */
    const int64_t *integers;
    const char *const *texts;
};

/* `count` zeroed elements from the pool; NULL with the error set. */
void *pg_take(struct pg_pool *pool, size_t count, size_t size, struct pg_error *error);

/* Everything is the pool's. */
int pg_setting_values_take(const struct pg_setting *setting, const struct pg_value *values,
                           size_t count, struct pg_pool *pool, struct pg_setting_values *ret_values,
                           struct pg_error *error) PG_CHECK_RESULT;

#endif
