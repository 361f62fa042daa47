/* SPDX-License-Identifier: MIT */
/* Attributes of an object, read. */
#ifndef PHASEGRID_STORE_ATTRIBUTES_H
#define PHASEGRID_STORE_ATTRIBUTES_H

#include "h5.h"
#include "phasegrid/pool.h"

/* All that are text or one number, in the order of the file; the rest is passed over. */
struct pg_attributes {
    struct pg_attribute *at;
    size_t count;
};

int pg_attributes_read(hid_t object, struct pg_pool *pool, struct pg_attributes *ret_attributes,
                       struct pg_error *error) PG_CHECK_RESULT;

/* NULL: there is none, or it is no text. */
const char *pg_attributes_text(const struct pg_attributes *attributes, const char *name);

/* `fallback`: there is none, or it is no number. */
double pg_attributes_number(const struct pg_attributes *attributes, const char *name,
                            double fallback);

/* Takes out those with names in `names` (NULL-terminated). */
void pg_attributes_drop(struct pg_attributes *attributes, const char *const *names);

#endif
