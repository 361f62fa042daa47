/* SPDX-License-Identifier: MIT */
/*
 * The messages of a sweep. A worker reports what it finished, which is also how it asks for
 * more; the coordinator orders some work, or the end.
 *
 *     worker        JOINS, then GOES_ON as it finishes rows, and LEAVES as its last report
 *     coordinator   TRAIN as the plan deals, and END as its last order
 *
 * A worker leaves when it was ordered the end, or earlier of its own accord (a signal, a failure);
 * in either case it takes orders until END, so that no message is left behind.
 */
#ifndef PHASEGRID_SWEEP_MESSAGE_H
#define PHASEGRID_SWEEP_MESSAGE_H

#include <stdint.h>

#include "phasegrid/plan.h"
#include "phasegrid/sweep.h"

enum pg_message_tag { PG_TAG_REPORT = 1, PG_TAG_ORDER = 2, PG_TAG_WARNING = 3 };
enum pg_report_kind { PG_REPORT_JOINS, PG_REPORT_GOES_ON, PG_REPORT_LEAVES };
enum pg_order_kind { PG_ORDER_TRAIN, PG_ORDER_END };

/* What a worker finished since its last report, all of one class, in the order of its orders. */
struct pg_report {
    int32_t kind, urgency; /* enum pg_urgency: a signal that this worker got */
    uint32_t rows, diverged, failed;
    uint32_t declined; /* rows of that class that it gives back: the time does not suffice */
    uint32_t phases[PG_PHASES_MAX];
    int64_t steps;            /* model-steps */
    double seconds;           /* in training */
    double whole_seconds;     /* of these runs, in earlier launches, too */
    struct pg_plan_part part; /* of the unfinished runs of that class in training */
    int64_t part_steps;       /* model-steps that were gained there */
    double longest;           /* of the runs of the declined ones' class, from begin to end */
};

/* What the user should hear of, though the sweep goes on. `where` is told beside it, once for all
   warnings of one reason. */
struct pg_warning {
    char reason[2100], where[400];
};

/* Rows of one class to train. */
struct pg_order {
    int32_t kind, urgency; /* the same of whoever got one first */
    uint32_t count;        /* of pieces */
    struct pg_piece pieces[PG_PIECES_MAX];
    int32_t attempts[PG_PIECES_MAX]; /* made before at the rows of each piece */
    uint8_t crashes[PG_PIECES_MAX];  /* as pg_beginning.crashes; above 0: one row, to train alone */
};

/* How a worker speaks with the coordinator, which may be in the same process. */
struct pg_link {
    void (*report)(void *context, const struct pg_report *report);
    void (*warn)(void *context, const struct pg_warning *warning);
    bool (*receive)(void *context, struct pg_order *ret_order); /* false: none is there */
    void *context;
    double poll_interval; /* seconds between looks while training */
};

#endif
