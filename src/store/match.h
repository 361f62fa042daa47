/* SPDX-License-Identifier: MIT */
/* Is the file made for this layout? */
#ifndef PHASEGRID_STORE_MATCH_H
#define PHASEGRID_STORE_MATCH_H

#include "phasegrid/error.h"
#include "phasegrid/layout.h"

/* 0, or PG_EMISMATCH naming the first difference in names, types, shapes or coordinates. */
int pg_layout_match(const struct pg_layout *file, const struct pg_layout *job,
                    struct pg_error *error) PG_CHECK_RESULT;

#endif
