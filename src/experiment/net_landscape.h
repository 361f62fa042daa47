/* SPDX-License-Identifier: MIT */
/*
 * A network of the trainer as a landscape: the loss on its training samples, PG_LANES points at
 * once. Forward and backward are the trainer's own, in float; the optimiser stands still and so
 * leaves the gradient as its first moment.
 */
#ifndef PHASEGRID_NET_LANDSCAPE_H
#define PHASEGRID_NET_LANDSCAPE_H

#include "phasegrid/landscape.h"
#include "phasegrid/trainer.h"

struct pg_net_landscape {
    struct pg_trainer_spec spec;
    size_t parameters, batch_most;
    struct pg_model model;
    struct pg_pass pass, batch_pass;
    struct pg_samples samples, batch;        /* of the lanes, interleaved */
    const struct pg_samples *sets[PG_LANES]; /* of the runs: what look_at() numbers */
    const struct pg_samples *looked_at[PG_LANES];
    struct pg_update updates[PG_GROUP_COUNT];
    uint32_t *words;
    float *dense; /* (parameters) */
};

/* Takes all memory; batches of up to batch_most samples. */
struct pg_landscape pg_net_landscape_arrange(struct pg_net_landscape *net,
                                             const struct pg_trainer_spec *spec, size_t batch_most,
                                             const struct pg_kernel *kernel,
                                             struct pg_arena *arena);
/* Once, after the arena is filled. */
void pg_net_landscape_prepare(struct pg_net_landscape *net);

#endif
