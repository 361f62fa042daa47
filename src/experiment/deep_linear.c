/* SPDX-License-Identifier: MIT */
/*
 * Deep linear networks, whose learning coefficients are known in closed form (Aoyagi 2024): K(w) =
 * |W_L ... W_1 - A|^2, the loss of the population, A = 1 at its first truth_rank diagonal places,
 * else 0.
 *
 * w* is most_singular: every W_l as A; generic: the same and random excess blocks in all layers but
 * the last, a smooth point of the zeros; trained: where gradient descent from init_scale N(0, 1)
 * ends. Only at the first is the coefficient the global one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "descent.h"
#include "dln_theory.h"
#include "llc_tables.h"

enum { DESCENT_DIMENSION_NUMBERS, DIM_COUNT };
enum { DESCENT_OBSERVABLE_NUMBERS, OBS_LLC_TRUTH, OBS_LAMBDA, OBS_MULTIPLICITY, OBS_COUNT };
enum { LAYERS_MAX = PG_LIST_MAX - 1, WIDTH_MAX = 1000 };
enum w_star { MOST_SINGULAR, GENERIC, TRAINED };

static const char *const restrict_names[] = {"all", "W1", "W2", "W3", "W4", "W5",
                                             "W6",  "W7", "W8", "W9", NULL};
static const char *const w_star_names[] = {"most_singular", "generic", "trained", NULL};

static const struct pg_setting settings[] = {
    LIST("widths", 1, WIDTH_MAX, "[2, 2, 2]", "H_1 .. H_{L+1}: inputs, hidden layers, outputs"),
    INTEGER("truth_rank", 0, WIDTH_MAX, "0", "1", "r: of the truth"),
    NAME("w_star", w_star_names, "most_singular", "where the estimate stands"),
    INTEGER("sample_count", 1, 1e12, "1000", "samples", "n, of the temperature"),
    REAL("init_scale", 0, 1e6, "0.3", "1", "trained: of the start; generic: of the random blocks"),
    DESCENT_SETTINGS("0.01", "0"),
    LLC_SETTINGS(restrict_names),
};

static const struct pg_schema schema = {"deep_linear", settings,
                                        sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {DESCENT_DIMENSIONS};

static const struct pg_observable observables[OBS_COUNT] = {
    DESCENT_OBSERVABLES(pg_descent_phase_names),
    [OBS_LLC_TRUTH] = {"llc_truth",
                       LLC_NUMBER(
                           "most_singular: lambda - (multiplicity - 1) / ln(n beta); generic: "
                           "half the codimension; trained: not known"),
                       .is_volatile = true},
    [OBS_LAMBDA] = {"lambda", .long_name = "global learning coefficient", .units = "1",
                    .type = PG_F64, .fill = PG_NAN},
    [OBS_MULTIPLICITY] = {"multiplicity", .long_name = "its multiplicity", .units = "1",
                          .type = PG_I32, .fill = -2},
};

/* A cell's settings, read once. */
struct network {
    int64_t widths[PG_LIST_MAX];
    size_t layers;
    int64_t rank;
    enum w_star w_star;
    double init_scale;
    struct pg_segment segments[LAYERS_MAX];
    struct pg_descent_shape shape;
};

static enum w_star read_w_star(const struct pg_values *values)
{
    const char *name = pg_values_name(values, "w_star");
    int which = MOST_SINGULAR;
    while (strcmp(w_star_names[which], name) != 0)
        which++;
    return (enum w_star)which;
}

static struct network read_cell(const struct pg_values *values)
{
    const struct pg_value *widths = pg_values_list(values, "widths");
    struct network cell = {.layers = widths->list_count > 1 ? widths->list_count - 1 : 0,
                           .rank = pg_values_integer(values, "truth_rank"),
                           .w_star = read_w_star(values),
                           .init_scale = pg_values_real(values, "init_scale")};
    int64_t parameters = 0;
    memcpy(cell.widths, widths->list, sizeof cell.widths);
    for (size_t l = 0; l < cell.layers; l++) {
        cell.segments[l] = (struct pg_segment){
            .offset = parameters, .rows = cell.widths[l + 1], .columns = cell.widths[l]};
        (void)snprintf(cell.segments[l].name, sizeof cell.segments[l].name, "W%zu", l + 1);
        parameters += cell.widths[l + 1] * cell.widths[l];
    }
    cell.shape = (struct pg_descent_shape){
        .parameters = (size_t)parameters,
        .steps = pg_values_integer(values, "steps"),
        .segment_count = cell.layers,
        .llc = pg_llc_cell_read(values, (size_t)pg_values_integer(values, "sample_count"))};
    return cell;
}

/* ---- the landscape ---- */

