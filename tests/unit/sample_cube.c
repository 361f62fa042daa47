/* SPDX-License-Identifier: MIT */
/* The layout and the values of the sample; see the header. */
#include "sample_cube.h"

#include <stdlib.h>
#include <string.h>

enum { LONG_TEXT = 100000 };

static const char *const optimisers[] = {"adamw", "sgd-µ"};
static const double rates[] = {1e-3, 1e-2, 1e-1};
static const int64_t seeds[] = {3, 7}, steps[] = {0, 10, 100, 1000};
static const char *const segments[] = {"embedding", "decoder.0.weight", "decoder.0.bias"};
static const char *const phases[] = {"comprehension", "grokking", "memorization", "confusion",
                                     NULL};
static const char *const statuses[] = {"todo", "done", "diverged", "failed", NULL};
static const int64_t encoder_widths[] = {50, 200};
static const double decoder_lrs[] = {0.25, 0.5};
static const char *const shapes[] = {"50-50", "200-200-é"};

/* (optimiser, learning_rate, pair, segment) */
static const int32_t
    segment_rows[SAMPLE_OPTIMISERS * SAMPLE_RATES * SAMPLE_PAIRS * SAMPLE_SEGMENTS] = {
        10, 1, 50, 10, 1, 200, 10, 2, 50, 10, 2, 200, 10, 3, 50, 10, 3, 200,
        10, 4, 50, 10, 4, 200, 10, 5, 50, 10, 5, 200, 10, 6, 50, 10, 6, 200,
};

static const struct pg_attribute many_attributes[] = {
    {"threshold", NULL, 0.9}, {"hold_steps", NULL, 100},
    {"a", NULL, 1},           {"b", NULL, 2.5},
    {"c", "see é", 0},        {"d", NULL, 4},
    {"e", NULL, 5},           {"f", NULL, 6},
    {"g", NULL, 7},
};

static const struct pg_dimension dims[SAMPLE_DIM_COUNT] = {
    [OPTIMISER] = {"optimiser",
                   "Optimiser",
                   NULL,
                   SAMPLE_OPTIMISERS,
                   PG_COORDINATE_TEXT,
                   {.texts = optimisers}},
    [RATE] =
        {"learning_rate", "Learning rate", "1", SAMPLE_RATES, PG_COORDINATE_REAL, {.reals = rates}},
    [PAIR] = {"pair",
              "Widths and rates that move together",
              NULL,
              SAMPLE_PAIRS,
              PG_COORDINATE_INDEX,
              {.reals = NULL}},
    [SEED] = {"seed", "Seed", "1", SAMPLE_SEEDS, PG_COORDINATE_INTEGER, {.integers = seeds}},
    [STEP] = {"step",
              "Optimiser step",
              "steps",
              SAMPLE_STEPS,
              PG_COORDINATE_INTEGER,
              {.integers = steps}},
    [PLACE] = {"place", "Component", NULL, SAMPLE_PLACES, PG_COORDINATE_INDEX, {.reals = NULL}},
    [SEGMENT] = {"segment",
                 "Parameter matrix",
                 NULL,
                 SAMPLE_SEGMENTS,
                 PG_COORDINATE_TEXT,
                 {.texts = segments}},
};

