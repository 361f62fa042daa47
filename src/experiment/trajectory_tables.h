/* SPDX-License-Identifier: MIT */
/*
 * What the tables of experiments on the trainer hold, whose test set is evaluated at multiples of a
 * setting (trajectory.h): rows of their dimensions and observables. An experiment names
 * its own numbers of them, in this order, and has phase_attributes.
 */
#ifndef PHASEGRID_TRAJECTORY_TABLES_H
#define PHASEGRID_TRAJECTORY_TABLES_H

#include "tables.h"
#include "trajectory.h"

#define TRAJECTORY_DIMENSION_NUMBERS DIM_STEP, DIM_SNAPSHOT, DIM_SAMPLE, DIM_SEGMENT, DIM_PARAMETER
#define TRAJECTORY_DIMENSIONS(sample)                                                              \
    [DIM_STEP] = {"step", "optimiser steps taken", "steps"},                                       \
    [DIM_SNAPSHOT] = {"snapshot", "optimiser steps taken at a parameter snapshot", "steps"},       \
    [DIM_SAMPLE] = {"sample", (sample), NULL},                                                     \
    [DIM_SEGMENT] = {"segment", "matrix of the parameter vector", NULL},                           \
    [DIM_PARAMETER] = {"parameter", "place in the parameter vector", NULL}

#define MULTIPLES                                                                                  \
    {                                                                                              \
        .name = "multiples_of", .setting = "evaluate_test_every"                                   \
    }
#define IN_BATCHES                                                                                 \
    {                                                                                              \
        .name = "multiples_of", .text = "1 with full batches, else evaluate_test_every"            \
    }
static const struct pg_observable_attribute train_attributes[] = {THRESHOLD, IN_BATCHES};
static const struct pg_observable_attribute train_held_attributes[] = {THRESHOLD, IN_BATCHES, HOLD};
static const struct pg_observable_attribute test_attributes[] = {THRESHOLD, MULTIPLES};
static const struct pg_observable_attribute test_held_attributes[] = {THRESHOLD, MULTIPLES, HOLD};
static const struct pg_observable_attribute accuracy_attributes[] = {THRESHOLD};

#define TRAJECTORY_OBSERVABLE_NUMBERS                                                              \
    OBS_PHASE, OBS_STEPS_TO_TRAIN, OBS_STEPS_TO_TEST, OBS_STEPS_TO_TRAIN_HELD,                     \
        OBS_STEPS_TO_TEST_HELD, OBS_TRAIN_LOSS, OBS_TEST_LOSS, OBS_TRAIN_ACCURACY,                 \
        OBS_TEST_ACCURACY, OBS_DECODER_NORM, OBS_EMBEDDING_NORM, OBS_TRAIN_MASK, OBS_PARAMETERS
#define TRAJECTORY_OBSERVABLES                                                                     \
    [OBS_PHASE] = {"phase",                                                                        \
                   .long_name = "phase of learning",                                               \
                   .type = PG_U8,                                                                  \
                   .fill = 255,                                                                    \
                   .meanings = pg_phase_names,                                                     \
                   .unwritten_meaning = "not_run",                                                 \
                   ATTRIBUTES(phase_attributes)},                                                  \
    [OBS_STEPS_TO_TRAIN] = {"steps_to_train",                                                      \
                            STEPS_TO("first evaluated step at which the training accuracy is "     \
                                     "reached; -1 never",                                          \
                                     train_attributes)},                                           \
    [OBS_STEPS_TO_TEST] = {"steps_to_test",                                                        \
                           STEPS_TO("first evaluated step at which the test accuracy is reached; " \
                                    "-1 never",                                                    \
                                    test_attributes)},                                             \
    [OBS_STEPS_TO_TRAIN_HELD] = {"steps_to_train_held",                                            \
                                 STEPS_TO("first evaluated step from which the training accuracy " \
                                          "is held; -1 never",                                     \
                                          train_held_attributes)},                                 \
    [OBS_STEPS_TO_TEST_HELD] = {"steps_to_test_held",                                              \
                                STEPS_TO("first evaluated step from which the test accuracy is "   \
                                         "held; -1 never",                                         \
                                         test_held_attributes)},                                   \
    [OBS_TRAIN_LOSS] = {"train_loss", SERIES("loss on the training samples")},                     \
    [OBS_TEST_LOSS] = {"test_loss", SERIES("loss on the test samples")},                           \
    [OBS_TRAIN_ACCURACY] = {"train_accuracy", SERIES("accuracy on the training samples"),          \
                            ATTRIBUTES(accuracy_attributes)},                                      \
    [OBS_TEST_ACCURACY] = {"test_accuracy", SERIES("accuracy on the test samples"),                \
                           ATTRIBUTES(accuracy_attributes)},                                       \
    [OBS_DECODER_NORM] = {"decoder_norm", SERIES("Euclidean norm of the decoder's parameters")},   \
    [OBS_EMBEDDING_NORM] = {"embedding_norm", SERIES("Euclidean norm of the embeddings")},         \
    [OBS_TRAIN_MASK] = {"train_mask",   .long_name = "1: training sample, 0: test sample",         \
                        .type = PG_U8,  .fill = 255,                                               \
                        .dim_count = 1, .dims = {DIM_SAMPLE}},                                     \
    [OBS_PARAMETERS] = {"parameters",                                                              \
                        .long_name = "parameter vector at the snapshots",                          \
                        .units = "1",                                                              \
                        .type = PG_F32,                                                            \
                        .fill = PG_NAN,                                                            \
                        .dim_count = 2,                                                            \
                        .dims = {DIM_SNAPSHOT, DIM_PARAMETER}}

#endif
