/* SPDX-License-Identifier: MIT */
/*
 * The toy model of superposition, f(x) = ReLU(W'W x + b) on inputs with one active feature, x = m
 * e_j: output i sees G_ij m + b_i, G = W'W, and so a sample costs O(features). Its error is e_i =
 * ReLU(G_ij m + b_i) - [i = j] m. With the sums E_ij of e_i, and F_ij of e_i m, over the samples of
 * feature j at which output i is active, the gradient is (Chen et al. 2023, arXiv:2310.06301, with
 * the sum over outputs and no half)
 *
 *     dL/db_i = 2 scale sum_j E_ij,   dL/dG_ij = 2 scale F_ij,   dL/dW = W (dL/dG + dL/dG').
 *
 * Three ways to the sums: over a batch sample by sample; over a sorted data set by the place of the
 * threshold -b_i / G_ij and sums up to there; over the population by integrals up to there.
 */
#ifndef PHASEGRID_KERNEL_AUTOENCODER_H
#define PHASEGRID_KERNEL_AUTOENCODER_H

#include "phasegrid/lane_kernel.h"
#include "tile.h"

enum { CELLS = PG_AUTOENCODER_MAX * PG_AUTOENCODER_MAX };

/* What a pass knows of DOUBLES lanes: G, and the sums. (i, j) stands at j features + i. */
struct gram {
    doubles product[CELLS];                                     /* G */
    doubles slope[CELLS];                                       /* F */
    doubles bias[PG_AUTOENCODER_MAX], pull[PG_AUTOENCODER_MAX]; /* b; sums of E over j */
    doubles loss;
};

INLINE void begin_gram(size_t features, size_t hidden, const double *w, struct gram *gram)
{
    const double *b = w + hidden * features * PG_LANES;
    for (size_t i = 0; i < features; i++) {
        gram->bias[i] = d_load(b + i * PG_LANES);
        gram->pull[i] = d_set(0.0);
        for (size_t j = 0; j <= i; j++) {
            doubles sum = d_set(0.0);
            for (size_t k = 0; k < hidden; k++)
                sum = d_fma(d_load(w + (k * features + i) * PG_LANES),
                            d_load(w + (k * features + j) * PG_LANES), sum);
            gram->product[j * features + i] = gram->product[i * features + j] = sum;
        }
    }
    gram->loss = d_set(0.0);
}

/* From the sums to the gradient; scale: of both. */
INLINE void end_gram(size_t features, size_t hidden, const double *w, const struct gram *gram,
                     doubles scale, double *ret_loss, double *ret_gradient)
{
    const doubles twice = d_add(scale, scale);
    if (ret_loss != NULL)
        d_store(ret_loss, d_mul(scale, gram->loss));
    if (ret_gradient == NULL)
        return;
    for (size_t i = 0; i < features; i++)
        d_store(ret_gradient + (hidden * features + i) * PG_LANES, d_mul(twice, gram->pull[i]));
    for (size_t k = 0; k < hidden; k++)
        for (size_t i = 0; i < features; i++) {
            doubles sum = d_set(0.0);
            for (size_t j = 0; j < features; j++) {
                doubles both = d_add(gram->slope[j * features + i], gram->slope[i * features + j]);
                sum = d_fma(both, d_load(w + (k * features + j) * PG_LANES), sum);
            }
            d_store(ret_gradient + (k * features + i) * PG_LANES, d_mul(twice, sum));
        }
}

/* ---- a batch, sample by sample ---- */

/* One row of magnitudes of feature j; is_full: no lane is without. */
INLINE void add_samples(size_t features, size_t j, int is_full, int with_loss, doubles m,
                        struct gram *gram)
{
    const doubles zero = d_set(0.0);
#pragma GCC unroll 6
    for (size_t i = 0; i < features; i++) {
        doubles *slope = &gram->slope[j * features + i];
        doubles y = d_fma(gram->product[j * features + i], m, gram->bias[i]);
        doubles e = d_max(zero, y), pull = e;
        if (i == j) {
            e = d_sub(e, m);
            pull = d_less(zero, y, e, zero);
        }
        if (!is_full) {
            pull = d_less(m, zero, zero, pull);
            e = d_less(m, zero, zero, e);
        }
        gram->pull[i] = d_add(gram->pull[i], pull);
        *slope = d_fma(pull, m, *slope);
        if (with_loss)
            gram->loss = d_fma(e, e, gram->loss);
    }
}

