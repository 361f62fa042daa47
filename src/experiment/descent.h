/* SPDX-License-Identifier: MIT */
/*
 * Runs of experiments that are a landscape: stochastic gradient descent with momentum in double,
 * PG_LANES runs side by side, points, snapshots and LLC estimates on the way. The experiment says
 * what the landscape is and what it observes of a point.
 */
#ifndef PHASEGRID_DESCENT_H
#define PHASEGRID_DESCENT_H

#include "descent_schedule.h"
#include "llc_cell.h"
#include "phasegrid/arena.h"
#include "phasegrid/experiment.h"
#include "phasegrid/landscape.h"
#include "phasegrid/state.h"

/* Settings, dimensions and observables that all of them have, first in their tables. */
#define DESCENT_DIMENSION_NUMBERS                                                                  \
    DIM_STEP, DIM_SNAPSHOT, DIM_SEGMENT, DIM_PARAMETER, LLC_DIMENSION_NUMBERS
#define DESCENT_OBSERVABLE_NUMBERS OBS_PHASE, OBS_TRAIN_LOSS, OBS_PARAMETERS, LLC_OBSERVABLE_NUMBERS
#define DESCENT_SETTINGS(default_rate, default_steps)                                              \
    REAL("learning_rate", 0, 1e6, default_rate, "1", "of gradient descent"),                       \
        REAL("momentum", 0, 0.999999, "0", "1", "of gradient descent"),                            \
        INTEGER("steps", 0, 1e12, default_steps, "steps", "budget; 0: w* is where the run starts")
#define DESCENT_DIMENSIONS                                                                         \
    [DIM_STEP] = {"step", "optimiser steps taken", "steps"},                                       \
    [DIM_SNAPSHOT] = {"snapshot", "optimiser steps taken at a parameter snapshot", "steps"},       \
    [DIM_SEGMENT] = {"segment", "matrix of the parameter vector", NULL},                           \
    [DIM_PARAMETER] = {"parameter", "place in the parameter vector", NULL}, LLC_DIMENSIONS
#define DESCENT_OBSERVABLES(names)                                                                 \
    [OBS_PHASE] = {"phase",                                                                        \
                   .long_name = "phase at the end",                                                \
                   .type = PG_U8,                                                                  \
                   .fill = 255,                                                                    \
                   .meanings = (names),                                                            \
                   .unwritten_meaning = "not_run"},                                                \
    [OBS_TRAIN_LOSS] = {"train_loss",      .long_name = "loss on the training samples",            \
                        .units = "1",      .type = PG_F64,                                         \
                        .fill = PG_NAN,    .dim_count = 1,                                         \
                        .dims = {DIM_STEP}},                                                       \
    [OBS_PARAMETERS] = {"parameters",                                                              \
                        .long_name = "parameter vector at the snapshots",                          \
                        .units = "1",                                                              \
                        .type = PG_F64,                                                            \
                        .fill = PG_NAN,                                                            \
                        .dim_count = 2,                                                            \
                        .dims = {DIM_SNAPSHOT, DIM_PARAMETER}},                                    \
    LLC_OBSERVABLES
/* Where they stand, for struct pg_descent_kind. */
#define DESCENT_PLACES                                                                             \
    .dim_segment = DIM_SEGMENT, .dim_parameter = DIM_PARAMETER, .dim_chain = DIM_CHAIN,            \
    .dim_draw = DIM_DRAW, .obs_train_loss = OBS_TRAIN_LOSS, .obs_parameters = OBS_PARAMETERS,      \
    .obs_phase = OBS_PHASE, .obs_llc = OBS_LLC

/* Phases of an experiment without its own. */
enum { PG_DESCENT_AT_REST, PG_DESCENT_DIVERGED };
extern const char *const pg_descent_phase_names[]; /* NULL-terminated */

/* What runs side by side agree in. */
struct pg_descent_shape {
    size_t parameters;
    int64_t steps;
    size_t batch_size;   /* 0: full batch */
    int64_t watch_every; /* steps between calls of watch; 0: none */
    const struct pg_segment *segments;
    size_t segment_count;
    struct pg_llc_cell llc;
};

/* One run. */
struct pg_descent_run {
    double learning_rate, momentum;
    struct pg_llc_cell llc;
    struct pg_schedule schedule; /* {0}: the rates stay */
};

struct pg_descent_run pg_descent_run_read(const struct pg_values *values,
                                          const struct pg_llc_cell *llc);

struct pg_descent_kind {
    const struct pg_experiment *experiment;
    /* Once, with the first run. What ret points to is the hall's. */
    int (*open)(void *hall, const struct pg_run_request *first, struct pg_descent_shape *ret,
                struct pg_error *error);
    /* Takes the memory of all seats (when the arena measures and when it is filled), and says what
       the landscape is, whose data sets are the seats' numbers. */
    void (*arrange)(void *hall, const struct pg_kernel *kernel, struct pg_arena *arena,
                    struct pg_landscape *ret_landscape);
    /* A run takes a seat: its data are drawn, and ret_initial (parameters) is where it starts. */
    int (*sit)(void *hall, size_t seat, const struct pg_run_request *request,
               struct pg_descent_run *ret, double *ret_initial, struct pg_error *error);
    /* Point `index` of the record, at w (parameters). NULL: nothing but the loss is observed. */
    void (*observe)(void *hall, size_t seat, const struct pg_run_request *request, size_t index,
                    int64_t step, double loss, const double *w);
    /* Looks at all lanes together, at multiples of watch_every and where a point or the end is
       observed, before that: is_due (PG_LANES), of runs at steps (PG_LANES); w (parameters,
       PG_LANES). What it keeps is in the row or in pass(). NULL: not at all. */
    void (*watch)(void *hall, const bool *is_due, const int64_t *steps, const double *w);
    /* Writes what estimate `index` should have been. NULL: nobody knows. */
    void (*put_truth)(void *hall, size_t seat, const struct pg_run_request *request, size_t index,
                      const struct pg_llc_point *point);
    /* What the experiment keeps of a run beside its row; NULL: nothing. */
    void (*pass)(void *hall, size_t seat, struct pg_state *state);
    /* Completes the row; the phase. w (parameters). NULL: at rest, or diverged. */
    int (*end)(void *hall, size_t seat, const struct pg_run_request *request, int64_t step,
               bool diverged, double loss, const double *w);
    /* Of dimensions that are the experiment's own, as in struct pg_shape. NULL: there are none. */
    void (*lengths)(const void *hall, size_t *ret_lengths);
    size_t dim_segment, dim_parameter, dim_chain, dim_draw;
    size_t obs_train_loss, obs_parameters, obs_phase, obs_llc;
};

/* Trains all runs of the source. */
int pg_descent_train(const struct pg_descent_kind *kind, void *hall,
                     const struct pg_run_source *source, struct pg_error *error) PG_CHECK_RESULT;

/* What a shape says of such runs. `hall` is arranged without being filled. */
void pg_descent_put_shape(const struct pg_descent_kind *kind, void *hall,
                          const struct pg_descent_shape *descent, double flops_per_step,
                          struct pg_shape *ret_shape);

#endif
