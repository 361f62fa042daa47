/* SPDX-License-Identifier: MIT */
/*
 * Learning rate and momentum of a step, and which samples it takes: functions of settings, seed and
 * step alone, so that a run between two steps has no state of them.
 */
#ifndef PHASEGRID_DESCENT_SCHEDULE_H
#define PHASEGRID_DESCENT_SCHEDULE_H

#include <stdbool.h>

#include "phasegrid/arena.h"
#include "phasegrid/lane_kernel.h"
#include "phasegrid/setting.h"
#include "tables.h"

/* ---- learning rate and momentum ---- */

/* Rows of the settings of an experiment whose rates change, behind DESCENT_SETTINGS. */
#define SCHEDULE_SETTINGS                                                                          \
    REAL("lr_decay_factor", 1, 1e12, "1", "1", "learning_rate is divided by it"),                  \
        REAL("lr_decay_at", 0, 1, "1", "1", "from this share of the steps on"),                    \
        REAL("momentum_until", 0, 1, "1", "1",                                                     \
             "share of the steps with momentum, 0 from there on (early momentum, SGDEM)")

struct pg_schedule {
    bool changes;
    double decay_factor, decay_at, momentum_until;
};

/* Of settings without SCHEDULE_SETTINGS: the rates do not change. */
struct pg_schedule pg_schedule_read(const struct pg_values *values);

/* At the step that follows `step` of `steps`. A share s of the steps is over at `step` >= s steps
   (SGDEM: arXiv:1809.04564, heavy ball until t_d, then plain descent). */
double pg_schedule_rate(const struct pg_schedule *schedule, double learning_rate, int64_t step,
                        int64_t steps);
double pg_schedule_momentum(const struct pg_schedule *schedule, double momentum, int64_t step,
                            int64_t steps);

/* ---- samples ---- */

extern const char *const pg_sampling_names[]; /* NULL-terminated */
#define SAMPLING_SETTING                                                                           \
    NAME("sampling", pg_sampling_names, "with_replacement",                                        \
         "of batches: with_replacement, or epochs, each a new permutation of the samples")

enum pg_sampling { PG_WITH_REPLACEMENT, PG_EPOCHS };

/* Batches of runs side by side. Under epochs the batches follow each other in a sequence of
   permutations, that of an epoch keyed by (seed, PG_STREAM_ORDERS, epoch); the last one that a lane
   used is kept, and drawn anew where it is another's. */
struct pg_sampler_lanes {
    size_t samples;
    struct pg_drawn_order {
        uint64_t epoch;
        uint32_t seed, mix;
        bool is_drawn;
    } drawn[PG_LANES];
    uint32_t *orders; /* (PG_LANES, samples) */
    uint32_t *words;  /* (batch up to whole blocks, PG_LANES) */
};

enum pg_sampling pg_sampling_read(const struct pg_values *values);

void pg_sampling_arrange(size_t samples, size_t batch_most, struct pg_arena *arena,
                         struct pg_sampler_lanes *ret);

/* Returns the samples (size, PG_LANES) of a batch, until the next one; `random` as a landscape's
   batch() gets it from descent: its counters 0 and 1 are the step, from 1. */
const uint32_t *pg_sampling_draw(struct pg_sampler_lanes *lanes, enum pg_sampling sampling,
                                 const struct pg_kernel *kernel,
                                 const struct pg_lane_random *random, size_t size);

/* The step, from 1, that `random` belongs to in a lane, and its seed's other streams. */
uint64_t pg_step_of(const struct pg_lane_random *random, size_t lane);

/* ---- label noise ---- */

#define LABEL_NOISE_SETTINGS                                                                       \
    REAL("label_noise", 0, 1e6, "0", "1", "delta: +-delta is added to a sample's residual"),       \
        REAL("label_noise_until", 0, 1, "1", "1", "in this share of the steps")

struct pg_label_noise {
    double delta, until;
};

struct pg_label_noise pg_label_noise_read(const struct pg_values *values);

/* +-delta of place `place` of a lane's batch, a fair coin of PG_STREAM_LABEL_NOISE; 0 when the
   share of the steps is over. */
double pg_label_noise_draw(const struct pg_label_noise *noise, const struct pg_lane_random *random,
                           size_t lane, size_t place, int64_t steps);

#endif
