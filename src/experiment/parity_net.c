/* SPDX-License-Identifier: MIT */
/*
 * A network of one hidden layer over sparse parities, all lanes together, window by window of its
 * samples: products are the kernels', what stands between them is element by element.
 */
#include <string.h>

#include "parity.h"

enum { WINDOW = 64 };

double pg_parity_fourier_ratio(size_t bits, size_t order)
{
    return order < bits ? ((double)order - 1.0) / (double)(bits - order) : PG_NAN;
}

void pg_parity_arrange(const struct parity_net *net, struct parity_room *room,
                       struct pg_arena *arena)
{
    const size_t element = PG_LANES * sizeof(double);
    room->x = pg_arena_take(arena, net->bits * WINDOW * element);
    room->h = pg_arena_take(arena, net->width * WINDOW * element);
    room->delta = pg_arena_take(arena, net->width * WINDOW * element);
    room->f = pg_arena_take(arena, WINDOW * element);
    room->df = pg_arena_take(arena, WINDOW * element);
    room->gradient = pg_arena_take(arena, pg_parity_parameters(net) * element);
}

/* ---- one window ---- */

/* Samples begin .. begin + count; arrays of the room have rows of `count` elements. */
struct window {
    const struct parity_net *net;
    const struct pg_lane_kernel *kernel;
    const struct parity_samples *samples;
    const struct parity_room *room;
    const double *w;
    size_t begin, count;
};

static const uint64_t *words_of(const struct window *window)
{
    return window->samples->words + window->begin * PG_LANES;
}

static void fill_inputs(const struct window *window)
{
    const uint64_t *words = words_of(window);
    const size_t row = window->count * PG_LANES;
    for (size_t i = 0; i < window->net->bits; i++)
        for (size_t at = 0; at < row; at++)
            window->room->x[i * row + at] = (words[at] >> i & 1) != 0 ? -1.0 : 1.0;
}

static void forward(const struct window *window)
{
    const struct parity_net *net = window->net;
    const size_t count = window->count, row = count * PG_LANES;
    const double *biases = window->w + net->width * net->bits * PG_LANES;
    const double *outputs = biases + net->width * PG_LANES, *last = outputs + net->width * PG_LANES;
    double *h = window->room->h, *f = window->room->f;
    const struct pg_lane_product first = {window->w, net->bits,  1,     window->room->x, count, 1,
                                          h,         net->width, count, net->bits};
    window->kernel->multiply(&first);
    for (size_t j = 0; j < net->width; j++)
        for (size_t at = 0; at < row; at++) {
            double z = h[j * row + at] + biases[j * PG_LANES + at % PG_LANES];
            h[j * row + at] = z > 0.0 ? z : 0.0;
        }
    const struct pg_lane_product second = {outputs, 0, 1, h, count, 1, f, 1, count, net->width};
    window->kernel->multiply(&second);
    for (size_t at = 0; at < row; at++)
        f[at] += last[at % PG_LANES];
}

/* Adds the window's losses and hits to the score, and leaves the slopes of the mean loss in df. */
static void score_window(const struct window *window, struct parity_score *score)
{
    const uint64_t *words = words_of(window), *masks = window->samples->masks;
    for (size_t at = 0; at < window->count * PG_LANES; at++) {
        const size_t lane = at % PG_LANES;
        double y = __builtin_parityll(words[at] & masks[lane]) != 0 ? -1.0 : 1.0;
        double margin = 1.0 - y * window->room->f[at];
        score->hinge[lane] += margin > 0.0 ? margin : 0.0;
        score->accuracy[lane] += margin < 1.0 ? 1.0 : 0.0;
        window->room->df[at] = margin > 0.0 ? -y / (double)window->samples->count : 0.0;
    }
}

static void add_sums(const double *rows, size_t row_count, size_t row, double *ret)
{
    for (size_t j = 0; j < row_count; j++)
        for (size_t at = 0; at < row; at++)
            ret[j * PG_LANES + at % PG_LANES] += rows[j * row + at];
}

static void add(double *to, const double *from, size_t rows)
{
    for (size_t at = 0; at < rows * PG_LANES; at++)
        to[at] += from[at];
}

static void backward(const struct window *window, double *gradient)
{
    const struct parity_net *net = window->net;
    const struct parity_room *room = window->room;
    const size_t count = window->count, row = count * PG_LANES, weights = net->width * net->bits;
    const double *outputs = window->w + (weights + net->width) * PG_LANES;
    double *biases = gradient + weights * PG_LANES, *of_outputs = biases + net->width * PG_LANES;
    for (size_t j = 0; j < net->width; j++)
        for (size_t at = 0; at < row; at++) {
            double slope = outputs[j * PG_LANES + at % PG_LANES] * room->df[at];
            room->delta[j * row + at] = room->h[j * row + at] > 0.0 ? slope : 0.0;
        }
    const struct pg_lane_product first = {room->delta,    count,      1,         room->x, 1, count,
                                          room->gradient, net->width, net->bits, count};
    window->kernel->multiply(&first);
    add(gradient, room->gradient, weights);
    add_sums(room->delta, net->width, row, biases);
    const struct pg_lane_product second = {room->df,       0, 1,          room->h, 1, count,
                                           room->gradient, 1, net->width, count};
    window->kernel->multiply(&second);
    add(of_outputs, room->gradient, net->width);
    add_sums(room->df, 1, row, of_outputs + net->width * PG_LANES);
}

/* ---- all samples ---- */

void pg_parity_score(const struct parity_net *net, const struct pg_lane_kernel *kernel,
                     const struct parity_samples *samples, const double *w,
                     const struct parity_room *room, struct parity_score *ret_score,
                     double *ret_gradient)
{
    struct window window = {net, kernel, samples, room, w, 0, 0};
    memset(ret_score, 0, sizeof *ret_score);
    for (size_t at = 0; at < pg_parity_parameters(net) * PG_LANES && ret_gradient != NULL; at++)
        ret_gradient[at] = net->weight_decay[at % PG_LANES] * w[at];
    for (; window.begin < samples->count; window.begin += window.count) {
        size_t left = samples->count - window.begin;
        window.count = left < WINDOW ? left : WINDOW;
        fill_inputs(&window);
        forward(&window);
        score_window(&window, ret_score);
        if (ret_gradient != NULL)
            backward(&window, ret_gradient);
    }
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        ret_score->hinge[lane] /= (double)samples->count;
        ret_score->accuracy[lane] /= (double)samples->count;
    }
}

void pg_parity_penalty(const struct parity_net *net, const double *w, double ret[PG_LANES])
{
    memset(ret, 0, PG_LANES * sizeof *ret);
    for (size_t at = 0; at < pg_parity_parameters(net) * PG_LANES; at++)
        ret[at % PG_LANES] += 0.5 * net->weight_decay[at % PG_LANES] * w[at] * w[at];
}
