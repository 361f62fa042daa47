/* SPDX-License-Identifier: MIT */
/*
 * The posterior exp(-n L(w)) N(0, prior_scale^2), sampled at a ladder of temperatures at once
 * (parallel tempering; Swendsen and Wang 1986, Geyer 1991) with Hamiltonian Monte Carlo within, so
 * that the chain at temperature 1 sees every phase in its share. Temperature i of T has the inverse
 * temperature (i / (T - 1))^3: the prior itself at i = 0, the posterior at the last.
 */
#ifndef PHASEGRID_TEMPERING_H
#define PHASEGRID_TEMPERING_H

#include "phasegrid/sampler.h"
#include "phasegrid/state.h"

enum { PG_TEMPERATURE_PACKS_MAX = 4, PG_TEMPERATURES_MAX = PG_TEMPERATURE_PACKS_MAX * PG_LANES };

struct pg_tempering_plan {
    size_t temperatures; /* a multiple of PG_LANES */
    double n, prior_scale;
    size_t leapfrog_steps;
    int64_t burn_in; /* in which each temperature's step size is fitted to an acceptance of .8 */
    struct pg_random random; /* PG_STREAM_CHAINS */
};

struct pg_tempering {
    struct pg_tempering_plan plan;
    const struct pg_landscape *landscape;
    size_t packs;
    struct pg_chains chains[PG_TEMPERATURE_PACKS_MAX];
    double inverse[PG_TEMPERATURES_MAX];  /* inverse temperatures, ascending from 0 to 1 */
    double energy[PG_TEMPERATURES_MAX];   /* sums of n L after the burn-in ... */
    double accepted[PG_TEMPERATURES_MAX]; /* ... of acceptances ... */
    double swapped[PG_TEMPERATURES_MAX];  /* ... of exchanges with the next one ... */
    double offered[PG_TEMPERATURES_MAX];  /* ... and of how often they were offered */
    int64_t step;                         /* taken */
};

/* Takes all memory (when the arena measures and when it is filled). */
void pg_tempering_arrange(struct pg_tempering *tempering, const struct pg_kernel *kernel,
                          const struct pg_landscape *landscape,
                          const struct pg_tempering_plan *plan, struct pg_arena *arena);

/* All temperatures start at draws of the prior. Their lanes look at data set 0. */
void pg_tempering_begin(struct pg_tempering *tempering);

/* One step of HMC at every temperature, then exchanges of neighbours, of the even and the odd pairs
   in turn. */
void pg_tempering_step(struct pg_tempering *tempering);

/* ret_w (parameters): the point at temperature 1; returns its loss. */
double pg_tempering_point(const struct pg_tempering *tempering, double *ret_w);

/* -log of the evidence: the integral of E[n L] over the inverse temperature (thermodynamic
   integration, trapezoidal rule). */
double pg_tempering_free_energy(const struct pg_tempering *tempering);

/* The state between two steps. */
void pg_tempering_pass(struct pg_tempering *tempering, struct pg_state *state);

#endif
