/* SPDX-License-Identifier: MIT */
/* The table of the loops in double of one instruction set, compiled as kernels.c is. */
#include VECTOR_HEADER

#include "autoencoder.h"
#include "lane_random.h"
#include "langevin.h"

extern const struct pg_lane_kernel LANE_KERNEL_SYMBOL;
const struct pg_lane_kernel LANE_KERNEL_SYMBOL = {
    .words = words_in_lanes,
    .stream = words_of_stream,
    .normals = normals_in_lanes,
    .autoencoder_batch = autoencoder_batch,
    .autoencoder_sorted = autoencoder_sorted,
    .autoencoder_population = autoencoder_population,
    .multiply = multiply_lanes,
    .descend = descend,
    .sgld = sgld,
    .psgld = psgld,
    .sghmc = sghmc,
};
