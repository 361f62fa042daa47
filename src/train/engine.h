/* SPDX-License-Identifier: MIT */
/* One model in one layout, and the runs whose numbers stand in it: evaluation and step. */
#ifndef PHASEGRID_TRAIN_ENGINE_H
#define PHASEGRID_TRAIN_ENGINE_H

#include "phasegrid/trainer.h"

/* Takes the engine's memory from the arena; spec is borrowed. lanes: 1 or PG_LANES. */
void pg_engine_arrange(struct pg_engine *engine, const struct pg_trainer_spec *spec, size_t lanes,
                       const struct pg_kernel *kernel, struct pg_arena *arena);
void pg_engine_prepare(struct pg_engine *engine); /* once, after the arena is filled */

/* The run of a seat takes the lane, with its data but without parameters; or leaves it. */
void pg_engine_enter(struct pg_engine *engine, size_t lane, struct pg_seat *seat);
void pg_engine_leave(struct pg_engine *engine, struct pg_seat *seat);

/* Both evaluations of every lane (lanes), at the present parameters; the test set's only if asked
   for. With full batches what it leaves is the forward pass of the step that follows. */
void pg_engine_evaluate(struct pg_engine *engine, bool with_test, struct pg_evaluation *ret_train,
                        struct pg_evaluation *ret_test);

/* The update that leads every run to its next step. */
void pg_engine_step(struct pg_engine *engine);

#endif
