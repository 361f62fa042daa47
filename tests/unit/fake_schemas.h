/* SPDX-License-Identifier: MIT */
/* Two experiments that exist only in tests of the job reader. */
#ifndef FAKE_SCHEMAS_H
#define FAKE_SCHEMAS_H

#include "phasegrid/setting.h"

static const char *const fake_optimisers[] = {"adamw", "sgd", NULL};

static const struct pg_setting fake_addition_settings[] = {
    {"steps", PG_VALUE_INTEGER, 0, 1e9, false, "1000", NULL, "steps", "budget"},
    {"decoder_lr", PG_VALUE_REAL, 0, 10, true, "1e-3", NULL, "1", "learning rate"},
    {"weight_decay", PG_VALUE_REAL, 0, 100, false, "0", NULL, "1", "decay"},
    {"optimiser", PG_VALUE_NAME, 0, 0, false, "adamw", fake_optimisers, "1", "optimiser"},
    {"decoder_width", PG_VALUE_INTEGER, 1, 4096, false, "200", NULL, "1", "width"},
    {"decoder_depth", PG_VALUE_INTEGER, 1, 8, false, "2", NULL, "1", "depth"},
    {"widths", PG_VALUE_LIST, 1, 4096, false, "[]", NULL, "1", "hidden widths"},
};

static const struct pg_setting fake_relation_settings[] = {
    {"steps", PG_VALUE_INTEGER, 0, 1e9, false, "1000", NULL, "steps", "budget"},
    {"relations", PG_VALUE_INTEGER, 1, 64, false, "4", NULL, "1", "relations"},
};

enum { STEPS, DECODER_LR, WEIGHT_DECAY, OPTIMISER, DECODER_WIDTH, DECODER_DEPTH, WIDTHS, SETTINGS };

static const struct pg_schema fake_addition = {"addition", fake_addition_settings, SETTINGS};
static const struct pg_schema fake_relation = {"relation", fake_relation_settings, 2};
static const struct pg_schema *const fake_schemas[] = {&fake_addition, &fake_relation};

enum { FAKE_SCHEMAS = 2 };

#endif
