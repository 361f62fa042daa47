/* SPDX-License-Identifier: MIT */
/* Which warnings were told: each reason once, and not more than a handful. */
#ifndef PHASEGRID_SWEEP_WARNINGS_H
#define PHASEGRID_SWEEP_WARNINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "message.h"

enum { PG_WARNINGS_MAX = 8 };

struct pg_warnings {
    struct pg_warning told[PG_WARNINGS_MAX];
    size_t count;
};

/* Whether it is to be told; from then on it was. */
bool pg_warnings_add(struct pg_warnings *warnings, const struct pg_warning *warning);

#endif
