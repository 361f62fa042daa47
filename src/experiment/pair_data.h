/* SPDX-License-Identifier: MIT */
/*
 * The data of a task whose samples are pairs of symbols, some of which train: one permutation of
 * the samples per seed and attempt, and Gaussian templates, a class each.
 */
#ifndef PHASEGRID_PAIR_DATA_H
#define PHASEGRID_PAIR_DATA_H

#include "phasegrid/parallelogram.h"
#include "runs.h"

enum { PG_SPLIT_ATTEMPTS_MAX = 10000 };

/* What a cell says of it. */
struct pg_pair_task {
    size_t sample_count, train_count;
    size_t classes, outputs;
    bool is_regression; /* targets are templates, not classes */
    double min_ideal_accuracy;
    float label_scale;
};

/* Reads data_fraction, train_count, min_ideal_accuracy and label_scale; the rest is given. */
void pg_pair_task_read(const struct pg_values *values, struct pg_pair_task *task);

/* The data of one run. Arrays are the arena's. */
struct pg_pair_data {
    uint32_t attempt;          /* how often the split was drawn again */
    uint8_t *train_mask;       /* (sample_count) */
    uint32_t *train_order;     /* (sample_count) sample indices, in the order of the permutation */
    struct pg_samples samples; /* in that order: train_count train, the rest tests */
    float *templates;          /* (classes, outputs), scaled; regression */
    struct pg_readout readout;
    struct pg_split_theory theory;
};

/* Takes the data's memory (when the arena measures and when it is filled). */
void pg_pair_data_arrange(const struct pg_pair_task *task, struct pg_pair_data *data,
                          struct pg_arena *arena);

/* Draws the split for the request's seed, again until the ideal test accuracy of the theory, which
   is the split's, suffices; and the templates. Leaves with PG_ESTOPPED when the interruption says
   so, which may be NULL. */
int pg_pair_data_draw(const struct pg_pair_task *task,
                      const struct pg_parallelograms *parallelograms,
                      const struct pg_run_request *request,
                      const struct pg_interruption *interruption, struct pg_pair_data *data,
                      struct pg_error *error) PG_CHECK_RESULT;

/* What stands at `place` of the samples: the pair (i, j), whose class is `label`. */
void pg_pair_data_set(const struct pg_pair_task *task, struct pg_pair_data *data, size_t place,
                      uint32_t i, uint32_t j, uint32_t label);

/* Which of an experiment's observables and dimensions they are. */
struct pg_pair_slots {
    size_t split_attempt, nullity, ideal_accuracy, ideal_test_accuracy, train_mask, templates;
    size_t dim_output;
};
/* Where they have their usual numbers. */
#define PAIR_SLOTS                                                                                 \
    .split_attempt = OBS_SPLIT_ATTEMPT, .nullity = OBS_NULLITY,                                    \
    .ideal_accuracy = OBS_IDEAL_ACCURACY, .ideal_test_accuracy = OBS_IDEAL_TEST_ACCURACY,          \
    .train_mask = OBS_TRAIN_MASK, .templates = OBS_TEMPLATES, .dim_output = DIM_OUTPUT

void pg_pair_data_put(const struct pg_pair_task *task, const struct pg_pair_data *data,
                      const struct pg_pair_slots *slots, const struct pg_run_request *request);

#endif
