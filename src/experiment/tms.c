/* SPDX-License-Identifier: MIT */
/*
 * The toy model of superposition (Elhage et al. 2022) as Chen, Lau, Mendel, Wei and Murfet have it
 * ("Dynamical versus Bayesian Phase Transitions in a Toy Model of Superposition", 2023): one active
 * feature per sample, x = m e_j with m uniform in [0, 1], f(x) = ReLU(W'W x + b), and the squared
 * error summed over the outputs.
 */
#include "tms.h"

#include <math.h>
#include <string.h>

#include "llc_tables.h"
#include "phasegrid/special.h"

enum { DESCENT_DIMENSION_NUMBERS, DIM_FEATURE, DIM_HIDDEN, DIM_SAMPLE, DIM_JUMP, DIM_COUNT };

enum {
    DESCENT_OBSERVABLE_NUMBERS,
    OBS_POPULATION_LOSS,
    OBS_PHASE_AT,
    OBS_CORNERS,
    OBS_SIGMA,
    OBS_PHI,
    OBS_WEIGHTS,
    OBS_BIASES,
    OBS_COLUMN_NORM,
    OBS_COLUMN_ANGLE,
    OBS_JUMPS,
    OBS_JUMP_STEP,
    OBS_JUMP_FROM,
    OBS_JUMP_TO,
    OBS_DATA_FEATURE,
    OBS_DATA_MAGNITUDE,
    OBS_COUNT
};

static const char *const restrict_names[] = {"all", "W", "b", NULL};
static const char *const start_names[] = {"random", "kgon", NULL};

static const struct pg_setting settings[] = {
    INTEGER("features", 1, TMS_FEATURES_MAX, "6", "1", "c: inputs and outputs"),
    INTEGER("hidden", 1, TMS_FEATURES_MAX, "2", "1", "r: hidden dimensions"),
    INTEGER("sample_count", 0, TMS_SAMPLES_MAX, "1000", "samples", "n; 0: the population"),
    INTEGER("nominal_sample_count", 1, 1e12, "1000", "samples",
            "n of the LLC's temperature where sample_count is 0"),
    INTEGER("batch_size", 0, 1e6, "20", "samples",
            "samples of a step, drawn with replacement; 0: all"),
    NAME("start", start_names, "kgon", "random: W = init_scale N(0, 1); kgon: a phase, with noise"),
    INTEGER("start_k", 4, TMS_FEATURES_MAX, "4", "1", "corners of the start"),
    INTEGER("start_sigma", 0, TMS_FEATURES_MAX, "0", "1", "its columns 0 with bias 1 / (2c)"),
    INTEGER("start_phi", 0, TMS_FEATURES_MAX, "0", "1", "its corners with the bias dead_bias"),
    INTEGER("start_turned", 0, 1, "0", "1", "1: the start is turned by a random angle"),
    REAL("dead_bias", -1e6, 1e6, "0", "1", "bias of the start's columns 0 but for start_sigma"),
    REAL("init_scale", 0, 1e6, "1", "1", "of W at a random start"),
    REAL("weight_noise", 0, 1e6, "0.01", "1", "deviation added to W at a k-gon"),
    REAL("bias_noise", 0, 1e6, "0.01", "1", "deviation added to b, at any start"),
    DESCENT_SETTINGS("0.005", "225000"),
    INTEGER("epochs", 0, 1e9, "0", "epochs",
            "the budget as sample_count / batch_size steps each, at most `steps`; 0: steps"),
    LLC_SETTINGS(restrict_names),
};

static const struct pg_schema schema = {"tms", settings, sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    DESCENT_DIMENSIONS,
    [DIM_FEATURE] = {"feature", "feature: column of W, entry of b", NULL},
    [DIM_HIDDEN] = {"hidden_dimension", "row of W", NULL},
    [DIM_SAMPLE] = {"sample", "training sample", NULL},
    [DIM_JUMP] = {"jump", "change of the classified phase between recorded steps", NULL},
};

