/* SPDX-License-Identifier: MIT */
/*
 * Least squares with more parameters than samples (Wu, Zou, Braverman and Gu, "Direction Matters:
 * On the Implicit Bias of Stochastic Gradient Descent with Moderate Learning Rate", ICLR 2021):
 * rows x_i of X (n, d), in random directions, hence nearly orthogonal, with |x_i|^2 from norm_min
 * to norm_max in equal steps; loss |X e|^2 / (2 n) of the error e = w - w*.
 *
 * Gradients lie in the span of the rows, so nothing else of e ever moves. With X X' = L L'
 * (Cholesky) and Q = X' L'^-1, whose columns are an orthonormal basis of the span, e = Q z there: X
 * e = L z, and a step on sample i takes lr (L z)_i L_i from z. The parameters are z (n): exact,
 * whatever d. A start with e = init_scale N(0, 1) in all directions is z = init_scale N(0, 1).
 */
#include <math.h>
#include <string.h>

#include "descent.h"
#include "llc_tables.h"
#include "phasegrid/random.h"

enum { DESCENT_DIMENSION_NUMBERS, DIM_SAMPLE, DIM_OTHER, DIM_COUNT };
enum {
    DESCENT_OBSERVABLE_NUMBERS,
    OBS_RAYLEIGH,
    OBS_CROSSING,
    OBS_CROSSING_RAYLEIGH,
    OBS_GRAM,
    OBS_COUNT
};
enum { DIMENSION_MAX = 1000000, SAMPLES_MAX = 1000 };

static const char *const restrict_names[] = {"all", "z", NULL};

static const struct pg_setting settings[] = {
    INTEGER("sample_count", 1, SAMPLES_MAX, "10", "samples", "n: rows of X"),
    INTEGER("dimension", 1, DIMENSION_MAX, "4000", "1", "d: its columns"),
    REAL("norm_min", 1e-6, 1e6, "1", "1", "smallest squared norm of a row"),
    REAL("norm_max", 1e-6, 1e6, "2", "1", "largest squared norm of a row"),
    REAL("init_scale", 0, 1e6, "1", "1", "deviation of the error at the start, in any direction"),
    REAL("crossing_loss", 0, 1e6, "1e-8", "1", "loss at which the error's direction is taken"),
    INTEGER("batch_size", 0, SAMPLES_MAX, "1", "samples", "of a step; 0: all"),
    SAMPLING_SETTING,
    DESCENT_SETTINGS("0.5", "10000"),
    SCHEDULE_SETTINGS,
    LLC_SETTINGS(restrict_names),
};

static const struct pg_schema schema = {"least_squares", settings,
                                        sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    DESCENT_DIMENSIONS,
    [DIM_SAMPLE] = {"sample", "row of X", NULL},
    [DIM_OTHER] = {"other_sample", "row of X", NULL},
};

static const struct pg_observable_attribute crossing_attributes[] = {
    {.name = "threshold", .setting = "crossing_loss"},
    {.name = "resolution", .text = "the recorded steps"},
};

static const struct pg_observable observables[OBS_COUNT] = {
    DESCENT_OBSERVABLES(pg_descent_phase_names),
    [OBS_RAYLEIGH] = {"rayleigh_quotient",
                      .long_name = "|X e|^2 / |e|^2 of the error in the span of the rows",
                      .units = "1", .type = PG_F64, .fill = PG_NAN, .dim_count = 1,
                      .dims = {DIM_STEP}},
    [OBS_CROSSING] = {"steps_to_crossing",
                      STEPS_TO("first recorded step with a loss below crossing_loss; -1: none",
                               crossing_attributes)},
    [OBS_CROSSING_RAYLEIGH] = {"crossing_rayleigh", .long_name = "the Rayleigh quotient there",
                               .units = "1", .type = PG_F64, .fill = PG_NAN,
                               ATTRIBUTES(crossing_attributes)},
    [OBS_GRAM] = {"gram", .long_name = "X X'", .units = "1", .type = PG_F64, .fill = PG_NAN,
                  .dim_count = 2, .dims = {DIM_SAMPLE, DIM_OTHER}},
};

