/* SPDX-License-Identifier: MIT */
/* A sweep in which every run fails for the same reason says so once. */
#include "warnings.h"

#include <string.h>

bool pg_warnings_add(struct pg_warnings *warnings, const struct pg_warning *warning)
{
    for (size_t i = 0; i < warnings->count; i++)
        if (strcmp(warnings->told[i].reason, warning->reason) == 0)
            return false;
    if (warnings->count == PG_WARNINGS_MAX)
        return false;
    warnings->told[warnings->count++] = *warning;
    return true;
}
