/* SPDX-License-Identifier: MIT */
/*
 * A small results file with every kind of thing in it, for the tests of the store: a text axis, a
 * real axis, a zip axis with three settings, two seeds, every element type, codes, cell data, more
 * attributes than HDF5 keeps in an object's header. tests/e2e/test_store_readers.py knows the same
 * values.
 */
#ifndef PHASEGRID_TESTS_SAMPLE_CUBE_H
#define PHASEGRID_TESTS_SAMPLE_CUBE_H

#include "phasegrid/store.h"

enum { OPTIMISER, RATE, PAIR, SEED, STEP, PLACE, SEGMENT, SAMPLE_DIM_COUNT };
enum {
    STATUS,
    ROW_CRC,
    LOSS,
    EMBEDDINGS,
    PHASE,
    STEPS_TO_TEST,
    COUNTS,
    FINISHED_AT,
    SEGMENT_ROWS,
    ENCODER_WIDTH,
    DECODER_LR,
    SHAPE,
    SAMPLE_VARIABLE_COUNT
};
enum {
    SAMPLE_OPTIMISERS = 2,
    SAMPLE_RATES = 3,
    SAMPLE_PAIRS = 2,
    SAMPLE_SEEDS = 2,
    SAMPLE_STEPS = 4,
    SAMPLE_PLACES = 2,
    SAMPLE_SEGMENTS = 3,
    SAMPLE_ROWS = SAMPLE_OPTIMISERS * SAMPLE_RATES * SAMPLE_PAIRS * SAMPLE_SEEDS,
    SAMPLE_WRITTEN = 20, /* rows 0 .. 19 */
    SAMPLE_DIVERGED = 5, /* this row is diverged, the others done */
};

/* Copies, so that a test may change its own. */
struct sample_cube {
    struct pg_dimension dims[SAMPLE_DIM_COUNT];
    struct pg_variable variables[SAMPLE_VARIABLE_COUNT];
    struct pg_attribute attributes[4];
    double rates[SAMPLE_RATES];
    char *long_text; /* longer than an object header can be */
    struct pg_layout layout;
};

void sample_cube_init(struct sample_cube *cube);
void sample_cube_release(struct sample_cube *cube);

/* Row `index` of the block as row `row` of the cube should be. */
void sample_cube_fill_row(struct pg_block *block, size_t index, uint64_t row);

/* Writes rows first .. first + count - 1 and flushes. */
int sample_cube_write(struct pg_store *store, const struct pg_layout *layout, uint64_t first,
                      size_t count, struct pg_error *error) PG_CHECK_RESULT;

#endif
