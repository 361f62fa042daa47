/* SPDX-License-Identifier: MIT */
/*
 * Variance of the gradient over batch size and update, exact: nothing is sampled but the problem of
 * a seed. Inputs, the noise of targets and starts are standard normal; targets are those of a
 * linear teacher with coefficients 1, with noise.
 */
#include <string.h>

#include "gradient_theory.h"
#include "phasegrid/experiment.h"
#include "phasegrid/random.h"
#include "tables.h"

enum { DIM_UPDATE, DIM_BATCH, DIM_SAMPLE, DIM_INPUT, DIM_PARAMETER, DIM_COUNT };
enum { OBS_PHASE, OBS_VARIANCE, OBS_FULL_SQUARE, OBS_INPUTS, OBS_TARGETS, OBS_START, OBS_COUNT };
enum { UPDATES_MAX = 1000 };
enum model { LINEAR, TWO_LAYER };

static const char *const model_names[] = {"linear", "two_layer", NULL};
static const char *const phase_names[] = {"exact", NULL};

static const struct pg_setting settings[] = {
    NAME("model", model_names, "linear",
         "linear: x'w, batches are subsets; two_layer: w2 w1 x, batches with replacement"),
    INTEGER("sample_count", 2, PG_GRADIENT_SAMPLES_MAX, "6", "samples", "n"),
    INTEGER("dimension", 1, PG_GRADIENT_DIMENSION_MAX, "3", "1", "d: inputs; two_layer: 1"),
    INTEGER("batch_most", 1, PG_GRADIENT_BATCH_MAX, "6", "samples",
            "batches of 1 to this: places 0, 1, ... along `batch`"),
    REAL("noise", 0, 1e6, "1", "1", "deviation of the targets"),
    REAL("learning_rate", 0, 1e6, "0.1", "1", "of an update"),
    INTEGER("steps", 0, UPDATES_MAX, "4", "steps", "updates; two_layer: 1"),
};

static const struct pg_schema schema = {"gradient_variance", settings,
                                        sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    [DIM_UPDATE] = {"update", "t: updates taken", NULL},
    [DIM_BATCH] = {"batch", "samples of a batch less 1: place 0 is a batch of one", NULL},
    [DIM_SAMPLE] = {"sample", "training sample", NULL},
    [DIM_INPUT] = {"input", "entry of a sample", NULL},
    [DIM_PARAMETER] = {"parameter", "place in the parameter vector", NULL},
};

#define OVER(text, count, ...)                                                                     \
    .long_name = (text), .units = "1", .type = PG_F64, .fill = PG_NAN, .dim_count = (count),       \
    .dims = {__VA_ARGS__}

static const struct pg_observable observables[OBS_COUNT] = {
    [OBS_PHASE] = {"phase", .long_name = "how it was found", .type = PG_U8, .fill = 255,
                   .meanings = phase_names, .unwritten_meaning = "not_run"},
    [OBS_VARIANCE] = {"gradient_variance",
                      OVER("E|g|^2 - |E g|^2 of the gradient of batch + 1 samples", 2, DIM_UPDATE,
                           DIM_BATCH)},
    [OBS_FULL_SQUARE] = {"full_gradient_square",
                         OVER("E|full gradient|^2 where batches have batch + 1 samples", 2,
                              DIM_UPDATE, DIM_BATCH)},
    [OBS_INPUTS] = {"data_inputs", OVER("X", 2, DIM_SAMPLE, DIM_INPUT)},
    [OBS_TARGETS] = {"data_targets", OVER("y", 1, DIM_SAMPLE)},
    [OBS_START] = {"start", OVER("parameters at the start", 1, DIM_PARAMETER)},
};

/* A cell's settings, read once. */
struct cell {
    enum model model;
    size_t samples, dimension, parameters, batch_most, updates;
    double noise, learning_rate;
};

static struct cell read_cell(const struct pg_values *values)
{
    const size_t d = (size_t)pg_values_integer(values, "dimension");
    enum model model = strcmp(pg_values_name(values, "model"), "linear") == 0 ? LINEAR : TWO_LAYER;
    return (struct cell){.model = model,
                         .samples = (size_t)pg_values_integer(values, "sample_count"),
                         .dimension = d,
                         .parameters = model == LINEAR ? d : 2,
                         .batch_most = (size_t)pg_values_integer(values, "batch_most"),
                         .updates = (size_t)pg_values_integer(values, "steps"),
                         .noise = pg_values_real(values, "noise"),
                         .learning_rate = pg_values_real(values, "learning_rate")};
}

/* ---- a run ---- */

static double deviate(const struct pg_random *random, size_t a, size_t b)
{
    return (double)pg_random_normal(random, (uint32_t)a, (uint32_t)b, 0);
}

