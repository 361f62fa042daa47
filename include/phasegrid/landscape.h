/* SPDX-License-Identifier: MIT */
/*
 * A loss over parameters, as training and sampling see it: PG_LANES points at once, each lane
 * looking at a data set of its own. Arrays are (rows, PG_LANES) in double, aligned to 64 bytes.
 */
#ifndef PHASEGRID_LANDSCAPE_H
#define PHASEGRID_LANDSCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "phasegrid/lane_kernel.h"

struct pg_landscape {
    size_t parameters; /* rows of w */
    /* The draws of chains on mini-batches are scored by full() instead of by their batch. */
    bool scores_full;
    void *context;
    /* The lane looks at this data set from now on; what the numbers mean is the context's. */
    void (*look_at)(void *context, size_t lane, size_t set);
    /* The mean loss over each lane's data set at w (parameters, PG_LANES): ret_loss (PG_LANES),
       ret_gradient as w; either may be NULL. */
    void (*full)(void *context, const double *w, double *ret_loss, double *ret_gradient);
    /* The same over `size` of the samples, drawn with replacement: the words of `random` from block
       0 on. NULL: there are no batches. */
    void (*batch)(void *context, const struct pg_lane_random *random, size_t size, const double *w,
                  double *ret_loss, double *ret_gradient);
};

/* A point (count) into a lane of rows (count, PG_LANES), and out of it. */
void pg_lane_put(double *rows, size_t lane, size_t count, const double *dense);
void pg_lane_take(const double *rows, size_t lane, size_t count, double *ret_dense);

#endif
