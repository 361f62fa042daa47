/* SPDX-License-Identifier: MIT */
/* What stands in a results file from its creation on: is it what was written? */
#ifndef PHASEGRID_FRAME_H
#define PHASEGRID_FRAME_H

#include "phasegrid/error.h"
#include "phasegrid/store.h"

/* Dimensions, coordinates, attributes, and the data of cells and axes: 0, or PG_EMISMATCH naming
   what is damaged. `layout`: what the file's own job gives, with the data of cells (NULL is not
   compared); of the root those attributes that follow from the job. */
int pg_reader_check_frame(struct pg_reader *reader, const struct pg_layout *layout,
                          struct pg_error *error) PG_CHECK_RESULT;

#endif
