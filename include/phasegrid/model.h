/* SPDX-License-Identifier: MIT */
/*
 * A model is a list of layers and a loss. Its parameters are blocks with moments beside them, laid
 * out for the kernels; outside it is one dense vector of named segments. A pass holds the
 * activations of one set of samples, feature-major.
 *
 * Model and pass hold one run with its samples in lanes (lanes 1), or a pack of PG_LANES runs of
 * the same shape, each in a lane (see kernel.h). Elements and distances mean the same in both.
 */
#ifndef PHASEGRID_MODEL_H
#define PHASEGRID_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/arena.h"
#include "phasegrid/kernel.h"
#include "phasegrid/random.h"
#include "phasegrid/samples.h"

/* Layers: two_point with 20 hidden layers, each with dropout, activation and skip. */
enum { PG_LAYERS_MAX = 84, PG_LAYER_SEGMENTS_MAX = 2, PG_SEGMENT_NAME_MAX = 24 };

/* Parameters are optimised by group, each with rates of its own. */
enum pg_group { PG_GROUP_REPRESENTATION, PG_GROUP_DECODER, PG_GROUP_COUNT };

/* One matrix of a model's parameter vector: rows x columns, row-major, at `offset`. */
struct pg_segment {
    char name[PG_SEGMENT_NAME_MAX];
    int64_t offset, rows, columns;
};

struct pg_layer;

/* What a dropout layer keeps is drawn from: of one run in training, the step that it takes. */
struct pg_noise {
    struct pg_random random;
    int64_t step; /* below 2^32 */
};

/* What one layer sees of a pass, or of a window of its samples. Columns are samples, or the entries
   of a table of symbols. */
struct pg_flow {
    const struct pg_kernel *kernel;
    const struct pg_samples *samples;
    size_t begin; /* samples before the window; `samples` begins with the window's first */
    size_t lanes;
    size_t in_count, in_stride; /* columns of `in` in use, and the distance of its rows */
    const float *in;            /* (inputs + 1, in_stride), last row ones; NULL: first layer */
    size_t count, stride;       /* the same of `out` */
    float *out;                 /* (outputs, stride) */
    /* Of a residual layer: columns, distance of rows and outputs of its `skip`. */
    size_t skip_count, skip_stride;
    const float *skip;
    const struct pg_noise *noise; /* (lanes), or NULL: nothing is dropped */
    /* Backward only. */
    float *delta_skip; /* (outputs, skip_stride) */
    enum pg_activation in_activation;
    float *delta_in; /* (inputs, in_stride) out: d loss / d pre-activation of `in`; may be NULL */
    const float *delta_out; /* (outputs, stride) d loss / d pre-activation of `out` */
    float *scratch;         /* (layer's scratch floats) */
};

/* Initial values of an affine layer: torch.nn.Linear's, uniform in +-1 / sqrt(inputs), biases
   likewise; or normal of variance 2 / (inputs + outputs), biases 0 (Glorot and Bengio 2010). */
enum pg_init { PG_INIT_UNIFORM, PG_INIT_XAVIER_NORMAL };

struct pg_layer_spec {
    const struct pg_layer_kind *kind;
    size_t inputs, outputs; /* embedding: symbols, dimension */
    size_t tables;          /* table kinds: 1, or one for each place of a sample */
    size_t symbols;         /* what takes columns of a token table: those of places 0 and 1 */
    size_t heads;           /* attention: a divisor of outputs */
    size_t skip;            /* residual: the layer whose outputs are added */
    float drop_rate;        /* dropout: in [0, 1) */
    enum pg_activation activation; /* of the layer's own outputs */
    enum pg_activation function;   /* activation layer */
    enum pg_init init;             /* affine */
    enum pg_combine combine;       /* gather */
    enum pg_group group;
    float scale; /* multiplies the initial values; total: the inputs */
    float shift; /* total */
    char names[PG_LAYER_SEGMENTS_MAX][PG_SEGMENT_NAME_MAX]; /* of its segments */
};

/* Where a segment stands in a layer's block: element (row, column) at the sum. */
struct pg_place {
    size_t offset, row, column;
};