static void draw(const struct cell *cell, const struct pg_run_request *request, double *inputs,
                 double *targets, double *start)
{
    const struct pg_random split = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    const struct pg_random noise = pg_random_make(request->seed, PG_STREAM_TEMPLATES, request->mix);
    const struct pg_random initial = pg_random_make(request->seed, PG_STREAM_INITIAL, request->mix);
    for (size_t i = 0; i < cell->samples; i++) {
        targets[i] = cell->noise * deviate(&noise, i, 0);
        for (size_t j = 0; j < cell->dimension; j++) {
            inputs[i * cell->dimension + j] = deviate(&split, j, i);
            targets[i] += inputs[i * cell->dimension + j];
        }
    }
    for (size_t p = 0; p < cell->parameters; p++)
        start[p] = deviate(&initial, p, 0);
}

static void put_data(const struct cell *cell, const struct pg_gradient_problem *problem,
                     const struct pg_run_request *request)
{
    double *inputs = request->slots[OBS_INPUTS];
    for (size_t i = 0; i < cell->samples; i++)
        memcpy(inputs + i * request->lengths[DIM_INPUT], problem->inputs + i * cell->dimension,
               cell->dimension * sizeof *inputs);
    memcpy(request->slots[OBS_TARGETS], problem->targets, cell->samples * sizeof(double));
    memcpy(request->slots[OBS_START], problem->start, cell->parameters * sizeof(double));
}

static void run_one(const struct cell *cell, const struct pg_run_request *request)
{
    double inputs[PG_GRADIENT_SAMPLES_MAX * PG_GRADIENT_DIMENSION_MAX];
    double targets[PG_GRADIENT_SAMPLES_MAX], start[PG_GRADIENT_DIMENSION_MAX + 1];
    struct pg_gradient_moments moments[UPDATES_MAX + 1];
    const struct pg_gradient_problem problem = {cell->samples, cell->dimension,    inputs, targets,
                                                start,         cell->learning_rate};
    draw(cell, request, inputs, targets, start);
    put_data(cell, &problem, request);
    for (size_t b = 1; b <= cell->batch_most; b++) {
        if (cell->model == LINEAR)
            pg_gradient_linear(&problem, b, cell->updates, moments);
        else
            pg_gradient_two_layer(&problem, b, moments);
        for (size_t t = 0; t <= cell->updates; t++) {
            size_t at = t * request->lengths[DIM_BATCH] + b - 1;
            ((double *)request->slots[OBS_VARIANCE])[at] = moments[t].variance;
            ((double *)request->slots[OBS_FULL_SQUARE])[at] = moments[t].full_square;
        }
    }
    *(uint8_t *)request->slots[OBS_PHASE] = 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct pg_run_request request;
    while (source->next(source->context, &request)) {
        const struct cell cell = read_cell(&request.values);
        const struct pg_run_result result = {.last_step = (int64_t)cell.updates};
        if (source->pause != NULL && pg_pause_leaves(source->pause(source->context)))
            return pg_error_set(error, PG_ESTOPPED, "stopped before a run");
        run_one(&cell, &request);
        source->finish(source->context, request.ticket, 0, &result, NULL);
    }
    return 0;
}

/* ---- the experiment ---- */

static int check(const struct pg_values *values, struct pg_error *error)
{
    const struct cell cell = read_cell(values);
    if (cell.model == LINEAR && cell.batch_most > cell.samples)
        return pg_error_set(error, PG_EINPUT,
                            "batch_most %zu of %zu samples; expected at most that, as batches are "
                            "subsets",
                            cell.batch_most, cell.samples);
    if (cell.model == TWO_LAYER && (cell.dimension != 1 || cell.updates > 1))
        return pg_error_set(error, PG_EINPUT,
                            "model two_layer with dimension %zu and steps %zu; expected dimension "
                            "1, steps 0 or 1",
                            cell.dimension, cell.updates);
    return 0;
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    const struct cell cell = read_cell(values);
    (void)error;
    memset(ret, 0, sizeof *ret);
    ret->lengths[DIM_UPDATE] = cell.updates + 1;
    ret->lengths[DIM_BATCH] = cell.batch_most;
    ret->lengths[DIM_SAMPLE] = cell.samples;
    ret->lengths[DIM_INPUT] = cell.dimension;
    ret->lengths[DIM_PARAMETER] = cell.parameters;
    ret->steps = (int64_t)cell.updates;
    ret->lanes = 1;
    ret->flops_per_step = 1e4 * (double)cell.batch_most;
    return 0;
}

const struct pg_experiment pg_experiment_gradient_variance = {
    .name = "gradient_variance",
    .summary = "variance of the gradient over batch size and update, exact",
    .reference = "Qian and Klabjan, The Impact of the Mini-batch Size on the Variance of Gradients "
                 "in Stochastic Gradient Descent, 2020, arXiv:2004.13146",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = phase_names,
    .check = check,
    .shape = shape,
    .run = run,
};
