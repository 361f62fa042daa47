/* SPDX-License-Identifier: MIT */
/* Sums, products and roots only, but for the Hessian and the critical n, which are never recorded.
 */
#include "phasegrid/kgon.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "autoencoder.h"
#include "phasegrid/special.h"

enum { FEATURES_MAX = 256, PARAMETERS_MAX = 3 * PG_AUTOENCODER_MAX };

/* ---- solving ---- */

/* The population loss of a k-gon of k features, times 3 k; and d/dlength, d/dbias. */
static double level_at(size_t k, double length, double bias, double ret_slope[2])
{
    double sum = 0.0;
    ret_slope[0] = ret_slope[1] = 0.0;
    for (size_t i = 0; i < k; i++) {
        double cosine, sine;
        pg_turn((double)i / (double)k, &cosine, &sine);
        double g = length * length * cosine, s = i == 0 ? g - 1.0 : g;
        double edge = g != 0.0 ? -bias / g : 0.0, lo = 0.0, hi = g != 0.0 || bias > 0.0 ? 1.0 : 0.0;
        edge = edge < 0.0 ? 0.0 : edge > 1.0 ? 1.0 : edge;
        lo = g > 0.0 ? edge : lo;
        hi = g < 0.0 ? edge : hi;
        double m1 = hi - lo, m2 = (hi * hi - lo * lo) / 2.0,
               m3 = (hi * hi * hi - lo * lo * lo) / 3.0;
        sum += s * s * m3 + 2.0 * s * bias * m2 + bias * bias * m1;
        sum += i == 0 ? 1.0 / 3.0 - m3 : 0.0;
        ret_slope[0] += 2.0 * (s * m3 + bias * m2) * 2.0 * length * cosine;
        ret_slope[1] += 2.0 * (s * m2 + bias * m1);
    }
    ret_slope[0] *= 3.0 * (double)k;
    ret_slope[1] *= 3.0 * (double)k;
    return 3.0 * (double)k * sum;
}

/* Near the minimum, to two digits: of a table, else the best of a grid of lengths .8 to 2.2 and
   biases -2.2 to 0. */
static void find_start(size_t k, double ret[2])
{
    static const struct {
        size_t k;
        double at[2];
    } known[] = {{5, {1.17, -0.28}}, {6, {1.32, -0.62}},  {7, {1.45, -0.97}},
                 {8, {1.55, -1.29}}, {12, {1.03, -0.47}}, {16, {1.03, -0.55}}};
    double best = (double)INFINITY, slope[2];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].k == k) {
            memcpy(ret, known[i].at, sizeof known[i].at);
            return;
        }
    for (int i = 0; i <= 70; i++)
        for (int j = 0; j <= 110; j++) {
            double length = 0.8 + 0.02 * i, bias = -0.02 * j;
            double level = level_at(k, length, bias, slope);
            if (level < best) {
                best = level;
                ret[0] = length;
                ret[1] = bias;
            }
        }
}

/* One step of Newton's method with differences of the slope; false: no minimum is near. */
static bool polish(size_t k, double at[2])
{
    const double h = 1e-6;
    double slope[2], above[2], below[2], hessian[2][2];
    for (size_t d = 0; d < 2; d++) {
        double up[2] = {at[0], at[1]}, down[2] = {at[0], at[1]};
        up[d] += h;
        down[d] -= h;
        (void)level_at(k, up[0], up[1], above);
        (void)level_at(k, down[0], down[1], below);
        for (size_t e = 0; e < 2; e++)
            hessian[e][d] = (above[e] - below[e]) / (2.0 * h);
    }
    (void)level_at(k, at[0], at[1], slope);
    double determinant = hessian[0][0] * hessian[1][1] - hessian[0][1] * hessian[1][0];
    if (!(determinant > 0.0) || !(hessian[0][0] > 0.0))
        return false;
    at[0] -= (slope[0] * hessian[1][1] - slope[1] * hessian[0][1]) / determinant;
    at[1] -= (slope[1] * hessian[0][0] - slope[0] * hessian[1][0]) / determinant;
    return true;
}