/* A kind of layer; one const table entry each. Sizes and distances are in elements. */
struct pg_layer_kind {
    const char *name;
    size_t segment_count;
    void (*segments)(const struct pg_layer_spec *spec, struct pg_segment *ret_segments);
    /* Elements of one of the blocks value, m, v, the distance between its rows, and the places of
       the segments in it. Rows are padded to PG_LANES where lanes is 1. */
    size_t (*block)(const struct pg_layer_spec *spec, size_t lanes, size_t *ret_stride,
                    struct pg_place *ret_places);
    /* Columns of the output, where they are not those of the input, 0 for no samples if they are
       the samples; NULL: they are those of the input. */
    size_t (*columns)(const struct pg_layer_spec *spec, size_t samples);
    /* Of a pass forward, or in training also backward. */
    size_t (*scratch)(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                      size_t stride, bool is_training);
    /* dense (the layer's parameters, in the order of the segments) */
    void (*initialise)(const struct pg_layer_spec *spec, uint32_t first_segment,
                       const struct pg_random *random, float *ret_dense);
    void (*forward)(const struct pg_layer *layer, const struct pg_flow *flow);
    /* delta_in, from the parameters as they are. Window by window, the first one first. NULL: a
       first layer only. */
    void (*pass_back)(const struct pg_layer *layer, const struct pg_flow *flow);
    /* Adds to delta_skip, which the layer behind `skip` has set. NULL: takes no other input. */
    void (*skip_back)(const struct pg_layer *layer, const struct pg_flow *flow);
    /* pass_back and step in one, of all samples as one window; false: nothing is done, they are to
       be called. May be NULL. */
    bool (*back_and_step)(struct pg_layer *layer, const struct pg_flow *flow,
                          const struct pg_update *update);
    /* The parameters' own step, of all samples. NULL: there are none. */
    void (*step)(struct pg_layer *layer, const struct pg_flow *flow,
                 const struct pg_update *update);
    double (*flops)(const struct pg_layer_spec *spec, size_t count, bool is_training);
};

extern const struct pg_layer_kind pg_layer_embedding_sum; /* x = sum of the symbols' embeddings */
/* x = the product of the embeddings of two symbols, square matrices; the loss may be penalised. */
extern const struct pg_layer_kind pg_layer_embedding_product;
/* x = the samples' features, in place of symbols: a first layer, without parameters. */
extern const struct pg_layer_kind pg_layer_features;
extern const struct pg_layer_kind pg_layer_affine; /* f(W x + b), torch's Linear */
/* x = function(in), for what takes its derivative from the argument, and between layers that pass
   on deltas of what they see; the layer before it has no activation. No parameters. */
extern const struct pg_layer_kind pg_layer_activation;
/* Each symbol's embedding a column, for layers that are then computed once per symbol, not per
   sample; and what combines the columns of a sample's symbols, f behind that. outputs of the
   table: tables x dimension; each place of a sample has its own rows and columns where tables > 1.
   Differences are of two places and of one table, with f the identity. */
extern const struct pg_layer_kind pg_layer_embedding_table;
extern const struct pg_layer_kind pg_layer_gather;
/* relu(shift + scale (sum of the inputs)): one output, behind a layer with f the identity; no
   parameters. */
extern const struct pg_layer_kind pg_layer_total;

/* A transformer's (Vaswani et al. 2017), read at the last of a sample's `tables` places. Places 0
   and 1 hold one of `symbols`, a further place only the symbol 0, a token of its own; its column is
   place x symbols + symbol. The table has a token's embedding plus its place's, so that what comes
   of it alone (queries, keys, values) is computed once per token and place, not per sample. */
extern const struct pg_layer_kind pg_layer_token_table;
/* softmax(q . k / sqrt(width)) v of every head, q of the last place, k and v of all of them, the
   heads behind one another; its inputs hold rows of q, then k, then v, its outputs of each. */
extern const struct pg_layer_kind pg_layer_attention;
/* x = in + the outputs of `skip`; of a token table (tables > 0) the column of the last place. The
   layer before it and `skip` have no activation. */
extern const struct pg_layer_kind pg_layer_residual;
/* In training drops numbers, and divides those that it keeps by 1 - drop_rate (Srivastava et al.
   2014); keyed by sample of the batch, row, segment and step. The layer before has no activation.
   */
extern const struct pg_layer_kind pg_layer_dropout;

struct pg_layer {
    struct pg_layer_spec spec;
    struct pg_moments moments;
    struct pg_place places[PG_LAYER_SEGMENTS_MAX];
    size_t elements;        /* of one block */
    uint32_t first_segment; /* keys the initial values */
};

/* What a loss is to do: numbers from `begin` on of every row. */
struct pg_loss_part {
    size_t begin;
    struct pg_plane plane; /* outputs */
    float scale;           /* of the deltas: 1 / (samples x what the loss averages over) */
    bool with_delta;
};

