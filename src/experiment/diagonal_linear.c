/* SPDX-License-Identifier: MIT */
/*
 * Sparse regression by a diagonal linear network (Andriushchenko, Varre, Pillaud-Vivien and
 * Flammarion, "SGD with Large Step Sizes Learns Sparse Features", 2023): y = X beta*, X (n, d) with
 * standard normal entries, beta* with `nonzero` coefficients, the first ones, half-normal and of
 * unit norm; beta = u o v from u = u_start, v = v_start; loss |X beta - y|^2 / (2 n).
 *
 * A step on one sample with residual r takes u_j^2 - v_j^2 to (u_j^2 - v_j^2)(1 - lr^2 r^2 x_j^2):
 * large steps and label noise shrink the imbalance, and with it what lies beside the support.
 */
#include <math.h>
#include <string.h>

#include "descent.h"
#include "llc_tables.h"
#include "phasegrid/random.h"

enum { DESCENT_DIMENSION_NUMBERS, DIM_COEFFICIENT, DIM_COUNT };
enum {
    DESCENT_OBSERVABLE_NUMBERS,
    OBS_POPULATION_LOSS,
    OBS_OFF_SUPPORT,
    OBS_IMBALANCE,
    OBS_TRUTH,
    OBS_COUNT
};
enum { DIMENSION_MAX = 100000, SAMPLES_MAX = 100000 };

static const char *const restrict_names[] = {"all", "u", "v", NULL};

static const struct pg_setting settings[] = {
    INTEGER("sample_count", 1, SAMPLES_MAX, "80", "samples", "n"),
    INTEGER("dimension", 1, DIMENSION_MAX, "200", "1", "d: coefficients"),
    INTEGER("nonzero", 1, DIMENSION_MAX, "20", "1", "coefficients of beta* that are not 0"),
    REAL("u_start", -1e6, 1e6, "0.1", "1", "every u at the start"),
    REAL("v_start", -1e6, 1e6, "0", "1", "every v at the start"),
    INTEGER("batch_size", 0, SAMPLES_MAX, "1", "samples", "of a step; 0: all"),
    SAMPLING_SETTING,
    LABEL_NOISE_SETTINGS,
    DESCENT_SETTINGS("0.1", "100000"),
    SCHEDULE_SETTINGS,
    LLC_SETTINGS(restrict_names),
};

static const struct pg_schema schema = {"diagonal_linear", settings,
                                        sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    DESCENT_DIMENSIONS,
    [DIM_COEFFICIENT] = {"coefficient", "entry of beta", NULL},
};

#define NUMBER(text, dim)                                                                          \
    .long_name = (text), .units = "1", .type = PG_F64, .fill = PG_NAN, .dim_count = 1, .dims = {dim}

static const struct pg_observable observables[OBS_COUNT] = {
    DESCENT_OBSERVABLES(pg_descent_phase_names),
    [OBS_POPULATION_LOSS] = {"population_loss", NUMBER("|beta - beta*|^2 / 2", DIM_STEP)},
    [OBS_OFF_SUPPORT] = {"off_support_l1", NUMBER("sum of |beta| where beta* is 0", DIM_STEP)},
    [OBS_IMBALANCE] = {"imbalance", NUMBER("sum of |u^2 - v^2|", DIM_STEP)},
    [OBS_TRUTH] = {"true_coefficients", NUMBER("beta*", DIM_COEFFICIENT)},
};

/* A cell's settings, read once. */
struct network {
    size_t samples, dimension, nonzero;
    double u_start, v_start;
    enum pg_sampling sampling;
    struct pg_label_noise noise;
    struct pg_segment segments[2];
    struct pg_descent_shape shape;
};

