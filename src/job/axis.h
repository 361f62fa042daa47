/* SPDX-License-Identifier: MIT */
/* The values of one setting along an axis, in whichever form they are written. */
#ifndef PHASEGRID_JOB_AXIS_H
#define PHASEGRID_JOB_AXIS_H

#include "entry.h"
#include "phasegrid/job.h"

/* Fields of an axis; the members of a zip have all but the last. */
enum pg_axis_field {
    PG_AXIS_NAME,
    PG_AXIS_VALUES,
    PG_AXIS_LINSPACE,
    PG_AXIS_LOGSPACE,
    PG_AXIS_RANGE,
    PG_AXIS_ZIP,
    PG_AXIS_FIELDS
};

extern const char *const pg_axis_fields[PG_AXIS_FIELDS];

/* *ret_values is the caller's, also on failure (it may be NULL). */
int pg_axis_read_values(const struct pg_entry fields[PG_AXIS_FIELDS],
                        const struct pg_setting *setting, struct pg_value **ret_values,
                        size_t *ret_count, struct pg_error *error) PG_CHECK_RESULT;

#endif
