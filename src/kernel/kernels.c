/* SPDX-License-Identifier: MIT */
/*
 * The kernel table of one instruction set. This file is compiled once per set, with the header
 * that VECTOR_HEADER names as its vocabulary; it holds no state and no reduction across lanes.
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include VECTOR_HEADER

#include "activation.h"
#include "attention.h"
#include "few.h"
#include "gather.h"
#include "optimizer.h"
#include "probe.h"
#include "tile.h"
#include "transpose.h"

struct activation_target {
    float *out;
    const float *h; /* backward only */
    size_t row;
};

INLINE void store_activated(enum pg_activation activation, const struct tile_buffer *products,
                            const struct tile *tile, const void *context)
{
    const struct activation_target *target = context;
    const size_t step = vector_step(tile->lanes);
    for (size_t r = 0; r < tile->rows; r++) {
        float *out = target->out + tile_index(tile, tile->row + r, tile->column, target->row);
        for (size_t i = 0; i < tile->vectors; i++)
            v_store(out + i * step, activate(activation, v_load(&products->at[r][i * WIDTH])));
    }
}

INLINE void store_derived(enum pg_activation activation, const struct tile_buffer *products,
                          const struct tile *tile, const void *context)
{
    const struct activation_target *target = context;
    const size_t step = vector_step(tile->lanes);
    for (size_t r = 0; r < tile->rows; r++) {
        size_t at = tile_index(tile, tile->row + r, tile->column, target->row);
        for (size_t i = 0; i < tile->vectors; i++, at += step)
            v_store(target->out + at, v_mul(v_load(&products->at[r][i * WIDTH]),
                                            derivative(activation, v_load(target->h + at))));
    }
}

#define CONSUMER(name, action, choice)                                                             \
    INLINE void name(const struct tile_buffer *products, const struct tile *tile,                  \
                     const void *context)                                                          \
    {                                                                                              \
        action(choice, products, tile, context);                                                   \
    }
CONSUMER(store_tanh, store_activated, PG_TANH)
CONSUMER(store_relu, store_activated, PG_RELU)
CONSUMER(store_leaky_relu, store_activated, PG_LEAKY_RELU)
CONSUMER(store_elu, store_activated, PG_ELU)
CONSUMER(store_silu, store_activated, PG_SILU)
CONSUMER(store_d_tanh, store_derived, PG_TANH)
CONSUMER(store_d_relu, store_derived, PG_RELU)
CONSUMER(store_d_leaky_relu, store_derived, PG_LEAKY_RELU)
CONSUMER(store_d_elu, store_derived, PG_ELU)
CONSUMER(store_d_silu, store_derived, PG_SILU)

/* The last columns of a product, fewer than a vector holds: for the kernel of half its width. */
#ifdef HALF_KERNEL
INLINE bool cut_rest(const struct pg_product *product, struct pg_product *ret_rest)
{
    size_t whole = product->columns / WIDTH * WIDTH;
    *ret_rest = *product;
    ret_rest->b += whole;
    ret_rest->out += whole;
    ret_rest->columns -= whole;
    return product->lanes == 1 && ret_rest->columns > 0;
}
#endif

static void forward(const struct pg_product *product, enum pg_activation activation)
{
    const size_t weights = product->rows * product->depth;
    const struct activation_target target = {product->out, NULL, product->out_row};
    if (product->lanes == 1 && product->columns <= PG_FEW_MAX) {
        forward_few(product, activation);
        return;
    }
    if (activation == PG_TANH)
        for_each_tile(product, weights, store_tanh, &target);
    else if (activation == PG_RELU)
        for_each_tile(product, weights, store_relu, &target);
    else if (activation == PG_LEAKY_RELU)
        for_each_tile(product, weights, store_leaky_relu, &target);
    else if (activation == PG_ELU)
        for_each_tile(product, weights, store_elu, &target);
    else if (activation == PG_SILU)
        for_each_tile(product, weights, store_silu, &target);
    else
        for_each_tile(product, weights, NULL, NULL);
#ifdef HALF_KERNEL
    struct pg_product rest;
    if (cut_rest(product, &rest))
        HALF_KERNEL.forward(&rest, activation);
#endif
}

static void backward(const struct pg_product *product, enum pg_activation activation,
                     const float *h)
{
    const size_t weights = product->rows * product->depth;
    const struct activation_target target = {product->out, h, product->out_row};
    if (activation == PG_TANH)
        for_each_tile(product, weights, store_d_tanh, &target);
    else if (activation == PG_RELU)
        for_each_tile(product, weights, store_d_relu, &target);
    else if (activation == PG_LEAKY_RELU)
        for_each_tile(product, weights, store_d_leaky_relu, &target);
    else if (activation == PG_ELU)
        for_each_tile(product, weights, store_d_elu, &target);
    else if (activation == PG_SILU)
        for_each_tile(product, weights, store_d_silu, &target);
    else
        for_each_tile(product, weights, NULL, NULL);
#ifdef HALF_KERNEL
    struct pg_product rest;
    if (cut_rest(product, &rest))
        HALF_KERNEL.backward(&rest, activation, h + (rest.out - product->out));
#endif
}

