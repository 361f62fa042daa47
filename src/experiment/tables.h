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

#define ATTRIBUTES(table) .attributes = (table), .attribute_count = sizeof(table) / sizeof *(table)
#define STEPS_TO(text, table)                                                                      \
    .long_name = (text), .units = "steps", .type = PG_I64, .fill = -2, ATTRIBUTES(table)
/* Over the dimension `step`, which stands first. */
#define SERIES(text)                                                                               \
    .long_name = (text), .units = "1", .type = PG_F32, .fill = PG_NAN, .dim_count = 1, .dims = {0}

#endif
