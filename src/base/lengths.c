/* SPDX-License-Identifier: MIT */
/*
 * Rows of a cube are made for its largest lengths; a cell's own may be smaller. The last dimensions
 * of equal lengths are contiguous in both arrays and are copied as one piece.
 */
#include "phasegrid/lengths.h"

#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t pg_lengths_elements(size_t dim_count, const size_t *lengths)
{
    size_t elements = 1;
    for (size_t d = 0; d < dim_count; d++)
        elements *= lengths[d];
    return elements;
}

/* Element `index` of the common ones, counted over the dimensions (dim_count): its place in both.
 */
static void find_places(size_t index, size_t dim_count, const size_t *from_lengths,
                        const size_t *to_lengths, size_t *ret_from, size_t *ret_to)
{
    size_t from_distance = 1, to_distance = 1;
    *ret_from = *ret_to = 0;
    for (size_t d = dim_count; d-- > 0;) {
        size_t common = smaller(from_lengths[d], to_lengths[d]), place = index % common;
        index /= common;
        *ret_from += place * from_distance;
        *ret_to += place * to_distance;
        from_distance *= from_lengths[d];
        to_distance *= to_lengths[d];
    }
}

void pg_lengths_copy(size_t element_size, size_t dim_count, const size_t *from_lengths,
                     const void *from, const size_t *to_lengths, void *to)
{
    size_t unit = element_size, pieces = 1;
    while (dim_count > 0 && from_lengths[dim_count - 1] == to_lengths[dim_count - 1])
        unit *= from_lengths[--dim_count];
    size_t last = dim_count > 0 ? dim_count - 1 : 0;
    size_t stretch = dim_count > 0 ? smaller(from_lengths[last], to_lengths[last]) : 1;
    for (size_t d = 0; d < last; d++)
        pieces *= smaller(from_lengths[d], to_lengths[d]);
    for (size_t i = 0; i < pieces && stretch * unit > 0; i++) {
        size_t at = 0, onto = 0;
        find_places(i * stretch, dim_count, from_lengths, to_lengths, &at, &onto);
        memcpy((unsigned char *)to + onto * unit, (const unsigned char *)from + at * unit,
               stretch * unit);
    }
}