static struct network read_cell(const struct pg_values *values)
{
    const int64_t d = pg_values_integer(values, "dimension");
    const size_t n = (size_t)pg_values_integer(values, "sample_count");
    return (struct network){.samples = n,
                            .dimension = (size_t)d,
                            .nonzero = (size_t)pg_values_integer(values, "nonzero"),
                            .u_start = pg_values_real(values, "u_start"),
                            .v_start = pg_values_real(values, "v_start"),
                            .sampling = pg_sampling_read(values),
                            .noise = pg_label_noise_read(values),
                            .segments = {{.name = "u", .offset = 0, .rows = 1, .columns = d},
                                         {.name = "v", .offset = d, .rows = 1, .columns = d}},
                            .shape = {.parameters = 2 * (size_t)d,
                                      .steps = pg_values_integer(values, "steps"),
                                      .batch_size = (size_t)pg_values_integer(values, "batch_size"),
                                      .segment_count = 2,
                                      .llc = pg_llc_cell_read(values, n)}};
}

/* ---- the landscape ---- */

struct hall {
    struct network cell; /* of the first run: the shape of all */
    struct network cells[PG_LANES];
    const struct pg_kernel *kernel;
    double *inputs;  /* (PG_LANES, samples, dimension): X of the seats */
    double *targets; /* (PG_LANES, samples) */
    double *truth;   /* (PG_LANES, dimension): beta* */
    double *row;     /* (dimension, PG_LANES): the sample that each lane looks at */
    struct pg_sampler_lanes sampler;
    size_t looked_at[PG_LANES];
};

static void look_at(void *context, size_t lane, size_t set)
{
    ((struct hall *)context)->looked_at[lane] = set;
}

/* The row of sample samples[lane] of each lane, and its targets. */
static void take_samples(struct hall *hall, const uint32_t *samples, double *ret_targets)
{
    const size_t n = hall->cell.samples, d = hall->cell.dimension;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        const size_t at = hall->looked_at[lane] * n + samples[lane];
        const double *x = hall->inputs + at * d;
        for (size_t j = 0; j < d; j++)
            hall->row[j * PG_LANES + lane] = x[j];
        ret_targets[lane] = hall->targets[at];
    }
}

/* The row's predictions less the targets. */
static void put_residuals(const struct hall *hall, const double *w, const double *targets,
                          double *ret)
{
    const size_t d = hall->cell.dimension;
    const double *v = w + d * PG_LANES;
    double sums[PG_LANES] = {0.0};
    for (size_t at = 0; at < d * PG_LANES; at += PG_LANES)
        for (size_t lane = 0; lane < PG_LANES; lane++)
            sums[lane] += hall->row[at + lane] * (w[at + lane] * v[at + lane]);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        ret[lane] = sums[lane] - targets[lane];
}

static void add_slopes(const struct hall *hall, const double *w, const double *residuals,
                       double scale, double *gradient)
{
    const size_t d = hall->cell.dimension;
    const double *v = w + d * PG_LANES;
    double *of_v = gradient + d * PG_LANES;
    for (size_t at = 0; at < d * PG_LANES; at += PG_LANES)
        for (size_t lane = 0; lane < PG_LANES; lane++) {
            double slope = scale * residuals[lane] * hall->row[at + lane];
            gradient[at + lane] += slope * v[at + lane];
            of_v[at + lane] += slope * w[at + lane];
        }
}

static void clear(const struct hall *hall, double *gradient)
{
    memset(gradient, 0, hall->cell.shape.parameters * PG_LANES * sizeof *gradient);
}

static void full(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    struct hall *hall = context;
    const double scale = 1.0 / (double)hall->cell.samples;
    double targets[PG_LANES], residuals[PG_LANES], loss[PG_LANES] = {0.0};
    uint32_t samples[PG_LANES];
    if (ret_gradient != NULL)
        clear(hall, ret_gradient);
    for (size_t i = 0; i < hall->cell.samples; i++) {
        for (size_t lane = 0; lane < PG_LANES; lane++)
            samples[lane] = (uint32_t)i;
        take_samples(hall, samples, targets);
        put_residuals(hall, w, targets, residuals);
        for (size_t lane = 0; lane < PG_LANES; lane++)
            loss[lane] += 0.5 * scale * residuals[lane] * residuals[lane];
        if (ret_gradient != NULL)
            add_slopes(hall, w, residuals, scale, ret_gradient);
    }
    if (ret_loss != NULL)
        memcpy(ret_loss, loss, sizeof loss);
}

