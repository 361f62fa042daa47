/* SPDX-License-Identifier: MIT */
/*
 * A minimum whose local learning coefficient is known at any temperature, localisation and step
 * size: L(w) = sum of h_i w_i^2 / 2 at w* = 0, in `dimension` directions with curvatures from
 * curvature_min to curvature_max in equal steps, and `flat` directions of curvature 0 (minimally
 * singular, lambda = dimension / 2). A batch of m samples adds noise of variance gradient_noise^2 /
 * m to every component of the gradient, and none to the loss.
 */
#include <math.h>
#include <string.h>

#include "descent.h"
#include "llc_tables.h"
#include "quadratic_theory.h"

enum { DESCENT_DIMENSION_NUMBERS, DIM_COUNT };
enum { DESCENT_OBSERVABLE_NUMBERS, OBS_LLC_TRUTH, OBS_COUNT };
enum { DIRECTIONS_MAX = 100000 };

static const char *const restrict_names[] = {"all", "w", NULL};

static const struct pg_setting settings[] = {
    INTEGER("dimension", 1, DIRECTIONS_MAX, "4", "1", "directions with a curvature"),
    INTEGER("flat", 0, DIRECTIONS_MAX, "0", "1", "directions without one"),
    REAL("curvature_min", 0, 1e12, "1", "1", "the smallest curvature"),
    REAL("curvature_max", 0, 1e12, "1", "1", "the largest curvature"),
    REAL("gradient_noise", 0, 1e12, "0", "1",
         "deviation of a sample's gradient, in each direction"),
    INTEGER("sample_count", 1, 1e12, "1000", "samples", "n, of the temperature"),
    INTEGER("batch_size", 0, 1e9, "0", "samples", "of a training step; 0: all"),
    REAL("init_scale", 0, 1e6, "0", "1", "runs start at init_scale N(0, 1); 0: at the minimum"),
    DESCENT_SETTINGS("0.01", "0"),
    LLC_SETTINGS(restrict_names),
};

