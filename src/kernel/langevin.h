/* SPDX-License-Identifier: MIT */
/*
 * Steps of gradient descent, and of the stochastic-gradient samplers of the tempered, localised
 * posterior with the potential U(w) = n_beta L(w) + localization / 2 |w - anchor|^2 (Lau et al.
 * 2023, arXiv:2308.12108).
 */
#ifndef PHASEGRID_KERNEL_LANGEVIN_H
#define PHASEGRID_KERNEL_LANGEVIN_H

#include "phasegrid/lane_kernel.h"
#include "tile.h"

static void multiply_lanes(const struct pg_lane_product *product)
{
    for (size_t lane = 0; lane < PG_LANES; lane += DOUBLES)
        for (size_t row = 0; row < product->rows; row++)
            for (size_t column = 0; column < product->columns; column++) {
                const double *a = product->a + row * product->a_row * PG_LANES + lane;
                const double *b = product->b + column * product->b_column * PG_LANES + lane;
                doubles sum = d_set(0.0);
                for (size_t d = 0; d < product->depth; d++) {
                    sum = d_fma(d_load(a), d_load(b), sum);
                    a += product->a_depth * PG_LANES;
                    b += product->b_depth * PG_LANES;
                }
                d_store(product->out + (row * product->columns + column) * PG_LANES + lane, sum);
            }
}

/* Polyak's momentum, as torch's SGD has it. */
static void descend(size_t rows, double *w, double *velocity, const double *gradient,
                    const double *rate, const double *momentum)
{
    for (size_t lane = 0; lane < PG_LANES; lane += DOUBLES) {
        const doubles keep = d_load(momentum + lane);
        const doubles back = d_sub(d_set(0.0), d_load(rate + lane));
        for (size_t row = 0, at = lane; row < rows; row++, at += PG_LANES) {
            doubles v = d_fma(keep, d_load(velocity + at), d_load(gradient + at));
            d_store(velocity + at, v);
            d_store(w + at, d_fma(back, v, d_load(w + at)));
        }
    }
}

/* dU/dw of a row. */
INLINE doubles pull_of(const struct pg_langevin *step, size_t at, size_t lane)
{
    doubles distance = d_sub(d_load(step->w + at), d_load(step->anchor + at));
    return d_fma(d_load(step->localization + lane), distance,
                 d_mul(d_load(step->n_beta + lane), d_load(step->gradient + at)));
}

/* Welling and Teh (2011). */
static void sgld(const struct pg_langevin *step)
{
    for (size_t lane = 0; lane < PG_LANES; lane += DOUBLES) {
        const doubles drift = d_mul(d_set(-0.5), d_load(step->step_size + lane));
        const doubles spread = d_load(step->root_step_size + lane);
        for (size_t row = 0, at = lane; row < step->rows; row++, at += PG_LANES) {
            doubles w = d_fma(drift, pull_of(step, at, lane), d_load(step->w + at));
            d_store(step->w + at, d_fma(spread, d_load(step->noise + at), w));
        }
    }
}

/* Li et al. (2016), without the curvature term; the average knows the slope of the loss alone,
   without n_beta, as devinterp has it: near a minimum the scale is 1 / floor. */
static void psgld(const struct pg_langevin *step, const struct pg_langevin_memory *memory)
{
    const doubles decay = d_set(memory->decay), rest = d_set(1.0 - memory->decay);
    for (size_t lane = 0; lane < PG_LANES; lane += DOUBLES) {
        const doubles drift = d_mul(d_set(-0.5), d_load(step->step_size + lane));
        const doubles spread = d_load(step->root_step_size + lane);
        for (size_t row = 0, at = lane; row < step->rows; row++, at += PG_LANES) {
            doubles g = d_load(step->gradient + at);
            doubles v = d_fma(decay, d_load(memory->v + at), d_mul(rest, d_mul(g, g)));
            doubles scale = d_div(d_set(1.0), d_add(d_sqrt(v), d_set(memory->floor)));
            doubles w = d_fma(d_mul(drift, scale), pull_of(step, at, lane), d_load(step->w + at));
            doubles noise = d_mul(d_mul(spread, d_sqrt(scale)), d_load(step->noise + at));
            d_store(memory->v + at, v);
            d_store(step->w + at, d_add(w, noise));
        }
    }
}

/* Chen, Fox and Guestrin (2014); with a thermostat Ding et al. (2014). The variance of p is
   step_size. */
static void sghmc(const struct pg_langevin *step, const struct pg_langevin_memory *memory,
                  int has_thermostat)
{
    for (size_t lane = 0; lane < PG_LANES; lane += DOUBLES) {
        const doubles size = d_load(step->step_size + lane);
        const doubles friction = d_load(memory->friction + lane);
        const doubles keep = d_sub(d_set(1.0), friction);
        const doubles spread = d_load(memory->diffusion + lane);
        doubles energy = d_set(0.0);
        for (size_t row = 0, at = lane; row < step->rows; row++, at += PG_LANES) {
            doubles p = d_mul(keep, d_load(memory->v + at));
            p = d_fma(d_sub(d_set(0.0), size), pull_of(step, at, lane), p);
            p = d_fma(spread, d_load(step->noise + at), p);
            energy = d_fma(p, p, energy);
            d_store(memory->v + at, p);
            d_store(step->w + at, d_add(d_load(step->w + at), p));
        }
        if (has_thermostat) {
            doubles excess = d_sub(d_div(energy, d_set((double)step->rows)), size);
            d_store(memory->friction + lane, d_add(friction, excess));
        }
    }
}

#endif
