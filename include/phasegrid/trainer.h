/* SPDX-License-Identifier: MIT */
/*
 * The training loop: full batch or mini-batches, both accuracies at every step from the same
 * parameters. Step t is the state after t updates; t = 0 is the initial one.
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
#include "phasegrid/random.h"

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

struct pg_trainer_spec {
    struct pg_model_spec model;
    enum pg_optimizer optimizer;
    struct pg_rates rates[PG_GROUP_COUNT];
    size_t train_count, test_count, batch_size; /* batch_size 0: full batch */
    int64_t steps;
};

struct pg_trainer {
    struct pg_trainer_spec spec;
    struct pg_model model;
    struct pg_samples train, test; /* the caller's */
    struct pg_readout readout;     /* the caller's */
    struct pg_batches batches;
    struct pg_pass train_pass, test_pass, batch_pass;
    float *scores;       /* (classes, stride) */
    uint32_t *predicted; /* (stride) */
    /* A batch's own arrays. */
    uint32_t *batch_samples, *batch_inputs, *batch_labels;
    float *batch_targets;
};

/* Called at every step t = 0, 1, ... with both evaluations; returns false to end training. */
struct pg_observer {
    bool (*observe)(void *context, int64_t step, const struct pg_evaluation *train,
                    const struct pg_evaluation *test);
    bool (*pause)(void *context); /* true: leave at once; may be NULL */
    void *observe_context, *pause_context;
};

struct pg_training_end {
    int64_t step;
    bool diverged; /* the training loss was not finite at `step` */
};

/* Takes all of a trainer's memory from the arena (when it measures and when it is filled). */
void pg_trainer_arrange(struct pg_trainer *trainer, const struct pg_trainer_spec *spec,
                        const struct pg_kernel *kernel, size_t arity, size_t classes,
                        struct pg_arena *arena);

/* After the arena is filled and train, test and readout are set. */
void pg_trainer_prepare(struct pg_trainer *trainer, uint32_t seed, uint32_t mix);

/* Trains from step 0. PG_ESTOPPED when pause said so. Allocates nothing. */
int pg_trainer_run(struct pg_trainer *trainer, const struct pg_observer *observer,
                   struct pg_training_end *ret_end, struct pg_error *error) PG_CHECK_RESULT;

/* Floating-point operations of one step with its evaluations. */
double pg_trainer_flops(const struct pg_trainer_spec *spec);

#endif