struct hall {
    struct network cell; /* of the first run: the shape of all */
    struct network cells[PG_LANES];
    const struct pg_kernel *kernel;
    double *products[LAYERS_MAX]; /* [l]: W_l ... W_1, (H_{l+1}, H_1) */
    double *deltas[LAYERS_MAX];   /* [l]: the loss's slope by it */
    size_t looked_at[PG_LANES];
};

static size_t width(const struct hall *hall, size_t layer)
{
    return (size_t)hall->cell.widths[layer];
}

static const double *layer_of(const struct hall *hall, const double *w, size_t layer)
{
    return w + hall->cell.segments[layer].offset * PG_LANES;
}

static void look_at(void *context, size_t lane, size_t set)
{
    ((struct hall *)context)->looked_at[lane] = set;
}

static const double *product_of(const struct hall *hall, const double *w, size_t layer)
{
    return layer == 0 ? layer_of(hall, w, 0) : hall->products[layer];
}

static void multiply_layers(const struct hall *hall, const double *w)
{
    for (size_t l = 1; l < hall->cell.layers; l++) {
        const struct pg_lane_product product = {.a = layer_of(hall, w, l),
                                                .a_row = width(hall, l),
                                                .a_depth = 1,
                                                .b = product_of(hall, w, l - 1),
                                                .b_depth = width(hall, 0),
                                                .b_column = 1,
                                                .out = hall->products[l],
                                                .rows = width(hall, l + 1),
                                                .columns = width(hall, 0),
                                                .depth = width(hall, l)};
        hall->kernel->in_lanes->multiply(&product);
    }
}

/* The loss, and twice the error of the product in the last deltas. */
static void judge_product(const struct hall *hall, const double *w, double *ret_loss)
{
    const size_t last = hall->cell.layers - 1;
    const size_t rows = width(hall, last + 1), columns = width(hall, 0);
    const double *product = product_of(hall, w, last);
    double loss[PG_LANES] = {0.0};
    for (size_t i = 0; i < rows * columns; i++) {
        bool is_one = i / columns == i % columns && (int64_t)(i / columns) < hall->cell.rank;
        for (size_t lane = 0; lane < PG_LANES; lane++) {
            double error = product[i * PG_LANES + lane] - (is_one ? 1.0 : 0.0);
            loss[lane] += error * error;
            hall->deltas[last][i * PG_LANES + lane] = 2.0 * error;
        }
    }
    if (ret_loss != NULL)
        memcpy(ret_loss, loss, sizeof loss);
}

/* dL/dW_l = delta_l (W_{l-1} ... W_1)'; delta_{l-1} = W_l' delta_l. */
static void go_back(const struct hall *hall, const double *w, double *ret_gradient)
{
    const size_t inputs = width(hall, 0);
    for (size_t l = hall->cell.layers; l-- > 0;) {
        double *gradient = ret_gradient + hall->cell.segments[l].offset * PG_LANES;
        if (l == 0) {
            memcpy(gradient, hall->deltas[0],
                   width(hall, 1) * inputs * PG_LANES * sizeof *gradient);
            return;
        }
        const struct pg_lane_product slope = {.a = hall->deltas[l],
                                              .a_row = inputs,
                                              .a_depth = 1,
                                              .b = product_of(hall, w, l - 1),
                                              .b_depth = 1,
                                              .b_column = inputs,
                                              .out = gradient,
                                              .rows = width(hall, l + 1),
                                              .columns = width(hall, l),
                                              .depth = inputs};
        const struct pg_lane_product delta = {.a = layer_of(hall, w, l),
                                              .a_row = 1,
                                              .a_depth = width(hall, l),
                                              .b = hall->deltas[l],
                                              .b_depth = inputs,
                                              .b_column = 1,
                                              .out = hall->deltas[l - 1],
                                              .rows = width(hall, l),
                                              .columns = inputs,
                                              .depth = width(hall, l + 1)};
        hall->kernel->in_lanes->multiply(&slope);
        hall->kernel->in_lanes->multiply(&delta);
    }
}

static void full(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    const struct hall *hall = context;
    multiply_layers(hall, w);
    judge_product(hall, w, ret_loss);
    if (ret_gradient != NULL)
        go_back(hall, w, ret_gradient);
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
    hall->kernel = kernel;
    for (size_t l = 0; l < hall->cell.layers; l++) {
        size_t bytes = width(hall, l + 1) * width(hall, 0) * PG_LANES * sizeof(double);
        hall->products[l] = pg_arena_take(arena, bytes);
        hall->deltas[l] = pg_arena_take(arena, bytes);
    }
    *ret = (struct pg_landscape){.parameters = hall->cell.shape.parameters,
                                 .context = hall,
                                 .look_at = look_at,
                                 .full = full};
}