/* is_shared: a row is one number. */
INLINE void pass_batch(size_t features, size_t hidden, int is_shared,
                       const struct pg_autoencoder_batch *batch, const double *w, double *ret_loss,
                       double *ret_gradient)
{
    const size_t row = is_shared ? 1 : PG_LANES;
    for (size_t lane = 0; lane < PG_LANES; lane += DOUBLES) {
        struct gram gram;
        begin_gram(features, hidden, w + lane, &gram);
#pragma GCC unroll 6
        for (size_t j = 0; j < features; j++) {
#pragma GCC unroll 6
            for (size_t i = 0; i < features; i++)
                gram.slope[j * features + i] = d_set(0.0);
            const double *m = batch->magnitudes + batch->first[j] * row + (is_shared ? 0 : lane);
            size_t slot = 0;
            for (; slot < batch->full[j]; slot++, m += row)
                add_samples(features, j, 1, ret_loss != NULL, is_shared ? d_set(*m) : d_load(m),
                            &gram);
            for (; slot < batch->slots[j]; slot++, m += row)
                add_samples(features, j, 0, ret_loss != NULL, d_load(m), &gram);
        }
        end_gram(features, hidden, w + lane, &gram, d_set(batch->scale),
                 ret_loss != NULL ? ret_loss + lane : NULL,
                 ret_gradient != NULL ? ret_gradient + lane : NULL);
    }
}

static void autoencoder_batch(const struct pg_autoencoder_shape *shape,
                              const struct pg_autoencoder_batch *batch, const double *w,
                              double *ret_loss, double *ret_gradient)
{
    const bool is_usual = shape->features == 6 && shape->hidden == 2;
    if (is_usual && ret_loss == NULL && batch->is_shared)
        pass_batch(6, 2, 1, batch, w, NULL, ret_gradient);
    else if (is_usual && ret_loss == NULL)
        pass_batch(6, 2, 0, batch, w, NULL, ret_gradient);
    else if (batch->is_shared)
        pass_batch(shape->features, shape->hidden, 1, batch, w, ret_loss, ret_gradient);
    else
        pass_batch(shape->features, shape->hidden, 0, batch, w, ret_loss, ret_gradient);
}

/* ---- sums of 1, m, m^2 over the active part of a feature's magnitudes ---- */

struct active {
    doubles count, sum, squares;
};

/* Adds what output i does on feature j: G m + b over the active part; `all`: over every sample. */
INLINE void add_cell(size_t at, int is_own, const struct active *active, doubles all_squares,
                     doubles b, struct gram *gram, doubles *pull)
{
    doubles s = is_own ? d_sub(gram->product[at], d_set(1.0)) : gram->product[at];
    doubles errors = d_fma(s, active->sum, d_mul(b, active->count));
    doubles moments = d_fma(s, active->squares, d_mul(b, active->sum));
    *pull = d_add(*pull, errors);
    gram->slope[at] = moments;
    gram->loss = d_fma(s, moments, d_fma(b, errors, gram->loss));
    if (is_own)
        gram->loss = d_add(gram->loss, d_sub(all_squares, active->squares));
}

/* The part of [0, top] beyond the threshold -b / G where G > 0, before it where G < 0. */
INLINE struct active choose_part(doubles g, doubles b, struct active below, struct active all)
{
    const doubles zero = d_set(0.0);
    const struct active beyond = {d_sub(all.count, below.count), d_sub(all.sum, below.sum),
                                  d_sub(all.squares, below.squares)};
    doubles flat_count = d_less(zero, b, all.count, zero),
            flat_sum = d_less(zero, b, all.sum, zero),
            flat_squares = d_less(zero, b, all.squares, zero);
    return (struct active){
        d_less(zero, g, beyond.count, d_less(g, zero, below.count, flat_count)),
        d_less(zero, g, beyond.sum, d_less(g, zero, below.sum, flat_sum)),
        d_less(zero, g, beyond.squares, d_less(g, zero, below.squares, flat_squares))};
}

/* ---- a sorted data set ---- */

