/* SPDX-License-Identifier: MIT */
/* Arithmetic with exact operations only. */
#include "phasegrid/special.h"

#include <math.h>
#include <stddef.h>

/* 2 atanh(s), s = (m - 1) / (m + 1), m in [sqrt(1/2), sqrt(2)). */
double pg_log(double x)
{
    int exponent = 0;
    double m = frexp(x, &exponent);
    if (m < 0.70710678118654752) {
        m *= 2.0;
        exponent--;
    }
    double s = (m - 1.0) / (m + 1.0), s2 = s * s, sum = 0.0;
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * s2 + 1.0 / (double)k;
    return 2.0 * s * sum + (double)exponent * 0.69314718055994531;
}

/* x = n ln 2 + r, |r| <= ln(2) / 2, ln 2 in two parts; Taylor (last term below 1e-17). */
double pg_exp(double x)
{
    if (!(x >= -700.0 && x <= 700.0))
        return x < 0.0 ? 0.0 : x + (double)INFINITY;
    double n = floor(x * 1.4426950408889634 + 0.5), sum = 1.0;
    double r = (x - n * 0x1.62e42feep-1) - n * 1.9082149292705877e-10;
    for (int k = 15; k >= 1; k--)
        sum = 1.0 + sum * r / (double)k;
    return ldexp(sum, (int)n);
}

/* sin(x), |x| <= pi/4 * 1.01, by its Taylor polynomial (last term below 1e-17). */
static double sine_near_zero(double x)
{
    double x2 = x * x, term = x, sum = x;
    for (int k = 2; k <= 16; k += 2) {
        term *= -x2 / (double)(k * (k + 1));
        sum += term;
    }
    return sum;
}

static double cosine_near_zero(double x)
{
    double x2 = x * x, term = 1.0, sum = 1.0;
    for (int k = 1; k <= 15; k += 2) {
        term *= -x2 / (double)(k * (k + 1));
        sum += term;
    }
    return sum;
}

/* The nearest quarter turn is taken off exactly. */
void pg_turn(double u, double *ret_cosine, double *ret_sine)
{
    int quarter = (int)(4.0 * u + 0.5);
    double x = 6.28318530717958648 * (u - 0.25 * (double)quarter);
    double c = cosine_near_zero(x), s = sine_near_zero(x);
    const double cosines[4] = {c, -s, -c, s}, sines[4] = {s, c, -s, -c};
    *ret_cosine = cosines[quarter % 4];
    *ret_sine = sines[quarter % 4];
}

/* atan(x) = 2 atan(x / (1 + sqrt(1 + x^2))), four times; then its series up to x^23. */
static double arctangent(double x)
{
    double sum = 0.0;
    for (int i = 0; i < 4; i++)
        x = x / (1.0 + sqrt(1.0 + x * x));
    for (int k = 23; k >= 1; k -= 2)
        sum = (k % 4 == 1 ? 1.0 : -1.0) / (double)k + x * x * sum;
    return 16.0 * x * sum;
}

double pg_direction(double x, double y)
{
    const double half_turn = 3.14159265358979324;
    if (x == 0.0 && y == 0.0)
        return 0.0;
    if (fabs(y) <= fabs(x))
        return arctangent(y / x) + (x > 0.0 ? 0.0 : y >= 0.0 ? half_turn : -half_turn);
    return (y > 0.0 ? 0.5 : -0.5) * half_turn - arctangent(x / y);
}

/* sum of coefficients[k] x^k, k = 0 .. 7 */
static double polynomial(const double coefficients[8], double x)
{
    double sum = 0.0;
    for (size_t k = 8; k-- > 0;)
        sum = sum * x + coefficients[k];
    return sum;
}

double pg_normal_quantile(double p)
{
    static const double centre[2][8] = {
        {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
         1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
         3.3430575583588128105e+4, 2.5090809287301226727e+3},
        {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
         2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
         5.2264952788528545610e+3}};
    static const double middle[2][8] = {
        {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
         3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
         2.27238449892691845833e-2, 7.74545014278341407640e-4},
        {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
         1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
         1.05075007164441684324e-9}};
    static const double tail[2][8] = {
        {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
         2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
         2.71155556874348757815e-5, 2.01033439929228813265e-7},
        {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
         7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
         2.04426310338993978564e-15}};
    double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(centre[0], r) / polynomial(centre[1], r);
    }
    double r = sqrt(-pg_log(q < 0.0 ? p : 1.0 - p));
    const double(*of)[8] = r <= 5.0 ? middle : tail;
    r -= r <= 5.0 ? 1.6 : 5.0;
    double x = polynomial(of[0], r) / polynomial(of[1], r);
    return q < 0.0 ? -x : x;
}

double pg_student_quantile_975(size_t freedom)
{
    enum { LISTED = 30 };
    static const double listed[LISTED] = {
        12.7062047364, 4.30265272991, 3.18244630528, 2.7764451052,  2.57058183661, 2.44691184879,
        2.36462425101, 2.30600413503, 2.26215716274, 2.22813885196, 2.20098516008, 2.17881282966,
        2.16036865646, 2.14478668792, 2.13144954556, 2.11990529922, 2.10981557783, 2.10092204024,
        2.09302405441, 2.08596344727, 2.07961384473, 2.0738730679,  2.06865761042, 2.06389856163,
        2.05953855275, 2.05552943864, 2.05183051648, 2.0484071418,  2.04522964213, 2.0422724563};
    const double z = 1.959963984540054, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
    double n = (double)freedom;
    if (freedom == 0)
        return (double)NAN;
    if (freedom <= LISTED)
        return listed[freedom - 1];
    return z + (z3 + z) / (4.0 * n) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n * n) +
           (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * n * n * n);
}
