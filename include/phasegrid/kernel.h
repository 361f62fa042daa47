/* SPDX-License-Identifier: MIT */
/*
 * The inner loops, written once over a small vector vocabulary, compiled per instruction set and
 * chosen once. Every variant gives the same bytes: each output is one chain of fused multiply-adds
 * in index order, and sums across lanes do not occur. Of a NaN only that it is one is promised, and
 * Arm flushes some results that x86 does not (src/kernel/denormals.c).
 *
 * There are two layouts. Samples in lanes: one model, an element is one number, activations are
 * (features, stride) with the stride a multiple of PG_LANES. Runs in lanes (a pack): PG_LANES
 * models of one shape, an element is PG_LANES adjacent numbers, one for each run. Distances are
 * given in elements. Functions that go element by element see no difference: for a pack their
 * `stride` is samples times PG_LANES. A run's numbers are the same in both.
 *
 * Arrays are aligned to 64 bytes; what stands in the padding of samples is never read into a
 * result.
 */
#ifndef PHASEGRID_KERNEL_H
#define PHASEGRID_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"

enum { PG_LANES = 16, PG_COLUMNS = 8, PG_FEW_MAX = 4 };

static inline size_t pg_padded(size_t count)
{
    return (count + PG_LANES - 1) / PG_LANES * PG_LANES;
}

/* PG_LEAKY_RELU: 0.01 x below 0; PG_ELU: exp(x) - 1 below 0; PG_SILU: x / (1 + exp(-x)).
   Derivatives are taken from the value, that of PG_SILU from the argument. */
enum pg_activation {
    PG_IDENTITY,
    PG_TANH,
    PG_RELU,
    PG_LEAKY_RELU,
    PG_ELU,
    PG_SILU,
    PG_ACTIVATION_COUNT
};

/* out (rows, columns) = sum over d of a(row, d) b(d, column). Distances in elements. */
struct pg_product {
    const float *a;
    size_t a_row, a_depth; /* distance between a's rows and between its depth entries */
    const float *b;
    size_t b_depth, b_column; /* b_column is 1 where lanes is 1 */
    float *out;               /* columns adjacent; unused by update */
    size_t out_row;
    size_t rows, columns,
        depth;    /* columns: a multiple of PG_COLUMNS where lanes is 1, or, forward
                     from at least PG_LANES rows and with a_depth 1, a row of which
                     may be read up to a multiple of PG_COLUMNS, at most PG_FEW_MAX */
    size_t lanes; /* 1: samples in lanes; PG_LANES: runs in lanes */
};

enum pg_optimizer { PG_ADAMW, PG_SGD };

/* One step of an optimiser, in the factors that the inner loop wants: of the run in each lane, or
   PG_LANES times the same where samples are in lanes. Aligned to 64 bytes. */
struct pg_update {
    enum pg_optimizer optimizer;
    bool is_plain; /* SGD without momentum in any lane: no velocity is read or kept */
    _Alignas(64) float keep[PG_LANES]; /* 1 - lr weight_decay, decoupled (Loshchilov & Hutter) */
    float rate[PG_LANES];              /* AdamW: lr / (1 - beta1^t); SGD: lr */
    float beta1[PG_LANES], beta1_rest[PG_LANES]; /* AdamW; beta1 is SGD's momentum */
    float beta2[PG_LANES], beta2_rest[PG_LANES];
    float root_scale[PG_LANES]; /* 1 / sqrt(1 - beta2^t) */
    float epsilon[PG_LANES];
    float penalty[PG_LANES]; /* of the layer's mean |value|, where its kind takes one in */
};

/* Parameters and their moments, of one shape, rows `stride` elements apart. SGD keeps its velocity
   in m. */
struct pg_moments {
    float *value, *m, *v;
    size_t stride;
};

/* Rows of numbers, one for each sample (of each run of a pack). */
struct pg_plane {
    size_t rows, row; /* how many, and numbers from one to the next */
    size_t numbers;   /* of each row that are meant, a multiple of PG_LANES */
};

