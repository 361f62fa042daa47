/* SPDX-License-Identifier: MIT */
/* What a pause of the training says. */
#ifndef PHASEGRID_PAUSE_H
#define PHASEGRID_PAUSE_H

#include <stdbool.h>

enum pg_pause {
    PG_PAUSE_GO_ON,
    PG_PAUSE_SAVE,           /* every run in training is given to save(), then training goes on */
    PG_PAUSE_SAVE_AND_LEAVE, /* the same, then PG_ESTOPPED */
    PG_PAUSE_LEAVE,          /* PG_ESTOPPED at once */
};

bool pg_pause_saves(enum pg_pause pause);
bool pg_pause_leaves(enum pg_pause pause);

#endif