int pg_kgon_solve(size_t k, struct pg_kgon *ret, struct pg_error *error)
{
    double at[2] = {1.0, 0.0}, slope[2] = {0.0, 0.0};
    bool is_found = k >= 4 && (k <= 8 || k % 4 == 0); /* c up to 203: Chen et al., appendix */
    if (is_found && k != 4) { /* the square is exact, and the loss has a kink there */
        find_start(k, at);
        for (int i = 0; i < 8 && is_found; i++)
            is_found = polish(k, at);
    }
    double level = is_found ? level_at(k, at[0], at[1], slope) : 0.0;
    if (!is_found || fabs(slope[0]) + fabs(slope[1]) > 1e-9 || level >= (double)k)
        return pg_error_set(error, PG_EINPUT,
                            "there is no %zu-gon; expected 4 to 8, 12, 16, 20, 24 or 28", k);
    *ret = (struct pg_kgon){k, at[0], at[1], level};
    return 0;
}

/* ---- phases ---- */

double pg_kgon_loss(const struct pg_kgon *kgon, size_t sigma, size_t phi, size_t features)
{
    const double c = (double)features, k = (double)kgon->k;
    const double dead = (double)phi * (1.0 - kgon->level / k); /* 1 each, less its share of h_k */
    return (kgon->level + c - k - 3.0 * (double)sigma / (4.0 * c) + dead) / (3.0 * c);
}

void pg_kgon_point(const struct pg_kgon *kgon, size_t sigma, size_t phi, size_t features,
                   double dead_bias, double turn, double *ret_w)
{
    double *b = ret_w + 2 * features;
    memset(ret_w, 0, 3 * features * sizeof *ret_w);
    for (size_t i = 0; i < features; i++) {
        double at = turn + (double)i / (double)kgon->k, cosine, sine;
        bool is_live = i < kgon->k;
        pg_turn(at - floor(at), &cosine, &sine);
        ret_w[i] = is_live ? kgon->length * cosine : 0.0;
        ret_w[features + i] = is_live ? kgon->length * sine : 0.0;
        b[i] = is_live ? kgon->bias : dead_bias;
        if (i < phi)
            b[i] = dead_bias;
        if (!is_live && i < kgon->k + sigma)
            b[i] = 1.0 / (2.0 * (double)features);
    }
}

double pg_kgon_volume_exponent(size_t k, size_t sigma, size_t features)
{
    double c = (double)features;
    if (k < 4 || k > 8 || k > features || sigma > features - k)
        return (double)NAN;
    if (k == 4)
        return 5.5 + (c - 4.0) + (double)sigma / 2.0;
    if (sigma == 0)
        return (3.0 * (double)k - 1.0) / 2.0;
    return sigma == features - k ? (3.0 * c - 1.0) / 2.0 : (double)NAN;
}

double pg_kgon_prior(const struct pg_kgon *kgon, size_t sigma, size_t features)
{
    double live = 1.0 / (2.0 * (double)features);
    return 0.5 * ((double)kgon->k * (kgon->length * kgon->length + kgon->bias * kgon->bias) +
                  (double)sigma * live * live);
}

/* ret (d, d) at w (d), by central differences; w is as it was. */
static void differentiate(const struct pg_autoencoder_shape *shape, double *w, double *ret)
{
    const size_t d = pg_autoencoder_parameters(shape);
    const double h = 1e-6;
    double above[PARAMETERS_MAX], below[PARAMETERS_MAX];
    for (size_t p = 0; p < d; p++) {
        const double at = w[p];
        w[p] = at + h;
        (void)pg_autoencoder_population(shape, w, above);
        w[p] = at - h;
        (void)pg_autoencoder_population(shape, w, below);
        w[p] = at;
        for (size_t q = 0; q < d; q++)
            ret[p * d + q] = (above[q] - below[q]) / (2.0 * h);
    }
}

