/* SPDX-License-Identifier: MIT */
/*
 * Inner loops in double, over PG_LANES models or chains side by side: arrays of a pack are (rows,
 * PG_LANES), aligned to 64 bytes. Every lane is computed by itself, in one order, whatever stands
 * beside it; every instruction set gives the same bytes.
 */
#ifndef PHASEGRID_LANE_KERNEL_H
#define PHASEGRID_LANE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/kernel.h"

enum { PG_AUTOENCODER_MAX = 16 }; /* features, and hidden dimensions */

/* Where the random numbers of each lane come from: Philox4x32-10 with the counter (block, counter
   0, 1, 2), as pg_random_word() with b, c and mix. */
struct pg_lane_random {
    _Alignas(64) uint32_t key[2][PG_LANES];
    uint32_t counter[3][PG_LANES];
};

/* f(x) = ReLU(W'W x + b), x = m e_j: `hidden` rows of W by `features` columns. Parameters: W row by
   row, then b; hidden x features + features of them. */
struct pg_autoencoder_shape {
    size_t features, hidden;
};

/* A batch of each lane, grouped by feature: from row first[j] on, slots[j] rows (.., PG_LANES) of
   magnitudes of feature j, of which the first full[j] are taken in every lane and the others are
   negative in lanes that have fewer. */
struct pg_autoencoder_batch {
    const double *magnitudes;
    size_t first[PG_AUTOENCODER_MAX];
    size_t slots[PG_AUTOENCODER_MAX], full[PG_AUTOENCODER_MAX];
    double scale;   /* of the sums: 1 / samples */
    bool is_shared; /* all lanes have the same batch: a row is one number, and every slot is full */
};

/* A data set for pg_lane_kernel.autoencoder_sorted, of which each lane has its own or the same: for
   every feature `room` magnitudes, ascending, then infinities; and sums of the first 0, 1, ...,
   room of them and of their squares. room + 1 is a power of two. */
struct pg_autoencoder_sorted {
    const double *base; /* what the offsets of all lanes count from */
    size_t room;
    double offset[PG_LANES];                    /* of each lane's data set: below 2^31 */
    double count[PG_AUTOENCODER_MAX][PG_LANES]; /* samples of each feature */
    double scale[PG_LANES];                     /* of the sums: 1 / samples */
};

/* Numbers of a data set: magnitudes (features, room), sums and squares (features, room + 1). */
static inline size_t pg_autoencoder_sorted_size(size_t features, size_t room)
{
    return features * (3 * room + 2);
}

/* out (rows, columns) = sum over d < depth of a(row, d) b(d, column), of each lane; distances in
   elements of PG_LANES numbers, so that either may be read transposed. */
struct pg_lane_product {
    const double *a;
    size_t a_row, a_depth;
    const double *b;
    size_t b_depth, b_column;
    double *out; /* rows of `columns` elements */
    size_t rows, columns, depth;
};

/* What a Langevin step of each lane needs; w, anchor, gradient, noise: (rows, PG_LANES). */
struct pg_langevin {
    size_t rows;
    double *w;
    const double *anchor, *gradient, *noise;
    const double *n_beta, *localization, *step_size, *root_step_size; /* (PG_LANES) */
};

/* RMSprop's second moment, or the momentum of SGHMC and SGNHT. */
struct pg_langevin_memory {
    double *v;               /* (rows, PG_LANES) */
    double decay, floor;     /* RMSprop: alpha; what is added to the root */
    double *friction;        /* (PG_LANES) */
    const double *diffusion; /* (PG_LANES): sqrt(2 A step_size) */
};

struct pg_lane_kernel {
    /* ret_words (4 blocks, PG_LANES): blocks `first` on of each lane. */
    void (*words)(const struct pg_lane_random *random, uint32_t first, size_t blocks,
                  uint32_t *ret_words);
    /* ret_words (4 blocks): blocks `first` on of lane 0 alone. */
    void (*stream)(const struct pg_lane_random *random, uint32_t first, size_t blocks,
                   uint32_t *ret_words);
    /* Standard normal deviates (4 blocks, PG_LANES): Box-Muller in float, 24 bits. */
    void (*normals)(const struct pg_lane_random *random, uint32_t first, size_t blocks,
                    double *ret_normals);

    /* Mean over the batch of |x - f(x)|^2, and its gradient. w, gradient: (parameters, PG_LANES);
       loss (PG_LANES) or NULL. */
    void (*autoencoder_batch)(const struct pg_autoencoder_shape *shape,
                              const struct pg_autoencoder_batch *batch, const double *w,
                              double *ret_loss, double *ret_gradient);
    /* The same over a whole data set, in O(features^2 log samples). */
    void (*autoencoder_sorted)(const struct pg_autoencoder_shape *shape,
                               const struct pg_autoencoder_sorted *data, const double *w,
                               double *ret_loss, double *ret_gradient);
    /* The same for all magnitudes in [0, 1]: the population (uniform features and magnitudes). */
    void (*autoencoder_population)(const struct pg_autoencoder_shape *shape, const double *w,
                                   double *ret_loss, double *ret_gradient);

    void (*multiply)(const struct pg_lane_product *product);

    /* velocity = momentum velocity + gradient; w -= rate velocity: (rows, PG_LANES), of each lane.
     */
    void (*descend)(size_t rows, double *w, double *velocity, const double *gradient,
                    const double *rate, const double *momentum);

    /* w -= step_size / 2 (n_beta g + localization (w - anchor)) - root_step_size noise. */
    void (*sgld)(const struct pg_langevin *step);
    /* The same, preconditioned by 1 / (sqrt(v) + floor), v the RMSprop average of g^2, g the slope
       of the loss. */
    void (*psgld)(const struct pg_langevin *step, const struct pg_langevin_memory *memory);
    /* p -= step_size (n_beta g + localization (w - anchor)) + friction p - diffusion noise; w += p;
       with a thermostat friction += mean(p^2) - step_size. */
    void (*sghmc)(const struct pg_langevin *step, const struct pg_langevin_memory *memory,
                  int has_thermostat);
};

#endif