/* A kind of loss: per-sample losses, and deltas of the last layer's outputs. */
struct pg_loss {
    const char *name;
    bool takes_targets;    /* or labels */
    bool averages_outputs; /* mean over samples and outputs, or over samples */
    void (*evaluate)(const struct pg_kernel *kernel, const struct pg_samples *samples,
                     const struct pg_loss_part *part, const float *y, float *delta, float *loss);
};

extern const struct pg_loss pg_loss_squared_error; /* mean over samples and outputs */
extern const struct pg_loss pg_loss_half_squared_error;
extern const struct pg_loss pg_loss_cross_entropy; /* mean over samples */
/* Binary cross-entropy of one output, the logit of label 1; mean over samples. */
extern const struct pg_loss pg_loss_logistic;

struct pg_model_spec {
    struct pg_layer_spec layers[PG_LAYERS_MAX];
    size_t layer_count;
    const struct pg_loss *loss;
};

struct pg_model {
    const struct pg_kernel *kernel;
    size_t lanes; /* 1, or PG_LANES: the runs that it holds */
    struct pg_layer layers[PG_LAYERS_MAX];
    size_t layer_count;
    const struct pg_loss *loss;
};

struct pg_pass {
    size_t capacity;               /* samples */
    size_t strides[PG_LAYERS_MAX]; /* [l]: distance of the rows of layer l's outputs */
    float *values[PG_LAYERS_MAX];  /* [l]: outputs of layer l and a row of ones, padded rows */
    float *deltas[PG_LAYERS_MAX];  /* training only */
    float *scratch;
    float *loss;                  /* (stride) per sample */
    const struct pg_noise *noise; /* (lanes) of a pass in training; NULL: nothing is dropped */
};

/* The three blocks of a model: parameters, and the optimiser's moments of them. */
enum pg_block_kind { PG_VALUE, PG_FIRST_MOMENT, PG_SECOND_MOMENT, PG_BLOCK_COUNT };

/* Segments of the dense parameter vector; returns their number, *ret_parameters its length. */
size_t pg_model_segments(const struct pg_model_spec *spec, struct pg_segment *ret_segments,
                         size_t *ret_parameters);

/* Features of a sample; 0: the model takes symbols. */
size_t pg_model_features(const struct pg_model_spec *spec);

/* Floating-point operations of one step on `count` samples, or of one evaluation. */
double pg_model_flops(const struct pg_model_spec *spec, size_t count, bool is_training);

/* Takes the model's blocks from the arena (both when it measures and when it is filled). */
void pg_model_arrange(struct pg_model *model, const struct pg_model_spec *spec, size_t lanes,
                      const struct pg_kernel *kernel, struct pg_arena *arena);

/* Initial values of the run in `lane`, whose spec (of the model's shape) has its scales; moments
   0. dense (parameters) is scratch. */
void pg_model_initialise(struct pg_model *model, size_t lane, const struct pg_model_spec *spec,
                         const struct pg_random *random, float *dense);

/* dense (parameters), of the run in `lane` */
void pg_model_store(const struct pg_model *model, size_t lane, enum pg_block_kind which,
                    float *ret_dense);
void pg_model_load(struct pg_model *model, size_t lane, enum pg_block_kind which,
                   const float *dense);

/* The parameters of one layer. */
void pg_layer_store(const struct pg_layer *layer, size_t lanes, size_t lane, float *ret_dense);

/* Square root of the sum of squares over a group's parameters, summed in double. */
double pg_model_norm(const struct pg_model *model, size_t lane, enum pg_group group, float *dense);

void pg_pass_arrange(struct pg_pass *pass, const struct pg_model_spec *spec, size_t lanes,
                     size_t capacity, bool is_training, struct pg_arena *arena);
/* Once after the arena is filled: the rows of ones. */
void pg_pass_prepare(struct pg_pass *pass, const struct pg_model *model);

/* The first `count` samples; the outputs of the last layer, (outputs, its stride). */
const float *pg_model_forward(const struct pg_model *model, const struct pg_samples *samples,
                              size_t count, struct pg_pass *pass);

/* Mean losses (lanes) of samples begin .. end after forward, summed in double; with `with_delta`
   (then begin is 0) ready for backward. */
void pg_model_loss(const struct pg_model *model, const struct pg_samples *samples, size_t begin,
                   size_t end, bool with_delta, struct pg_pass *pass, double *ret_loss);

/* One step of every layer from the first `count` samples, updates by group. */
void pg_model_backward(struct pg_model *model, const struct pg_samples *samples, size_t count,
                       struct pg_pass *pass, const struct pg_update updates[PG_GROUP_COUNT]);

#endif
