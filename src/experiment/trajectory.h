/* SPDX-License-Identifier: MIT */
/*
 * What is kept of a run that is trained until its training and its test accuracy are reached, one
 * after the other: when that happened, points of the record, snapshots, and the phase.
 */
#ifndef PHASEGRID_TRAJECTORY_H
#define PHASEGRID_TRAJECTORY_H

#include "phasegrid/crossing.h"
#include "phasegrid/experiment.h"
#include "phasegrid/state.h"
#include "phasegrid/trainer.h"

enum { PG_HOLD_STEPS = 100 }; /* an accuracy is held from the first of so many steps in a row */

/* The phases of Liu et al. (2022), Table 1, and what falls outside. */
enum pg_phase {
    PG_PHASE_COMPREHENSION,
    PG_PHASE_GROKKING,
    PG_PHASE_MEMORIZATION,
    PG_PHASE_CONFUSION,
    PG_PHASE_GENERALIZATION_ONLY,
    PG_PHASE_DIVERGED
};
extern const char *const pg_phase_names[]; /* NULL-terminated */

/* Which of an experiment's observables they are. */
struct pg_trajectory_slots {
    size_t phase;
    size_t steps_to_train, steps_to_test, steps_to_train_held, steps_to_test_held;
    size_t train_loss, test_loss, train_accuracy, test_accuracy;
    size_t decoder_norm, embedding_norm;
    size_t parameters;
};
/* Where they have their usual numbers. */
#define TRAJECTORY_SLOTS                                                                           \
    .phase = OBS_PHASE, .steps_to_train = OBS_STEPS_TO_TRAIN, .steps_to_test = OBS_STEPS_TO_TEST,  \
    .steps_to_train_held = OBS_STEPS_TO_TRAIN_HELD, .steps_to_test_held = OBS_STEPS_TO_TEST_HELD,  \
    .train_loss = OBS_TRAIN_LOSS, .test_loss = OBS_TEST_LOSS,                                      \
    .train_accuracy = OBS_TRAIN_ACCURACY, .test_accuracy = OBS_TEST_ACCURACY,                      \
    .decoder_norm = OBS_DECODER_NORM, .embedding_norm = OBS_EMBEDDING_NORM,                        \
    .parameters = OBS_PARAMETERS

/* What a cell says of its runs' trajectories. */
struct pg_trajectory_rule {
    double accuracy; /* that counts as reached */
    int64_t lag;     /* longest delay of the test accuracy that is comprehension */
    int64_t steps;   /* budget */
    /* Steps at which an accuracy can be reached are multiples of these: what a record or a snapshot
       has evaluated in between must not show. */
    int64_t train_every, test_every;
};

struct pg_trajectory {
    const struct pg_experiment *experiment;
    const struct pg_trajectory_slots *at;
    struct pg_trajectory_rule rule;
    struct pg_run_request request;
    size_t next_point, next_snapshot; /* of the record */
    struct pg_crossing train, test;
    bool is_decided; /* nothing that is recorded as a crossing can change any more */
};

/* The rule of a cell, from its settings phase_accuracy, phase_lag and steps, and its trainer. */
struct pg_trajectory_rule pg_trajectory_rule_read(const struct pg_values *values,
                                                  const struct pg_trainer_spec *trainer);

struct pg_trajectory pg_trajectory_make(const struct pg_experiment *experiment,
                                        const struct pg_trajectory_slots *slots,
                                        const struct pg_trajectory_rule *rule,
                                        const struct pg_run_request *request);

/* The trajectory as it is before the evaluation of `step`, but for the row. */
void pg_trajectory_pass(struct pg_trajectory *trajectory, int64_t step, struct pg_state *state);

/* Whether the record wants something of the step. */
bool pg_trajectory_is_due(const struct pg_trajectory *trajectory, int64_t step);

/* The crossings of a step; test may be NULL. */
void pg_trajectory_cross(struct pg_trajectory *trajectory, int64_t step,
                         const struct pg_evaluation *train, const struct pg_evaluation *test);

/* Whether the run goes on: the record may stop it when it is decided, and so is what else the
   experiment waits for. */
bool pg_trajectory_goes_on(const struct pg_trajectory *trajectory, bool others_are_decided);

/* Whether a point of the record is due, or the end of the run is the next point. */
bool pg_trajectory_wants_point(const struct pg_trajectory *trajectory, int64_t step, bool goes_on);

/* The present point of one series. */
void pg_trajectory_put(const struct pg_trajectory *trajectory, size_t observable, double value);

/* The present point of an observable over (step, rows, columns): values (rows, columns). */
void pg_trajectory_put_matrix(const struct pg_trajectory *trajectory, size_t observable,
                              const float *values, size_t rows, size_t columns);

/* The present point of what all have, and on to the next point. */
void pg_trajectory_record(struct pg_trajectory *trajectory, const struct pg_trainer *trainer,
                          size_t seat, const struct pg_evaluation *train,
                          const struct pg_evaluation *test);

/* The parameters, where the record wants them. */
void pg_trajectory_keep_snapshot(struct pg_trajectory *trajectory, const struct pg_trainer *trainer,
                                 size_t seat, int64_t step);

/* The training set: 1 of the first `train_count` samples of the order, 0 of the others. */
void pg_trajectory_put_mask(const struct pg_trajectory *trajectory, size_t observable,
                            const uint32_t *order, size_t sample_count, size_t train_count);

/* Crossings, phase, and the points behind the end, which repeat the last one. */
void pg_trajectory_end(const struct pg_trajectory *trajectory, const struct pg_training_end *end,
                       struct pg_run_result *ret_result);

#endif
