/* SPDX-License-Identifier: MIT */
/*
 * A row of one layout as a row of another, whose dimensions may be longer or in another order:
 * every element goes where the coordinates of its own dimensions say, all else stays fill.
 */
#ifndef PHASEGRID_STORE_PLACEMENT_H
#define PHASEGRID_STORE_PLACEMENT_H

#include "phasegrid/error.h"
#include "phasegrid/layout.h"

/* Bytes that stay together. */
struct pg_piece {
    size_t from, to, size;
};

struct pg_placement {
    const struct pg_layout *from, *to; /* borrowed */
    struct pg_placed_variable {
        bool is_placed;          /* it is payload, and `from` has it */
        size_t from;             /* variable of `from` */
        struct pg_piece *pieces; /* (piece_count) */
        size_t piece_count;
        const struct pg_attribute *missing; /* what it is where `from` lacks it; NULL: fill */
    } * variables;                          /* (to->variable_count) */
};

/* missing (missing_count): name and number of variables that `from` may lack. PG_EMISMATCH: `to`
   has no place for something of `from`. */
int pg_placement_init(struct pg_placement *placement, const struct pg_layout *from,
                      const struct pg_layout *to, const struct pg_attribute *missing,
                      size_t missing_count, struct pg_error *error) PG_CHECK_RESULT;
void pg_placement_release(struct pg_placement *placement);

/* Row `from_index` of one block to row `to_index` of another, which is cleared first. */
void pg_placement_put(const struct pg_placement *placement, const struct pg_block *from,
                      size_t from_index, struct pg_block *to, size_t to_index);

#endif
