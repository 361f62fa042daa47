/* SPDX-License-Identifier: MIT */
/* What the files of the parity experiment share. */
#ifndef PHASEGRID_PARITY_H
#define PHASEGRID_PARITY_H

#include "descent.h"
#include "phasegrid/lane_kernel.h"
#include "phasegrid/random.h"

enum { PARITY_BITS_MAX = 64, PARITY_SAMPLES_MAX = 1000000 };

/* f(x) = w2 . relu(W1 x + b1) + b2. Parameters: W1 (width, bits) row by row, b1, w2, b2. */
struct parity_net {
    size_t bits, width;
    double weight_decay[PG_LANES]; /* L2: weight_decay / 2 |w|^2 is part of the loss */
};

/* Samples of all lanes, bit i of a word: x_i is -1 (1) or 1 (0). The label is the product of the
   lane's first `order` x_i. */
struct parity_samples {
    const uint64_t *words; /* (count, PG_LANES) */
    size_t count;
    const uint64_t *masks; /* (PG_LANES) the bits of the label */
};

/* Scratch for a window of samples. */
struct parity_room {
    double *x;        /* (bits, window, PG_LANES) */
    double *h;        /* (width, window, PG_LANES) relu(W1 x + b1) */
    double *delta;    /* the same, d loss / d (W1 x + b1) */
    double *f, *df;   /* (window, PG_LANES) */
    double *gradient; /* (parameters, PG_LANES) of a window */
};

/* Means over the samples of each lane. */
struct parity_score {
    double hinge[PG_LANES], accuracy[PG_LANES];
};

/* A cell's settings, read once. */
struct parity_cell {
    struct parity_net net; /* without weight decay */
    size_t order, samples, test_count;
    double weight_decay, init_scale, solved;
    struct pg_segment segments[4];
    struct pg_descent_shape shape;
};

int pg_parity_read(const struct pg_values *values, struct parity_cell *ret,
                   struct pg_error *error) PG_CHECK_RESULT;

static inline size_t pg_parity_parameters(const struct parity_net *net)
{
    return net->width * (net->bits + 2) + 1;
}

/* Takes the scratch (when the arena measures and when it is filled). */
void pg_parity_arrange(const struct parity_net *net, struct parity_room *room,
                       struct pg_arena *arena);

/* Hinge loss max(0, 1 - y f) and accuracy of all lanes at w (parameters, PG_LANES); ret_gradient,
   as w, of the mean loss with its penalty, or NULL. */
void pg_parity_score(const struct parity_net *net, const struct pg_lane_kernel *kernel,
                     const struct parity_samples *samples, const double *w,
                     const struct parity_room *room, struct parity_score *ret_score,
                     double *ret_gradient);

/* The penalties of the lanes, weight_decay / 2 |w|^2. */
void pg_parity_penalty(const struct parity_net *net, const double *w, double ret[PG_LANES]);

/* (k - 1) / (n - k), the ratio of the majority function's Fourier coefficients of orders k + 1 and
   k - 1: how much weaker the gradient of an irrelevant coordinate is at the start (Barak et al.
   2022, section 4). */
double pg_parity_fourier_ratio(size_t bits, size_t order);

extern const struct pg_experiment pg_experiment_parity;

#endif
