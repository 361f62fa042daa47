/* SPDX-License-Identifier: MIT */
/*
 * Context-gated blobs (van Rossem and Saxe, 2024): a Gaussian bump at (u, v) in [-1, 1]^2, seen by
 * a square of pixels over the same area, and a context, one bit of two. The target is u in context
 * 0 and v in context 1, so that in either context one coordinate is irrelevant. Positions, those of
 * the training samples and those of the observed points, stand evenly, ends included; they are in
 * the order (context, u, v), v fastest.
 */
#ifndef PHASEGRID_TWO_POINT_BLOBS_H
#define PHASEGRID_TWO_POINT_BLOBS_H

#include <stddef.h>

#include "phasegrid/error.h"
#include "phasegrid/setting.h"

struct two_point;
struct two_point_points;

enum {
    BLOB_CONTEXTS = 2,
    BLOB_SIDE_MAX = 50,       /* training positions a side */
    BLOB_POINTS_SIDE_MAX = 6, /* observed ones */
    BLOB_PIXELS_MAX = 6,      /* a side */
    BLOB_SAMPLES_MAX = BLOB_CONTEXTS * BLOB_SIDE_MAX * BLOB_SIDE_MAX,
    BLOB_POINTS_MAX = BLOB_CONTEXTS * BLOB_POINTS_SIDE_MAX * BLOB_POINTS_SIDE_MAX,
    BLOB_INPUTS_MAX = BLOB_PIXELS_MAX * BLOB_PIXELS_MAX + BLOB_CONTEXTS
};

/* Positions along a side, of training samples and of observed points; pixels along a side; the
   bump's standard deviation. */
struct two_point_blobs {
    size_t side, points_side, pixels;
    double width;
};

struct two_point_blobs pg_two_point_read_blobs(const struct pg_values *values);

size_t pg_two_point_blob_samples(const struct two_point_blobs *blobs);

/* Sample `index` of a grid of 2 side^2: inputs x (pixels^2 + 2) in row-major order; returns the
   target. */
double pg_two_point_blob(const struct two_point_blobs *blobs, size_t side, size_t index, double *x);

void pg_two_point_place_blobs(const struct two_point_blobs *blobs, struct two_point_points *ret);

/* Refuses what does not go with blobs, or with the other tasks. */
int pg_two_point_check_blobs(const struct pg_values *values, const struct two_point *cell,
                             struct pg_error *error) PG_CHECK_RESULT;

#endif