#define OVER(text, data_type, value, count, ...)                                                   \
    .long_name = (text), .units = "1", .type = (data_type), .fill = (value), .dim_count = (count), \
    .dims = {__VA_ARGS__}
#define CODE(text, dim)                                                                            \
    .long_name = (text), .type = PG_U8, .fill = 255, .meanings = pg_tms_phase_names,               \
    .unwritten_meaning = "not_run", .dim_count = 1, .dims = {dim}

static const struct pg_observable_attribute phase_attributes[] = {
    {.name = "rule",
     .text = "corners of the convex hull of W's columns; + for each other column with b > 0, - for "
             "each corner with b < -|W_i|^2; unclassified beyond .004 of the phase's loss"},
    {.name = "reference", .text = "Chen et al. (2023), arXiv:2310.06301"},
};

static const struct pg_observable observables[OBS_COUNT] = {
    DESCENT_OBSERVABLES(pg_tms_phase_names),
    [OBS_POPULATION_LOSS] = {"population_loss", OVER("loss of the population, in closed form",
                                                     PG_F64, PG_NAN, 1, DIM_STEP)},
    [OBS_PHASE_AT] = {"phase_at", CODE("phase", DIM_STEP), ATTRIBUTES(phase_attributes)},
    [OBS_CORNERS] = {"corners", OVER("k: corners of the hull", PG_I32, -2, 1, DIM_STEP)},
    [OBS_SIGMA] = {"sigma", OVER("columns inside with a positive bias", PG_I32, -2, 1, DIM_STEP)},
    [OBS_PHI] = {"phi", OVER("corners with a dead output", PG_I32, -2, 1, DIM_STEP)},
    [OBS_WEIGHTS] = {"W", OVER("W", PG_F64, PG_NAN, 3, DIM_STEP, DIM_HIDDEN, DIM_FEATURE)},
    [OBS_BIASES] = {"b", OVER("b", PG_F64, PG_NAN, 2, DIM_STEP, DIM_FEATURE)},
    [OBS_COLUMN_NORM] = {"column_norm", OVER("Euclidean norm of a column of W", PG_F64, PG_NAN, 2,
                                             DIM_STEP, DIM_FEATURE)},
    [OBS_COLUMN_ANGLE] = {"column_angle",
                          .long_name = "angle of a column of W; NaN unless hidden is 2",
                          .units = "radian", .type = PG_F64, .fill = PG_NAN, .dim_count = 2,
                          .dims = {DIM_STEP, DIM_FEATURE}},
    [OBS_JUMPS] = {"jumps", .long_name = "changes of the classified phase; the first are kept",
                   .units = "1", .type = PG_I32, .fill = -2},
    [OBS_JUMP_STEP] = {"jump_step", .long_name = "recorded step at which a phase is seen first",
                       .units = "steps", .type = PG_I64, .fill = -2, .dim_count = 1,
                       .dims = {DIM_JUMP}},
    [OBS_JUMP_FROM] = {"jump_from", CODE("phase before a jump", DIM_JUMP)},
    [OBS_JUMP_TO] = {"jump_to", CODE("phase after a jump", DIM_JUMP)},
    [OBS_DATA_FEATURE] = {"data_feature", .long_name = "active feature of a sample", .type = PG_U8,
                          .fill = 255, .dim_count = 1, .dims = {DIM_SAMPLE}},
    [OBS_DATA_MAGNITUDE] = {"data_magnitude",
                            OVER("magnitude of a sample", PG_F64, PG_NAN, 1, DIM_SAMPLE)},
};

/* ---- runs ---- */

struct hall {
    struct tms tms; /* of the first run: the shape of all */
    struct tms_data data;
    struct seat {
        struct tms tms;
        int32_t phase, jumps; /* the last classified one; TMS_UNCLASSIFIED: none yet */
    } seats[PG_LANES];
};

