/* SPDX-License-Identifier: MIT */
/*
 * What chains say of their convergence: rank-normalised split R-hat and bulk effective sample size
 * (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, arXiv:1903.08008). They know of sampling
 * error alone: a bias that all chains share does not show.
 */
#ifndef PHASEGRID_CHAIN_STATISTICS_H
#define PHASEGRID_CHAIN_STATISTICS_H

#include <stddef.h>

struct pg_chain_statistics {
    double rhat; /* the larger of those of the draws and of their distance from the median */
    double ess;  /* bulk, of all chains together; at most chains draws log10(chains draws) */
};

/* Numbers of scratch for so many draws. */
size_t pg_chain_statistics_scratch(size_t chains, size_t draws);

/* draws (chains, draws). NaN where fewer than 4 draws a chain, or not all finite, or all equal. */
struct pg_chain_statistics pg_chain_statistics(const double *draws, size_t chains, size_t count,
                                               double *scratch);

#endif