/* Only of training: the losses of chains are full ones. */
static void batch(void *context, const struct pg_lane_random *random, size_t size, const double *w,
                  double *ret_loss, double *ret_gradient)
{
    struct hall *hall = context;
    const struct network *cell = &hall->cell;
    double targets[PG_LANES], residuals[PG_LANES];
    const uint32_t *samples =
        pg_sampling_draw(&hall->sampler, cell->sampling, hall->kernel, random, size);
    (void)ret_loss;
    clear(hall, ret_gradient);
    for (size_t s = 0; s < size; s++) {
        take_samples(hall, samples + s * PG_LANES, targets);
        put_residuals(hall, w, targets, residuals);
        for (size_t lane = 0; lane < PG_LANES; lane++)
            residuals[lane] += pg_label_noise_draw(&hall->cells[hall->looked_at[lane]].noise,
                                                   random, lane, s, cell->shape.steps);
        add_slopes(hall, w, residuals, 1.0 / (double)size, ret_gradient);
    }
}

/* ---- runs ---- */

static int open_hall(void *context, const struct pg_run_request *first,
                     struct pg_descent_shape *ret, struct pg_error *error)
{
    struct hall *hall = context;
    (void)error;
    hall->cell = read_cell(&first->values);
    *ret = hall->cell.shape;
    ret->segments = hall->cell.segments;
    return 0;
}

static void arrange(void *context, const struct pg_kernel *kernel, struct pg_arena *arena,
                    struct pg_landscape *ret)
{
    struct hall *hall = context;
    const size_t n = hall->cell.samples, d = hall->cell.dimension;
    hall->kernel = kernel;
    hall->inputs = pg_arena_take(arena, PG_LANES * n * d * sizeof(double));
    hall->targets = pg_arena_take(arena, PG_LANES * n * sizeof(double));
    hall->truth = pg_arena_take(arena, PG_LANES * d * sizeof(double));
    hall->row = pg_arena_take(arena, PG_LANES * d * sizeof(double));
    pg_sampling_arrange(n, hall->cell.shape.batch_size, arena, &hall->sampler);
    *ret = (struct pg_landscape){.parameters = hall->cell.shape.parameters,
                                 .scores_full = true,
                                 .context = hall,
                                 .look_at = look_at,
                                 .full = full,
                                 .batch = batch};
}

/* beta* (dimension): |N(0, 1)| at the first `nonzero` places, of unit norm. */
static void draw_truth(const struct network *cell, const struct pg_random *random, double *ret)
{
    double squares = 0.0;
    for (size_t j = 0; j < cell->dimension; j++) {
        ret[j] =
            j < cell->nonzero ? fabs((double)pg_random_normal(random, (uint32_t)j, 0, 0)) : 0.0;
        squares += ret[j] * ret[j];
    }
    for (size_t j = 0; j < cell->nonzero; j++)
        ret[j] /= sqrt(squares);
}

/* X: entry j of sample i is the deviate (j, i, 0) of PG_STREAM_SPLIT. */
static void draw_data(struct hall *hall, size_t seat, const struct pg_run_request *request)
{
    const struct network *cell = &hall->cells[seat];
    const size_t n = cell->samples, d = cell->dimension;
    const struct pg_random split = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    const struct pg_random templates =
        pg_random_make(request->seed, PG_STREAM_TEMPLATES, request->mix);
    double *truth = hall->truth + seat * d;
    draw_truth(cell, &templates, truth);
    for (size_t i = 0; i < n; i++) {
        double *x = hall->inputs + (seat * n + i) * d, target = 0.0;
        for (size_t j = 0; j < d; j++) {
            x[j] = (double)pg_random_normal(&split, (uint32_t)j, (uint32_t)i, 0);
            target += x[j] * truth[j];
        }
        hall->targets[seat * n + i] = target;
    }
}