/* A cell's settings, read once. */
struct problem {
    size_t samples, dimension;
    double norm_min, norm_max, init_scale, crossing_loss;
    enum pg_sampling sampling;
    struct pg_segment segment;
    struct pg_descent_shape shape;
};

static struct problem read_cell(const struct pg_values *values)
{
    const int64_t n = pg_values_integer(values, "sample_count");
    return (struct problem){.samples = (size_t)n,
                            .dimension = (size_t)pg_values_integer(values, "dimension"),
                            .norm_min = pg_values_real(values, "norm_min"),
                            .norm_max = pg_values_real(values, "norm_max"),
                            .init_scale = pg_values_real(values, "init_scale"),
                            .crossing_loss = pg_values_real(values, "crossing_loss"),
                            .sampling = pg_sampling_read(values),
                            .segment = {.name = "z", .rows = 1, .columns = n},
                            .shape = {.parameters = (size_t)n,
                                      .steps = pg_values_integer(values, "steps"),
                                      .batch_size = (size_t)pg_values_integer(values, "batch_size"),
                                      .segment_count = 1,
                                      .llc = pg_llc_cell_read(values, (size_t)n)}};
}

/* ---- the landscape ---- */

struct hall {
    struct problem cell; /* of the first run: the shape of all */
    struct seat {
        struct problem cell;
        int64_t crossing; /* -1: not yet */
        double rayleigh;
    } seats[PG_LANES];
    const struct pg_kernel *kernel;
    double *factors;   /* (samples, samples, PG_LANES): L of the seats */
    double *looked_at; /* the same of what the lanes look at */
    double *rows;      /* (samples, dimension): X while a run sits down */
    double *gram;      /* (samples, samples) */
    struct pg_sampler_lanes sampler;
};

/* Entry (i, j) of the lanes' L. */
static size_t place_of(const struct hall *hall, size_t i, size_t j)
{
    return (i * hall->cell.samples + j) * PG_LANES;
}

static void look_at(void *context, size_t lane, size_t set)
{
    struct hall *hall = context;
    for (size_t i = 0; i < hall->cell.samples * hall->cell.samples; i++)
        hall->looked_at[i * PG_LANES + lane] = hall->factors[i * PG_LANES + set];
}

/* One sample of a lane: its residual, whose slope times scale is added to the gradient. */
static double add_sample(const struct hall *hall, size_t lane, size_t sample, double scale,
                         const double *w, double *gradient)
{
    const double *factor = hall->looked_at + place_of(hall, sample, 0) + lane;
    double residual = 0.0;
    for (size_t j = 0; j <= sample; j++)
        residual += factor[j * PG_LANES] * w[j * PG_LANES + lane];
    for (size_t j = 0; j <= sample && gradient != NULL; j++)
        gradient[j * PG_LANES + lane] += scale * residual * factor[j * PG_LANES];
    return residual;
}

static void full(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    const struct hall *hall = context;
    const size_t n = hall->cell.samples;
    const double scale = 1.0 / (double)n;
    if (ret_gradient != NULL)
        memset(ret_gradient, 0, n * PG_LANES * sizeof *ret_gradient);
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        double loss = 0.0;
        for (size_t i = 0; i < n; i++) {
            double residual = add_sample(hall, lane, i, scale, w, ret_gradient);
            loss += 0.5 * scale * residual * residual;
        }
        if (ret_loss != NULL)
            ret_loss[lane] = loss;
    }
}

/* Only of training: the losses of chains are full ones. */
static void batch(void *context, const struct pg_lane_random *random, size_t size, const double *w,
                  double *ret_loss, double *ret_gradient)
{
    struct hall *hall = context;
    const uint32_t *samples =
        pg_sampling_draw(&hall->sampler, hall->cell.sampling, hall->kernel, random, size);
    (void)ret_loss;
    memset(ret_gradient, 0, hall->cell.samples * PG_LANES * sizeof *ret_gradient);
    for (size_t s = 0; s < size; s++)
        for (size_t lane = 0; lane < PG_LANES; lane++)
            (void)add_sample(hall, lane, samples[s * PG_LANES + lane], 1.0 / (double)size, w,
                             ret_gradient);
}

