/* SPDX-License-Identifier: MIT */
/*
 * What an experiment's tables hold for estimates of the local learning coefficient: rows of its
 * settings, of its dimensions and of its observables. An experiment names its own numbers of them:
 * LLC_DIMENSION_NUMBERS in the enumeration of its dimensions, beside DIM_PARAMETER,
 * LLC_OBSERVABLE_NUMBERS in that of its observables.
 */
#ifndef PHASEGRID_LLC_TABLES_H
#define PHASEGRID_LLC_TABLES_H

#include "phasegrid/experiment.h"
#include "phasegrid/llc.h"
#include "tables.h"

/* ---- settings ---- */

#define LLC_SETTINGS(restrict_names)                                                               \
    INTEGER("llc_chains", 1, 10000, "10", "chains", "LLC: chains of an estimate"),                 \
        INTEGER("llc_burn_in", 0, 1e12, "500", "steps", "LLC: steps of a chain before its draws"), \
        INTEGER("llc_draws", 1, 1e9, "1000", "draws", "LLC: losses taken of a chain"),             \
        INTEGER("llc_thin", 1, 1e9, "1", "steps", "LLC: steps from one draw to the next"),         \
        REAL("llc_step_size", 0, 1e6, "0", "1",                                                    \
             "LLC: epsilon; 0: chosen by a short run (`auto`)"),                                   \
        REAL("llc_localization", 0, 1e15, "10", "1", "LLC: gamma, which holds chains at w*"),      \
        INTEGER("llc_batch_size", 0, 1e9, "0", "samples",                                          \
                "LLC: samples of a sampling step, drawn with replacement; 0: all"),                \
        REAL("llc_inverse_temperature", 0, 1e15, "0", "1",                                         \
             "LLC: beta, of n beta; 0: 1 / ln n, unless llc_n_beta is given"),                     \
        REAL("llc_n_beta", 0, 1e15, "0", "1", "LLC: n beta itself; 0: from the temperature"),      \
        NAME("llc_sampler", pg_sampler_names, "sgld", "LLC: how chains move"),                     \
        INTEGER("llc_leapfrog_steps", 1, 100000, "10", "steps", "LLC: of a step of HMC"),          \
        NAME("llc_restrict", restrict_names, "all",                                                \
             "LLC: the part of the parameters that is sampled; the rest stays at w*"),             \
        INTEGER("llc_traces", 0, 1, "0", "1", "LLC: 1: the losses of all draws are kept")

/* Parts of a network that chains may be restricted to. */
extern const char *const pg_part_names[]; /* NULL-terminated */

/* ---- dimensions ---- */

#define LLC_DIMENSION_NUMBERS DIM_LLC_STEP, DIM_CHAIN, DIM_DRAW
#define LLC_DIMENSIONS                                                                             \
    [DIM_LLC_STEP] = {"llc_step", "optimiser steps taken at an LLC estimate", "steps"},            \
    [DIM_CHAIN] = {"chain", "chain of an LLC estimate", NULL},                                     \
    [DIM_DRAW] = {"draw", "draw of a chain", NULL}

/* Where they have their usual numbers (struct pg_runs_kind). */
#define LLC_PLACES                                                                                 \
    .obs_llc = OBS_LLC, .dim_chain = DIM_CHAIN, .dim_draw = DIM_DRAW, .dim_parameter = DIM_PARAMETER

/* ---- observables ---- */

/* In the order of enum pg_llc_observable. */
#define LLC_OBSERVABLE_NUMBERS                                                                     \
    OBS_LLC, OBS_LLC_CHAIN, OBS_LLC_SE, OBS_LLC_HALF_WIDTH, OBS_LLC_SE_DRAWS, OBS_LLC_RHAT,        \
        OBS_LLC_ESS, OBS_LLC_LOSS, OBS_LLC_SAMPLES, OBS_LLC_USED_N_BETA,                           \
        OBS_LLC_USED_LOCALIZATION, OBS_LLC_USED_STEP_SIZE, OBS_LLC_ACCEPTANCE, OBS_LLC_BELOW,      \
        OBS_LLC_DISTANCE, OBS_LLC_NEGATIVE, OBS_LLC_ESCAPED, OBS_LLC_FLAG, OBS_LLC_SCORED,         \
        OBS_LLC_POINT, OBS_LLC_TRACE

enum pg_llc_observable {
    PG_LLC_VALUE,
    PG_LLC_CHAIN,
    PG_LLC_SE,
    PG_LLC_HALF_WIDTH,
    PG_LLC_SE_DRAWS,
    PG_LLC_RHAT,
    PG_LLC_ESS,
    PG_LLC_LOSS,
    PG_LLC_SAMPLES,
    PG_LLC_USED_N_BETA,
    PG_LLC_USED_LOCALIZATION,
    PG_LLC_USED_STEP_SIZE,
    PG_LLC_ACCEPTANCE,
    PG_LLC_BELOW,
    PG_LLC_DISTANCE,
    PG_LLC_NEGATIVE_CHAINS,
    PG_LLC_ESCAPED_CHAINS,
    PG_LLC_FLAG,
    PG_LLC_SCORED,
    PG_LLC_POINT,
    PG_LLC_TRACE,
};

