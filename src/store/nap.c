/* SPDX-License-Identifier: MIT */
/* The pause after an unsuccessful try; a signal cuts it short. */
#include "phasegrid/nap.h"

#include <time.h>

enum { TRIES = 20 };
static const long shortest = 20000, longest = 1000000;

void pg_nap(struct pg_nap *nap)
{
    if (nap->tries < TRIES) {
        nap->tries++;
        return;
    }
    long next = nap->nanoseconds * 3 / 2;
    nap->nanoseconds = next < shortest ? shortest : next > longest ? longest : next;
    const struct timespec length = {0, nap->nanoseconds};
    (void)nanosleep(&length, NULL);
}
