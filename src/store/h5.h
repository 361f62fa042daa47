/* SPDX-License-Identifier: MIT */
/*
 * What every part of the store needs of HDF5: one place for access lists, types and failures.
 * Functions that return an identifier return a negative one on failure, as HDF5's own do.
 */
#ifndef PHASEGRID_STORE_H5_H
#define PHASEGRID_STORE_H5_H

#include <hdf5.h>
#include <mpi.h>

#include "phasegrid/error.h"
#include "phasegrid/layout.h"

/* Before the first use of HDF5: no file locking, no printing. Any number of times. */
void pg_h5_begin(void);

/* File access list, MPI-IO over `comm`; MPI_COMM_NULL: serial. */
hid_t pg_h5_access(MPI_Comm comm);

hid_t pg_h5_memory_type(enum pg_data_type type); /* not to be released */
hid_t pg_h5_file_type(enum pg_data_type type);   /* not to be released */
hid_t pg_h5_text_type(void);                     /* variable-length UTF-8 */
const char *pg_h5_type_name(enum pg_data_type type);

/* Closes any kind of identifier; a negative one is ignored. The reason of a call that failed before
   is kept for pg_h5_fail(). */
void pg_h5_release(hid_t id);

/* Sets the text, followed by the innermost reason that HDF5 gives for the call that just failed.
   Only pg_h5_release() may come between. Returns status. */
int pg_h5_fail(struct pg_error *error, int status, const char *format, ...) PG_PRINTF(3, 4);

/* Attributes of an object. */
int pg_h5_put_text(hid_t object, const char *name, const char *text,
                   struct pg_error *error) PG_CHECK_RESULT;
/* numbers (count); count 0: a scalar of *numbers. */
int pg_h5_put_numbers(hid_t object, const char *name, enum pg_data_type type, const double *numbers,
                      size_t count, struct pg_error *error) PG_CHECK_RESULT;

#endif
