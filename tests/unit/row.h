/* SPDX-License-Identifier: MIT */
/* One run of an experiment with a row in memory of its own, for tests of experiments. */
#ifndef PHASEGRID_TESTS_ROW_H
#define PHASEGRID_TESTS_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/experiment.h"

enum { ROW_POINTS = 12, ROW_OBSERVABLES_MAX = 80 };

/* Calls of the allocator, counted by the linker's --wrap. */
extern long row_allocations;

struct row {
    const struct pg_experiment *experiment;
    struct pg_value values[64];
    struct pg_shape shape;
    int64_t steps[ROW_POINTS], snapshots[2]; /* evenly over the budget; its begin and end */
    struct pg_record record;
    void *slots[ROW_OBSERVABLES_MAX];
    size_t bytes[ROW_OBSERVABLES_MAX];
    struct pg_run_request request;
    struct pg_run_result result;
    int status;
    bool is_given;
    struct pg_error error;
    long allocations_first, allocations_last; /* at the first and last pause */
    long pauses;
};

/* The defaults, but for assignments: "name=value name=value". */
void row_prepare(struct row *row, const char *experiment, const char *assignments, uint32_t seed,
                 bool stop_when_decided);

/* LLC estimates at these steps (count), before the row is trained. */
void row_ask_llc(struct row *row, const int64_t *steps, size_t count);

/* The same, trained. */
void row_run(struct row *row, const char *experiment, const char *assignments, uint32_t seed,
             bool stop_when_decided);

/* Rows (count) trained as one source gives them; their tickets become their indices. */
void row_run_all(struct row *rows, size_t count);

void row_release(struct row *row);

/* Before it is trained: every dimension but those of the record becomes longer by so much, as in
   the cube of a grid with larger cells. */
void row_widen(struct row *row, size_t by);

void row_set(struct row *row, const char *name, const char *text);

/* An observable: its index, where it is, or its one int64. */
size_t row_index_of(const struct row *row, const char *name);
const void *row_slot(const struct row *row, const char *name);
int64_t row_steps_to(const struct row *row, const char *name);

/* Cells (two strings of assignments) whose runs no trainer can serve together have different
 * shapes.
 */
void row_assert_apart(const char *experiment, const char *const cells[2]);

void row_assert_same(const struct row *a, const struct row *b, const char *name);
/* All bytes of `wide`, which may have been widened, follow from `own`, which has not. */
void row_assert_spread(const struct row *own, const struct row *wide);
void row_assert_all_same(const struct row *a, const struct row *b);

#endif
