/* SPDX-License-Identifier: MIT */
/*
 * Training and nothing else: forward, loss, backward and optimiser on the whole batch of a
 * workload, for one model or a pack of them. What a trainer's evaluations cost is measured against
 * this.
 */
#ifndef PHASEGRID_BARE_LOOP_H
#define PHASEGRID_BARE_LOOP_H

#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/workload.h"

struct pg_bare_loop;

/* lanes: 1, or PG_LANES models with initial values of their own. The workload is borrowed until
   destroy. */
int pg_bare_loop_create(const struct pg_workload *workload, const struct pg_kernel *kernel,
                        size_t lanes, struct pg_bare_loop **ret_loop,
                        struct pg_error *error) PG_CHECK_RESULT;
void pg_bare_loop_destroy(struct pg_bare_loop *loop);

/* Goes on for `steps` steps of every model; ret_loss (lanes): before the last of them. */
void pg_bare_loop_train(struct pg_bare_loop *loop, int64_t steps, double *ret_loss);

/* Parameters of the model in a lane, dense. */
void pg_bare_loop_parameters(const struct pg_bare_loop *loop, size_t lane, float *ret_dense);

#endif
