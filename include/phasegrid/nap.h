/* SPDX-License-Identifier: MIT */
/*
 * Waiting without burning a core: some tries in a row, then naps that grow by half from 20 us to
 * 1 ms. Begin with {0}, and again after every success.
 */
#ifndef PHASEGRID_NAP_H
#define PHASEGRID_NAP_H

struct pg_nap {
    int tries;
    long nanoseconds;
};

void pg_nap(struct pg_nap *nap);

#endif
