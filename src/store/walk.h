/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_STORE_WALK_H
#define PHASEGRID_STORE_WALK_H

#include "reader.h"

/* Goes through all that an open file has beside the rows of its variables: every object, its
   attributes, its place in the file, provenance; and reads the first and the last row of every
   variable. HDF5 may crash on the way: for a process that may die. */
int pg_walk_file(struct pg_reader *reader, struct pg_error *error) PG_CHECK_RESULT;

#endif
