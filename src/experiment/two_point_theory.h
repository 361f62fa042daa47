/* SPDX-License-Identifier: MIT */
/*
 * The effective theory of two points (van Rossem and Saxe, "When Representations Align", 2024,
 * arXiv:2402.09142): squared distance h of two hidden representations, squared distance y of the
 * two outputs, and w = y - d.dy, where d is the difference of the targets.
 */
#ifndef PHASEGRID_TWO_POINT_THEORY_H
#define PHASEGRID_TWO_POINT_THEORY_H

#include <stdbool.h>
#include <stddef.h>

/* What the theory knows of a task and a network; rates in 1 / unit of time. */
struct pg_two_point {
    double input, target;              /* |dx| > 0, |d| >= 0 */
    double encoder_rate, decoder_rate; /* 1 / tau_h, 1 / tau_y; > 0 */
};

struct pg_two_point_state {
    double h, y, w; /* h > 0 */
};

/* The states (count) at ascending times >= 0 from a start at time 0, local error 1e-11. The
   equations are those of a linear network of one hidden unit, encoder p and decoder slope (a, b)
   along and across d, with h = p^2, y = p^2 (a^2 + b^2), w = y - p a |d|: polynomials, without the
   1/h of the paper's form. False: more than max_steps steps. */
bool pg_two_point_solve(const struct pg_two_point *theory, const struct pg_two_point_state *start,
                        const double *times, size_t count, size_t max_steps,
                        struct pg_two_point_state *ret_states);

/* h / |dx|^2 - (eh / ey) y / h, which does not change. */
double pg_two_point_balance(const struct pg_two_point *theory,
                            const struct pg_two_point_state *state);

/* Where h ends. */
double pg_two_point_final_h(const struct pg_two_point *theory,
                            const struct pg_two_point_state *start);

/* |dy| at a time on the rich branch (balance 0, dy along d): logistic, from `first` > 0 at 0. */
double pg_two_point_logistic(const struct pg_two_point *theory, double first, double time);

struct pg_two_point_fit {
    double encoder_rate, decoder_rate;
    double encoder_error, decoder_error; /* standard errors, from the curvature; NaN: singular */
    double squares;                      /* sum of squared residuals of h, y and w */
    struct pg_two_point_state nrmse;     /* root mean square over range, each by itself */
};

/* Rates by least squares on h, y and w jointly, from states (count) at ascending times; the curves
   start at the first state. A grid of rates in the rich ratio, 1e-6 to 1e2 per unit of time, then
   Nelder and Mead in their logarithms. work (3 count) is scratch. False: no rates fit. */
bool pg_two_point_fit(double input, double target, const double *times,
                      const struct pg_two_point_state *states, size_t count,
                      struct pg_two_point_state *work, struct pg_two_point_fit *ret_fit);

#endif
