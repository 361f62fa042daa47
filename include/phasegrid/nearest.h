/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_NEAREST_H
#define PHASEGRID_NEAREST_H

#include <stddef.h>

/* The candidate with the smallest edit distance to `word`, or NULL when none is near enough to be
   worth offering (more than a third of the longer word's letters differ). */
const char *pg_nearest(const char *word, const char *const *candidates, size_t count);

#endif
