/* SPDX-License-Identifier: MIT */
/* One letter and one colour per phase, the same as in the pictures that tools/phasegrid draws. */
#ifndef PHASEGRID_PHASE_STYLE_H
#define PHASEGRID_PHASE_STYLE_H

#include <stddef.h>

#include "phasegrid/sweep.h"

struct pg_phase_style {
    char letter;    /* upper case, another one for each phase of an experiment */
    int background; /* of the 256 terminal colours */
    int ink;
};

/* phase_names (NULL-terminated), at most PG_PHASES_MAX; returns how many there are. */
size_t pg_phase_styles(const char *const *phase_names, struct pg_phase_style *ret_styles);

#endif
