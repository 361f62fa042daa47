/* SPDX-License-Identifier: MIT */
/* What a sweep will take from a cluster, before it is sent there. */
#ifndef PHASEGRID_CLUSTER_QUOTE_H
#define PHASEGRID_CLUSTER_QUOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "estimate.h"

/* What is asked for. */
struct pg_quote_wish {
    int ranks;               /* of one allocation */
    int parts;               /* allocations side by side */
    int64_t seconds;         /* time limit of one */
    double checkpoint_every; /* seconds; 0: no run is kept unfinished */
};

/* Times are NAN when the job's runs could not be tried. */
struct pg_quote {
    uint64_t runs, todo;
    double core_seconds; /* of the runs to do, at most what `bound` says */
    double seconds;      /* until all is done, if there is room at once */
    double longest;      /* seconds of the longest run among its pack */
    uint64_t longest_cell;
    uint64_t file_bytes;
    double allocations; /* one after the other, of each part */
    bool is_bound;      /* runs may stop earlier */
};

/* `results`: what is there already; NULL: nothing. Refuses (PG_EINPUT) a job with a run that fits
   no time limit when none is kept unfinished. */
int pg_quote_make(const struct pg_subject_job *subject, const struct pg_results *results,
                  const struct pg_quote_wish *wish, struct pg_quote *ret_quote,
                  struct pg_error *error) PG_CHECK_RESULT;

void pg_quote_print(const struct pg_quote *quote, const struct pg_subject_job *subject,
                    const struct pg_quote_wish *wish, FILE *stream);

#endif
