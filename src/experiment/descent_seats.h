/* SPDX-License-Identifier: MIT */
/* Runs side by side on a landscape: what training them and observing them share. */
#ifndef PHASEGRID_DESCENT_SEATS_H
#define PHASEGRID_DESCENT_SEATS_H

#include "descent.h"

struct pg_descent_seat {
    bool is_taken;
    bool is_measured; /* the estimate of this step is there */
    struct pg_run_request request;
    struct pg_descent_run run;
    int64_t step;
    size_t next_point, next_snapshot;
};

struct pg_descent {
    const struct pg_descent_kind *kind;
    void *hall;
    const struct pg_run_source *source;
    const struct pg_kernel *kernel;
    struct pg_descent_shape shape;
    const struct pg_record *record;
    struct pg_run_request first;
    bool has_first, is_stopping;
    size_t lengths[PG_EXPERIMENT_DIMS_MAX];
    struct pg_descent_seat seats[PG_LANES];
    struct pg_landscape landscape;
    double *w, *velocity, *gradient; /* (parameters, PG_LANES) */
    double *loss, *rate, *momentum;  /* (PG_LANES) */
    struct pg_lane_random batches;
    double *dense, *anchors; /* (PG_LANES, parameters) */
    bool *is_free;           /* (parameters) of the estimates */
    struct pg_llc llc;
    void *room; /* (room_size) for a state */
    size_t room_size;
};

/* (parameters): room for the point of a lane. */
static inline double *pg_descent_dense(const struct pg_descent *descent, size_t lane)
{
    return descent->dense + lane * descent->shape.parameters;
}

/* Points and snapshots of the lanes that are due, and the end of runs that are at theirs. */
void pg_descent_observe(struct pg_descent *descent);

#endif
