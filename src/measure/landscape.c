/* SPDX-License-Identifier: MIT */
/* Points in lanes. */
#include "phasegrid/landscape.h"

void pg_lane_put(double *rows, size_t lane, size_t count, const double *dense)
{
    for (size_t p = 0; p < count; p++)
        rows[p * PG_LANES + lane] = dense[p];
}

void pg_lane_take(const double *rows, size_t lane, size_t count, double *ret_dense)
{
    for (size_t p = 0; p < count; p++)
        ret_dense[p] = rows[p * PG_LANES + lane];
}
