/* SPDX-License-Identifier: MIT */
/*
 * The plan of a sweep: which rows are to do, who does what next. A pure state machine: it is told
 * what happened and when, and answers what a worker gets; it knows neither MPI nor clocks.
 *
 *     update    pg_plan_finish(), pg_plan_note(), pg_plan_decline(),
 *               pg_plan_limit(), pg_plan_stop()
 *
 *     action    pg_plan_deal(), until it answers false
 *
 * Every row is dealt at most once.
 */
#ifndef PHASEGRID_PLAN_H
#define PHASEGRID_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

/* Consecutive rows of one class. */
struct pg_piece {
    uint64_t first_row;
    uint32_t count;
};

/* Pieces dealt at once; rows that a worker holds at any moment. */
enum { PG_PIECES_MAX = 16, PG_HELD_MAX = 256 };

enum pg_plan_row { PG_PLAN_SKIP, PG_PLAN_DO, PG_PLAN_DO_ALONE /* in a piece of its own */ };

/* Runs that cost the same: each, in any one unit, and how many a worker trains side by side. */
struct pg_plan_class {
    double cost;
    uint32_t lanes; /* at least 1 */
};

/* What there is to do; all arrays are borrowed for the call of pg_plan_create() only. */
struct pg_plan_work {
    uint64_t row_count;
    size_t rows_per_cell;                /* seeds */
    const uint8_t *todo;                 /* (row_count), enum pg_plan_row; NULL: do them all */
    const uint32_t *class_of;            /* (row_count / rows_per_cell): index into classes */
    const struct pg_plan_class *classes; /* (class_count) */
    size_t class_count;
    size_t worker_count;
    uint32_t rows_max; /* dealt at once at most, but for a pack; lanes + 2 x this <= PG_HELD_MAX */
};

struct pg_plan;

int pg_plan_create(const struct pg_plan_work *work, struct pg_plan **ret_plan,
                   struct pg_error *error) PG_CHECK_RESULT;
void pg_plan_destroy(struct pg_plan *plan);

/* What `worker` gets at the moment `now` (seconds): the number of pieces, all of one class; its
   work or, while it has some, a reserve. 0: nothing for now, or its hands are full. */
size_t pg_plan_deal(struct pg_plan *plan, size_t worker, double now,
                    struct pg_piece ret_pieces[PG_PIECES_MAX]);

/* `worker` has finished `rows` rows, in `seconds`: any of those that it holds of the class that it
   was dealt first. */
void pg_plan_finish(struct pg_plan *plan, size_t worker, uint32_t rows, double seconds, double now);

/* The unfinished runs that `worker` has in training, of the class that it was dealt first. */
struct pg_plan_part {
    double trained; /* of all of them together, in whole runs: 1.5 of three that are half done */
    double gained;  /* of that, measured since the last note, */
    double seconds; /* in this time */
};
void pg_plan_note(struct pg_plan *plan, size_t worker, const struct pg_plan_part *part, double now);

/* `worker` gives back rows of that class that it has not begun: such a run has taken it `seconds`
   from begin to end, which is more than the limit leaves. They are not dealt again. */
void pg_plan_decline(struct pg_plan *plan, size_t worker, uint32_t rows, double seconds);

/* From now on no run is dealt that is expected to end later than in `seconds`. Before anything is
   measured nothing is expected. */
void pg_plan_limit(struct pg_plan *plan, double seconds);

/* Nothing more is dealt. */
void pg_plan_stop(struct pg_plan *plan);

uint64_t pg_plan_todo(const struct pg_plan *plan); /* rows dealt or not, not yet finished */

/* Expected seconds until all is done; NAN before anything is measured. */
double pg_plan_seconds_left(const struct pg_plan *plan, double now);

#endif
