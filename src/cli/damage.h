/* SPDX-License-Identifier: MIT */
/* A results file that is being looked over, and what was found in it, for people and as JSON. */
#ifndef PHASEGRID_DAMAGE_H
#define PHASEGRID_DAMAGE_H

#include <jansson.h>

#include "phasegrid/audit.h"
#include "subject.h"

struct pg_examined {
    const char *path;
    struct pg_reader *reader;
    struct pg_subject_job subject;
    struct pg_audit audit;
};

/* Opens the file and reads all of it. What is damaged is no failure. */
int pg_examine(const char *path, struct pg_examined *ret_examined,
               struct pg_error *error) PG_CHECK_RESULT;
void pg_examined_release(struct pg_examined *examined);

bool pg_examined_is_sound(const struct pg_examined *examined);

/* What is wrong, on standard error: rows by number and cell, at most ten of them. */
void pg_examined_say_damage(const struct pg_examined *examined);

/* {file, runs, todo, done, diverged, failed, remains, damage, damaged: [{run, cell, seed, fault}],
   digest}; NULL: no memory. A damaged file has no digest. */
json_t *pg_examined_as_json(const struct pg_examined *examined);

#endif