static int open_hall(void *context, const struct pg_run_request *first,
                     struct pg_descent_shape *ret, struct pg_error *error)
{
    struct hall *hall = context;
    int status = pg_tms_read(&first->values, &hall->tms, error);
    hall->tms.shape.segments = hall->tms.segments;
    *ret = hall->tms.shape;
    return status;
}

static void arrange(void *context, const struct pg_kernel *kernel, struct pg_arena *arena,
                    struct pg_landscape *ret)
{
    struct hall *hall = context;
    size_t batch = hall->tms.shape.batch_size, chains = hall->tms.shape.llc.plan.sampler.batch_size;
    pg_tms_arrange(&hall->tms, batch > chains ? batch : chains, kernel, &hall->data, arena);
    *ret = pg_tms_landscape(&hall->data);
}

static void put_data(const struct hall *hall, size_t index, const struct pg_run_request *request)
{
    const struct tms_set *set = &hall->data.sets[index];
    if (hall->tms.samples == 0)
        return;
    memcpy(request->slots[OBS_DATA_FEATURE], set->features, hall->tms.samples);
    memcpy(request->slots[OBS_DATA_MAGNITUDE], set->magnitudes,
           hall->tms.samples * sizeof *set->magnitudes);
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_descent_run *ret, double *ret_initial, struct pg_error *error)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    int status = pg_tms_read(&request->values, &seat->tms, error);
    if (status == 0)
        status = pg_tms_draw(&hall->data, index, request->seed, request->mix, error);
    if (status == 0)
        status = pg_tms_start(&seat->tms, request, ret_initial, error);
    if (status != 0)
        return status;
    pg_tms_solve(&seat->tms);
    seat->phase = TMS_UNCLASSIFIED;
    seat->jumps = 0;
    put_data(hall, index, request);
    *ret = pg_descent_run_read(&request->values, &seat->tms.shape.llc);
    return 0;
}

static void pass(void *context, size_t index, struct pg_state *state)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    pg_state_pass(state, &seat->phase, sizeof seat->phase);
    pg_state_pass(state, &seat->jumps, sizeof seat->jumps);
}

/* ---- observations ---- */

static void put_columns(const struct tms *tms, const struct pg_run_request *request, size_t index,
                        const double *w)
{
    const size_t c = tms->model.features, r = tms->model.hidden, *lengths = request->lengths;
    double *weights =
        (double *)request->slots[OBS_WEIGHTS] + index * lengths[DIM_HIDDEN] * lengths[DIM_FEATURE];
    double *biases = (double *)request->slots[OBS_BIASES] + index * lengths[DIM_FEATURE];
    double *norms = (double *)request->slots[OBS_COLUMN_NORM] + index * lengths[DIM_FEATURE];
    double *angles = (double *)request->slots[OBS_COLUMN_ANGLE] + index * lengths[DIM_FEATURE];
    for (size_t i = 0; i < c; i++) {
        double squares = 0.0;
        for (size_t k = 0; k < r; k++) {
            weights[k * lengths[DIM_FEATURE] + i] = w[k * c + i];
            squares += w[k * c + i] * w[k * c + i];
        }
        biases[i] = w[r * c + i];
        norms[i] = sqrt(squares);
        angles[i] = r == 2 ? pg_direction(w[i], w[c + i]) : (double)NAN;
    }
}

static void note_jump(struct seat *seat, const struct pg_run_request *request, int64_t step,
                      int phase)
{
    if (phase == TMS_UNCLASSIFIED || phase == seat->phase)
        return;
    if (seat->phase != TMS_UNCLASSIFIED) {
        if (seat->jumps < TMS_JUMPS_MAX) {
            ((int64_t *)request->slots[OBS_JUMP_STEP])[seat->jumps] = step;
            ((uint8_t *)request->slots[OBS_JUMP_FROM])[seat->jumps] = (uint8_t)seat->phase;
            ((uint8_t *)request->slots[OBS_JUMP_TO])[seat->jumps] = (uint8_t)phase;
        }
        seat->jumps++;
    }
    seat->phase = phase;
}

