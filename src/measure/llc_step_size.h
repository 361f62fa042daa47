/* SPDX-License-Identifier: MIT */
/* `step_size: auto`. */
#ifndef PHASEGRID_LLC_STEP_SIZE_H
#define PHASEGRID_LLC_STEP_SIZE_H

#include "phasegrid/llc.h"

enum { PG_PILOT_DRAWS = 500 };

/* The largest step size among powers of two that a short run finds good. False: must_leave said so.
 */
bool pg_llc_choose_step_size(struct pg_llc *llc, struct pg_llc_point *point,
                             bool (*must_leave)(void *context), void *context);

#endif
