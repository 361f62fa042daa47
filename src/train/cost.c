/* SPDX-License-Identifier: MIT */
/*
 * What a shape costs, and which layout suits it.
 *
 * The model counts core cycles of one step of one run. Products cost a fused multiply-add for each
 * vector and depth, plus what becomes of a finished vector. With samples in lanes, samples are
 * rounded up to half vectors and rows of weights to whole ones, and a step has an overhead; a pack
 * rounds nothing up, but sixteen models stream through the caches. The constants are measured on a
 * Zen 4 core (1 MiB of L2) over widths 8 to 200 of toy addition, where the predicted ratio of the
 * layouts agrees with the measured one within a tenth around the point where they meet; `phasegrid
 * bench` prints both.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/trainer.h"

/* Cycles for what becomes of one vector of results. */
static const double store_cycles = 4, tanh_cycles = 20, derive_cycles = 6, optimizer_cycles = 28;
static const double step_cycles = 3300;   /* samples in lanes: calls, loops, their ends */
static const double near_bytes = 1 << 20; /* what stays in L2 */
static const double near_rate = 10.7, far_rate = 3.5; /* bytes a cycle from L2, from beyond */

/* Vectors, of one run, that hold `count` samples or weights. */
static double sample_vectors(double count, size_t lanes)
{
    return lanes == 1 ? ceil(count / PG_COLUMNS) * PG_COLUMNS / PG_LANES : count / PG_LANES;
}

static double weight_vectors(double count, size_t lanes)
{
    return lanes == 1 ? ceil(count / PG_LANES) : count / PG_LANES;
}

static bool is_product(const struct pg_layer_spec *layer)
{
    return layer->kind == &pg_layer_affine;
}

static double forward_cycles(const struct pg_layer_spec *layer, double columns, size_t lanes)
{
    bool is_curved = layer->activation == PG_TANH || layer->activation == PG_ELU;
    double after = is_curved ? tanh_cycles : store_cycles;
    return (double)layer->outputs * sample_vectors(columns, lanes) *
           ((double)layer->inputs + 1 + after);
}

static double backward_cycles(const struct pg_layer_spec *layer, double columns, size_t lanes)
{
    double inputs = (double)layer->inputs, outputs = (double)layer->outputs;
    return inputs * sample_vectors(columns, lanes) * (outputs + derive_cycles) +
           outputs * weight_vectors(inputs + 1, lanes) * (columns + optimizer_cycles);
}

/* Columns of a layer's output for `samples` samples. */
static double columns_of(const struct pg_layer_spec *layer, double samples, double before)
{
    return layer->kind->columns != NULL ? (double)layer->kind->columns(layer, (size_t)samples)
                                        : before;
}

static double product_cycles(const struct pg_model_spec *spec, double samples, bool is_training,
                             size_t lanes)
{
    double cycles = 0.0, columns = samples;
    for (size_t l = 0; l < spec->layer_count; l++) {
        const struct pg_layer_spec *layer = &spec->layers[l];
        columns = columns_of(layer, samples, columns);
        if (is_product(layer))
            cycles += forward_cycles(layer, columns, lanes) +
                      (is_training ? backward_cycles(layer, columns, lanes) : 0.0);
    }
    return cycles;
}

/* Bytes that a step touches: parameters with their moments, values and deltas. */
static double step_bytes(const struct pg_model_spec *spec, double samples, size_t lanes)
{
    struct pg_segment segments[PG_LAYERS_MAX * PG_LAYER_SEGMENTS_MAX];
    size_t parameters = 0;
    double numbers = 0.0, columns = samples;
    (void)pg_model_segments(spec, segments, &parameters);
    for (size_t l = 0; l < spec->layer_count; l++) {
        columns = columns_of(&spec->layers[l], samples, columns);
        numbers += 2.0 * columns * (double)spec->layers[l].outputs;
    }
    return sizeof(float) * (double)lanes * (3.0 * (double)parameters + numbers);
}

static double memory_cycles(double bytes)
{
    double near = fmin(bytes, near_bytes);
    return near / near_rate + (bytes - near) / far_rate;
}

