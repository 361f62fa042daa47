/* SPDX-License-Identifier: MIT */
/* The objects of a new file: dimensions, variables, attributes. Serial. */
#ifndef PHASEGRID_STORE_DEFINE_H
#define PHASEGRID_STORE_DEFINE_H

#include "h5.h"

/* The value of the root attribute "format": raised when older readers would misread the file. */
#define PG_STORE_FORMAT "phasegrid-1"

/* Links and attributes in the order of creation; for files, groups. */
hid_t pg_define_ordered(hid_t property_class);

/* A contiguous dataset whose place in the file is settled at once; `fill` converts to `type`.
   H5D_FILL_TIME_NEVER: the caller fills it, see fill.h. */
hid_t pg_define_dataset(hid_t place, const char *name, enum pg_data_type type, hid_t space,
                        double fill, H5D_fill_time_t fill_time);

/* Root attributes, then all dimensions, then all variables, in the order of the layout. */
int pg_define_layout(hid_t file, const struct pg_layout *layout,
                     struct pg_error *error) PG_CHECK_RESULT;

/* The `coordinates` attribute of a variable: the AXIS variables over its dimensions. Empty text:
   none. */
void pg_define_coordinates(const struct pg_layout *layout, size_t variable, char *text,
                           size_t size);

#endif
