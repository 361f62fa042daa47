/* SPDX-License-Identifier: MIT */
/*
 * The normal crossing K(w) = w_1^(2 k_1) w_2^(2 k_2) at w* = 0, the normal form to which singular
 * losses resolve (Watanabe 2009): lambda = 1 / (2 max k), with multiplicity 2 where k_1 = k_2, and
 * at any finite n beta an exact value by quadrature.
 */
#include <math.h>
#include <string.h>

#include "crossing_theory.h"
#include "descent.h"
#include "llc_tables.h"

enum { DESCENT_DIMENSION_NUMBERS, DIM_COUNT };
enum { DESCENT_OBSERVABLE_NUMBERS, OBS_LLC_TRUTH, OBS_LAMBDA, OBS_MULTIPLICITY, OBS_COUNT };
enum { PARAMETERS = 2, POWER_MAX = 8 };

static const char *const restrict_names[] = {"all", "w", NULL};

static const struct pg_setting settings[] = {
    INTEGER("k1", 0, POWER_MAX, "1", "1", "half the power of w_1"),
    INTEGER("k2", 0, POWER_MAX, "1", "1", "half the power of w_2"),
    INTEGER("sample_count", 1, 1e12, "1000", "samples", "n, of the temperature"),
    DESCENT_SETTINGS("0.01", "0"),
    LLC_SETTINGS(restrict_names),
};

static const struct pg_schema schema = {"normal_crossing", settings,
                                        sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {DESCENT_DIMENSIONS};

static const struct pg_observable observables[OBS_COUNT] = {
    DESCENT_OBSERVABLES(pg_descent_phase_names),
    [OBS_LLC_TRUTH] = {"llc_truth", LLC_NUMBER("exact value at this n beta and gamma"),
                       .is_volatile = true},
    [OBS_LAMBDA] = {"lambda", .long_name = "learning coefficient, as n grows", .units = "1",
                    .type = PG_F64, .fill = PG_NAN},
    [OBS_MULTIPLICITY] = {"multiplicity", .long_name = "its multiplicity", .units = "1",
                          .type = PG_I32, .fill = -2},
};

struct crossing {
    int64_t k[PARAMETERS];
    struct pg_segment segment;
    struct pg_descent_shape shape;
};

static struct crossing read_cell(const struct pg_values *values)
{
    return (struct crossing){
        .k = {pg_values_integer(values, "k1"), pg_values_integer(values, "k2")},
        .segment = {.name = "w", .rows = 1, .columns = PARAMETERS},
        .shape = {.parameters = PARAMETERS,
                  .steps = pg_values_integer(values, "steps"),
                  .segment_count = 1,
                  .llc =
                      pg_llc_cell_read(values, (size_t)pg_values_integer(values, "sample_count"))}};
}

/* ---- the landscape ---- */

struct hall {
    struct crossing cell; /* of the first run */
    struct crossing cells[PG_LANES];
    size_t looked_at[PG_LANES];
};

static double power(double x, int64_t exponent)
{
    double product = 1.0;
    for (int64_t i = 0; i < exponent; i++)
        product *= x;
    return product;
}

static void look_at(void *context, size_t lane, size_t set)
{
    ((struct hall *)context)->looked_at[lane] = set;
}

static void full(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    const struct hall *hall = context;
    for (size_t lane = 0; lane < PG_LANES; lane++) {
        const int64_t *k = hall->cells[hall->looked_at[lane]].k;
        double x = w[lane], y = w[PG_LANES + lane];
        double of_x = power(x, 2 * k[0]), of_y = power(y, 2 * k[1]);
        if (ret_loss != NULL)
            ret_loss[lane] = of_x * of_y;
        if (ret_gradient == NULL)
            continue;
        ret_gradient[lane] = k[0] > 0 ? 2.0 * (double)k[0] * power(x, 2 * k[0] - 1) * of_y : 0.0;
        ret_gradient[PG_LANES + lane] =
            k[1] > 0 ? 2.0 * (double)k[1] * power(y, 2 * k[1] - 1) * of_x : 0.0;
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
    ret->segments = &hall->cell.segment;
    return 0;
}

static void arrange(void *context, const struct pg_kernel *kernel, struct pg_arena *arena,
                    struct pg_landscape *ret)
{
    (void)kernel;
    (void)arena;
    *ret = (struct pg_landscape){
        .parameters = PARAMETERS, .context = context, .look_at = look_at, .full = full};
}

static int sit(void *context, size_t seat, const struct pg_run_request *request,
               struct pg_descent_run *ret, double *ret_initial, struct pg_error *error)
{
    struct crossing *cell = &((struct hall *)context)->cells[seat];
    int64_t multiplicity = 0;
    (void)error;
    *cell = read_cell(&request->values);
    *ret = pg_descent_run_read(&request->values, &cell->shape.llc);
    *(double *)request->slots[OBS_LAMBDA] =
        pg_normal_crossing_lambda(cell->k[0], cell->k[1], &multiplicity);
    *(int32_t *)request->slots[OBS_MULTIPLICITY] = (int32_t)multiplicity;
    memset(ret_initial, 0, PARAMETERS * sizeof *ret_initial);
    return 0;
}

static void put_truth(void *context, size_t seat, const struct pg_run_request *request,
                      size_t index, const struct pg_llc_point *point)
{
    const struct crossing *cell = &((struct hall *)context)->cells[seat];
    double *truths = request->slots[OBS_LLC_TRUTH];
    if (point->localization > 0.0)
        truths[index] =
            pg_normal_crossing_llc(cell->k[0], cell->k[1], point->n_beta, point->localization);
}

extern const struct pg_experiment pg_experiment_normal_crossing;

static const struct pg_descent_kind kind = {
    .experiment = &pg_experiment_normal_crossing,
    .open = open_hall,
    .arrange = arrange,
    .sit = sit,
    .put_truth = put_truth,
    DESCENT_PLACES,
};

/* ---- the experiment ---- */

static int check(const struct pg_values *values, struct pg_error *error)
{
    const struct crossing cell = read_cell(values);
    if (cell.k[0] + cell.k[1] > 0)
        return 0;
    return pg_error_set(error, PG_EINPUT, "k1 and k2 are both 0; expected one above");
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    const struct crossing cell = read_cell(values);
    return pg_llc_cell_check(values, cell.shape.llc.samples, false, &cell.segment, 1, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct hall hall = {.cell = read_cell(values)};
    (void)error;
    memset(ret, 0, sizeof *ret);
    hall.cell.shape.segments = &hall.cell.segment;
    pg_descent_put_shape(&kind, &hall, &hall.cell.shape, 40.0, ret);
    return 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {0};
    return pg_descent_train(&kind, &hall, source, error);
}

const struct pg_experiment pg_experiment_normal_crossing = {
    .name = "normal_crossing",
    .summary = "w_1^(2 k_1) w_2^(2 k_2): the normal form of singularities, exact at any n",
    .reference = "Watanabe, Algebraic Geometry and Statistical Learning Theory, 2009",
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