/* ---- data ---- */

/* X: entry j of row i is the deviate (j, i, 0) of PG_STREAM_SPLIT, and the row is scaled. */
static void draw_rows(const struct problem *cell, const struct pg_random *random, double *ret)
{
    const double span = cell->norm_max - cell->norm_min;
    for (size_t i = 0; i < cell->samples; i++) {
        double *row = ret + i * cell->dimension, squares = 0.0;
        double share = cell->samples > 1 ? (double)i / (double)(cell->samples - 1) : 0.0;
        for (size_t j = 0; j < cell->dimension; j++) {
            row[j] = (double)pg_random_normal(random, (uint32_t)j, (uint32_t)i, 0);
            squares += row[j] * row[j];
        }
        double scale = sqrt((cell->norm_min + span * share) / squares);
        for (size_t j = 0; j < cell->dimension; j++)
            row[j] *= scale;
    }
}

static void put_gram(const struct problem *cell, const double *rows, double *ret)
{
    const size_t n = cell->samples, d = cell->dimension;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < d; k++)
                sum += rows[i * d + k] * rows[j * d + k];
            ret[i * n + j] = ret[j * n + i] = sum;
        }
}

/* Cholesky's factor of a Gram matrix (n, n), into every PG_LANES-th place; false: it has none. */
static bool factorise(size_t n, const double *gram, double *ret)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double rest = gram[i * n + j], *entry = ret + (i * n + j) * PG_LANES;
            for (size_t k = 0; k < j && j <= i; k++)
                rest -= ret[(i * n + k) * PG_LANES] * ret[(j * n + k) * PG_LANES];
            if (j == i && !(rest > 0.0))
                return false;
            *entry = j > i ? 0.0 : j == i ? sqrt(rest) : rest / ret[(j * n + j) * PG_LANES];
        }
    return true;
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
    const size_t n = hall->cell.samples, squares = n * n * sizeof(double);
    hall->kernel = kernel;
    hall->factors = pg_arena_take(arena, PG_LANES * squares);
    hall->looked_at = pg_arena_take(arena, PG_LANES * squares);
    hall->rows = pg_arena_take(arena, n * hall->cell.dimension * sizeof(double));
    hall->gram = pg_arena_take(arena, squares);
    pg_sampling_arrange(n, hall->cell.shape.batch_size, arena, &hall->sampler);
    *ret = (struct pg_landscape){.parameters = n,
                                 .scores_full = true,
                                 .context = hall,
                                 .look_at = look_at,
                                 .full = full,
                                 .batch = batch};
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_descent_run *ret, double *ret_initial, struct pg_error *error)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    const struct pg_random split = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    const struct pg_random start = pg_random_make(request->seed, PG_STREAM_INITIAL, request->mix);
    *seat =
        (struct seat){.cell = read_cell(&request->values), .crossing = -1, .rayleigh = (double)NAN};
    const size_t n = seat->cell.samples, row = request->lengths[DIM_OTHER];
    *ret = pg_descent_run_read(&request->values, &seat->cell.shape.llc);
    draw_rows(&seat->cell, &split, hall->rows);
    put_gram(&seat->cell, hall->rows, hall->gram);
    if (!factorise(n, hall->gram, hall->factors + index))
        return pg_error_set(error, PG_EINPUT, "the %zu rows of %zu numbers are not independent", n,
                            seat->cell.dimension);
    for (size_t i = 0; i < n; i++) {
        memcpy((double *)request->slots[OBS_GRAM] + i * row, hall->gram + i * n,
               n * sizeof(double));
        ret_initial[i] =
            seat->cell.init_scale * (double)pg_random_normal(&start, (uint32_t)i, 0, 0);
    }
    return 0;
}

