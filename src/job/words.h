/* SPDX-License-Identifier: MIT */
/* Lists of names in messages. */
#ifndef PHASEGRID_JOB_WORDS_H
#define PHASEGRID_JOB_WORDS_H

#include <stddef.h>

#include "phasegrid/error.h"

/* "what: found F, expected one of a, b; did you mean a?" `word` is looked for among the names,
   `found` describes it. */
int pg_word_refuse(const char *what, const char *found, const char *word, const char *const *names,
                   size_t count, struct pg_error *error);

#endif