/* How the columns of a sample's symbols become one: sum of all places; of two places, the first
   minus the second, or the square of that. */
enum pg_combine { PG_SUM, PG_DIFFERENCE, PG_SQUARED_DIFFERENCE };

/* A table's columns combined, one for each sample: the columns of its symbols, a symbol's column at
   place k being symbol + k * place_columns. */
struct pg_gather {
    enum pg_combine combine;
    size_t rows, columns, samples, arity, place_columns;
    size_t first_place;         /* sums: places before it are left out */
    size_t table_row, sums_row; /* elements between rows */
    const uint32_t *symbols;    /* (samples, arity) of each run */
    size_t lanes;
    float *scratch; /* (padded columns, PG_LANES) where lanes is 1; twice that for the transpose of
                       a squared difference */
    const float *values; /* the table itself, for the transpose of a squared difference */
};

/* Attention of the last place of every sample to all its places (Vaswani et al. 2017, equation 1).
   The table has heads x width rows of queries, as many of keys, as many of values, and a column for
   each symbol at each place, as for gather. */
struct pg_attention {
    size_t heads, width, columns, samples, places, place_columns;
    size_t table_row, out_row; /* elements between rows */
    const uint32_t *symbols;   /* (samples, places) of each run */
    size_t lanes;
    const float *table;
    float *scratch; /* pg_attention_scratch() elements */
};

enum { PG_PLACES_MAX = 4 };

/* columns: of the table, padded where lanes is 1. */
size_t pg_attention_scratch(size_t heads, size_t width, size_t places, size_t columns,
                            size_t lanes);

/* Few samples on their way back through the rows of large weights, samples in lanes 1. */
struct pg_few {
    size_t samples, rows, width; /* width: of a row of weights, a multiple of PG_LANES */
    const float *delta_out;      /* (rows, samples), rows delta_row apart */
    size_t delta_row;
    const float *in; /* (samples, width) */
    float *sums;     /* (samples, width) in and out */
};

struct pg_lane_kernel;

struct pg_kernel {
    const char *name;
    size_t lanes;              /* of a vector register */
    int (*is_supported)(void); /* whether this CPU can run it */

    /* out = f(a b) */
    void (*forward)(const struct pg_product *product, enum pg_activation activation);

    /* out = (a b) f'(h), with f' from the activated h (rows, columns), of PG_SILU from its
       argument h, laid out as out. */
    void (*backward)(const struct pg_product *product, enum pg_activation activation,
                     const float *h);

    /* The product is a gradient: applied to the moments (rows, columns), never stored. */
    void (*update)(const struct pg_product *gradient, const struct pg_update *update,
                   const struct pg_moments *moments);

    /* Up to PG_FEW_MAX samples: adds W^T delta_out to the sums, and steps W by delta_out in^T, in
       one walk over W, the moments' (rows, width). */
    void (*back_and_step)(const struct pg_few *few, const struct pg_update *update,
                          const struct pg_moments *moments);

    /* The same for a gradient that exists already: (count) numbers, a multiple of PG_LANES; the
       i-th takes the factors of lane i % PG_LANES. */
    void (*apply)(const struct pg_update *update, const struct pg_moments *moments,
                  const float *gradient, size_t count);

    /* x = f(x); x = x f'(h), with f' from the activated h, of PG_SILU from its argument h. x, h
       (plane) */
    void (*activate)(float *x, const struct pg_plane *plane, enum pg_activation activation);
    void (*derive)(float *x, const float *h, const struct pg_plane *plane,
                   enum pg_activation activation);

    /* out (columns, out_stride) = in (rows, in_stride) transposed, numbers; rows and columns
       multiples of 8. */
    void (*transpose)(const float *in, size_t in_stride, float *out, size_t out_stride, size_t rows,
                      size_t columns);

