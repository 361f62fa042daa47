/* SPDX-License-Identifier: MIT */
/*
 * The kernel table of one instruction set. This file is compiled once per set, with the header
 * that VECTOR_HEADER names as its vocabulary; it holds no state and no reduction across lanes.
 */
#include <string.h>

#include VECTOR_HEADER

#include "elementary.h"
#include "optimizer.h"
#include "tile.h"

INLINE vector activate(enum pg_activation activation, vector x)
{
    if (activation == PG_TANH)
        return v_tanh(x);
    if (activation == PG_RELU)
        return v_less(x, v_set(0.0f), v_set(0.0f), x);
    return x;
}

/* f'(x) from h = f(x). */
INLINE vector derivative(enum pg_activation activation, vector h)
{
    const vector one = v_set(1.0f);
    if (activation == PG_TANH)
        return v_fma(v_sub(v_set(0.0f), h), h, one);
    if (activation == PG_RELU)
        return v_less(v_set(0.0f), h, one, v_set(0.0f));
    return one;
}

struct activation_target {
    float *out;
    const float *h; /* backward only */
    size_t stride;
};

INLINE void store_activated(enum pg_activation activation, const float *products, size_t row,
                            size_t column, size_t count, const void *context)
{
    const struct activation_target *target = context;
    float *out = target->out + row * target->stride + column;
    for (size_t i = 0; i < count; i += WIDTH)
        v_store(out + i, activate(activation, v_load(products + i)));
}

INLINE void store_derived(enum pg_activation activation, const float *products, size_t row,
                          size_t column, size_t count, const void *context)
{
    const struct activation_target *target = context;
    size_t at = row * target->stride + column;
    for (size_t i = 0; i < count; i += WIDTH)
        v_store(target->out + at + i,
                v_mul(v_load(products + i), derivative(activation, v_load(target->h + at + i))));
}

#define CONSUMER(name, action, choice)                                                             \
    INLINE void name(const float *products, size_t row, size_t column, size_t count,               \
                     const void *context)                                                          \
    {                                                                                              \
        action(choice, products, row, column, count, context);                                     \
    }
CONSUMER(store_identity, store_activated, PG_IDENTITY)
CONSUMER(store_tanh, store_activated, PG_TANH)
CONSUMER(store_relu, store_activated, PG_RELU)
CONSUMER(store_d_identity, store_derived, PG_IDENTITY)
CONSUMER(store_d_tanh, store_derived, PG_TANH)
CONSUMER(store_d_relu, store_derived, PG_RELU)

static void forward(const struct pg_product *product, enum pg_activation activation)
{
    const struct activation_target target = {product->out, NULL, product->out_stride};
    if (activation == PG_TANH)
        for_each_tile(product, store_tanh, &target);
    else if (activation == PG_RELU)
        for_each_tile(product, store_relu, &target);
    else
        for_each_tile(product, store_identity, &target);
}

static void backward(const struct pg_product *product, enum pg_activation activation,
                     const float *h)
{
    const struct activation_target target = {product->out, h, product->out_stride};
    if (activation == PG_TANH)
        for_each_tile(product, store_d_tanh, &target);
    else if (activation == PG_RELU)
        for_each_tile(product, store_d_relu, &target);
    else
        for_each_tile(product, store_d_identity, &target);
}

struct update_target {
    struct pg_update update;
    struct pg_moments moments;
};

INLINE void step_adamw(const float *products, size_t row, size_t column, size_t count,
                       const void *context)
{
    const struct update_target *target = context;
    const struct pg_update update = target->update;
    size_t at = row * target->moments.stride + column;
    for (size_t i = 0; i < count; i += WIDTH)
        adamw(&update, &target->moments, at + i, v_load(products + i));
}

INLINE void step_sgd(const float *products, size_t row, size_t column, size_t count,
                     const void *context)
{
    const struct update_target *target = context;
    size_t at = row * target->moments.stride + column;
    for (size_t i = 0; i < count; i += WIDTH)
        sgd(&target->update, &target->moments, at + i, v_load(products + i));
}

static void update(const struct pg_product *gradient, const struct pg_update *how,
                   const struct pg_moments *moments)
{
    const struct update_target target = {*how, *moments};
    if (how->optimizer == PG_ADAMW)
        for_each_tile(gradient, step_adamw, &target);
    else
        for_each_tile(gradient, step_sgd, &target);
}

static void apply(const struct pg_update *how, const struct pg_moments *moments,
                  const float *gradient, size_t count)
{
    for (size_t i = 0; i < count; i += WIDTH) {
        if (how->optimizer == PG_ADAMW)
            adamw(how, moments, i, v_load(gradient + i));
        else
            sgd(how, moments, i, v_load(gradient + i));
    }
}

/* Eight by eight through registers: pairs, quadruples, halves. No arithmetic, so one version. */
typedef float eight __attribute__((vector_size(32)));

