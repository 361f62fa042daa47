/* SPDX-License-Identifier: MIT */
/* What a shape costs, and which layout suits it. */
#include <stdlib.h>
#include <string.h>

#include "phasegrid/trainer.h"

/* Models of so few parameters leave the lanes of samples half empty: rows of weights are padded to
   whole vectors, tiles are cut off. A pack wastes none, but holds PG_LANES models and outgrows the
   caches as they widen. Where the two meet was measured (`phasegrid bench`). */
static const size_t pack_parameters_max = 4000;

static enum pg_lane_layout wanted_layout(const struct pg_trainer_spec *spec)
{
    const char *forced = getenv("PHASEGRID_LAYOUT");
    if (forced != NULL && strcmp(forced, "samples") == 0)
        return PG_LAYOUT_SAMPLES;
    if (forced != NULL && strcmp(forced, "runs") == 0)
        return PG_LAYOUT_RUNS;
    return spec->layout;
}

size_t pg_trainer_lanes(const struct pg_trainer_spec *spec)
{
    struct pg_segment segments[PG_LAYERS_MAX * PG_LAYER_SEGMENTS_MAX];
    size_t parameters = 0;
    enum pg_lane_layout layout = wanted_layout(spec);
    if (layout != PG_LAYOUT_AUTO)
        return layout == PG_LAYOUT_RUNS ? PG_LANES : 1;
    (void)pg_model_segments(&spec->model, segments, &parameters);
    return parameters <= pack_parameters_max ? PG_LANES : 1;
}

double pg_trainer_flops(const struct pg_trainer_spec *spec)
{
    bool is_full_batch = spec->batch_size == 0;
    size_t batch = is_full_batch ? spec->train_count : spec->batch_size;
    double evaluated = (double)spec->test_count + (is_full_batch ? 0.0 : (double)spec->train_count);
    return pg_model_flops(&spec->model, batch, true) +
           evaluated / (double)spec->evaluate_every * pg_model_flops(&spec->model, 1, false);
}
