/* SPDX-License-Identifier: MIT */
/*
 * Learning a relation (Baek, Liu and Tegmark, "GenEFT", 2024, arXiv:2402.05916): n symbols with
 * learnable embeddings, a decoder that sees those of an ordered pair (i, j), concatenated or their
 * difference, and must say whether i stands in the relation to j. This file is the tables:
 * settings, dimensions, observables, phases.
 */
#include "relation.h"

#include <string.h>

#include "cell.h"
#include "llc_tables.h"
#include "trajectory_tables.h"

static const char *const decoder_names[] = {"mlp", "ideal", NULL};
static const char *const embedding_names[] = {"concat", "difference", "squared_difference", NULL};
const char *const pg_relation_names[] = {"congruence", "greater_than", "bipartite", "matrix", NULL};

static const struct pg_setting settings[] = {
    NAME("relation", pg_relation_names, "congruence",
         "i = j mod modulus, i > j, i and j in different parts, or as matrix says"),
    INTEGER("n", 3, RELATION_N_MAX, "30", "symbols", "number of symbols"),
    INTEGER("modulus", 2, RELATION_N_MAX - 1, "3", "1", "of the congruence"),
    INTEGER("bipartite_size", 1, RELATION_N_MAX - 1, "10", "symbols",
            "bipartite: symbols of the first part"),
    MATRIX("matrix", "any relation: row i has a 1 in column j where i stands in it to j"),
    NAME("embedding", embedding_names, "concat", "how the two embeddings meet the decoder"),
    INTEGER("embedding_dim", 1, 1024, "2", "1", "length of a symbol's embedding"),
    REAL("data_fraction", 0, 1, "0.75", "1", "share of the n^2 ordered pairs that is trained on"),
    INTEGER("train_count", 0, RELATION_N_MAX *RELATION_N_MAX - 1, "0", "samples",
            "exact number of training pairs; 0: from data_fraction"),
    NAME(
        "decoder", decoder_names, "mlp",
        "an MLP; or relu of the difference's sum, relu(0.1 - x) of the squared difference's, and a "
        "learnt scale and bias"),
    INTEGER("decoder_width", 1, 4096, "50", "1", "units of each hidden layer"),
    INTEGER("decoder_depth", 0, PG_DECODER_DEPTH_MAX, "3", "layers", "hidden layers"),
    LIST("decoder_widths", 1, 4096, "[]",
         "units layer by layer; replaces decoder_width and decoder_depth"),
    NAME("activation", pg_activation_names, "tanh", "of the hidden layers"),
    NAME("optimizer", pg_optimizer_names, "adamw", "AdamW, or gradient descent with momentum"),
    REAL("representation_lr", 0, 1e6, "1e-3", "1", "learning rate of the embeddings, eta_enc"),
    REAL("decoder_lr", 0, 1e6, "1e-3", "1", "learning rate of the decoder, eta_dec"),
    REAL("weight_decay", 0, 1e6, "0", "1", "decoupled weight decay of the decoder"),
    REAL("weight_decay_embeddings", 0, 1e6, "0", "1", "decoupled weight decay of the embeddings"),
    MOMENT_SETTINGS("0.999"),
    INTEGER("batch_size", 0, RELATION_N_MAX *RELATION_N_MAX - 1, "0", "samples",
            "samples of a step, drawn without replacement; 0: all"),
    REAL("init_scale", 0, 1e6, "0.5", "1", "embeddings start as init_scale N(0, 1)"),
    REAL("decoder_init_scale", 0, 1e6, "1", "1", "multiplies the decoder's initial values"),
    INTEGER("steps", 1, 1e12, "100000", "steps", "budget"),
    REAL(
        "repon_slope_ratio", 0, 1e6, "4.4721359549995796", "1",
        "theory: sigma_a / sigma_c, slope of the decoder to spread of the embeddings at the start; "
        "the default puts the boundary at eta_dec = 10 eta_enc, the paper's rule"),
    PHASE_SETTINGS,
    INTEGER(
        "evaluate_test_every", 1, 1e12, "10", "steps",
        "the test set (with batch_size, the training set too) is evaluated at multiples of this"),
    LLC_SETTINGS(pg_part_names),
};

static const struct pg_schema schema = {
    .experiment = "relation",
    .settings = settings,
    .count = sizeof settings / sizeof settings[0],
};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    TRAJECTORY_DIMENSIONS("ordered pair of symbols (i, j), i n + j"),
    LLC_DIMENSIONS,
};