struct update_target {
    const struct pg_update *update;
    struct pg_moments moments;
};

INLINE void step_tile(const enum step_kind kind, const struct tile_buffer *products,
                      const struct tile *tile, const void *context)
{
    const struct update_target *target = context;
    const struct factors factors = factors_at(target->update, tile->phase);
    const size_t step = vector_step(tile->lanes);
    for (size_t r = 0; r < tile->rows; r++) {
        size_t at = tile_index(tile, tile->row + r, tile->column, target->moments.stride);
        for (size_t i = 0; i < tile->vectors; i++, at += step)
            take_step(kind, &factors, &target->moments, at, v_load(&products->at[r][i * WIDTH]));
    }
}

CONSUMER(step_adamw, step_tile, STEP_ADAMW)
CONSUMER(step_sgd, step_tile, STEP_SGD)
CONSUMER(step_plain_sgd, step_tile, STEP_PLAIN_SGD)

static void update(const struct pg_product *gradient, const struct pg_update *how,
                   const struct pg_moments *moments)
{
    const struct update_target target = {how, *moments};
    const size_t weights = 3 * gradient->rows * gradient->columns;
    const enum step_kind kind = step_kind_of(how);
    if (kind == STEP_ADAMW)
        for_each_tile(gradient, weights, step_adamw, &target);
    else if (kind == STEP_SGD)
        for_each_tile(gradient, weights, step_sgd, &target);
    else
        for_each_tile(gradient, weights, step_plain_sgd, &target);
#ifdef HALF_KERNEL
    struct pg_product rest;
    if (cut_rest(gradient, &rest)) {
        size_t whole = gradient->columns - rest.columns;
        const struct pg_moments behind = {moments->value + whole, moments->m + whole,
                                          moments->v + whole, moments->stride};
        HALF_KERNEL.update(&rest, how, &behind);
    }
#endif
}

static void apply(const struct pg_update *how, const struct pg_moments *moments,
                  const float *gradient, size_t count)
{
    for (size_t lane = 0; lane < PG_LANES; lane += WIDTH) {
        const struct factors factors = factors_at(how, lane);
        for (size_t i = lane; i < count; i += PG_LANES)
            take_step(step_kind_of(how), &factors, moments, i, v_load(gradient + i));
    }
}

static void activate_all(float *x, const struct pg_plane *plane, enum pg_activation activation)
{
    for (size_t row = 0; row < plane->rows; row++, x += plane->row)
        for (size_t i = 0; i < plane->numbers; i += WIDTH)
            v_store(x + i, activate(activation, v_load(x + i)));
}

static void derive_all(float *x, const float *h, const struct pg_plane *plane,
                       enum pg_activation activation)
{
    for (size_t row = 0; row < plane->rows; row++, x += plane->row, h += plane->row)
        for (size_t i = 0; i < plane->numbers; i += WIDTH)
            v_store(x + i, v_mul(v_load(x + i), derivative(activation, v_load(h + i))));
}

static void squared_error(const float *y, const float *target, float *delta, float *loss,
                          const struct pg_plane *plane, float scale)
{
    const vector twice = v_set(2.0f * scale);
    for (size_t i = 0; i < plane->numbers; i += WIDTH) {
        vector sum = v_set(0.0f);
        for (size_t at = i, o = 0; o < plane->rows; o++, at += plane->row) {
            vector error = v_sub(v_load(y + at), v_load(target + at));
            sum = v_fma(error, error, sum);
            if (delta != NULL)
                v_store(delta + at, v_mul(twice, error));
        }
        v_store(loss + i, sum);
    }
}

/* With z = -s y: log(1 + exp(z)) = max(z, 0) + log(1 + e), e = exp(-|z|), where log(1 + e) keeps
   the digits of a small e (Higham, Accuracy and Stability, 1.14.1); the derivative is -s
   sigmoid(z), which does not cancel. */
INLINE vector logistic_loss(vector z, vector e)
{
    const vector one = v_set(1.0f);
    vector sum = v_add(one, e);
    vector log = v_div(v_mul(v_log(sum), e), v_sub(sum, one));
    return v_add(v_max(z, v_set(0.0f)), v_less(one, sum, log, e));
}

