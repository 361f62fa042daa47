/* SPDX-License-Identifier: MIT */
/*
 * What the tables of addition and of permutation hold alike (pair_data.h): rows of their dimensions
 * and observables, and the attributes of these. An experiment has rqi_attributes and
 * rqi_held_attributes.
 */
#ifndef PHASEGRID_PAIR_TABLES_H
#define PHASEGRID_PAIR_TABLES_H

#include "tables.h"
#include "trajectory.h"

static const struct pg_observable_attribute accuracy_attributes[] = {THRESHOLD};
static const struct pg_observable_attribute held_attributes[] = {THRESHOLD, HOLD};
static const struct pg_observable_attribute phase_attributes[] = {
    PHASE_ATTRIBUTES("Liu et al. (2022), Table 1"),
};

#define SPLIT(text) .long_name = (text), .units = "1", .type = PG_F64, .fill = PG_NAN

#define PAIR_DIMENSIONS                                                                            \
    [DIM_STEP] = {"step", "optimiser steps taken", "steps"},                                       \
    [DIM_SNAPSHOT] = {"snapshot", "optimiser steps taken at a parameter snapshot", "steps"},       \
    [DIM_OUTPUT] = {"output", "output of the decoder", NULL},                                      \
    [DIM_SEGMENT] = {"segment", "matrix of the parameter vector", NULL},                           \
    [DIM_PARAMETER] = {"parameter", "place in the parameter vector", NULL}

#define PAIR_OBSERVABLES                                                                           \
    [OBS_PHASE] = {"phase",                                                                        \
                   .long_name = "phase of learning",                                               \
                   .type = PG_U8,                                                                  \
                   .fill = 255,                                                                    \
                   .meanings = pg_phase_names,                                                     \
                   .unwritten_meaning = "not_run",                                                 \
                   ATTRIBUTES(phase_attributes)},                                                  \
    [OBS_STEPS_TO_TRAIN] = {"steps_to_train",                                                      \
                            STEPS_TO(                                                              \
                                "first step at which the training accuracy is reached; -1 never",  \
                                accuracy_attributes)},                                             \
    [OBS_STEPS_TO_TEST] = {"steps_to_test",                                                        \
                           STEPS_TO("first step at which the test accuracy is reached; -1 never",  \
                                    accuracy_attributes)},                                         \
    [OBS_STEPS_TO_RQI] = {"steps_to_rqi",                                                          \
                          STEPS_TO("first step at which the RQI exceeds its threshold; -1 never",  \
                                   rqi_attributes)},                                               \
    [OBS_STEPS_TO_TRAIN_HELD] =                                                                    \
        {"steps_to_train_held",                                                                    \
         STEPS_TO("first step from which the training accuracy is held; -1 never",                 \
                  held_attributes)},                                                               \
    [OBS_STEPS_TO_TEST_HELD] = {"steps_to_test_held",                                              \
                                STEPS_TO(                                                          \
                                    "first step from which the test accuracy is held; -1 never",   \
                                    held_attributes)},                                             \
    [OBS_STEPS_TO_RQI_HELD] = {"steps_to_rqi_held",                                                \
                               STEPS_TO("first step from which the RQI is held; -1 never",         \
                                        rqi_held_attributes)},                                     \
    [OBS_TRAIN_ACCURACY] = {"train_accuracy", SERIES("accuracy on the training samples")},         \
    [OBS_TEST_ACCURACY] = {"test_accuracy", SERIES("accuracy on the test samples")},               \
    [OBS_RQI] = {"rqi", SERIES("representation quality index"), ATTRIBUTES(rqi_attributes)},       \
    [OBS_DECODER_NORM] = {"decoder_norm", SERIES("Euclidean norm of the decoder's parameters")},   \
    [OBS_EMBEDDING_NORM] = {"embedding_norm", SERIES("Euclidean norm of the embeddings")},         \
    [OBS_SPLIT_ATTEMPT] = {"split_attempt", .long_name = "how often the split was drawn again",    \
                           .units = "1", .type = PG_I32, .fill = -2},                              \
    [OBS_IDEAL_TEST_ACCURACY] = {"ideal_test_accuracy",                                            \
                                 SPLIT("ideal accuracy over the test pairs")},                     \
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
