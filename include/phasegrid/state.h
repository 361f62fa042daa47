/* SPDX-License-Identifier: MIT */
/*
 * The state of something as bytes: one function passes over a structure piece by piece in either
 * direction, as functions that lay out an arena run twice, so that what is saved and what is loaded
 * cannot differ. The bytes are those of the machine: states are for launches of one program.
 */
#ifndef PHASEGRID_STATE_H
#define PHASEGRID_STATE_H

#include <stdbool.h>
#include <stddef.h>

enum pg_state_mode { PG_STATE_MEASURE, PG_STATE_SAVE, PG_STATE_LOAD };

struct pg_state {
    enum pg_state_mode mode;
    unsigned char *bytes; /* (size); only read in PG_STATE_LOAD; NULL in PG_STATE_MEASURE */
    size_t size, used;
    bool is_short; /* a piece found no room, or was not there, and was left as it is */
};

struct pg_state pg_state_measure(void);
struct pg_state pg_state_save(void *bytes, size_t size);
struct pg_state pg_state_load(const void *bytes, size_t size);

/* Measures, saves or loads the next `size` bytes. */
void pg_state_pass(struct pg_state *state, void *data, size_t size);

/* The room of the next `size` bytes, for who writes or reads them there; NULL while measuring and
   when they do not fit. */
void *pg_state_take(struct pg_state *state, size_t size);

#endif
