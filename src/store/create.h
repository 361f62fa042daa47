/* SPDX-License-Identifier: MIT */
/* The way of a new file from a temporary name to its own. */
#ifndef PHASEGRID_STORE_CREATE_H
#define PHASEGRID_STORE_CREATE_H

#include "phasegrid/error.h"
#include "phasegrid/layout.h"

struct pg_creation {
    const char *path; /* no symbolic link, if it replaces a file */
    const struct pg_layout *layout;
    bool replaces; /* takes the place of the file at `path`, and its mode */
    /* Writes every RUN variable of the closed file at `path`. */
    int (*fill)(const struct pg_creation *creation, const char *path, struct pg_error *error);
    void *context;
};

/* As pg_store_create(). */
int pg_creation_run(const struct pg_creation *creation, struct pg_error *error) PG_CHECK_RESULT;

#endif
