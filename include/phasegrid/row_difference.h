/* SPDX-License-Identifier: MIT */
/* Where two rows of a variable differ, in words. */
#ifndef PHASEGRID_ROW_DIFFERENCE_H
#define PHASEGRID_ROW_DIFFERENCE_H

#include "phasegrid/layout.h"

/* The coordinate's value at `index`: 0.001, 17, 'adamw'. */
void pg_coordinate_print(const struct pg_dimension *dim, size_t index, char *text, size_t size);

/* The same length, kind (INDEX counts as INTEGER) and values, bit by bit. */
bool pg_coordinate_equal(const struct pg_dimension *a, const struct pg_dimension *b);

struct pg_difference {
    char place[200]; /* "train_loss (step 120)", or the variable's name alone */
    char a[64], b[64];
};

/* The first element at which two rows of the variable differ, bit by bit; false: they are equal.
   Of text nothing is compared. */
bool pg_difference_find(const struct pg_layout *layout, size_t variable, const void *a,
                        const void *b, struct pg_difference *ret_difference);

#endif
