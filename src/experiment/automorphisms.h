/* SPDX-License-Identifier: MIT */
/* Automorphism groups of relations, by nauty (McKay and Piperno 2014). */
#ifndef PHASEGRID_AUTOMORPHISMS_H
#define PHASEGRID_AUTOMORPHISMS_H

#include <stdbool.h>
#include <stddef.h>

/* ln |Aut| of the digraph with an edge from i to j, loops among them, where is_edge(context, i, j);
   n up to 128 vertices. */
double pg_log_automorphisms(size_t n, bool (*is_edge)(const void *context, size_t i, size_t j),
                            const void *context);

#endif
