/* SPDX-License-Identifier: MIT */
/*
 * The local learning coefficient at a point w* (Lau, Furman, Wang, Murfet and Wei 2023,
 * arXiv:2308.12108): n_beta (E[L(w)] - L(w*)) over the posterior that is tempered by n_beta and
 * held at w*, estimated by several chains, with what their spread says of the error.
 */
#ifndef PHASEGRID_LLC_H
#define PHASEGRID_LLC_H

#include <stdbool.h>
#include <stdint.h>

#include "phasegrid/sampler.h"

enum pg_llc_flag {
    PG_LLC_OK,
    PG_LLC_NEGATIVE, /* chains below 0: w* is no minimum of what they see */
    PG_LLC_ESCAPED,  /* chains farther from w* than 3 sqrt(d / localization) */
    PG_LLC_DIVERGED, /* chains whose losses are not finite */
};
extern const char *const pg_llc_flag_names[]; /* NULL-terminated */

struct pg_llc_plan {
    struct pg_sampler_plan sampler;
    size_t chains;
};

/* A point to be estimated at. */
struct pg_llc_point {
    size_t set;           /* of the landscape's data sets */
    const double *anchor; /* (parameters): w* */
    double n_beta, localization;
    double step_size; /* 0: chosen by pg_llc_estimate(), which writes it here */
    struct pg_random random;
    int64_t at; /* the training step: keys the chains */
};

struct pg_llc_result {
    double llc;                /* mean of the chains' */
    double se;                 /* their standard deviation / sqrt(chains); NaN for one chain */
    double half_width;         /* of the 95 % interval: Student's t quantile x se */
    double se_draws;           /* n_beta sd(L) / sqrt(ess): from the draws instead of the chains */
    double rhat, ess;          /* of the losses: chain_statistics.h */
    double loss;               /* L(w*), full batch */
    double acceptance;         /* as in struct pg_chain_summary */
    double below;              /* share of draws below L(w*) */
    double distance;           /* root of the mean square of |w - w*| */
    int32_t negative, escaped; /* chains; those that diverged count as escaped */
    enum pg_llc_flag flag;     /* the worst that befell a chain */
};

struct pg_llc {
    struct pg_llc_plan plan;
    struct pg_chains chains;
    size_t most_points;
    double *traces;                     /* (most_points, chains, draws): losses */
    double *values;                     /* (most_points, chains): LLC of each chain */
    struct pg_chain_summary *summaries; /* (most_points, chains) */
    double *anchor_losses;              /* (most_points) */
    double *pack_trace;                 /* (draws, PG_LANES) */
    double *scratch;
};

/* Takes all memory (when the arena measures and when it is filled), for up to `most_points` at
   once. is_free: as for pg_chains_arrange(). */
void pg_llc_arrange(struct pg_llc *llc, const struct pg_kernel *kernel,
                    const struct pg_landscape *landscape, const struct pg_llc_plan *plan,
                    const bool *is_free, size_t most_points, struct pg_arena *arena);

/* Estimates at all points side by side: lanes take the first chain of every point, then the second.
   What a point gives does not depend on the others. False: must_leave (may be NULL) said so. */
bool pg_llc_estimate(struct pg_llc *llc, struct pg_llc_point *points, size_t count,
                     struct pg_llc_result *ret_results, bool (*must_leave)(void *context),
                     void *context);

/* After it, of a point: (chains) and (chains, draws). */
const double *pg_llc_values(const struct pg_llc *llc, size_t point);
const double *pg_llc_traces(const struct pg_llc *llc, size_t point);

#endif