/* How many of a feature's magnitudes are at most t. */
INLINE doubles place_of(const struct pg_autoencoder_sorted *data, doubles first, doubles count,
                        doubles t)
{
    const doubles zero = d_set(0.0), one = d_set(1.0);
    doubles place = d_less(t, zero, zero, count);
    /* Most thresholds lie outside, where nothing needs to be looked up. */
    doubles inside = d_less(t, zero, zero, d_less(t, one, one, zero));
    if (!d_any_less(zero, inside))
        return place;
    doubles from = first, found = zero;
    for (size_t step = (data->room + 1) / 2; step > 0; step /= 2) {
        doubles middle = d_gather(data->base, d_add(from, d_set((double)step - 1.0)));
        doubles taken = d_less(t, middle, zero, d_set((double)step));
        from = d_add(from, taken);
        found = d_add(found, taken);
    }
    return d_less(zero, inside, found, place);
}

INLINE void pass_sorted(size_t features, size_t hidden, const struct pg_autoencoder_sorted *data,
                        const double *w, double *ret_loss, double *ret_gradient)
{
    const doubles room = d_set((double)data->room);
    const doubles sums = d_set((double)(features * data->room));
    const doubles squares = d_set((double)(features * (2 * data->room + 1)));
    for (size_t lane = 0; lane < PG_LANES; lane += DOUBLES) {
        const doubles offset = d_load(data->offset + lane);
        struct gram gram;
        begin_gram(features, hidden, w + lane, &gram);
        for (size_t j = 0; j < features; j++) {
            const doubles count = d_load(data->count[j] + lane);
            const doubles first = d_fma(d_set((double)j), room, offset);
            const doubles sum = d_add(d_add(first, sums), d_set((double)j));
            const doubles square = d_add(d_add(first, squares), d_set((double)j));
            const struct active all = {count, d_gather(data->base, d_add(sum, count)),
                                       d_gather(data->base, d_add(square, count))};
            for (size_t i = 0; i < features; i++) {
                doubles g = gram.product[j * features + i], b = gram.bias[i];
                doubles t = d_div(d_sub(d_set(0.0), b), g);
                doubles place = place_of(data, first, count, t);
                const struct active below = {place, d_gather(data->base, d_add(sum, place)),
                                             d_gather(data->base, d_add(square, place))};
                const struct active active = choose_part(g, b, below, all);
                add_cell(j * features + i, i == j, &active, all.squares, b, &gram, &gram.pull[i]);
            }
        }
        end_gram(features, hidden, w + lane, &gram, d_load(data->scale + lane),
                 ret_loss != NULL ? ret_loss + lane : NULL,
                 ret_gradient != NULL ? ret_gradient + lane : NULL);
    }
}

static void autoencoder_sorted(const struct pg_autoencoder_shape *shape,
                               const struct pg_autoencoder_sorted *data, const double *w,
                               double *ret_loss, double *ret_gradient)
{
    if (shape->features == 6 && shape->hidden == 2)
        pass_sorted(6, 2, data, w, ret_loss, ret_gradient);
    else
        pass_sorted(shape->features, shape->hidden, data, w, ret_loss, ret_gradient);
}

/* ---- the population ---- */

INLINE void pass_population(size_t features, size_t hidden, const double *w, double *ret_loss,
                            double *ret_gradient)
{
    const doubles zero = d_set(0.0), one = d_set(1.0), half = d_set(0.5), third = d_set(1.0 / 3.0);
    const struct active all = {one, half, third};
    for (size_t lane = 0; lane < PG_LANES; lane += DOUBLES) {
        struct gram gram;
        begin_gram(features, hidden, w + lane, &gram);
        for (size_t j = 0; j < features; j++)
            for (size_t i = 0; i < features; i++) {
                doubles g = gram.product[j * features + i], b = gram.bias[i];
                doubles t = d_div(d_sub(zero, b), g);
                t = d_less(t, zero, zero, d_less(t, one, t, one));
                doubles t2 = d_mul(t, t);
                const struct active below = {t, d_mul(half, t2), d_mul(third, d_mul(t, t2))};
                const struct active active = choose_part(g, b, below, all);
                add_cell(j * features + i, i == j, &active, third, b, &gram, &gram.pull[i]);
            }
        end_gram(features, hidden, w + lane, &gram, d_set(1.0 / (double)features),
                 ret_loss != NULL ? ret_loss + lane : NULL,
                 ret_gradient != NULL ? ret_gradient + lane : NULL);
    }
}

static void autoencoder_population(const struct pg_autoencoder_shape *shape, const double *w,
                                   double *ret_loss, double *ret_gradient)
{
    if (shape->features == 6 && shape->hidden == 2)
        pass_population(6, 2, w, ret_loss, ret_gradient);
    else
        pass_population(shape->features, shape->hidden, w, ret_loss, ret_gradient);
}

#endif