static const struct pg_variable variables[SAMPLE_VARIABLE_COUNT] = {
    [STATUS] = {.name = "status", .long_name = "What became of the run", .meanings = statuses},
    [ROW_CRC] = {.name = "row_crc", .type = PG_I64, .is_volatile = true},
    [LOSS] = {.name = "loss",
              .long_name = "Training loss",
              .units = "1",
              .type = PG_F32,
              .dim_count = 1,
              .dims = {STEP},
              .fill = PG_NAN,
              .attributes = many_attributes,
              .attribute_count = sizeof many_attributes / sizeof many_attributes[0]},
    [EMBEDDINGS] = {.name = "embeddings",
                    .type = PG_F64,
                    .dim_count = 2,
                    .dims = {STEP, PLACE},
                    .fill = PG_NAN},
    [PHASE] = {.name = "phase",
               .long_name = "Phase",
               .fill = 255,
               .meanings = phases,
               .unwritten_meaning = "not_run"},
    [STEPS_TO_TEST] = {.name = "steps_to_test",
                       .units = "steps",
                       .type = PG_I32,
                       .fill = -2,
                       .unwritten_meaning = "not_run"},
    [COUNTS] = {.name = "counts", .type = PG_I64, .dim_count = 1, .dims = {STEP}, .fill = -2},
    [FINISHED_AT] = {.name = "finished_at",
                     .units = "seconds since 1970-01-01 00:00:00",
                     .type = PG_F64,
                     .fill = PG_NAN,
                     .is_volatile = true},
    [SEGMENT_ROWS] = {.name = "segment_rows",
                      .type = PG_I32,
                      .scope = PG_SCOPE_CELL,
                      .dim_count = 1,
                      .dims = {SEGMENT},
                      .data = segment_rows},
    [ENCODER_WIDTH] = {.name = "encoder_width",
                       .type = PG_I64,
                       .scope = PG_SCOPE_AXIS,
                       .dim_count = 1,
                       .dims = {PAIR},
                       .data = encoder_widths},
    [DECODER_LR] = {.name = "decoder_lr",
                    .type = PG_F64,
                    .scope = PG_SCOPE_AXIS,
                    .dim_count = 1,
                    .dims = {PAIR},
                    .fill = PG_NAN,
                    .data = decoder_lrs},
    [SHAPE] =
        {.name = "shape", .scope = PG_SCOPE_AXIS, .dim_count = 1, .dims = {PAIR}, .texts = shapes},
};

void sample_cube_init(struct sample_cube *cube)
{
    memset(cube, 0, sizeof *cube);
    memcpy(cube->dims, dims, sizeof dims);
    memcpy(cube->variables, variables, sizeof variables);
    memcpy(cube->rates, rates, sizeof rates);
    cube->dims[RATE].coordinate.reals = cube->rates;
    cube->long_text = malloc(LONG_TEXT + 1);
    if (cube->long_text == NULL)
        abort();
    memset(cube->long_text, 'x', LONG_TEXT);
    cube->long_text[LONG_TEXT] = '\0';
    cube->attributes[0] = (struct pg_attribute){"Conventions", "CF-1.8", 0};
    cube->attributes[1] = (struct pg_attribute){"title", "A sample: µ", 0};
    cube->attributes[2] = (struct pg_attribute){"numerics", NULL, 3};
    cube->attributes[3] = (struct pg_attribute){"job", cube->long_text, 0};
    cube->layout = (struct pg_layout){
        .dims = cube->dims,
        .dim_count = SAMPLE_DIM_COUNT,
        .grid_count = SEED + 1,
        .variables = cube->variables,
        .variable_count = SAMPLE_VARIABLE_COUNT,
        .attributes = cube->attributes,
        .attribute_count = 4,
    };
}

void sample_cube_release(struct sample_cube *cube)
{
    free(cube->long_text);
}

void sample_cube_fill_row(struct pg_block *block, size_t index, uint64_t row)
{
    float *loss = pg_block_at(block, LOSS, index);
    double *embeddings = pg_block_at(block, EMBEDDINGS, index);
    int64_t *counts = pg_block_at(block, COUNTS, index);
    for (size_t i = 0; i < SAMPLE_STEPS; i++) {
        loss[i] = (float)row + (float)i / 8;
        counts[i] = (int64_t)(1000 * row + i);
        for (size_t k = 0; k < SAMPLE_PLACES; k++)
            embeddings[i * SAMPLE_PLACES + k] = (double)(100 * row + 10 * i + k) + 0.5;
    }
    *(uint8_t *)pg_block_at(block, PHASE, index) = (uint8_t)(row % 4);
    *(int32_t *)pg_block_at(block, STEPS_TO_TEST, index) = 7 * (int32_t)row - 1;
    *(double *)pg_block_at(block, FINISHED_AT, index) = 1.7e9 + (double)row;
}

int sample_cube_write(struct pg_store *store, const struct pg_layout *layout, uint64_t first,
                      size_t count, struct pg_error *error)
{
    struct pg_block block;
    uint8_t row_statuses[SAMPLE_ROWS];
    int status = pg_block_init(&block, layout, count, error);
    if (status != 0)
        return status;
    block.first_row = first;
    for (size_t i = 0; i < count; i++) {
        sample_cube_fill_row(&block, i, first + i);
        row_statuses[i] = first + i == SAMPLE_DIVERGED ? PG_ROW_DIVERGED : PG_ROW_DONE;
    }
    status = pg_store_write(store, &block, 0, count, row_statuses, error);
    if (status == 0)
        status = pg_store_flush(store, error);
    pg_block_release(&block);
    return status;
}
