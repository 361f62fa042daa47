/* SPDX-License-Identifier: MIT */
/* Foreign text in messages: nothing that could move a terminal's cursor, nothing of any length. */
#include "phasegrid/quote.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = PG_QUOTE_SIZE - 8 }; /* leaves room for quotes, "..." and the end */

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0u) == 0x80u;
}

static size_t shown_length(const char *text)
{
    size_t length = strlen(text);
    if (length <= SHOWN_MAX)
        return length;
    length = SHOWN_MAX;
    while (length > 0 && is_continuation(text[length]))
        length--;
    return length;
}

static const char *shown(const char *text, const char *mark, char *ret_text)
{
    size_t length = shown_length(text);
    const char *cut = text[length] == '\0' ? "" : "...";
    (void)snprintf(ret_text, PG_QUOTE_SIZE, "%s%.*s%s%s", mark, (int)length, text, cut, mark);
    for (char *at = ret_text; *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            *at = '?';
    return ret_text;
}

static bool explains_itself(const char *text)
{
    size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
    return text[0] == '[' || text[sign] == '.' || isdigit((unsigned char)text[sign]);
}

const char *pg_quote(const char *text, char *ret_text)
{
    return shown(text, explains_itself(text) ? "" : "\"", ret_text);
}

const char *pg_quote_always(const char *text, char *ret_text)
{
    return shown(text, "\"", ret_text);
}

const char *pg_quote_never(const char *text, char *ret_text)
{
    return shown(text, "", ret_text);
}