/* Keyed by layer, row and column: initial values are nested over the widths. */
static double draw(const struct pg_random *random, size_t layer, size_t row, size_t column)
{
    return (double)pg_random_normal(random, (uint32_t)layer, (uint32_t)row, (uint32_t)column);
}

static double initial_value(const struct network *cell, const struct pg_random *random, size_t l,
                            size_t row, size_t column)
{
    bool is_excess = (int64_t)row >= cell->rank && (int64_t)column >= cell->rank;
    double one = row == column && (int64_t)row < cell->rank ? 1.0 : 0.0;
    if (cell->w_star == TRAINED)
        return cell->init_scale * draw(random, l, row, column);
    if (cell->w_star == GENERIC && is_excess && l + 1 < cell->layers)
        return cell->init_scale * draw(random, l, row, column);
    return one;
}

static int sit(void *context, size_t seat, const struct pg_run_request *request,
               struct pg_descent_run *ret, double *ret_initial, struct pg_error *error)
{
    struct network *cell = &((struct hall *)context)->cells[seat];
    const struct pg_random random = pg_random_make(request->seed, PG_STREAM_INITIAL, request->mix);
    struct pg_rational lambda;
    int64_t multiplicity = 0;
    *cell = read_cell(&request->values);
    int status = pg_deep_linear_lambda(cell->widths, cell->layers + 1, cell->rank, &lambda,
                                       &multiplicity, error);
    if (status != 0)
        return status;
    *ret = pg_descent_run_read(&request->values, &cell->shape.llc);
    *(double *)request->slots[OBS_LAMBDA] = (double)lambda.numerator / (double)lambda.denominator;
    *(int32_t *)request->slots[OBS_MULTIPLICITY] = (int32_t)multiplicity;
    for (size_t l = 0; l < cell->layers; l++) {
        const struct pg_segment *segment = &cell->segments[l];
        for (int64_t i = 0; i < segment->rows * segment->columns; i++)
            ret_initial[segment->offset + i] = initial_value(
                cell, &random, l, (size_t)(i / segment->columns), (size_t)(i % segment->columns));
    }
    return 0;
}

static void put_truth(void *context, size_t seat, const struct pg_run_request *request,
                      size_t index, const struct pg_llc_point *point)
{
    const struct network *cell = &((struct hall *)context)->cells[seat];
    double *truth = (double *)request->slots[OBS_LLC_TRUTH] + index;
    double lambda = *(const double *)request->slots[OBS_LAMBDA];
    double multiplicity = *(const int32_t *)request->slots[OBS_MULTIPLICITY];
    if (cell->w_star == MOST_SINGULAR)
        *truth = lambda - (multiplicity - 1.0) / log(point->n_beta);
    else if (cell->w_star == GENERIC)
        *truth = pg_deep_linear_generic_lambda(cell->widths, cell->layers + 1, cell->rank);
}

extern const struct pg_experiment pg_experiment_deep_linear;

static const struct pg_descent_kind kind = {
    .experiment = &pg_experiment_deep_linear,
    .open = open_hall,
    .arrange = arrange,
    .sit = sit,
    .put_truth = put_truth,
    DESCENT_PLACES,
};

/* ---- the experiment ---- */

static int check(const struct pg_values *values, struct pg_error *error)
{
    const struct network cell = read_cell(values);
    const size_t count = pg_values_list(values, "widths")->list_count;
    struct pg_rational lambda;
    int64_t multiplicity = 0;
    return pg_deep_linear_lambda(cell.widths, count, cell.rank, &lambda, &multiplicity, error);
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    const struct network cell = read_cell(values);
    return pg_llc_cell_check(values, cell.shape.llc.samples, false, cell.segments, cell.layers,
                             error);
}

/* Three products of each layer with what is before it. */
static double flops_of(const struct network *cell)
{
    double sum = 0.0;
    for (size_t l = 0; l < cell->layers; l++)
        sum +=
            6.0 * (double)cell->widths[0] * (double)cell->widths[l] * (double)cell->widths[l + 1];
    return sum;
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct hall hall = {.cell = read_cell(values)};
    (void)error;
    memset(ret, 0, sizeof *ret);
    hall.cell.shape.segments = hall.cell.segments;
    pg_descent_put_shape(&kind, &hall, &hall.cell.shape, flops_of(&hall.cell), ret);
    ret->variant[PG_LLC_VARIANT + 1] = hall.cell.rank; /* the widths are those of the segments */
    return 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {0};
    return pg_descent_train(&kind, &hall, source, error);
}

const struct pg_experiment pg_experiment_deep_linear = {
    .name = "deep_linear",
    .summary = "deep linear networks, whose learning coefficients are known in closed form",
    .reference = "Aoyagi, Consideration on the Learning Efficiency of Multiple-Layered Neural "
                 "Networks with Linear Units, Neural Networks 172, 2024",
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
