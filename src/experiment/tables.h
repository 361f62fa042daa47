/* SPDX-License-Identifier: MIT */
/* Shorthand for the tables of an experiment: settings, observables and their attributes. */
#ifndef PHASEGRID_TABLES_H
#define PHASEGRID_TABLES_H

#include "phasegrid/layout.h"

#define REAL(name, low, high, value, unit, help)                                                   \
    {                                                                                              \
        name, PG_VALUE_REAL, low, high, false, value, NULL, unit, help                             \
    }
#define INTEGER(name, low, high, value, unit, help)                                                \
    {                                                                                              \
        name, PG_VALUE_INTEGER, low, high, false, value, NULL, unit, help                          \
    }
#define NAME(name, names, value, help)                                                             \
    {                                                                                              \
        name, PG_VALUE_NAME, 0, 0, false, value, names, "1", help                                  \
    }
#define LIST(name, low, high, value, help)                                                         \
    {                                                                                              \
        name, PG_VALUE_LIST, low, high, false, value, NULL, "1", help                              \
    }

#define MATRIX(name, help)                                                                         \
    {                                                                                              \
        name, PG_VALUE_MATRIX, 0, 0, false, "none", NULL, "1", help                                \
    }

/* Settings of the optimiser, and of the phases, that experiments on the trainer share. */
#define MOMENT_SETTINGS(default_beta2)                                                             \
    REAL("beta1", 0, 0.999999, "0.9", "1", "AdamW: decay of the first moment"),                    \
        REAL("beta2", 0, 0.99999999, default_beta2, "1", "AdamW: decay of the second moment"),     \
        REAL("epsilon", 0, 1, "1e-8", "1", "AdamW: added to the root of the second moment"),       \
        REAL("momentum", 0, 0.999999, "0", "1", "SGD: momentum")

#define PHASE_SETTINGS                                                                             \
    REAL("phase_accuracy", 0, 1, "0.9", "1", "accuracy that counts as reached"),                   \
        INTEGER("phase_lag", 0, 1e12, "1000", "steps",                                             \
                "longest delay of the test accuracy that is comprehension")

/* What they say of their crossings and phases; PG_HOLD_STEPS is of trajectory.h. */
#define THRESHOLD                                                                                  \
    {                                                                                              \
        .name = "threshold", .setting = "phase_accuracy"                                           \
    }
#define HOLD                                                                                       \
    {                                                                                              \
        .name = "hold_steps", .number = PG_HOLD_STEPS                                              \
    }
#define PHASE_ATTRIBUTES(paper)                                                                    \
    {.name = "accuracy_threshold", .setting = "phase_accuracy"},                                   \
        {.name = "lag_threshold", .setting = "phase_lag"},                                         \
        {.name = "rule", .text = "comprehension up to the lag threshold, grokking beyond"},        \
    {                                                                                              \
        .name = "reference", .text = (paper)                                                       \
    }

#define ATTRIBUTES(table) .attributes = (table), .attribute_count = sizeof(table) / sizeof *(table)
#define STEPS_TO(text, table)                                                                      \
    .long_name = (text), .units = "steps", .type = PG_I64, .fill = -2, ATTRIBUTES(table)
/* Over the dimension `step`, which stands first. */
#define SERIES(text)                                                                               \
    .long_name = (text), .units = "1", .type = PG_F32, .fill = PG_NAN, .dim_count = 1, .dims = {0}

#endif
