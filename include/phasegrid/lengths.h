/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_LENGTHS_H
#define PHASEGRID_LENGTHS_H

#include <stddef.h>

/* Elements of a dense array of `dim_count` dimensions. */
size_t pg_lengths_elements(size_t dim_count, const size_t *lengths);

/* Between two dense row-major arrays of the same dimensions, whose lengths (dim_count) may differ:
   copies the elements that both have; what else stands in `to` stays. Elements of `element_size`
   bytes. */
void pg_lengths_copy(size_t element_size, size_t dim_count, const size_t *from_lengths,
                     const void *from, const size_t *to_lengths, void *to);

#endif
