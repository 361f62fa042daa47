/* SPDX-License-Identifier: MIT */
/* A cell of the parity experiment: its settings read once, and cross-checked. */
#include <string.h>

#include "parity.h"

static void put_segment(struct parity_cell *cell, const char *name, size_t rows, size_t columns)
{
    struct pg_segment *segment = &cell->segments[cell->shape.segment_count++];
    *segment = (struct pg_segment){.offset = (int64_t)cell->shape.parameters,
                                   .rows = (int64_t)rows,
                                   .columns = (int64_t)columns};
    memcpy(segment->name, name, strlen(name) + 1);
    cell->shape.parameters += rows * columns;
}

static int check_cell(const struct parity_cell *cell, struct pg_error *error)
{
    if (cell->order > cell->net.bits)
        return pg_error_set(error, PG_EINPUT, "k is %zu; with n %zu allowed: up to %zu",
                            cell->order, cell->net.bits, cell->net.bits);
    if (cell->samples == 0 && cell->shape.batch_size == 0)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size 0 is all training samples, but sample_count 0 draws fresh "
                            "ones at every step; expected one of them above 0");
    if (cell->samples > 0 && cell->shape.batch_size > cell->samples)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size %zu is more than the %zu training samples; allowed: 1 to "
                            "%zu, or 0 for all",
                            cell->shape.batch_size, cell->samples, cell->samples);
    return 0;
}

int pg_parity_read(const struct pg_values *values, struct parity_cell *ret, struct pg_error *error)
{
    *ret = (struct parity_cell){
        .net = {.bits = (size_t)pg_values_integer(values, "n"),
                .width = (size_t)pg_values_integer(values, "width")},
        .order = (size_t)pg_values_integer(values, "k"),
        .samples = (size_t)pg_values_integer(values, "sample_count"),
        .test_count = (size_t)pg_values_integer(values, "test_count"),
        .weight_decay = pg_values_real(values, "weight_decay"),
        .init_scale = pg_values_real(values, "init_scale"),
        .solved = pg_values_real(values, "solved_accuracy"),
        .shape = {.steps = pg_values_integer(values, "steps"),
                  .batch_size = (size_t)pg_values_integer(values, "batch_size"),
                  .watch_every = pg_values_integer(values, "evaluate_test_every")}};
    put_segment(ret, "hidden.weight", ret->net.width, ret->net.bits);
    put_segment(ret, "hidden.bias", ret->net.width, 1);
    put_segment(ret, "output.weight", 1, ret->net.width);
    put_segment(ret, "output.bias", 1, 1);
    ret->shape.llc = pg_llc_cell_read(values, ret->samples > 0 ? ret->samples : ret->test_count);
    return check_cell(ret, error);
}
