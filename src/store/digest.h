/* SPDX-License-Identifier: MIT */
/* One number for what a file says; its text is fed variable by variable, in the file's order. */
#ifndef PHASEGRID_STORE_DIGEST_H
#define PHASEGRID_STORE_DIGEST_H

#include <nettle/sha2.h>
#include <stdint.h>

#include "phasegrid/layout.h"

struct pg_digest {
    struct sha256_ctx hash;
    const struct pg_layout *layout; /* borrowed */
    const uint8_t *statuses;        /* (row_count), borrowed */
};

/* Begins with the dimensions. */
void pg_digest_begin(struct pg_digest *digest, const struct pg_layout *layout,
                     const uint8_t *statuses);

/* Whether the variable counts; then its rows follow, unless it is text. */
bool pg_digest_variable(struct pg_digest *digest, size_t variable);

/* The variable's rows first .. first + count - 1, dense. */
void pg_digest_rows(struct pg_digest *digest, size_t variable, uint64_t first, uint64_t count,
                    const void *rows);

/* ret_hex (65). */
void pg_digest_end(struct pg_digest *digest, char *ret_hex);

#endif
