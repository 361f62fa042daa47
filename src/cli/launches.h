/* SPDX-License-Identifier: MIT */
/* The launches that worked on a results file, as `status` tells them. */
#ifndef PHASEGRID_LAUNCHES_H
#define PHASEGRID_LAUNCHES_H

#include <jansson.h>
#include <stdio.h>

#include "phasegrid/history.h"
#include "phasegrid/owner.h"
#include "subject.h"

struct pg_launches {
    struct pg_launch_record *records; /* (count), in their order */
    struct pg_history_entry *entries; /* (count) */
    size_t count;
    uint64_t total; /* launches that there were; the file may know fewer */
    struct pg_owner_sight owner;
    double now;         /* unix seconds */
    uint64_t todo;      /* runs */
    size_t states;      /* unfinished runs in checkpoints */
    int64_t steps_kept; /* model-steps of these */
};

int pg_launches_read(const struct pg_results *results, struct pg_launches *ret_launches,
                     struct pg_error *error) PG_CHECK_RESULT;
void pg_launches_release(struct pg_launches *launches);

/* Results per second of the launch that tells the pace; NAN: none has finished a run yet, or it is
   not known in what time. */
double pg_launches_rate(const struct pg_launches *launches);

/* A line: rate and expected end; nothing when nothing is to do. */
void pg_launches_print_pace(const struct pg_launches *launches, FILE *stream);

/* A paragraph: the last launches, what is kept of unfinished runs. */
void pg_launches_print(const struct pg_launches *launches, FILE *stream);

/* Adds what is known of them to an object. */
void pg_launches_add(const struct pg_launches *launches, json_t *object);

#endif
