/* SPDX-License-Identifier: MIT */
#include "bare_layer.h"

void pg_no_segments(const struct pg_layer_spec *spec, struct pg_segment *ret)
{
    (void)spec;
    (void)ret;
}

size_t pg_no_block(const struct pg_layer_spec *spec, size_t lanes, size_t *ret_stride,
                   struct pg_place *ret_places)
{
    (void)spec;
    (void)lanes;
    (void)ret_places;
    *ret_stride = 0;
    return 0;
}

size_t pg_no_scratch(const struct pg_layer_spec *spec, size_t lanes, size_t in_stride,
                     size_t stride, bool is_training)
{
    (void)spec;
    (void)lanes;
    (void)in_stride;
    (void)stride;
    (void)is_training;
    return 0;
}

void pg_no_initialise(const struct pg_layer_spec *spec, uint32_t first_segment,
                      const struct pg_random *random, float *ret)
{
    (void)spec;
    (void)first_segment;
    (void)random;
    (void)ret;
}

size_t pg_sample_columns(const struct pg_layer_spec *spec, size_t samples)
{
    (void)spec;
    return samples;
}
