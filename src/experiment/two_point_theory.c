/* SPDX-License-Identifier: MIT */
/*
 * Integrates in (p, a, b) by Dormand and Prince's pair of orders 5 and 4, the step from the error;
 * only exact operations, so that the bytes are the same everywhere. A fit asks for many guesses, of
 * which some are stiff over the whole time: those are given up after a number of steps.
 */
#include "two_point_theory.h"

#include <math.h>

#include "phasegrid/special.h"

enum { STAGES = 7, VARIABLES = 3, FIT_STEPS = 3000, GUESSES = 129, SIMPLEX_STEPS = 200 };

static const double tolerance = 1e-11;

/* ---- the equations ---- */

static void derive(const struct pg_two_point *at, const double *state, double *ret)
{
    double p = state[0], a = state[1], b = state[2], d = at->target;
    ret[0] = -0.5 * at->encoder_rate * at->input * at->input * (p * (a * a + b * b) - a * d);
    ret[1] = -0.5 * at->decoder_rate * p * (p * a - d);
    ret[2] = -0.5 * at->decoder_rate * p * p * b;
}

static void begin(const struct pg_two_point *at, const struct pg_two_point_state *start,
                  double *ret)
{
    double p = sqrt(start->h);
    double a = at->target > 0.0 ? (start->y - start->w) / (at->target * p) : 0.0;
    ret[0] = p;
    ret[1] = a;
    ret[2] = sqrt(fmax(0.0, start->y / start->h - a * a));
}

static struct pg_two_point_state state_of(const struct pg_two_point *at, const double *v)
{
    double y = v[0] * v[0] * (v[1] * v[1] + v[2] * v[2]);
    return (struct pg_two_point_state){v[0] * v[0], y, y - v[0] * v[1] * at->target};
}