#define THEORY(text, unit) .long_name = (text), .units = (unit), .type = PG_F64, .fill = PG_NAN

static const struct pg_observable_attribute phase_attributes[] = {
    PHASE_ATTRIBUTES("Baek et al. (2024), Table IV"),
};

static const struct pg_observable observables[OBS_COUNT] = {
    TRAJECTORY_OBSERVABLES,
    [OBS_SILHOUETTE] = {"silhouette",
                        SERIES("silhouette of the embeddings by the relation's classes")},
    [OBS_DESCRIPTION_LENGTH] = {"description_length",
                                THEORY("log2(n! / |Aut|) of the relation", "bit")},
    [OBS_CRITICAL_FRACTION] = {"critical_fraction",
                               THEORY("fraction of pairs that shows 0.9 of those bits", "1")},
    [OBS_BOUND] = {"accuracy_bound",
                   THEORY("accuracy on all pairs by balls in bins, f_UB: a heuristic", "1")},
    [OBS_CLOSURE_ACCURACY] = {"closure_accuracy",
                              THEORY("accuracy on all pairs from those that the training pairs "
                                     "imply, guesses for the rest",
                                     "1")},
    [OBS_COLLISION] = {"collision_probability",
                       THEORY("p_r: two repons of a class collide, which generalises", "1")},
    [OBS_BOUNDARY] = {"boundary_decoder_lr",
                      THEORY("decoder_lr at which p_r = 1/2 for this representation_lr", "1")},
    LLC_OBSERVABLES,
};

static int check(const struct pg_values *values, struct pg_error *error)
{
    struct relation_cell cell;
    return pg_relation_read(values, &cell, error);
}

void pg_relation_lengths(const struct relation_cell *cell, size_t *ret)
{
    struct pg_segment segments[PG_SEGMENTS_MAX];
    size_t parameters = 0;
    memset(ret, 0, DIM_COUNT * sizeof *ret);
    ret[DIM_SAMPLE] = cell->sample_count;
    ret[DIM_SEGMENT] = pg_model_segments(&cell->trainer.model, segments, &parameters);
    ret[DIM_PARAMETER] = parameters;
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    struct relation_cell cell;
    int status = pg_relation_read(values, &cell, error);
    return status != 0 ? status : pg_runs_check_llc(values, &cell.trainer, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct relation_cell cell;
    size_t parameters = 0;
    int status = pg_relation_read(values, &cell, error);
    if (status != 0)
        return status;
    memset(ret, 0, sizeof *ret);
    ret->segment_count = pg_model_segments(&cell.trainer.model, ret->segments, &parameters);
    pg_relation_lengths(&cell, ret->lengths);
    ret->steps = cell.rule.steps;
    pg_cell_put_trainer(&cell.trainer, ret);
    pg_relation_put_memory(&cell, values, ret);
    return 0;
}

/* What the batch order needs of a run: its split, without a model. */
static int batches(const struct pg_run_request *request, int64_t first, int64_t last,
                   const struct pg_batch_sink *sink, struct pg_error *error)
{
    struct relation_cell cell;
    struct relation_data data;
    struct pg_arena arena;
    int status = pg_relation_read(&request->values, &cell, error);
    if (status != 0)
        return status;
    pg_arena_measure(&arena);
    pg_relation_arrange_data(&cell, &data, &arena);
    status = pg_arena_init(&arena, arena.used, error);
    if (status != 0)
        return status;
    pg_relation_arrange_data(&cell, &data, &arena);
    pg_relation_fill_data(&cell, request, &data);
    status = pg_cell_put_batches(request, &cell.trainer, data.order, first, last, sink, error);
    pg_arena_release(&arena);
    return status;
}

const struct pg_experiment pg_experiment_relation = {
    .name = "relation",
    .summary = "whether two symbols stand in a relation: embeddings, concatenated or their "
               "difference, into a decoder MLP",
    .reference = "Baek, Liu, Tegmark, GenEFT: Understanding Statics and Dynamics of Model "
                 "Generalization via Effective Theory, 2024, arXiv:2402.05916",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = pg_phase_names,
    .check = check,
    .check_llc = check_llc,
    .shape = shape,
    .run = pg_relation_run,
    .batches = batches,
};
