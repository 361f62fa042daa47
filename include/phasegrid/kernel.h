/* SPDX-License-Identifier: MIT */
/*
 * The inner loops, written once over a small vector vocabulary, compiled per instruction set and
 * chosen once. Every variant gives the same bytes: each output is one chain of fused multiply-adds
 * in index order, and sums across lanes do not occur.
 *
 * Activations are feature-major: (features, stride), samples in lanes, stride a multiple of
 * PG_LANES. Arrays are aligned to 64 bytes and padded to whole lanes; what stands in the padding
 * of samples is never read into a result.
 */
#ifndef PHASEGRID_KERNEL_H
#define PHASEGRID_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

enum { PG_LANES = 16 };

static inline size_t pg_padded(size_t count)
{
    return (count + PG_LANES - 1) / PG_LANES * PG_LANES;
}

enum pg_activation { PG_IDENTITY, PG_TANH, PG_RELU };

/* out (rows, columns) = sum over d of a(row, d) b(d, column); a may be read along either index. */
struct pg_product {
    const float *a;
    size_t a_row, a_depth; /* distance between a's rows and between its depth entries */
    const float *b;        /* (depth, columns) */
    size_t b_stride;
    float *out; /* (rows, columns); unused by update */
    size_t out_stride;
    size_t rows, columns, depth; /* columns: a multiple of PG_LANES */
};

enum pg_optimizer { PG_ADAMW, PG_SGD };

/* One step of an optimiser, in the factors that the inner loop wants. */
struct pg_update {
    enum pg_optimizer optimizer;
    float keep;              /* 1 - lr weight_decay, decoupled (Loshchilov & Hutter 2019) */
    float rate;              /* AdamW: lr / (1 - beta1^t); SGD: lr */
    float beta1, beta1_rest; /* AdamW; beta1 is SGD's momentum */
    float beta2, beta2_rest;
    float root_scale; /* 1 / sqrt(1 - beta2^t) */
    float epsilon;
};

/* Parameters and their moments, of one shape, rows `stride` apart. SGD keeps its velocity in m. */
struct pg_moments {
    float *value, *m, *v;
    size_t stride;
};

struct pg_kernel {
    const char *name;

    /* out = f(a b) */
    void (*forward)(const struct pg_product *product, enum pg_activation activation);

    /* out = (a b) f'(h), with f' from the activated h (rows, columns), out's stride. */
    void (*backward)(const struct pg_product *product, enum pg_activation activation,
                     const float *h);

    /* The product is a gradient: applied to the moments (rows, columns), never stored. */
    void (*update)(const struct pg_product *gradient, const struct pg_update *update,
                   const struct pg_moments *moments);

    /* The same for a gradient that exists already: (count), a multiple of PG_LANES. */
    void (*apply)(const struct pg_update *update, const struct pg_moments *moments,
                  const float *gradient, size_t count);

    /* out (columns, out_stride) = in (rows, in_stride) transposed; rows and columns padded. */
    void (*transpose)(const float *in, size_t in_stride, float *out, size_t out_stride, size_t rows,
                      size_t columns);

    /* y, target (outputs, stride), loss (stride): squared error summed over outputs; delta =
       2 scale (y - target), or NULL. */
    void (*squared_error)(const float *y, const float *target, float *delta, float *loss,
                          size_t outputs, size_t stride, float scale);

    /* y (classes, stride) logits, labels (stride): loss = log sum exp(y) - y[label]; delta =
       scale (softmax - onehot), or NULL. */
    void (*cross_entropy)(const float *y, const uint32_t *labels, float *delta, float *loss,
                          size_t classes, size_t stride, float scale);

    /* ret_class (stride): the first row with the largest score; scores (classes, stride). */
    void (*argmax)(const float *scores, uint32_t *ret_class, size_t classes, size_t stride);

    /* out[i] = f(in[i]), for tests of the elementary functions: "tanh", "exp", "log". */
    void (*map)(const char *function, const float *in, float *out, size_t count);
};

/* The kernel in use: the one that PHASEGRID_KERNEL names, or the best of this CPU. An unknown or
   unsupported name is an error that lists what this CPU has. */
int pg_kernel_choose(const struct pg_kernel **ret_kernel, struct pg_error *error) PG_CHECK_RESULT;

/* All that were built, NULL-terminated; worst first. Their index is the code of `kernel` in a
   results file. */
extern const struct pg_kernel *const pg_kernels[];

/* Whether this CPU can run it. */
int pg_kernel_is_supported(const struct pg_kernel *kernel);

/* Denormals as zero, around kernels; leave() restores what enter() returned. */
unsigned pg_kernel_enter(void);
void pg_kernel_leave(unsigned before);

#endif