static int sit(void *context, size_t seat, const struct pg_run_request *request,
               struct pg_descent_run *ret, double *ret_initial, struct pg_error *error)
{
    struct hall *hall = context;
    struct network *cell = &hall->cells[seat];
    (void)error;
    *cell = read_cell(&request->values);
    *ret = pg_descent_run_read(&request->values, &cell->shape.llc);
    draw_data(hall, seat, request);
    memcpy(request->slots[OBS_TRUTH], hall->truth + seat * cell->dimension,
           cell->dimension * sizeof(double));
    for (size_t j = 0; j < cell->dimension; j++) {
        ret_initial[j] = cell->u_start;
        ret_initial[cell->dimension + j] = cell->v_start;
    }
    return 0;
}

static void observe(void *context, size_t seat, const struct pg_run_request *request, size_t index,
                    int64_t step, double loss, const double *w)
{
    const struct hall *hall = context;
    const size_t d = hall->cell.dimension;
    const double *truth = hall->truth + seat * d, *v = w + d;
    double squares = 0.0, beside = 0.0, imbalance = 0.0;
    (void)step;
    (void)loss;
    for (size_t j = 0; j < d; j++) {
        double beta = w[j] * v[j];
        squares += (beta - truth[j]) * (beta - truth[j]);
        beside += truth[j] > 0.0 ? 0.0 : fabs(beta);
        imbalance += fabs(w[j] * w[j] - v[j] * v[j]);
    }
    ((double *)request->slots[OBS_POPULATION_LOSS])[index] = 0.5 * squares;
    ((double *)request->slots[OBS_OFF_SUPPORT])[index] = beside;
    ((double *)request->slots[OBS_IMBALANCE])[index] = imbalance;
}

static void lengths(const void *context, size_t *ret)
{
    ret[DIM_COEFFICIENT] = ((const struct hall *)context)->cell.dimension;
}

extern const struct pg_experiment pg_experiment_diagonal_linear;

static const struct pg_descent_kind kind = {
    .experiment = &pg_experiment_diagonal_linear,
    .open = open_hall,
    .arrange = arrange,
    .sit = sit,
    .observe = observe,
    .lengths = lengths,
    DESCENT_PLACES,
};

/* ---- the experiment ---- */

static int check(const struct pg_values *values, struct pg_error *error)
{
    const struct network cell = read_cell(values);
    if (cell.nonzero > cell.dimension)
        return pg_error_set(error, PG_EINPUT, "nonzero %zu of dimension %zu; expected at most that",
                            cell.nonzero, cell.dimension);
    if (cell.shape.batch_size > cell.samples)
        return pg_error_set(error, PG_EINPUT,
                            "batch_size %zu is more than the %zu samples; allowed: 1 to %zu, or 0 "
                            "for all",
                            cell.shape.batch_size, cell.samples, cell.samples);
    if (cell.noise.delta > 0.0 && cell.shape.batch_size == 0)
        return pg_error_set(error, PG_EINPUT,
                            "label_noise %g with batch_size 0; expected batches, whose residuals "
                            "it is added to",
                            cell.noise.delta);
    return 0;
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    const struct network cell = read_cell(values);
    return pg_llc_cell_check(values, cell.samples, false, cell.segments, 2, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct hall hall;
    (void)error;
    memset(&hall, 0, sizeof hall);
    memset(ret, 0, sizeof *ret);
    hall.cell = read_cell(values);
    hall.cell.shape.segments = hall.cell.segments;
    const struct network *cell = &hall.cell;
    size_t samples = cell->shape.batch_size > 0 ? cell->shape.batch_size : cell->samples;
    pg_descent_put_shape(&kind, &hall, &hall.cell.shape, 9.0 * (double)(cell->dimension * samples),
                         ret);
    ret->variant[PG_LLC_VARIANT + 1] = (int64_t)cell->samples;
    ret->variant[PG_LLC_VARIANT + 2] = (int64_t)cell->sampling;
    return 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall;
    memset(&hall, 0, sizeof hall);
    return pg_descent_train(&kind, &hall, source, error);
}

const struct pg_experiment pg_experiment_diagonal_linear = {
    .name = "diagonal_linear",
    .summary = "sparse regression by beta = u o v: large steps and label noise find the support",
    .reference = "Andriushchenko et al., SGD with Large Step Sizes Learns Sparse Features, 2023, "
                 "arXiv:2210.05337",
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
