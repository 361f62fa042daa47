/* SPDX-License-Identifier: MIT */
/* What is allowed in a name's place, and which of it was probably meant. */
#include "words.h"

#include <stdio.h>
#include <string.h>

#include "phasegrid/nearest.h"

enum { NAMES_SHOWN_MAX = 900 }; /* bytes; leaves room for the line and the caret */

/* "a, b, c", cut at a name when it gets too long. */
static void join(const char *const *names, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (used + strlen(names[i]) + sizeof ", ..." > size) {
            (void)snprintf(text + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
}

int pg_word_refuse(const char *what, const char *found, const char *word, const char *const *names,
                   size_t count, struct pg_error *error)
{
    char allowed[NAMES_SHOWN_MAX];
    join(names, count, allowed, sizeof allowed);
    const char *near = pg_nearest(word, names, count);
    return pg_error_set(error, PG_EINPUT, "%s: found %s, expected %s%s%s%s%s", what, found,
                        count > 1 ? "one of " : "", allowed, near != NULL ? "; did you mean " : "",
                        near != NULL ? near : "", near != NULL ? "?" : "");
}
