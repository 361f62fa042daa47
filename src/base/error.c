/* SPDX-License-Identifier: MIT */
/* Status and text of a failure; see the header for the idiom. */
#include "phasegrid/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int pg_error_set(struct pg_error *error, int status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        error->status = status;
    }
    return status;
}

int pg_error_prefix(struct pg_error *error, const char *format, ...)
{
    if (error == NULL)
        return PG_EINPUT;
    struct pg_error before = *error;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length + 3 < sizeof error->text) {
        size_t room = sizeof error->text - (size_t)length;
        (void)snprintf(error->text + length, room, ": %.*s", (int)(room - 3), before.text);
    }
    return error->status;
}
