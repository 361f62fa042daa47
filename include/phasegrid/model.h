/* SPDX-License-Identifier: MIT */
/*
 * A model is a list of layers and a loss. Its parameters are blocks with moments beside them, laid
 * out for the kernels; outside it is one dense vector of named segments. A pass holds the
 * activations of one set of samples, feature-major, samples in lanes.
 */
#ifndef PHASEGRID_MODEL_H
#define PHASEGRID_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/arena.h"
#include "phasegrid/kernel.h"
#include "phasegrid/random.h"

enum { PG_LAYERS_MAX = 15, PG_LAYER_SEGMENTS_MAX = 2, PG_SEGMENT_NAME_MAX = 24 };

/* Parameters are optimised by group, each with rates of its own. */
enum pg_group { PG_GROUP_REPRESENTATION, PG_GROUP_DECODER, PG_GROUP_COUNT };

/* Samples by what stands in them: symbols in, a class or a target vector out. Borrowed. */
struct pg_samples {
    size_t count, arity;
    const uint32_t *inputs; /* (count, arity) symbols */
    const uint32_t *labels; /* (padded count) classes; padding holds any valid class */
    const float *targets;   /* (outputs, padded count), or NULL where the loss takes labels */
};

/* One matrix of a model's parameter vector: rows x columns, row-major, at `offset`. */
struct pg_segment {
    char name[PG_SEGMENT_NAME_MAX];
    int64_t offset, rows, columns;
};

struct pg_layer;

/* What one layer sees of a pass; strides are pass->stride. */
struct pg_flow {
    const struct pg_kernel *kernel;
    const struct pg_samples *samples;
    size_t stride;
    const float *in; /* (inputs + 1, stride), last row ones; NULL for a first layer */
    float *out;      /* (outputs, stride) */
    /* Backward only. */
    enum pg_activation in_activation;
    float *delta_in; /* (inputs, stride) out: d loss / d pre-activation of `in`; may be NULL */
    const float *delta_out; /* (outputs, stride) d loss / d pre-activation of `out` */
    float *scratch;         /* (layer's scratch floats) */
};

struct pg_layer_spec {
    const struct pg_layer_kind *kind;
    size_t inputs, outputs; /* embedding: symbols, dimension */
    enum pg_activation activation;
    enum pg_group group;
    float scale;                                            /* multiplies the initial values */
    char names[PG_LAYER_SEGMENTS_MAX][PG_SEGMENT_NAME_MAX]; /* of its segments */
};

/* A kind of layer; one const table entry each. */
struct pg_layer_kind {
    const char *name;
    size_t segment_count;
    void (*segments)(const struct pg_layer_spec *spec, struct pg_segment *ret_segments);
    /* Floats of one of the blocks value, m, v, and the distance between its rows. */
    size_t (*block)(const struct pg_layer_spec *spec, size_t *ret_stride);
    size_t (*scratch_floats)(const struct pg_layer_spec *spec, size_t stride);
    void (*initialise)(struct pg_layer *layer, const struct pg_random *random);
    void (*forward)(const struct pg_layer *layer, const struct pg_flow *flow);
    /* delta_in from the parameters as they are, then the parameters' own step. */
    void (*backward)(struct pg_layer *layer, const struct pg_flow *flow,
                     const struct pg_update *update);
    /* Dense parameters, in the order of the segments; both ways. */
    void (*store)(const struct pg_layer *layer, float *ret_dense);
    void (*load)(struct pg_layer *layer, const float *dense);
    double (*flops)(const struct pg_layer_spec *spec, size_t count, bool is_training);
};

extern const struct pg_layer_kind pg_layer_embedding_sum; /* x = sum of the symbols' embeddings */
extern const struct pg_layer_kind pg_layer_affine;        /* f(W x + b), torch's Linear */

struct pg_layer {
    struct pg_layer_spec spec;
    struct pg_moments moments;
    uint32_t first_segment; /* keys the initial values */
};

/* A kind of loss; `scale` of the kernels is 1 / (samples x what the loss averages over). */
struct pg_loss {
    const char *name;
    bool averages_outputs; /* mean over samples and outputs, or over samples */
    void (*evaluate)(const struct pg_kernel *kernel, const struct pg_samples *samples,
                     const float *y, float *delta, float *loss, size_t outputs, size_t stride,
                     float scale);
};

extern const struct pg_loss pg_loss_squared_error; /* mean over samples and outputs */
extern const struct pg_loss pg_loss_cross_entropy; /* mean over samples */

struct pg_model_spec {
    struct pg_layer_spec layers[PG_LAYERS_MAX];
    size_t layer_count;
    const struct pg_loss *loss;
};

struct pg_model {
    const struct pg_kernel *kernel;
    struct pg_layer layers[PG_LAYERS_MAX];
    size_t layer_count;
    const struct pg_loss *loss;
};

struct pg_pass {
    size_t stride;                /* samples, padded */
    float *values[PG_LAYERS_MAX]; /* [l]: outputs of layer l and a row of ones, padded rows */
    float *deltas[PG_LAYERS_MAX]; /* training only */
    float *scratch;               /* training only */
    float *loss;                  /* (stride) per sample */
};

/* Segments of the dense parameter vector; returns their number, *ret_parameters its length. */
size_t pg_model_segments(const struct pg_model_spec *spec, struct pg_segment *ret_segments,
                         size_t *ret_parameters);

/* Floating-point operations of one step on `count` samples, or of one evaluation. */
double pg_model_flops(const struct pg_model_spec *spec, size_t count, bool is_training);

/* Takes the model's blocks from the arena (both when it measures and when it is filled). */
void pg_model_arrange(struct pg_model *model, const struct pg_model_spec *spec,
                      const struct pg_kernel *kernel, struct pg_arena *arena);
void pg_model_initialise(struct pg_model *model, const struct pg_random *random);

/* dense (parameters) */
void pg_model_store(const struct pg_model *model, float *ret_dense);
void pg_model_load(struct pg_model *model, const float *dense);

/* Square root of the sum of squares over a group's parameters, summed in double. */
double pg_model_norm(const struct pg_model *model, enum pg_group group, float *dense);

void pg_pass_arrange(struct pg_pass *pass, const struct pg_model_spec *spec, size_t capacity,
                     bool is_training, struct pg_arena *arena);
/* Once after the arena is filled: the rows of ones. */
void pg_pass_prepare(struct pg_pass *pass, const struct pg_model *model);

/* The outputs of the last layer, (outputs, pass->stride). */
const float *pg_model_forward(const struct pg_model *model, const struct pg_samples *samples,
                              struct pg_pass *pass);

/* Mean loss after forward, summed in double; with `with_delta`, ready for backward. */
double pg_model_loss(const struct pg_model *model, const struct pg_samples *samples,
                     struct pg_pass *pass, bool with_delta);

/* One step of every layer, updates by group. */
void pg_model_backward(struct pg_model *model, const struct pg_samples *samples,
                       struct pg_pass *pass, const struct pg_update updates[PG_GROUP_COUNT]);

#endif
