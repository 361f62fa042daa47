/* SPDX-License-Identifier: MIT */
/*
 * The training loop: full batch or mini-batches, both accuracies from the same parameters. Step t
 * is the state after t updates; t = 0 is the initial one.
 *
 * A trainer trains any number of runs of one shape: one after the other with their samples in
 * lanes, or side by side as a pack, where a lane that ends takes up the next run, and the last few
 * runs of a pack go on alone. None of this can be seen in what a run gives.
 */
#ifndef PHASEGRID_TRAINER_H
#define PHASEGRID_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/arena.h"
#include "phasegrid/error.h"
#include "phasegrid/model.h"
#include "phasegrid/optimizer.h"
#include "phasegrid/pause.h"
#include "phasegrid/random.h"
#include "phasegrid/state.h"

/* Batches of `size` of `pool` samples, drawn without replacement anew for every step. */
struct pg_batches {
    struct pg_random random;
    size_t pool, size;
    uint32_t *order; /* (pool) 0, 1, ... between draws */
    uint32_t *swaps; /* (size) */
};

void pg_batches_arrange(struct pg_batches *batches, size_t pool, size_t size,
                        struct pg_arena *arena);
void pg_batches_prepare(struct pg_batches *batches, const struct pg_random *random);

/* ret_samples (size): the batch of step t = 1, 2, ...; a function of (key, t, pool, size). */
void pg_batches_draw(const struct pg_batches *batches, int64_t step, uint32_t *ret_samples);

/* How outputs become classes: the class with the largest score. Scores are the outputs themselves,
   or an affine readout of them: (classes, outputs + 1) row-major, rows `stride` apart. Nearest
   template t_c is the readout t_c . y - |t_c|^2 / 2. */
struct pg_readout {
    size_t classes;
    const float *matrix; /* NULL: the outputs are the scores */
    size_t stride;
};

struct pg_evaluation {
    double loss;
    size_t correct, count;
};

enum pg_lane_layout { PG_LAYOUT_AUTO, PG_LAYOUT_SAMPLES, PG_LAYOUT_RUNS };

/* The shape of runs that may be trained side by side. */
struct pg_trainer_spec {
    struct pg_model_spec model;
    enum pg_optimizer optimizer;
    size_t arity, classes;
    size_t train_count, test_count, batch_size; /* batch_size 0: full batch, without dropout */
    bool has_readout;
    /* The test set, and with mini-batches also the training set, is evaluated at multiples of this,
       at the end of the budget and where the client says so; the training set of full batches at
       every step. */
    int64_t evaluate_every;
    enum pg_lane_layout layout; /* AUTO: as the cost model says */
};

/* One run. Everything is borrowed until its end(). */
struct pg_training {
    const struct pg_trainer_spec *spec; /* of the trainer's shape; scales may be the run's own */
    struct pg_samples samples;          /* lanes 1: the training samples, then the test samples */
    struct pg_readout readout;
    struct pg_rates rates[PG_GROUP_COUNT];
    int64_t steps;
    uint32_t seed, mix;
    int64_t begin;          /* the run has taken so many steps already ... */
    struct pg_state *state; /* ... to this, for pg_trainer_pass(); good until next() is called
                               again. NULL: it begins with its initial values */
};

struct pg_training_end {
    int64_t step;
    bool diverged; /* the training loss was not finite at `step` */
};

/* Where runs come from, and who watches them. A run has a seat from next() to end(). */
struct pg_trainer_client {
    /* The run that takes the seat; false: there is none, and none will come. */
    bool (*next)(void *context, size_t seat, struct pg_training *ret_training);
    /* Before every step of a run: what takes long, and asks pg_trainer_pause() now and then. False:
       leave. NULL: nothing. */
    bool (*measure)(void *context, size_t seat, int64_t step);
    /* Whether the step is to be evaluated whatever evaluate_every says; NULL: never. */
    bool (*is_due)(void *context, size_t seat, int64_t step);
    /* At every step t = 0, 1, ... that has an evaluation; `test` is NULL where only the training
       set of a full batch has been evaluated. False: the run ends. */
    bool (*observe)(void *context, size_t seat, int64_t step, const struct pg_evaluation *train,
                    const struct pg_evaluation *test);
    void (*end)(void *context, size_t seat, const struct pg_training_end *end);
    /* Between steps, and where next() calls pg_trainer_pause(); may be NULL. */
    enum pg_pause (*pause)(void *context);
    /* After a pause that asked for it, for every seat that is taken: the run has taken `step` steps
       and has seen every evaluation before, but not that of `step`. NULL: nothing is saved. */
    void (*save)(void *context, size_t seat, int64_t step);
    void *context;
};

