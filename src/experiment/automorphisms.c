/* SPDX-License-Identifier: MIT */
/* nauty counts the group as it searches: the product of the orbits' lengths along a stabiliser
   chain, of which it says the mantissa and a power of ten. */
#include "automorphisms.h"

#include <assert.h>
#include <nautinv.h>
#include <string.h>

#include "phasegrid/special.h"

enum { VERTICES_MAX = 128, SET_WORDS_MAX = SETWORDSNEEDED(VERTICES_MAX) };

double pg_log_automorphisms(size_t n, bool (*is_edge)(const void *context, size_t i, size_t j),
                            const void *context)
{
    static DEFAULTOPTIONS_DIGRAPH(options);
    static graph edges[VERTICES_MAX * SET_WORDS_MAX];
    static int labels[VERTICES_MAX], cells[VERTICES_MAX], orbits[VERTICES_MAX];
    const int words = SETWORDSNEEDED((int)n);
    statsblk found;
    assert(n > 0 && n <= VERTICES_MAX);
    memset(edges, 0, sizeof edges);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (is_edge(context, i, j))
                ADDELEMENT(edges + i * (size_t)words, j);
    densenauty(edges, labels, cells, orbits, &options, &found, words, (int)n, NULL);
    assert(found.errstatus == 0);
    return pg_log(found.grpsize1) + found.grpsize2 * pg_log(10.0);
}