/* Cycles of one step of one run. */
static double step_cost(const struct pg_trainer_spec *spec, size_t lanes)
{
    bool is_full_batch = spec->batch_size == 0;
    double trained = (double)(is_full_batch ? spec->train_count : spec->batch_size);
    double evaluated = (double)(spec->test_count + (is_full_batch ? 0 : spec->train_count));
    double bytes = step_bytes(&spec->model, trained, lanes);
    double memory = lanes == 1 ? memory_cycles(fmax(0.0, bytes - near_bytes))
                               : memory_cycles(bytes) / (double)lanes;
    return product_cycles(&spec->model, trained, true, lanes) +
           product_cycles(&spec->model, evaluated, false, lanes) / (double)spec->evaluate_every +
           memory + (lanes == 1 ? step_cycles : 0.0);
}

/* What is left of a pack's gain when its sixteen models outgrow a few times L2: it falls about as
   the cube root (toy addition at widths 100 and 200, modular addition at 256). */
static double size_penalty(const struct pg_trainer_spec *spec)
{
    size_t trained = spec->batch_size > 0 ? spec->batch_size : spec->train_count;
    double bytes = step_bytes(&spec->model, (double)trained, PG_LANES);
    return fmin(1.0, cbrt(4.0 * near_bytes / bytes));
}

double pg_trainer_pack_gain(const struct pg_trainer_spec *spec)
{
    return step_cost(spec, 1) / step_cost(spec, PG_LANES) * size_penalty(spec);
}

static const char layout_variable[] = "PHASEGRID_LAYOUT";

static enum pg_lane_layout wanted_layout(const struct pg_trainer_spec *spec)
{
    const char *forced = getenv(layout_variable);
    if (forced != NULL && strcmp(forced, "samples") == 0)
        return PG_LAYOUT_SAMPLES;
    if (forced != NULL && strcmp(forced, "runs") == 0)
        return PG_LAYOUT_RUNS;
    return spec->layout;
}

int pg_trainer_check_layout(struct pg_error *error)
{
    const char *forced = getenv(layout_variable);
    if (forced == NULL || forced[0] == '\0' || strcmp(forced, "samples") == 0 ||
        strcmp(forced, "runs") == 0)
        return 0;
    return pg_error_set(error, PG_EINPUT, "%s=%s: no such layout; expected samples or runs",
                        layout_variable, forced);
}

size_t pg_trainer_lanes(const struct pg_trainer_spec *spec)
{
    enum pg_lane_layout layout = wanted_layout(spec);
    if (layout == PG_LAYOUT_AUTO)
        layout = pg_trainer_pack_gain(spec) > 1.0 ? PG_LAYOUT_RUNS : PG_LAYOUT_SAMPLES;
    return layout == PG_LAYOUT_RUNS ? PG_LANES : 1;
}

/* Our tiles are as fast up to some thousand units, and with few samples beyond (`phasegrid bench`).
 */
bool pg_trainer_uses_blas(const struct pg_trainer_spec *spec)
{
    const size_t weights = (size_t)1 << 21, samples = 128;
    size_t largest = 0;
    for (size_t l = 0; l < spec->model.layer_count; l++) {
        const struct pg_layer_spec *layer = &spec->model.layers[l];
        if (is_product(layer) && layer->inputs * layer->outputs > largest)
            largest = layer->inputs * layer->outputs;
    }
    size_t trained = spec->batch_size > 0 ? spec->batch_size : spec->train_count;
    return largest >= weights && trained >= samples && pg_trainer_lanes(spec) == 1;
}

double pg_trainer_flops(const struct pg_trainer_spec *spec)
{
    bool is_full_batch = spec->batch_size == 0;
    size_t batch = is_full_batch ? spec->train_count : spec->batch_size;
    size_t evaluated = spec->test_count + (is_full_batch ? 0 : spec->train_count);
    return pg_model_flops(&spec->model, batch, true) +
           pg_model_flops(&spec->model, evaluated, false) / (double)spec->evaluate_every;
}