static const struct pg_schema schema = {"quadratic", settings, sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {DESCENT_DIMENSIONS};

static const struct pg_observable observables[OBS_COUNT] = {
    DESCENT_OBSERVABLES(pg_descent_phase_names),
    [OBS_LLC_TRUTH] = {"llc_truth",
                       LLC_NUMBER("exact value at this n beta, gamma, epsilon and gradient noise"),
                       .is_volatile = true},
};

/* A cell's settings, read once. */
struct quadratic {
    size_t dimension, flat;
    double lowest, highest, noise, init_scale;
    struct pg_segment segment;
    struct pg_descent_shape shape;
};

static struct quadratic read_cell(const struct pg_values *values)
{
    struct quadratic cell = {.dimension = (size_t)pg_values_integer(values, "dimension"),
                             .flat = (size_t)pg_values_integer(values, "flat"),
                             .lowest = pg_values_real(values, "curvature_min"),
                             .highest = pg_values_real(values, "curvature_max"),
                             .noise = pg_values_real(values, "gradient_noise"),
                             .init_scale = pg_values_real(values, "init_scale")};
    size_t parameters = cell.dimension + cell.flat;
    cell.segment = (struct pg_segment){.name = "w", .rows = 1, .columns = (int64_t)parameters};
    cell.shape = (struct pg_descent_shape){
        .parameters = parameters,
        .steps = pg_values_integer(values, "steps"),
        .batch_size = (size_t)pg_values_integer(values, "batch_size"),
        .segment_count = 1,
        .llc = pg_llc_cell_read(values, (size_t)pg_values_integer(values, "sample_count"))};
    return cell;
}

static double curvature(const struct quadratic *cell, size_t direction)
{
    double share = cell->dimension > 1 ? (double)direction / (double)(cell->dimension - 1) : 0.0;
    return direction < cell->dimension ? cell->lowest + (cell->highest - cell->lowest) * share
                                       : 0.0;
}

/* ---- the landscape ---- */

struct hall {
    struct quadratic cell; /* of the first run */
    struct quadratic cells[PG_LANES];
    const struct pg_kernel *kernel;
    double *curvatures; /* (parameters, PG_LANES): of the seats */
    double *looked_at;  /* the same of what the lanes look at */
    double *noise;      /* (parameters up to whole blocks, PG_LANES) */
    double noises[PG_LANES], looked_at_noises[PG_LANES];
};

static void look_at(void *context, size_t lane, size_t set)
{
    struct hall *hall = context;
    for (size_t p = 0; p < hall->cell.shape.parameters; p++)
        hall->looked_at[p * PG_LANES + lane] = hall->curvatures[p * PG_LANES + set];
    hall->looked_at_noises[lane] = hall->noises[set];
}

static void full(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    const struct hall *hall = context;
    double loss[PG_LANES] = {0.0};
    for (size_t at = 0; at < hall->cell.shape.parameters * PG_LANES; at++) {
        double slope = hall->looked_at[at] * w[at];
        loss[at % PG_LANES] += 0.5 * slope * w[at];
        if (ret_gradient != NULL)
            ret_gradient[at] = slope;
    }
    if (ret_loss != NULL)
        memcpy(ret_loss, loss, sizeof loss);
}

static void batch(void *context, const struct pg_lane_random *random, size_t size, const double *w,
                  double *ret_loss, double *ret_gradient)
{
    const struct hall *hall = context;
    const size_t parameters = hall->cell.shape.parameters;
    const double share = 1.0 / sqrt((double)size);
    full(context, w, ret_loss, ret_gradient);
    hall->kernel->in_lanes->normals(random, 0, (parameters + 3) / 4, hall->noise);
    for (size_t at = 0; at < parameters * PG_LANES; at++)
        ret_gradient[at] += hall->looked_at_noises[at % PG_LANES] * share * hall->noise[at];
}

/* ---- runs ---- */

static int open_hall(void *context, const struct pg_run_request *first,
                     struct pg_descent_shape *ret, struct pg_error *error)
{
    struct hall *hall = context;
    (void)error;
    hall->cell = read_cell(&first->values);
    *ret = hall->cell.shape;
    ret->segments = &hall->cell.segment;
    return 0;
}

static void arrange(void *context, const struct pg_kernel *kernel, struct pg_arena *arena,
                    struct pg_landscape *ret)
{
    struct hall *hall = context;
    const size_t parameters = hall->cell.shape.parameters;
    const size_t bytes = parameters * PG_LANES * sizeof(double);
    hall->kernel = kernel;
    hall->curvatures = pg_arena_take(arena, bytes);
    hall->looked_at = pg_arena_take(arena, bytes);
    hall->noise = pg_arena_take(arena, (parameters + 3) / 4 * 4 * PG_LANES * sizeof(double));
    *ret = (struct pg_landscape){.parameters = parameters,
                                 .scores_full = true,
                                 .context = hall,
                                 .look_at = look_at,
                                 .full = full,
                                 .batch = batch};
}

static int sit(void *context, size_t seat, const struct pg_run_request *request,
               struct pg_descent_run *ret, double *ret_initial, struct pg_error *error)
{
    struct hall *hall = context;
    struct quadratic *cell = &hall->cells[seat];
    const struct pg_random random = pg_random_make(request->seed, PG_STREAM_INITIAL, request->mix);
    (void)error;
    *cell = read_cell(&request->values);
    *ret = pg_descent_run_read(&request->values, &cell->shape.llc);
    hall->noises[seat] = cell->noise;
    for (size_t p = 0; p < cell->shape.parameters; p++) {
        hall->curvatures[p * PG_LANES + seat] = curvature(cell, p);
        ret_initial[p] = cell->init_scale * (double)pg_random_normal(&random, (uint32_t)p, 0, 0);
    }
    return 0;
}

static void put_truth(void *context, size_t seat, const struct pg_run_request *request,
                      size_t index, const struct pg_llc_point *point)
{
    const struct hall *hall = context;
    const struct quadratic *cell = &hall->cells[seat];
    const struct pg_sampler_plan *plan = &cell->shape.llc.plan.sampler;
    const double size = plan->sampler == PG_SGLD ? point->step_size : 0.0;
    const double variance =
        plan->batch_size > 0 ? cell->noise * cell->noise / (double)plan->batch_size : 0.0;
    double sum = 0.0;
    for (size_t p = 0; p < cell->dimension; p++) {
        double h = curvature(cell, p);
        sum += pg_quadratic_llc(&h, 1, point->n_beta, point->localization, size, variance);
    }
    ((double *)request->slots[OBS_LLC_TRUTH])[index] = sum;
}

extern const struct pg_experiment pg_experiment_quadratic;

static const struct pg_descent_kind kind = {
    .experiment = &pg_experiment_quadratic,
    .open = open_hall,
    .arrange = arrange,
    .sit = sit,
    .put_truth = put_truth,
    DESCENT_PLACES,
};

/* ---- the experiment ---- */

static int check(const struct pg_values *values, struct pg_error *error)
{
    const struct quadratic cell = read_cell(values);
    if (cell.lowest > cell.highest)
        return pg_error_set(error, PG_EINPUT,
                            "curvature_min %g is above curvature_max %g; expected at most that",
                            cell.lowest, cell.highest);
    return 0;
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    const struct quadratic cell = read_cell(values);
    return pg_llc_cell_check(values, cell.shape.llc.samples, true, &cell.segment, 1, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct hall hall = {.cell = read_cell(values)};
    (void)error;
    memset(ret, 0, sizeof *ret);
    hall.cell.shape.segments = &hall.cell.segment;
    pg_descent_put_shape(&kind, &hall, &hall.cell.shape, 6.0 * (double)hall.cell.shape.parameters,
                         ret);
    return 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {0};
    return pg_descent_train(&kind, &hall, source, error);
}

const struct pg_experiment pg_experiment_quadratic = {
    .name = "quadratic",
    .summary = "a quadratic minimum, some directions flat: the exact value of every LLC estimate",
    .reference = "Lau et al., The Local Learning Coefficient, 2023, arXiv:2308.12108",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = pg_descent_phase_names,
    .check = check,
    .check_llc = check_llc,
    .shape = shape,
    .run = run,
};
