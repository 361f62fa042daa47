/* SPDX-License-Identifier: MIT */
/* Entries of a document as values and fields; every message comes with its place. */
#ifndef PHASEGRID_JOB_ENTRY_H
#define PHASEGRID_JOB_ENTRY_H

#include "phasegrid/error.h"
#include "phasegrid/setting.h"
#include "yaml.h"

/* "what: found X, expected Y", X being the entry. */
int pg_entry_refuse(const struct pg_entry *entry, const char *what, const char *expected,
                    struct pg_error *error);

/* The entry as a value of the setting. */
int pg_entry_value(const struct pg_entry *entry, const struct pg_setting *setting,
                   struct pg_value *ret_value, struct pg_error *error) PG_CHECK_RESULT;

/* The same for one INTEGER. */
int pg_entry_integer(const struct pg_entry *entry, const struct pg_setting *setting,
                     int64_t *ret_integer, struct pg_error *error) PG_CHECK_RESULT;

/* ret_entries (count): the map's entries in the order of `names`. Anything but a map, an unknown
   and a repeated key are refused; `what` names the map. */
int pg_entry_fields(const struct pg_entry *map, const char *what, const char *const *names,
                    size_t count, struct pg_entry *ret_entries,
                    struct pg_error *error) PG_CHECK_RESULT;

#endif
