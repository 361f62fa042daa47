/* SPDX-License-Identifier: MIT */
/*
 * The problems that speed is measured on: a model, its training samples and its rates, without an
 * experiment around them.
 */
#ifndef PHASEGRID_WORKLOAD_H
#define PHASEGRID_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/model.h"
#include "phasegrid/optimizer.h"

enum { PG_WORKLOAD_SAMPLES_MAX = 1740 };

struct pg_workload {
    struct pg_model_spec model;
    struct pg_rates rates[PG_GROUP_COUNT]; /* AdamW */
    uint32_t pairs[PG_WORKLOAD_SAMPLES_MAX][2];
    size_t count;
    uint32_t modulus; /* of the labels; 0: targets, a random vector for each sum */
    bool is_relation; /* labels a = b, not the sum a + b, both modulo modulus */
    /* Useful ones of a step of one model, without padding: 6 for each weight and sample (or table
       entry) that it multiplies: forward, input's delta and weight's gradient. */
    double flops;
};

/* Toy addition (Liu et al. 2022): p = 10, 44 of 55 pairs, 1 -> width -> width -> 30 tanh, squared
   error. W1 is width 200. */
void pg_workload_toy_addition(size_t width, struct pg_workload *ret_workload);

/* W2, modular addition: p = 59, half of all ordered pairs, embeddings of 64, summed, 256 hidden
   ReLU, cross-entropy. */
void pg_workload_modular_addition(struct pg_workload *ret_workload);

/* W4, a relation (GenEFT, 2024): congruence modulo 3 of 30 symbols, 675 of the 900 ordered pairs,
   embeddings of 2, concatenated, 3 hidden layers of 50 tanh, binary cross-entropy. */
void pg_workload_relation(struct pg_workload *ret_workload);

/* A symbol pair's class, and component `output` of its target. */
uint32_t pg_workload_label(const struct pg_workload *workload, size_t sample);
float pg_workload_target(const struct pg_workload *workload, size_t sample, uint32_t output);

#endif
