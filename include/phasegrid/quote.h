/* SPDX-License-Identifier: MIT */
#ifndef PHASEGRID_QUOTE_H
#define PHASEGRID_QUOTE_H

enum { PG_QUOTE_SIZE = 96 };

/* What a user wrote, fit for a message: control characters become '?', long texts end in "...",
   UTF-8 sequences stay whole. pg_quote() puts it in double quotes, unless it is a number or a
   list. All return `ret_text` (PG_QUOTE_SIZE). */
const char *pg_quote(const char *text, char *ret_text);
const char *pg_quote_always(const char *text, char *ret_text);
const char *pg_quote_never(const char *text, char *ret_text);

#endif