extern const char *const pg_llc_scored_names[]; /* what a draw is scored by; NULL-terminated */
extern const struct pg_observable_attribute pg_llc_attributes[4], pg_llc_rhat_attributes[1];

#define LLC_NUMBER(text)                                                                           \
    .long_name = (text), .units = "1", .type = PG_F64, .fill = PG_NAN, .dim_count = 1,             \
    .dims = {DIM_LLC_STEP}
#define LLC_CODE(text, names)                                                                      \
    .long_name = (text), .type = PG_U8, .fill = 255, .meanings = (names),                          \
    .unwritten_meaning = "not_run", .dim_count = 1, .dims = {DIM_LLC_STEP}
#define LLC_COUNT(text)                                                                            \
    .long_name = (text), .units = "1", .type = PG_I32, .fill = -2, .dim_count = 1,                 \
    .dims = {DIM_LLC_STEP}
#define LLC_OBSERVABLES                                                                            \
    [OBS_LLC] = {"llc", LLC_NUMBER("local learning coefficient: mean of the chains"),              \
                 .attributes = pg_llc_attributes, .attribute_count = 4},                           \
    [OBS_LLC_CHAIN] = {"llc_chain",                                                                \
                       .long_name = "local learning coefficient of a chain",                       \
                       .units = "1",                                                               \
                       .type = PG_F64,                                                             \
                       .fill = PG_NAN,                                                             \
                       .dim_count = 2,                                                             \
                       .dims = {DIM_LLC_STEP, DIM_CHAIN}},                                         \
    [OBS_LLC_SE] = {"llc_se",                                                                      \
                    LLC_NUMBER("standard error: deviation of the chains / sqrt(chains)")},         \
    [OBS_LLC_HALF_WIDTH] = {"llc_half_width",                                                      \
                            LLC_NUMBER("half the 95 % interval: Student's t x llc_se")},           \
    [OBS_LLC_SE_DRAWS] = {"llc_se_draws",                                                          \
                          LLC_NUMBER("n beta sd(L) / sqrt(bulk ESS), from the draws")},            \
    [OBS_LLC_RHAT] = {"llc_rhat", LLC_NUMBER("rank-normalised split R-hat of the losses"),         \
                      .attributes = pg_llc_rhat_attributes, .attribute_count = 1},                 \
    [OBS_LLC_ESS] = {"llc_ess", LLC_NUMBER("bulk effective sample size of the losses"),            \
                     .attributes = pg_llc_rhat_attributes, .attribute_count = 1},                  \
    [OBS_LLC_LOSS] = {"llc_loss", LLC_NUMBER("L_n(w*), full batch")},                              \
    [OBS_LLC_SAMPLES] = {"llc_samples", LLC_NUMBER("n: training samples")},                        \
    [OBS_LLC_USED_N_BETA] = {"llc_used_n_beta", LLC_NUMBER("n beta of the chains")},               \
    [OBS_LLC_USED_LOCALIZATION] = {"llc_used_localization", LLC_NUMBER("gamma of the chains")},    \
    [OBS_LLC_USED_STEP_SIZE] = {"llc_used_step_size", LLC_NUMBER("epsilon of the chains")},        \
    [OBS_LLC_ACCEPTANCE] = {"llc_acceptance",                                                      \
                            LLC_NUMBER("mean Metropolis probability of a step; of full-batch "     \
                                       "SGLD, what MALA would accept")},                           \
    [OBS_LLC_BELOW] = {"llc_below", LLC_NUMBER("share of draws with a loss below L_n(w*)")},       \
    [OBS_LLC_DISTANCE] = {"llc_distance", LLC_NUMBER("root mean square distance from w*")},        \
    [OBS_LLC_NEGATIVE] = {"llc_negative_chains", LLC_COUNT("chains with an estimate below 0")},    \
    [OBS_LLC_ESCAPED] = {"llc_escaped_chains",                                                     \
                         LLC_COUNT("chains beyond 3 sqrt(d / gamma) of w*, or not finite")},       \
    [OBS_LLC_FLAG] = {"llc_flag", LLC_CODE("the worst that befell a chain", pg_llc_flag_names)},   \
    [OBS_LLC_SCORED] = {"llc_scored_by", LLC_CODE("the loss of a draw", pg_llc_scored_names)},     \
    [OBS_LLC_POINT] = {"llc_point",                                                                \
                       .long_name = "w*, the parameter vector of the estimate",                    \
                       .units = "1",                                                               \
                       .type = PG_F64,                                                             \
                       .fill = PG_NAN,                                                             \
                       .dim_count = 2,                                                             \
                       .dims = {DIM_LLC_STEP, DIM_PARAMETER}},                                     \
    [OBS_LLC_TRACE] = {"llc_trace",                                                                \
                       .long_name = "loss of a draw",                                              \
                       .units = "1",                                                               \
                       .type = PG_F64,                                                             \
                       .fill = PG_NAN,                                                             \
                       .dim_count = 3,                                                             \
                       .dims = {DIM_LLC_STEP, DIM_CHAIN, DIM_DRAW}}

#endif
