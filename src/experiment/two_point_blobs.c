/* SPDX-License-Identifier: MIT */
/* Context-gated blobs; see the header. */
#include "two_point_blobs.h"

#include <string.h>

#include "phasegrid/special.h"
#include "two_point.h"

struct two_point_blobs pg_two_point_read_blobs(const struct pg_values *values)
{
    return (struct two_point_blobs){
        .side = (size_t)pg_values_integer(values, "blob_side"),
        .points_side = (size_t)pg_values_integer(values, "points_side"),
        .pixels = (size_t)pg_values_integer(values, "blob_pixels"),
        .width = pg_values_real(values, "blob_width"),
    };
}

size_t pg_two_point_blob_samples(const struct two_point_blobs *blobs)
{
    return BLOB_CONTEXTS * blobs->side * blobs->side;
}

/* Place i of `count` from -1 to 1. */
static double place(size_t i, size_t count)
{
    return 2.0 * (double)i / (double)(count - 1) - 1.0;
}

double pg_two_point_blob(const struct two_point_blobs *blobs, size_t side, size_t index, double *x)
{
    const size_t context = index / (side * side), pixels = blobs->pixels;
    const double u = place(index / side % side, side), v = place(index % side, side);
    for (size_t i = 0; i < pixels; i++)
        for (size_t j = 0; j < pixels; j++) {
            double du = (place(i, pixels) - u) / blobs->width;
            double dv = (place(j, pixels) - v) / blobs->width;
            x[i * pixels + j] = pg_exp(-0.5 * (du * du + dv * dv));
        }
    for (size_t c = 0; c < BLOB_CONTEXTS; c++)
        x[pixels * pixels + c] = c == context ? 1.0 : 0.0;
    return context == 0 ? u : v;
}

void pg_two_point_place_blobs(const struct two_point_blobs *blobs, struct two_point_points *ret)
{
    ret->count = BLOB_CONTEXTS * blobs->points_side * blobs->points_side;
    ret->inputs = blobs->pixels * blobs->pixels + BLOB_CONTEXTS;
    ret->targets = 1;
    for (size_t i = 0; i < ret->count; i++)
        ret->y[i][0] = pg_two_point_blob(blobs, blobs->points_side, i, ret->x[i]);
}

int pg_two_point_check_blobs(const struct pg_values *values, const struct two_point *cell,
                             struct pg_error *error)
{
    const size_t batch = (size_t)pg_values_integer(values, "batch_size");
    if (cell->task != TASK_BLOBS && batch > 0)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size %zu with task %s: mini-batches are for blobs; expected 0, "
                            "the full batch",
                            batch, two_point_task_names[cell->task]);
    if (batch > cell->trainer.train_count)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size %zu is more than the %zu training samples; allowed: 1 to "
                            "%zu, or 0 for all",
                            batch, cell->trainer.train_count, cell->trainer.train_count);
    if (cell->task == TASK_BLOBS && strcmp(pg_values_name(values, "centred"), "yes") == 0)
        return pg_error_set(error, PG_EINPUT,
                            "centred yes with task blobs: its targets have mean 0 and its inputs "
                            "are pixels; expected no");
    return 0;
}
