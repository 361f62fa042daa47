/* SPDX-License-Identifier: MIT */
/* Functions of kinds of layers without parameters (phasegrid/model.h). */
#ifndef PHASEGRID_BARE_LAYER_H
#define PHASEGRID_BARE_LAYER_H

#include "phasegrid/model.h"

void pg_no_segments(const struct pg_layer_spec *spec, struct pg_segment *ret_segments);
size_t pg_no_block(const struct pg_layer_spec *spec, size_t lanes, size_t *ret_stride,
                   struct pg_place *ret_places);
size_t pg_no_scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                     size_t stride, bool is_training);
void pg_no_initialise(const struct pg_layer_spec *spec, uint32_t first_segment,
                      const struct pg_random *random, float *ret_dense);

/* The columns of the output are the samples. */
size_t pg_sample_columns(const struct pg_layer_spec *spec, size_t samples);

#endif