static void logistic(const float *y, const uint32_t *labels, float *delta, float *loss,
                     const struct pg_plane *plane, float scale)
{
    const vector zero = v_set(0.0f), one = v_set(1.0f);
    for (size_t i = 0; i < plane->numbers; i += WIDTH) {
        float signs[WIDTH];
        for (size_t lane = 0; lane < WIDTH; lane++)
            signs[lane] = labels[i + lane] == 0 ? 1.0f : -1.0f;
        vector sign = v_load(signs), z = v_mul(sign, v_load(y + i));
        vector e = v_exp(v_bits_or(v_bits_and(z, 0x7fffffffu), v_set(-0.0f)));
        vector share = v_div(v_less(z, zero, e, one), v_add(one, e));
        v_store(loss + i, logistic_loss(z, e));
        if (delta != NULL)
            v_store(delta + i, v_mul(v_mul(v_set(scale), sign), share));
    }
}

/* The largest of a column. */
INLINE vector largest(const float *y, const struct pg_plane *plane)
{
    vector top = v_load(y);
    for (size_t c = 1; c < plane->rows; c++)
        top = v_max(top, v_load(y + c * plane->row));
    return top;
}

/* log sum exp of a column; with delta, also scale softmax. */
INLINE vector log_sum_exp(const float *y, float *delta, const struct pg_plane *plane, float scale)
{
    const vector top = largest(y, plane);
    vector sum = v_set(0.0f);
    for (size_t at = 0, c = 0; c < plane->rows; c++, at += plane->row) {
        vector e = v_exp(v_sub(v_load(y + at), top));
        if (delta != NULL)
            v_store(delta + at, e);
        sum = v_add(sum, e);
    }
    const vector factor = v_div(v_set(scale), sum);
    for (size_t at = 0, c = 0; delta != NULL && c < plane->rows; c++, at += plane->row)
        v_store(delta + at, v_mul(factor, v_load(delta + at)));
    return v_add(v_log(sum), top);
}

static void cross_entropy(const float *y, const uint32_t *labels, float *delta, float *loss,
                          const struct pg_plane *plane, float scale)
{
    for (size_t i = 0; i < plane->numbers; i += WIDTH)
        v_store(loss + i, log_sum_exp(y + i, delta != NULL ? delta + i : NULL, plane, scale));
    for (size_t i = 0; i < plane->numbers; i++)
        loss[i] -= y[labels[i] * plane->row + i];
    for (size_t i = 0; delta != NULL && i < plane->numbers; i++)
        delta[labels[i] * plane->row + i] -= scale;
}

static void argmax(const float *scores, uint32_t *ret_class, const struct pg_plane *plane)
{
    for (size_t i = 0; i < plane->numbers; i += WIDTH) {
        float index[WIDTH];
        vector best = v_load(scores + i), which = v_set(0.0f);
        for (size_t c = 1; c < plane->rows; c++) {
            vector x = v_load(scores + c * plane->row + i);
            which = v_less(best, x, v_set((float)c), which);
            best = v_less(best, x, x, best);
        }
        v_store(index, which);
        for (size_t lane = 0; lane < WIDTH; lane++)
            ret_class[i + lane] = (uint32_t)index[lane];
    }
}

static vector sin_turn(vector u)
{
    vector sine, cosine;
    v_sincos_turn(u, &sine, &cosine);
    return sine;
}

static vector cos_turn(vector u)
{
    vector sine, cosine;
    v_sincos_turn(u, &sine, &cosine);
    return cosine;
}

static void map(const char *function, const float *in, float *out, size_t count)
{
    static const struct {
        const char *name;
        vector (*of)(vector x);
    } functions[] = {{"tanh", v_tanh},
                     {"exp", v_exp},
                     {"log", v_log},
                     {"sin_turn", sin_turn},
                     {"cos_turn", cos_turn}};
    enum { COUNT = sizeof functions / sizeof functions[0] };
    size_t f = 0;
    while (f < COUNT && strcmp(functions[f].name, function) != 0)
        f++;
    assert(f < COUNT);
    for (size_t i = 0; i < count; i += WIDTH)
        v_store(out + i, functions[f].of(v_load(in + i)));
}

extern const struct pg_lane_kernel LANE_KERNEL_SYMBOL;
extern const struct pg_kernel KERNEL_SYMBOL;
const struct pg_kernel KERNEL_SYMBOL = {
    .name = KERNEL_NAME,
    .lanes = WIDTH,
    .is_supported = is_supported,
    .forward = forward,
    .backward = backward,
    .update = update,
    .apply = apply,
    .activate = activate_all,
    .derive = derive_all,
    .back_and_step = walk_back,
    .transpose = transpose,
    .squared_error = squared_error,
    .logistic = logistic,
    .cross_entropy = cross_entropy,
    .argmax = argmax,
    .gather = gather,
    .scatter = scatter,
    .attend = attend,
    .attend_back = attend_back,
    .map = map,
    .probe = probe,
    .in_lanes = &LANE_KERNEL_SYMBOL,
};
