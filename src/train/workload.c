/* SPDX-License-Identifier: MIT */
/* The shapes, data and rates of the problems that speed is measured on. */
#include "phasegrid/workload.h"

#include <assert.h>
#include <string.h>

#include "phasegrid/random.h"

enum { SEED = 1, TOY_SYMBOLS = 10, TOY_COUNT = 44, TOY_OUTPUTS = 30 };
enum { MODULAR_SYMBOLS = 59, MODULAR_COUNT = 1740, MODULAR_DIMENSION = 64, MODULAR_WIDTH = 256 };
enum { RELATION_SYMBOLS = 30, RELATION_COUNT = 675, RELATION_WIDTH = 50, RELATION_MODULUS = 3 };
enum { PAIRS_MAX = MODULAR_SYMBOLS * MODULAR_SYMBOLS };

static struct pg_layer_spec *add_layer(struct pg_workload *workload,
                                       const struct pg_layer_kind *kind, size_t inputs,
                                       size_t outputs)
{
    struct pg_model_spec *model = &workload->model;
    struct pg_layer_spec *layer = &model->layers[model->layer_count++];
    *layer = (struct pg_layer_spec){.kind = kind,
                                    .inputs = inputs,
                                    .outputs = outputs,
                                    .group = PG_GROUP_DECODER,
                                    .scale = 1.0f};
    return layer;
}

/* f(W x + b) on so many columns. */
static void add_affine(struct pg_workload *workload, size_t inputs, size_t outputs, size_t columns,
                       enum pg_activation activation)
{
    add_layer(workload, &pg_layer_affine, inputs, outputs)->activation = activation;
    workload->flops += 6.0 * (double)inputs * (double)outputs * (double)columns;
}

/* Embeddings, summed or (tables 2) side by side, whose first affine layer is computed once per
   symbol: its FLOPs are those of the symbols, not of the samples. */
static void add_table(struct pg_workload *workload, size_t symbols, size_t dimension, size_t tables)
{
    struct pg_layer_spec *table =
        add_layer(workload, &pg_layer_embedding_table, symbols, tables * dimension);
    table->group = PG_GROUP_REPRESENTATION;
    table->tables = tables;
}

static void add_gather(struct pg_workload *workload, size_t width, enum pg_activation activation)
{
    struct pg_layer_spec *gather = add_layer(workload, &pg_layer_gather, width, width);
    gather->tables = workload->model.layers[0].tables;
    gather->activation = activation;
}

static void set_rates(struct pg_workload *workload, enum pg_group group, double weight_decay)
{
    workload->rates[group] = (struct pg_rates){.learning_rate = 1e-3,
                                               .weight_decay = weight_decay,
                                               .beta1 = 0.9,
                                               .beta2 = 0.999,
                                               .epsilon = 1e-8};
}

/* The first `count` in a random order of so many pairs. */
static void draw_pairs(struct pg_workload *workload, const uint32_t (*pairs)[2], size_t pair_count,
                       size_t count)
{
    const struct pg_random random = pg_random_make(SEED, PG_STREAM_SPLIT, 0);
    uint32_t order[PAIRS_MAX];
    assert(count <= pair_count && pair_count <= PAIRS_MAX && count <= PG_WORKLOAD_SAMPLES_MAX);
    pg_random_permutation(&random, 0, 0, order, pair_count);
    for (size_t n = 0; n < count; n++)
        memcpy(workload->pairs[n], pairs[order[n]], sizeof workload->pairs[n]);
    workload->count = count;
}

static void draw_ordered_pairs(struct pg_workload *workload, uint32_t symbols, size_t count)
{
    static uint32_t pairs[PAIRS_MAX][2];
    for (uint32_t i = 0; i < symbols * symbols; i++) {
        pairs[i][0] = i / symbols;
        pairs[i][1] = i % symbols;
    }
    draw_pairs(workload, (const uint32_t(*)[2])pairs, symbols * symbols, count);
}

