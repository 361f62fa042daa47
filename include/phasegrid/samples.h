/* SPDX-License-Identifier: MIT */
/* Samples as a model takes them: of one run, or of the runs of a pack, interleaved. */
#ifndef PHASEGRID_SAMPLES_H
#define PHASEGRID_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/arena.h"

struct pg_model_spec;

/* Samples by what stands in them: symbols or features in, a class or a target vector out. Borrowed.
   Every element is one number, or one for each run of a pack, whose samples are never padded. */
struct pg_samples {
    size_t count, arity;
    const uint32_t *inputs; /* (count, arity) symbols */
    const uint32_t *labels; /* (padded count) classes; padding holds any valid class */
    const float *targets;   /* (outputs, padded count), or NULL where the loss takes labels */
    const float *features;  /* (features, padded count), or NULL where the model takes symbols */
};

/* Elements from one row of targets or features to the next. */
size_t pg_samples_row(const struct pg_samples *samples, size_t lanes);

/* Arrays for `count` samples of each of so many lanes (when the arena measures and when it is
   filled); all elements are of four bytes. */
void pg_samples_arrange(struct pg_samples *samples, const struct pg_model_spec *model, size_t arity,
                        size_t count, size_t lanes, struct pg_arena *arena);

/* One lane of samples that pg_samples_arrange() has made. */
struct pg_samples_lane {
    const struct pg_samples *samples;
    size_t lanes, lane;
};

/* Copies sample `from` of a run's own samples to place `to` of a lane. */
void pg_samples_copy(const struct pg_model_spec *model, const struct pg_samples *run, size_t from,
                     const struct pg_samples_lane *lane, size_t to);

#endif