int pg_kgon_hessian(const struct pg_kgon *kgon, size_t sigma, size_t features,
                    struct pg_kgon_hessian *ret, struct pg_error *error)
{
    const struct pg_autoencoder_shape shape = {features, 2};
    const double nothing = 1e-6;
    double w[PARAMETERS_MAX], values[PARAMETERS_MAX], hessian[PARAMETERS_MAX * PARAMETERS_MAX];
    if (kgon->k < 5 || features < kgon->k || features > PG_AUTOENCODER_MAX)
        return pg_error_set(error, PG_EINPUT,
                            "no Hessian of a %zu-gon of %zu features; expected 5 <= k <= features "
                            "<= %d (at the square the loss has a kink)",
                            kgon->k, features, PG_AUTOENCODER_MAX);
    const lapack_int d = (lapack_int)pg_autoencoder_parameters(&shape);
    pg_kgon_point(kgon, sigma, 0, features, -0.7, 0.2, w);
    differentiate(&shape, w, hessian);
    if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', d, hessian, d, values) != 0)
        return pg_error_set(error, PG_EMACHINE, "LAPACK: dsyev failed on a Hessian");
    *ret = (struct pg_kgon_hessian){0, 0};
    for (lapack_int i = 0; i < d; i++) {
        ret->rank += fabs(values[i]) > nothing;
        ret->negative += values[i] < -nothing;
    }
    return 0;
}

/* ---- the phase rule ---- */

/* Twice the area of o, a, b: positive where b lies to the left of o -> a. */
static double turn_of(size_t features, const double *w, size_t o, size_t a, size_t b)
{
    const double *y = w + features;
    return (w[a] - w[o]) * (y[b] - y[o]) - (y[a] - y[o]) * (w[b] - w[o]);
}

static double square_of(size_t features, const double *w, size_t i)
{
    return w[i] * w[i] + w[features + i] * w[features + i];
}

/* Gift wrapping from the leftmost column; ret_corner (features). Returns the corners. */
static size_t find_hull(size_t features, const double *w, bool *ret_corner)
{
    size_t first = 0, corners = 0;
    memset(ret_corner, 0, features * sizeof *ret_corner);
    for (size_t i = 1; i < features; i++)
        if (w[i] < w[first] || (w[i] == w[first] && w[features + i] < w[features + first]))
            first = i;
    for (size_t at = first; !ret_corner[at] && corners < features; corners++) {
        size_t next = at == 0 ? 1 : 0;
        ret_corner[at] = true;
        for (size_t i = 0; i < features; i++)
            if (i != at && turn_of(features, w, at, next, i) < 0.0)
                next = i;
        at = next;
    }
    return corners;
}

struct pg_superposition_phase pg_superposition_classify(size_t features, const double *w)
{
    const double *b = w + 2 * features;
    struct pg_superposition_phase phase = {0, 0, 0};
    bool corner[FEATURES_MAX];
    if (features < 3 || features > FEATURES_MAX)
        return phase;
    phase.k = find_hull(features, w, corner);
    for (size_t i = 0; i < features; i++) {
        phase.sigma += !corner[i] && b[i] > 0.0;
        phase.phi += corner[i] && b[i] < -square_of(features, w, i);
    }
    return phase;
}

/* ---- critical n ---- */

double pg_critical_sample_count(struct pg_free_energy a, struct pg_free_energy b)
{
    const struct pg_free_energy d = {a.loss - b.loss, a.lambda - b.lambda, a.prior - b.prior};
    const double turning = d.loss != 0.0 ? -d.lambda / d.loss : (double)INFINITY;
    if (d.loss == 0.0 && d.lambda == 0.0 && d.prior == 0.0)
        return (double)NAN;
    double low = turning > 1.0 && isfinite(turning) ? turning : 1.0, high = low;
    double at_low = low * d.loss + d.lambda * log(low) + d.prior, at_high = at_low;
    while (at_low * at_high > 0.0 && high < 1e15) {
        high *= 2.0;
        at_high = high * d.loss + d.lambda * log(high) + d.prior;
    }
    if (!(at_low * at_high <= 0.0))
        return (double)NAN;
    for (int i = 0; i < 200; i++) {
        double middle = 0.5 * (low + high);
        double value = middle * d.loss + d.lambda * log(middle) + d.prior;
        bool is_left = (value > 0.0) == (at_low > 0.0);
        low = is_left ? middle : low;
        high = is_left ? high : middle;
    }
    return low;
}