/* A run in training. */
struct pg_seat {
    struct pg_training training;
    struct pg_schedule schedules[PG_GROUP_COUNT];
    struct pg_batches batches;
    struct pg_random noise;   /* of dropout */
    struct pg_engine *engine; /* NULL: the seat is free */
    size_t lane;
    int64_t step;
};

/* One model with its passes: of one run with its samples in lanes, or of a pack. */
struct pg_engine {
    const struct pg_trainer_spec *spec;
    struct pg_model model;
    struct pg_samples samples; /* of a pack: the runs' own, interleaved */
    float *readout;            /* of a pack: (classes, outputs + 1), interleaved */
    struct pg_pass pass;       /* over training and test samples */
    float *scores;             /* (classes, stride) */
    uint32_t *predicted;       /* (stride) */
    struct pg_pass batch_pass; /* mini-batches: a batch's own arrays */
    struct pg_samples batch;
    uint32_t *drawn;                     /* (batch_size) */
    struct pg_noise noise[PG_LANES];     /* of the batches' passes */
    struct pg_seat *occupants[PG_LANES]; /* [lane]; NULL: nobody */
    struct pg_update updates[PG_GROUP_COUNT];
};

struct pg_trainer {
    struct pg_trainer_spec spec;
    size_t seat_count; /* 1, or PG_LANES */
    struct pg_seat seats[PG_LANES];
    struct pg_engine alone, pack;
    size_t parameters;
    float *dense; /* (parameters) scratch */
    const struct pg_trainer_client *client;
    size_t few;        /* runs left of a pack that are cheaper one by one */
    bool is_exhausted; /* the client has no more runs */
};

/* Runs that are trained side by side: 1 or PG_LANES. A function of the shape (and of
   PHASEGRID_LAYOUT=samples|runs, for tests and measurements). */
size_t pg_trainer_lanes(const struct pg_trainer_spec *spec);

/* Refuses a PHASEGRID_LAYOUT that names no layout. */
int pg_trainer_check_layout(struct pg_error *error) PG_CHECK_RESULT;

/* Expected speed of a full pack over that of one run at a time, per run. */
double pg_trainer_pack_gain(const struct pg_trainer_spec *spec);

/* Whether products of this shape are OpenBLAS's: its bytes are those of one machine type. */
bool pg_trainer_uses_blas(const struct pg_trainer_spec *spec);

/* Takes all of a trainer's memory from the arena (when it measures and when it is filled). */
void pg_trainer_arrange(struct pg_trainer *trainer, const struct pg_trainer_spec *spec,
                        const struct pg_kernel *kernel, struct pg_arena *arena);

/* What makes runs of one specification no runs of the other's trainer, in a word; NULL: nothing. */
const char *pg_trainer_difference(const struct pg_trainer_spec *a, const struct pg_trainer_spec *b);

/* Trains all runs that the client gives. PG_ESTOPPED when pause said so. Allocates nothing. */
int pg_trainer_run(struct pg_trainer *trainer, const struct pg_trainer_client *client,
                   struct pg_error *error) PG_CHECK_RESULT;

/* For next(), where it takes long: a pause as between steps, with all that it asks for; true:
   leave. Runs that are trained beside are saved as they stand. */
bool pg_trainer_pause(const struct pg_trainer *trainer);

/* Saves or loads what training knows of the run in a seat but its step: parameters and moments,
   each one dense vector, whatever the layout. */
void pg_trainer_pass(const struct pg_trainer *trainer, size_t seat, struct pg_state *state);

/* Of the run in a seat, for observe(): the parameters of one layer, dense; all of them; the norm of
   a group of them. */
void pg_trainer_layer(const struct pg_trainer *trainer, size_t seat, size_t layer,
                      float *ret_dense);
void pg_trainer_parameters(const struct pg_trainer *trainer, size_t seat, float *ret_dense);
/* After the evaluation that observe() sees: what a layer makes of a sample (outputs), counted as
   the run's. */
void pg_trainer_outputs(const struct pg_trainer *trainer, size_t seat, size_t layer, size_t sample,
                        float *ret_outputs);
double pg_trainer_norm(const struct pg_trainer *trainer, size_t seat, enum pg_group group);

/* Floating-point operations of one step of one run with its evaluations. */
double pg_trainer_flops(const struct pg_trainer_spec *spec);

#endif
