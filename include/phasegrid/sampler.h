/* SPDX-License-Identifier: MIT */
/*
 * Chains that sample exp(-n_beta L(w) - localization / 2 |w - anchor|^2), PG_LANES of them side by
 * side. Chains know no time and no neighbour: a chain is a function of its lane's settings and
 * random key.
 */
#ifndef PHASEGRID_SAMPLER_H
#define PHASEGRID_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "phasegrid/arena.h"
#include "phasegrid/landscape.h"
#include "phasegrid/random.h"

enum pg_sampler {
    PG_SGLD,  /* Welling and Teh 2011 */
    PG_PSGLD, /* SGLD preconditioned as RMSprop, alpha 0.99, floor 0.1 */
    PG_SGHMC, /* Chen, Fox and Guestrin 2014, friction 0.01 */
    PG_SGNHT, /* Ding et al. 2014, thermostat, diffusion 0.01 */
    PG_MALA,  /* Metropolis-adjusted Langevin: HMC of one leapfrog step */
    PG_HMC,   /* Hamiltonian Monte Carlo, leapfrog steps of the root of step_size */
};
extern const char *const pg_sampler_names[]; /* NULL-terminated */

/* Whether it accepts or rejects, and so needs full batches. */
bool pg_sampler_is_adjusted(enum pg_sampler sampler);

/* What chains side by side agree in. */
struct pg_sampler_plan {
    enum pg_sampler sampler;
    int64_t burn_in, draws,
        thin;              /* a draw is every thin-th step after burn_in, the first at once */
    size_t batch_size;     /* 0: full batches */
    size_t leapfrog_steps; /* HMC */
};

int64_t pg_sampler_steps(const struct pg_sampler_plan *plan);

/* The chain of one lane. */
struct pg_chain {
    size_t set; /* of the landscape's data sets */
    double n_beta, localization, step_size;
    struct pg_random random; /* PG_STREAM_CHAINS */
    uint32_t number;         /* of the chain in its run ... */
    int64_t at;              /* ... at this training step: both key the random numbers */
};

/* Of each lane's draws. */
struct pg_chain_summary {
    double acceptance; /* mean probability of a step: taken; of full-batch SGLD, what MALA would
                          say; else NaN */
    double distance;   /* root of the mean square of |w - anchor| */
    double pull;       /* mean square of |dU/dw|; of batches, theirs */
};

struct pg_chains {
    const struct pg_kernel *kernel;
    const struct pg_landscape *landscape;
    struct pg_sampler_plan plan;
    const bool *is_free; /* (parameters): the others stay at the anchor; NULL: all */
    size_t rows;         /* parameters that are sampled */
    size_t *places;      /* (rows) of theirs */
    double *point;       /* (parameters, PG_LANES): where the landscape is asked */
    double *slope;       /* (parameters, PG_LANES) */
    double *w, *anchor, *gradient, *noise, *v; /* (rows, PG_LANES) */
    double *old_w, *old_gradient;              /* (rows, PG_LANES) before the step */
    double *loss, *old_loss;                   /* (PG_LANES) */
    double *n_beta, *localization, *step_size, *root_step_size, *friction, *diffusion;
    double *acceptance, *distance, *pull; /* (PG_LANES) sums */
    struct pg_lane_random noise_random, batch_random, choice_random;
};

/* Takes all memory (when the arena measures and when it is filled). is_free may be NULL, else it
   outlives the chains and is known when the arena measures. */
void pg_chains_arrange(struct pg_chains *chains, const struct pg_kernel *kernel,
                       const struct pg_landscape *landscape, const struct pg_sampler_plan *plan,
                       const bool *is_free, struct pg_arena *arena);

/* Chain i takes lane i, at its anchor anchors[i] (parameters); 1 <= count <= PG_LANES; lanes behind
   repeat the first. */
void pg_chains_begin(struct pg_chains *chains, const struct pg_chain *which,
                     const double *const *anchors, size_t count);

/* For who takes the steps one by one, of samplers that accept and reject: loss and gradient where
   the chains stand, once; then step after step, whose acceptance is added to chains->acceptance. */
void pg_chains_ask(struct pg_chains *chains);
void pg_chains_step(struct pg_chains *chains, int64_t step);

/* The full-batch losses where the chains stand. */
void pg_chains_loss(struct pg_chains *chains, double ret_loss[PG_LANES]);

/* All steps. ret_trace (draws, PG_LANES): losses of the draws: of the full batch where the
   landscape scores so, else of the batch of the step that follows. must_leave (may be NULL) is
   asked between steps; false: it said so. */
bool pg_chains_run(struct pg_chains *chains, double *ret_trace,
                   struct pg_chain_summary ret_summary[PG_LANES], bool (*must_leave)(void *context),
                   void *context);

#endif