static void observe(void *context, size_t index, const struct pg_run_request *request, size_t point,
                    int64_t step, double loss, const double *w)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    struct pg_superposition_phase phase;
    double population = pg_autoencoder_population(&seat->tms.model, w, NULL);
    int code = pg_tms_classify(&seat->tms, w, population, &phase);
    (void)loss;
    ((double *)request->slots[OBS_POPULATION_LOSS])[point] = population;
    ((uint8_t *)request->slots[OBS_PHASE_AT])[point] = (uint8_t)code;
    ((int32_t *)request->slots[OBS_CORNERS])[point] = (int32_t)phase.k;
    ((int32_t *)request->slots[OBS_SIGMA])[point] = (int32_t)phase.sigma;
    ((int32_t *)request->slots[OBS_PHI])[point] = (int32_t)phase.phi;
    put_columns(&seat->tms, request, point, w);
    note_jump(seat, request, step, code);
}

static int end(void *context, size_t index, const struct pg_run_request *request, int64_t step,
               bool diverged, double loss, const double *w)
{
    const struct seat *seat = &((struct hall *)context)->seats[index];
    struct pg_superposition_phase phase;
    (void)step;
    (void)loss;
    *(int32_t *)request->slots[OBS_JUMPS] = seat->jumps;
    if (diverged)
        return TMS_DIVERGED;
    return pg_tms_classify(&seat->tms, w, pg_autoencoder_population(&seat->tms.model, w, NULL),
                           &phase);
}

static void lengths(const void *context, size_t *ret)
{
    const struct tms *tms = &((const struct hall *)context)->tms;
    ret[DIM_FEATURE] = tms->model.features;
    ret[DIM_HIDDEN] = tms->model.hidden;
    ret[DIM_SAMPLE] = tms->samples;
    ret[DIM_JUMP] = TMS_JUMPS_MAX;
}

extern const struct pg_experiment pg_experiment_tms;

static const struct pg_descent_kind kind = {
    .experiment = &pg_experiment_tms,
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
    struct tms tms;
    int status = pg_tms_read(values, &tms, error);
    return status != 0 ? status : pg_tms_check_budget(values, &tms, error);
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    struct tms tms;
    int status = pg_tms_read(values, &tms, error);
    if (status != 0)
        return status;
    return pg_llc_cell_check(values, tms.shape.llc.samples, tms.samples > 0, tms.segments, 2,
                             error);
}

/* Useful operations of a step: ten for each sample and output (one feature is active), and G and
   the way back. */
static double flops_of(const struct tms *tms)
{
    double c = (double)tms->model.features, r = (double)tms->model.hidden;
    double samples = tms->shape.batch_size > 0 ? (double)tms->shape.batch_size : 4.0 * c;
    return 10.0 * c * samples + 6.0 * r * c * c;
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct hall hall;
    memset(&hall, 0, sizeof hall);
    int status = pg_tms_read(values, &hall.tms, error);
    if (status != 0)
        return status;
    memset(ret, 0, sizeof *ret);
    hall.tms.shape.segments = hall.tms.segments;
    pg_descent_put_shape(&kind, &hall, &hall.tms.shape, flops_of(&hall.tms), ret);
    return 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall;
    memset(&hall, 0, sizeof hall);
    return pg_descent_train(&kind, &hall, source, error);
}

const struct pg_experiment pg_experiment_tms = {
    .name = "tms",
    .summary = "the toy model of superposition: one active feature, ReLU(W'W x + b)",
    .reference = "Chen et al., Dynamical versus Bayesian Phase Transitions in a Toy Model of "
                 "Superposition, 2023, arXiv:2310.06301",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = pg_tms_phase_names,
    .check = check,
    .check_llc = check_llc,
    .shape = shape,
    .run = run,
};