INLINE void transpose_block(const float *in, size_t in_stride, float *out, size_t out_stride)
{
    eight row[8], pair[8], four[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        memcpy(&row[i], in + i * in_stride, sizeof row[i]);
#pragma GCC unroll 4
    for (size_t i = 0; i < 8; i += 2) {
        pair[i] = __builtin_shufflevector(row[i], row[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pair[i + 1] = __builtin_shufflevector(row[i], row[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 2
    for (size_t i = 0; i < 8; i += 4)
#pragma GCC unroll 2
        for (size_t j = 0; j < 2; j++) {
            eight low = pair[i + j], high = pair[i + j + 2];
            four[i + 2 * j] = __builtin_shufflevector(low, high, 0, 1, 8, 9, 4, 5, 12, 13);
            four[i + 2 * j + 1] = __builtin_shufflevector(low, high, 2, 3, 10, 11, 6, 7, 14, 15);
        }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        eight left = __builtin_shufflevector(four[i], four[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        eight right = __builtin_shufflevector(four[i], four[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        memcpy(out + i * out_stride, &left, sizeof left);
        memcpy(out + (i + 4) * out_stride, &right, sizeof right);
    }
}

static void transpose(const float *in, size_t in_stride, float *out, size_t out_stride, size_t rows,
                      size_t columns)
{
    for (size_t column = 0; column < columns; column += 8)
        for (size_t row = 0; row < rows; row += 8)
            transpose_block(in + row * in_stride + column, in_stride,
                            out + column * out_stride + row, out_stride);
}

static void squared_error(const float *y, const float *target, float *delta, float *loss,
                          size_t outputs, size_t stride, float scale)
{
    const vector twice = v_set(2.0f * scale);
    for (size_t i = 0; i < stride; i += WIDTH) {
        vector sum = v_set(0.0f);
        for (size_t o = 0; o < outputs; o++) {
            vector error = v_sub(v_load(y + o * stride + i), v_load(target + o * stride + i));
            sum = v_fma(error, error, sum);
            if (delta != NULL)
                v_store(delta + o * stride + i, v_mul(twice, error));
        }
        v_store(loss + i, sum);
    }
}

/* The largest of each column. */
INLINE vector largest(const float *y, size_t classes, size_t stride)
{
    vector top = v_load(y);
    for (size_t c = 1; c < classes; c++)
        top = v_max(top, v_load(y + c * stride));
    return top;
}

static void softmax_delta(const float *y, const uint32_t *labels, float *delta, size_t classes,
                          size_t stride, float scale)
{
    for (size_t i = 0; i < stride; i += WIDTH) {
        vector top = largest(y + i, classes, stride), sum = v_set(0.0f);
        for (size_t c = 0; c < classes; c++) {
            vector e = v_exp(v_sub(v_load(y + c * stride + i), top));
            v_store(delta + c * stride + i, e);
            sum = v_add(sum, e);
        }
        vector factor = v_div(v_set(scale), sum);
        for (size_t c = 0; c < classes; c++)
            v_store(delta + c * stride + i, v_mul(factor, v_load(delta + c * stride + i)));
    }
    for (size_t i = 0; i < stride; i++)
        delta[labels[i] * stride + i] -= scale;
}

static void cross_entropy(const float *y, const uint32_t *labels, float *delta, float *loss,
                          size_t classes, size_t stride, float scale)
{
    for (size_t i = 0; i < stride; i += WIDTH) {
        vector top = largest(y + i, classes, stride), sum = v_set(0.0f);
        for (size_t c = 0; c < classes; c++)
            sum = v_add(sum, v_exp(v_sub(v_load(y + c * stride + i), top)));
        v_store(loss + i, v_add(v_log(sum), top));
    }
    for (size_t i = 0; i < stride; i++)
        loss[i] -= y[labels[i] * stride + i];
    if (delta != NULL)
        softmax_delta(y, labels, delta, classes, stride, scale);
}

static void argmax(const float *scores, uint32_t *ret_class, size_t classes, size_t stride)
{
    for (size_t i = 0; i < stride; i += WIDTH) {
        float index[WIDTH];
        vector best = v_load(scores + i), which = v_set(0.0f);
        for (size_t c = 1; c < classes; c++) {
            vector x = v_load(scores + c * stride + i);
            which = v_less(best, x, v_set((float)c), which);
            best = v_less(best, x, x, best);
        }
        v_store(index, which);
        for (size_t lane = 0; lane < WIDTH; lane++)
            ret_class[i + lane] = (uint32_t)index[lane];
    }
}

static void map(const char *function, const float *in, float *out, size_t count)
{
    for (size_t i = 0; i < count; i += WIDTH) {
        vector x = v_load(in + i);
        if (strcmp(function, "tanh") == 0)
            v_store(out + i, v_tanh(x));
        else if (strcmp(function, "exp") == 0)
            v_store(out + i, v_exp(x));
        else
            v_store(out + i, v_log(x));
    }
}

extern const struct pg_kernel KERNEL_SYMBOL;
const struct pg_kernel KERNEL_SYMBOL = {
    .name = KERNEL_NAME,
    .forward = forward,
    .backward = backward,
    .update = update,
    .apply = apply,
    .transpose = transpose,
    .squared_error = squared_error,
    .cross_entropy = cross_entropy,
    .argmax = argmax,
    .map = map,
};