void pg_workload_toy_addition(size_t width, struct pg_workload *ret)
{
    uint32_t pairs[PAIRS_MAX][2];
    size_t count = 0;
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = 0; i < TOY_SYMBOLS; i++)
        for (uint32_t j = i; j < TOY_SYMBOLS; j++, count++)
            memcpy(pairs[count], (uint32_t[]){i, j}, sizeof pairs[count]);
    draw_pairs(ret, (const uint32_t(*)[2])pairs, count, TOY_COUNT);
    add_layer(ret, &pg_layer_embedding_sum, TOY_SYMBOLS, 1)->group = PG_GROUP_REPRESENTATION;
    add_affine(ret, 1, width, TOY_COUNT, PG_TANH);
    add_affine(ret, width, width, TOY_COUNT, PG_TANH);
    add_affine(ret, width, TOY_OUTPUTS, TOY_COUNT, PG_IDENTITY);
    ret->model.loss = &pg_loss_squared_error;
    set_rates(ret, PG_GROUP_REPRESENTATION, 0.0);
    set_rates(ret, PG_GROUP_DECODER, 0.1);
}

void pg_workload_modular_addition(struct pg_workload *ret)
{
    memset(ret, 0, sizeof *ret);
    draw_ordered_pairs(ret, MODULAR_SYMBOLS, MODULAR_COUNT);
    add_table(ret, MODULAR_SYMBOLS, MODULAR_DIMENSION, 1);
    add_affine(ret, MODULAR_DIMENSION, MODULAR_WIDTH, MODULAR_SYMBOLS, PG_IDENTITY);
    add_gather(ret, MODULAR_WIDTH, PG_RELU);
    add_affine(ret, MODULAR_WIDTH, MODULAR_SYMBOLS, MODULAR_COUNT, PG_IDENTITY);
    ret->model.loss = &pg_loss_cross_entropy;
    ret->modulus = MODULAR_SYMBOLS;
    set_rates(ret, PG_GROUP_REPRESENTATION, 1.0);
    set_rates(ret, PG_GROUP_DECODER, 1.0);
}

void pg_workload_relation(struct pg_workload *ret)
{
    memset(ret, 0, sizeof *ret);
    draw_ordered_pairs(ret, RELATION_SYMBOLS, RELATION_COUNT);
    add_table(ret, RELATION_SYMBOLS, 2, 2);
    add_affine(ret, 4, RELATION_WIDTH, RELATION_SYMBOLS, PG_IDENTITY);
    add_gather(ret, RELATION_WIDTH, PG_TANH);
    add_affine(ret, RELATION_WIDTH, RELATION_WIDTH, RELATION_COUNT, PG_TANH);
    add_affine(ret, RELATION_WIDTH, RELATION_WIDTH, RELATION_COUNT, PG_TANH);
    add_affine(ret, RELATION_WIDTH, 1, RELATION_COUNT, PG_IDENTITY);
    ret->model.loss = &pg_loss_logistic;
    ret->modulus = RELATION_MODULUS;
    ret->is_relation = true;
    set_rates(ret, PG_GROUP_REPRESENTATION, 0.0);
    set_rates(ret, PG_GROUP_DECODER, 0.0);
}

uint32_t pg_workload_label(const struct pg_workload *workload, size_t sample)
{
    if (workload->is_relation)
        return workload->pairs[sample][0] % workload->modulus ==
               workload->pairs[sample][1] % workload->modulus;
    uint32_t sum = workload->pairs[sample][0] + workload->pairs[sample][1];
    return workload->modulus > 0 ? sum % workload->modulus : sum;
}

float pg_workload_target(const struct pg_workload *workload, size_t sample, uint32_t output)
{
    const struct pg_random random = pg_random_make(SEED, PG_STREAM_TEMPLATES, 0);
    return pg_random_normal(&random, output, pg_workload_label(workload, sample), 0);
}