/* One step of Dormand and Prince (1980), Table 2; the largest error in units of the tolerance. */
static double try_step(const struct pg_two_point *at, const double *from, double step, double *to)
{
    static const double weights[STAGES][STAGES] = {
        {0},
        {1.0 / 5},
        {3.0 / 40, 9.0 / 40},
        {44.0 / 45, -56.0 / 15, 32.0 / 9},
        {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
        {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
        {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};
    static const double errors[STAGES] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                          -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
    double slopes[STAGES][VARIABLES], worst = 0.0;
    for (size_t s = 0; s < STAGES; s++) {
        for (size_t v = 0; v < VARIABLES; v++) {
            double sum = 0.0;
            for (size_t k = 0; k < s; k++)
                sum += weights[s][k] * slopes[k][v];
            to[v] = from[v] + step * sum;
        }
        derive(at, to, slopes[s]);
    }
    for (size_t v = 0; v < VARIABLES; v++) {
        double sum = 0.0;
        for (size_t s = 0; s < STAGES; s++)
            sum += errors[s] * slopes[s][v];
        worst = fmax(worst, fabs(step * sum) / (tolerance * (1.0 + fabs(to[v]))));
    }
    return worst;
}

/* The next step's length over this one's: error^(-1/4), a little less, in bounds. */
static double growth(double error)
{
    return fmin(5.0, fmax(0.2, 0.9 / sqrt(sqrt(fmax(error, 1e-6)))));
}

bool pg_two_point_solve(const struct pg_two_point *theory, const struct pg_two_point_state *start,
                        const double *times, size_t count, size_t max_steps,
                        struct pg_two_point_state *ret_states)
{
    double now[VARIABLES], next[VARIABLES], time = 0.0;
    double step = 0.01 / (theory->encoder_rate + theory->decoder_rate);
    size_t taken = 0;
    begin(theory, start, now);
    for (size_t i = 0; i < count; i++) {
        while (time < times[i]) {
            bool is_last = step >= times[i] - time;
            double length = is_last ? times[i] - time : step;
            if (taken++ == max_steps)
                return false;
            double error = try_step(theory, now, length, next);
            if (!(error <= 1.0)) {
                step = isfinite(error) ? length * growth(error) : 0.1 * length;
                continue;
            }
            step = fmax(is_last ? step : 0.0, length * growth(error));
            time = is_last ? times[i] : time + length;
            for (size_t v = 0; v < VARIABLES; v++)
                now[v] = next[v];
        }
        ret_states[i] = state_of(theory, now);
    }
    return true;
}

/* ---- closed forms ---- */

double pg_two_point_balance(const struct pg_two_point *theory,
                            const struct pg_two_point_state *state)
{
    double ratio = theory->encoder_rate / theory->decoder_rate;
    return state->h / (theory->input * theory->input) - ratio * state->y / state->h;
}

double pg_two_point_final_h(const struct pg_two_point *theory,
                            const struct pg_two_point_state *start)
{
    double x = theory->input * theory->input, y = theory->target * theory->target;
    double half = 0.5 * x * pg_two_point_balance(theory, start);
    double product = theory->encoder_rate / theory->decoder_rate * x * y;
    double root = sqrt(half * half + product);
    return half >= 0.0 ? half + root : product / (root - half);
}

double pg_two_point_logistic(const struct pg_two_point *theory, double first, double time)
{
    double rate =
        sqrt(theory->encoder_rate * theory->decoder_rate) * theory->input * theory->target;
    return theory->target / (1.0 + (theory->target / first - 1.0) * pg_exp(-rate * time));
}

/* ---- the fit ---- */

struct data {
    double input, target;
    const double *times;
    const struct pg_two_point_state *states;
    size_t count;
    struct pg_two_point_state *work; /* (3 count) */
};

/* A guess with its sum of squares. */
struct guess {
    double rates[2]; /* encoder, decoder */
    double squares;  /* infinity: not integrated */
};

static bool solve(const struct data *data, const double rates[2], struct pg_two_point_state *ret)
{
    const struct pg_two_point theory = {data->input, data->target, rates[0], rates[1]};
    return pg_two_point_solve(&theory, &data->states[0], data->times, data->count, FIT_STEPS, ret);
}

static struct guess judge(const struct data *data, double encoder_rate, double decoder_rate)
{
    struct guess guess = {{encoder_rate, decoder_rate}, (double)INFINITY};
    if (!(encoder_rate > 0.0 && decoder_rate > 0.0) || !solve(data, guess.rates, data->work))
        return guess;
    double squares = 0.0;
    for (size_t i = 0; i < data->count; i++) {
        double h = data->work[i].h - data->states[i].h, y = data->work[i].y - data->states[i].y;
        double w = data->work[i].w - data->states[i].w;
        squares += h * h + y * y + w * w;
    }
    if (isfinite(squares))
        guess.squares = squares;
    return guess;
}

/* Sixteen guesses a decade. */
static struct guess search_grid(const struct data *data)
{
    const double sixteenth = 1.1547819846894583; /* of a decade */
    double last = data->states[data->count - 1].h, scale = data->input * data->target;
    double ratio = scale > 0.0 ? last / scale * (last / scale) : 1.0;
    struct guess best = {{0.0, 0.0}, (double)INFINITY};
    double rate = 1e-6;
    for (int i = 0; i < GUESSES; i++, rate *= sixteenth) {
        struct guess guess = judge(data, rate * ratio, rate);
        if (guess.squares < best.squares)
            best = guess;
    }
    return best;
}

static void sort(struct guess simplex[3])
{
    for (size_t i = 1; i < 3; i++)
        for (size_t j = i; j > 0 && simplex[j].squares < simplex[j - 1].squares; j--) {
            struct guess other = simplex[j];
            simplex[j] = simplex[j - 1];
            simplex[j - 1] = other;
        }
}

/* Nelder and Mead (1965) on the logarithms of the rates: sums become products. */
static struct guess polish(const struct data *data, const struct guess *first)
{
    const double *rates = first->rates;
    struct guess simplex[3] = {*first, judge(data, 1.1 * rates[0], rates[1]),
                               judge(data, rates[0], 1.1 * rates[1])};
    for (int step = 0; step < SIMPLEX_STEPS; step++) {
        double to[2], middle[2];
        sort(simplex);
        for (size_t r = 0; r < 2; r++) {
            middle[r] = sqrt(simplex[0].rates[r] * simplex[1].rates[r]);
            to[r] = middle[r] / simplex[2].rates[r];
        }
        struct guess trial = judge(data, middle[0] * to[0], middle[1] * to[1]);
        if (trial.squares < simplex[0].squares) {
            struct guess far = judge(data, middle[0] * to[0] * to[0], middle[1] * to[1] * to[1]);
            simplex[2] = far.squares < trial.squares ? far : trial;
        } else if (trial.squares < simplex[1].squares) {
            simplex[2] = trial;
        } else {
            if (trial.squares < simplex[2].squares)
                simplex[2] = trial;
            trial = judge(data, sqrt(middle[0] * simplex[2].rates[0]),
                          sqrt(middle[1] * simplex[2].rates[1]));
            if (trial.squares < simplex[2].squares)
                simplex[2] = trial;
            else
                for (size_t i = 1; i < 3; i++)
                    simplex[i] = judge(data, sqrt(simplex[0].rates[0] * simplex[i].rates[0]),
                                       sqrt(simplex[0].rates[1] * simplex[i].rates[1]));
        }
    }
    sort(simplex);
    return simplex[0];
}

/* Change of the curves with the logarithm of one rate, into work + count (rate + 1). */
static bool differentiate(const struct data *data, const double rates[2], size_t rate)
{
    const double factor = 1.0001, width = 2.0 * pg_log(factor);
    struct pg_two_point_state *to = data->work + data->count * (rate + 1);
    double up[2] = {rates[0], rates[1]}, down[2] = {rates[0], rates[1]};
    up[rate] *= factor;
    down[rate] /= factor;
    if (!solve(data, up, to) || !solve(data, down, data->work))
        return false;
    for (size_t i = 0; i < data->count; i++) {
        to[i].h = (to[i].h - data->work[i].h) / width;
        to[i].y = (to[i].y - data->work[i].y) / width;
        to[i].w = (to[i].w - data->work[i].w) / width;
    }
    return true;
}

static double dot(const struct pg_two_point_state *a, const struct pg_two_point_state *b,
                  size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += a[i].h * b[i].h + a[i].y * b[i].y + a[i].w * b[i].w;
    return sum;
}

/* s^2 (J' J)^-1, in logarithms, times the rates. */
static void put_errors(const struct data *data, const struct guess *best,
                       struct pg_two_point_fit *ret)
{
    const struct pg_two_point_state *e = data->work + data->count, *d = e + data->count;
    ret->encoder_error = ret->decoder_error = (double)NAN;
    if (!differentiate(data, best->rates, 0) || !differentiate(data, best->rates, 1))
        return;
    double ee = dot(e, e, data->count), dd = dot(d, d, data->count), ed = dot(e, d, data->count);
    double determinant = ee * dd - ed * ed, freedom = 3.0 * (double)data->count - 5.0;
    if (!(determinant > 1e-12 * ee * dd) || freedom <= 0.0)
        return;
    ret->encoder_error = best->rates[0] * sqrt(best->squares / freedom * dd / determinant);
    ret->decoder_error = best->rates[1] * sqrt(best->squares / freedom * ee / determinant);
}

/* One of h, y and w: `offset` is its place in a state. */
static double nrmse(const struct data *data, size_t offset)
{
    const double *found = (const double *)data->states + offset;
    const double *expected = (const double *)data->work + offset;
    double low = found[0], high = found[0], squares = 0.0;
    for (size_t i = 0; i < data->count; i++) {
        double apart = found[3 * i] - expected[3 * i];
        low = fmin(low, found[3 * i]);
        high = fmax(high, found[3 * i]);
        squares += apart * apart;
    }
    return sqrt(squares / (double)data->count) / (high - low);
}

bool pg_two_point_fit(double input, double target, const double *times,
                      const struct pg_two_point_state *states, size_t count,
                      struct pg_two_point_state *work, struct pg_two_point_fit *ret_fit)
{
    const struct data data = {input, target, times, states, count, work};
    struct guess best = search_grid(&data);
    if (!isfinite(best.squares))
        return false;
    best = polish(&data, &best);
    *ret_fit = (struct pg_two_point_fit){
        .encoder_rate = best.rates[0], .decoder_rate = best.rates[1], .squares = best.squares};
    put_errors(&data, &best, ret_fit);
    (void)solve(&data, best.rates, work);
    ret_fit->nrmse = (struct pg_two_point_state){nrmse(&data, 0), nrmse(&data, 1), nrmse(&data, 2)};
    return true;
}