static void pass(void *context, size_t index, struct pg_state *state)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    pg_state_pass(state, &seat->crossing, sizeof seat->crossing);
    pg_state_pass(state, &seat->rayleigh, sizeof seat->rayleigh);
}

static void observe(void *context, size_t index, const struct pg_run_request *request, size_t point,
                    int64_t step, double loss, const double *w)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    double squares = 0.0;
    for (size_t i = 0; i < seat->cell.samples; i++)
        squares += w[i] * w[i];
    double rayleigh = 2.0 * (double)seat->cell.samples * loss / squares;
    ((double *)request->slots[OBS_RAYLEIGH])[point] = rayleigh;
    if (seat->crossing < 0 && loss < seat->cell.crossing_loss) {
        seat->crossing = step;
        seat->rayleigh = rayleigh;
    }
}

static int end(void *context, size_t index, const struct pg_run_request *request, int64_t step,
               bool diverged, double loss, const double *w)
{
    const struct seat *seat = &((const struct hall *)context)->seats[index];
    (void)step;
    (void)loss;
    (void)w;
    *(int64_t *)request->slots[OBS_CROSSING] = seat->crossing;
    *(double *)request->slots[OBS_CROSSING_RAYLEIGH] = seat->rayleigh;
    return diverged ? PG_DESCENT_DIVERGED : PG_DESCENT_AT_REST;
}

static void lengths(const void *context, size_t *ret)
{
    ret[DIM_SAMPLE] = ret[DIM_OTHER] = ((const struct hall *)context)->cell.samples;
}

extern const struct pg_experiment pg_experiment_least_squares;

static const struct pg_descent_kind kind = {
    .experiment = &pg_experiment_least_squares,
    .open = open_hall,
    .arrange = arrange,
    .sit = sit,
    .observe = observe,
    .pass = pass,
    .end = end,
    .lengths = lengths,
    DESCENT_PLACES,
};

/* ---- the experiment ---- */

static int check(const struct pg_values *values, struct pg_error *error)
{
    const struct problem cell = read_cell(values);
    if (cell.samples > cell.dimension)
        return pg_error_set(error, PG_EINPUT,
                            "sample_count %zu with dimension %zu; expected at most that, so that "
                            "the rows are independent",
                            cell.samples, cell.dimension);
    if (cell.norm_min > cell.norm_max)
        return pg_error_set(error, PG_EINPUT,
                            "norm_min %g is above norm_max %g; expected at most that",
                            cell.norm_min, cell.norm_max);
    if (cell.shape.batch_size > cell.samples)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size %zu is more than the %zu samples; allowed: 1 to %zu, or 0 "
                            "for all",
                            cell.shape.batch_size, cell.samples, cell.samples);
    return 0;
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    const struct problem cell = read_cell(values);
    return pg_llc_cell_check(values, cell.samples, false, &cell.segment, 1, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct hall hall;
    (void)error;
    memset(&hall, 0, sizeof hall);
    memset(ret, 0, sizeof *ret);
    hall.cell = read_cell(values);
    hall.cell.shape.segments = &hall.cell.segment;
    const struct problem *cell = &hall.cell;
    size_t samples = cell->shape.batch_size > 0 ? cell->shape.batch_size : cell->samples;
    pg_descent_put_shape(&kind, &hall, &hall.cell.shape, 4.0 * (double)(samples * cell->samples),
                         ret);
    ret->variant[PG_LLC_VARIANT + 1] = (int64_t)cell->dimension;
    ret->variant[PG_LLC_VARIANT + 2] = (int64_t)cell->sampling;
    return 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall;
    memset(&hall, 0, sizeof hall);
    return pg_descent_train(&kind, &hall, source, error);
}

const struct pg_experiment pg_experiment_least_squares = {
    .name = "least_squares",
    .summary = "nearly orthogonal least squares: the direction from which descent converges",
    .reference = "Wu et al., Direction Matters: On the Implicit Bias of Stochastic Gradient "
                 "Descent with Moderate Learning Rate, 2021, arXiv:2011.02538",
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