    /* y, target (rows), loss (one row): squared error summed over the rows; delta = 2 scale
       (y - target), or NULL. */
    void (*squared_error)(const float *y, const float *target, float *delta, float *loss,
                          const struct pg_plane *plane, float scale);

    /* y (one row) logits of label 1 against label 0, labels (one row): loss = log(1 + exp(-s y)),
       s = 1 for label 1, else -1; delta = scale (sigmoid(y) - label), or NULL. */
    void (*logistic)(const float *y, const uint32_t *labels, float *delta, float *loss,
                     const struct pg_plane *plane, float scale);

    /* y (rows) logits, a row a class, labels (one row): loss = log sum exp(y) - y[label]; delta =
       scale (softmax - onehot), or NULL. */
    void (*cross_entropy)(const float *y, const uint32_t *labels, float *delta, float *loss,
                          const struct pg_plane *plane, float scale);

    /* ret_class (one row): the first row with the largest score; scores (rows). */
    void (*argmax)(const float *scores, uint32_t *ret_class, const struct pg_plane *plane);

    /* sums(row, n) = f(the table(row, column) of the places k = 0, 1, ... of n, combined). Where
       lanes is 1 all arrays have rows up to a multiple of PG_LANES, of which only `rows` of sums
       are written. */
    void (*gather)(const struct pg_gather *gather, const float *table, float *sums,
                   enum pg_activation activation);

    /* The transpose: adds to table(row, column) sums(row, n), times the derivative of what
       combines, of the samples n in order, and the places of n in order, that take the column. */
    void (*scatter)(const struct pg_gather *gather, const float *sums, float *table);

    /* out (heads x width rows, a column for each sample): softmax(q . k / sqrt(width)) v. And the
       transpose of its derivative: adds to deltas, laid out as the table, from delta_out, laid out
       as out, sample by sample. */
    void (*attend)(const struct pg_attention *attention, float *out);
    void (*attend_back)(const struct pg_attention *attention, const float *delta_out,
                        float *deltas);

    /* out[i] = f(in[i]): "tanh", "exp", "log"; "sin_turn", "cos_turn": of 2 pi u, u in [0, 1].
       (count), a multiple of PG_LANES. */
    void (*map)(const char *function, const float *in, float *out, size_t count);

    /* Fused multiply-adds in registers only, for the peak of this instruction set. Returns how many
       floating-point operations they were; *ret_sum depends on all of them. */
    double (*probe)(size_t rounds, float *ret_sum);

    const struct pg_lane_kernel *in_lanes; /* double, models or chains in lanes */
};

/* The kernel in use: the one that PHASEGRID_KERNEL names, or the best of this CPU. An unknown or
   unsupported name is an error that lists what this CPU has. */
int pg_kernel_choose(const struct pg_kernel **ret_kernel, struct pg_error *error) PG_CHECK_RESULT;

/* The same kernel with its products of single models (lanes 1) by OpenBLAS, on one thread: faster
   for very wide layers, but its bytes depend on the core that OpenBLAS runs as. Rows of samples are
   to be padded to whole vectors. There is one such kernel in a process: the last one asked for. */
const struct pg_kernel *pg_kernel_widen(const struct pg_kernel *kernel);

/* What OpenBLAS runs as: the code of a results file, an index into the names. */
extern const char *const pg_blas_core_names[]; /* "none", "Haswell", ..., "other", NULL */
uint8_t pg_blas_core(void);                    /* never that of "none" */

/* All that were built, for this CPU family; NULL-terminated, worst first. */
extern const struct pg_kernel *const pg_kernels[];

/* The names of all that there are, on any family; NULL-terminated. Their index is the code of
   `kernel` in a results file. */
extern const char *const pg_kernel_names[];

/* Whether this CPU can run it. */
int pg_kernel_is_supported(const struct pg_kernel *kernel);

/* Denormals as zero, around kernels; leave() restores what enter() returned. */
unsigned pg_kernel_enter(void);
void pg_kernel_leave(unsigned before);

#endif
