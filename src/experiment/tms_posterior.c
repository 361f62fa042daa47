/* SPDX-License-Identifier: MIT */
/*
 * The Bayesian side of the toy model of superposition: which share of the posterior exp(-n L(w))
 * N(0, 1) each phase holds, by parallel tempering, for the population loss or for a data set of
 * each seed (Chen et al. 2023, arXiv:2310.06301). Draws are classified by the hull alone: they lie
 * above the level of their phase by about lambda / n.
 */
#include <math.h>
#include <string.h>

#include "phasegrid/special.h"
#include "phasegrid/tempering.h"
#include "run_state.h"
#include "tables.h"
#include "tms.h"

enum { DIM_CORNERS, DIM_DEAD, DIM_TEMPERATURE, DIM_SAMPLE, DIM_COUNT };

enum {
    OBS_PHASE,
    OBS_OCCUPANCY,
    OBS_OCCUPANCY_SE,
    OBS_SIGNED_OCCUPANCY,
    OBS_FREE_ENERGY,
    OBS_PHASE_FREE_ENERGY,
    OBS_INVERSE,
    OBS_ENERGY,
    OBS_ACCEPTANCE,
    OBS_EXCHANGED,
    OBS_STEP_SIZE,
    OBS_DATA_FEATURE,
    OBS_DATA_MAGNITUDE,
    OBS_COUNT
};

enum { CORNERS = TMS_FEATURES_MAX + 1, BLOCKS = 20 };

static const char *const loss_names[] = {"population", "samples", NULL};
static const char *const phase_names[] = {
    "unclassified", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8", "9",
    "10",           "11", "12", "13", "14", "15", "16", NULL};

static const struct pg_setting settings[] = {
    INTEGER("features", 3, TMS_FEATURES_MAX, "6", "1", "c: inputs and outputs"),
    INTEGER("sample_count", 1, TMS_SAMPLES_MAX, "600", "samples", "n"),
    NAME("loss", loss_names, "population", "L: of the population, or of n samples of each seed"),
    REAL("prior_scale", 1e-6, 1e6, "1", "1", "deviation of the prior, in every direction"),
    INTEGER("temperatures", PG_LANES, PG_TEMPERATURES_MAX, "16", "1",
            "of the ladder, a multiple of 16; i has the inverse temperature (i / (T - 1))^3"),
    INTEGER("leapfrog_steps", 1, 1000, "10", "steps", "of HMC, at most; on average half"),
    REAL("burn_in", 0, 0.9, "0.1", "1",
         "share of the steps before the draws, which fits step sizes"),
    INTEGER("steps", 2, 1e12, "50000", "steps", "burn-in and draws together"),
};

static const struct pg_schema schema = {"tms_posterior", settings,
                                        sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    [DIM_CORNERS] = {"corners", "k: corners of the hull of W's columns", NULL},
    [DIM_DEAD] = {"dead_outputs", "phi: corners with b < -|W_i|^2", NULL},
    [DIM_TEMPERATURE] = {"temperature", "rung of the ladder, the prior first", NULL},
    [DIM_SAMPLE] = {"sample", "training sample", NULL},
};

#define OVER(text, data_type, value, dim)                                                          \
    .long_name = (text), .units = "1", .type = (data_type), .fill = (value), .dim_count = 1,       \
    .dims = {dim}

static const struct pg_observable observables[OBS_COUNT] = {
    [OBS_PHASE] = {"phase", .long_name = "the k with the largest share", .type = PG_U8, .fill = 255,
                   .meanings = phase_names, .unwritten_meaning = "not_run"},
    [OBS_OCCUPANCY] = {"occupancy", OVER("share of the posterior, by hull, whatever the signs",
                                         PG_F64, PG_NAN, DIM_CORNERS)},
    [OBS_OCCUPANCY_SE] = {"occupancy_se", OVER("its standard error, from 20 blocks of draws",
                                               PG_F64, PG_NAN, DIM_CORNERS)},
    [OBS_SIGNED_OCCUPANCY] = {"signed_occupancy",
                              .long_name = "share of the posterior by hull and dead outputs",
                              .units = "1", .type = PG_F64, .fill = PG_NAN, .dim_count = 2,
                              .dims = {DIM_CORNERS, DIM_DEAD}},
    [OBS_FREE_ENERGY] = {"free_energy", .long_name = "-log of the evidence, prior normalised",
                         .units = "1", .type = PG_F64, .fill = PG_NAN},
    [OBS_PHASE_FREE_ENERGY] = {"phase_free_energy",
                               OVER("free_energy - log occupancy; NaN where no draw was", PG_F64,
                                    PG_NAN, DIM_CORNERS)},
    [OBS_INVERSE] = {"inverse_temperature",
                     OVER("inverse temperature", PG_F64, PG_NAN, DIM_TEMPERATURE)},
    [OBS_ENERGY] = {"energy", OVER("mean of n L", PG_F64, PG_NAN, DIM_TEMPERATURE)},
    [OBS_ACCEPTANCE] = {"acceptance",
                        OVER("mean acceptance of HMC", PG_F64, PG_NAN, DIM_TEMPERATURE)},
    [OBS_EXCHANGED] = {"exchanged", OVER("share of exchanges with the next rung that were accepted",
                                         PG_F64, PG_NAN, DIM_TEMPERATURE)},
    [OBS_STEP_SIZE] = {"step_size", OVER("square of HMC's leapfrog step, as fitted", PG_F64, PG_NAN,
                                         DIM_TEMPERATURE)},
    [OBS_DATA_FEATURE] = {"data_feature", .long_name = "active feature of a sample", .type = PG_U8,
                          .fill = 255, .dim_count = 1, .dims = {DIM_SAMPLE}},
    [OBS_DATA_MAGNITUDE] = {"data_magnitude",
                            OVER("magnitude of a sample", PG_F64, PG_NAN, DIM_SAMPLE)},
};

/* ---- a run ---- */

struct posterior {
    struct tms tms; /* the model and its data */
    size_t nominal; /* n */
    int64_t steps;
    struct pg_tempering_plan plan;
    struct tms_data data;
    struct pg_landscape landscape;
    struct pg_tempering tempering;
    double counts[CORNERS][BLOCKS]; /* draws by corners and block */
    double dead[CORNERS][CORNERS];  /* and by dead outputs */
    size_t lengths[PG_EXPERIMENT_DIMS_MAX];
    double *w; /* (parameters) */
    void *room;
    size_t room_size;
};

static int read_cell(const struct pg_values *values, struct posterior *ret, struct pg_error *error)
{
    const size_t c = (size_t)pg_values_integer(values, "features");
    const bool has_data = strcmp(pg_values_name(values, "loss"), "samples") == 0;
    memset(ret, 0, sizeof *ret);
    ret->nominal = (size_t)pg_values_integer(values, "sample_count");
    ret->steps = pg_values_integer(values, "steps");
    ret->tms.model = (struct pg_autoencoder_shape){.features = c, .hidden = 2};
    ret->tms.samples = has_data ? ret->nominal : 0;
    ret->plan = (struct pg_tempering_plan){
        .temperatures = (size_t)pg_values_integer(values, "temperatures"),
        .n = (double)ret->nominal,
        .prior_scale = pg_values_real(values, "prior_scale"),
        .leapfrog_steps = (size_t)pg_values_integer(values, "leapfrog_steps"),
        .burn_in = (int64_t)(pg_values_real(values, "burn_in") *
                             (double)pg_values_integer(values, "steps"))};
    ret->lengths[DIM_CORNERS] = c + 1;
    ret->lengths[DIM_DEAD] = c + 1;
    ret->lengths[DIM_TEMPERATURE] = ret->plan.temperatures;
    ret->lengths[DIM_SAMPLE] = ret->tms.samples;
    if (ret->plan.temperatures % PG_LANES != 0)
        return pg_error_set(error, PG_EINPUT,
                            "temperatures %zu; expected a multiple of %d up to %d",
                            ret->plan.temperatures, (int)PG_LANES, (int)PG_TEMPERATURES_MAX);
    return 0;
}

extern const struct pg_experiment pg_experiment_tms_posterior;

static void pass(struct posterior *posterior, const struct pg_run_request *request, int64_t step,
                 struct pg_state *state)
{
    struct pg_run_head head =
        pg_run_head_make(&pg_experiment_tms_posterior, request, posterior->lengths, step);
    pg_state_pass(state, &head, sizeof head);
    pg_state_pass(state, posterior->counts, sizeof posterior->counts);
    pg_state_pass(state, posterior->dead, sizeof posterior->dead);
    pg_tempering_pass(&posterior->tempering, state);
}

static void arrange(struct posterior *posterior, const struct pg_kernel *kernel,
                    struct pg_arena *arena)
{
    static const struct pg_record nothing = {0};
    const struct pg_run_request request = {.record = &nothing};
    struct pg_state measure = pg_state_measure();
    pg_tms_arrange(&posterior->tms, 0, kernel, &posterior->data, arena);
    posterior->landscape = pg_tms_landscape(&posterior->data);
    pg_tempering_arrange(&posterior->tempering, kernel, &posterior->landscape, &posterior->plan,
                         arena);
    posterior->w = pg_arena_take(arena, posterior->landscape.parameters * sizeof *posterior->w);
    pass(posterior, &request, 0, &measure);
    posterior->room_size = measure.used;
    posterior->room = pg_arena_take(arena, measure.used);
}

/* Goes on from the request's state, if it is one of this run. */
static void resume(struct posterior *posterior, const struct pg_run_request *request)
{
    struct pg_run_head head;
    if (request->state == NULL || request->state_size != posterior->room_size)
        return;
    memcpy(&head, request->state, sizeof head);
    const struct pg_run_head expected =
        pg_run_head_make(&pg_experiment_tms_posterior, request, posterior->lengths, head.step);
    if (memcmp(&head, &expected, sizeof head) != 0 || head.step < 0 || head.step > posterior->steps)
        return;
    struct pg_state state = pg_state_load(request->state, request->state_size);
    pass(posterior, request, head.step, &state);
}

static void count_draw(struct posterior *posterior)
{
    const int64_t draws = posterior->steps - posterior->plan.burn_in;
    const int64_t draw = posterior->tempering.step - posterior->plan.burn_in - 1;
    if (draw < 0)
        return;
    (void)pg_tempering_point(&posterior->tempering, posterior->w);
    const struct pg_superposition_phase phase =
        pg_superposition_classify(posterior->tms.model.features, posterior->w);
    posterior->counts[phase.k][draw * BLOCKS / draws] += 1.0;
    posterior->dead[phase.k][phase.phi] += 1.0;
}

/* True: leave. */
static bool must_leave(struct posterior *posterior, const struct pg_run_request *request,
                       const struct pg_run_source *source)
{
    const int64_t step = posterior->tempering.step;
    enum pg_pause pause = source->pause != NULL ? source->pause(source->context) : PG_PAUSE_GO_ON;
    if (pg_pause_saves(pause) && source->save != NULL) {
        struct pg_state state = pg_state_save(posterior->room, posterior->room_size);
        pass(posterior, request, step, &state);
        source->save(source->context, request->ticket, step, posterior->room, state.used);
    }
    return pg_pause_leaves(pause);
}

static void put_occupancy(const struct posterior *posterior, const struct pg_run_request *request)
{
    const double draws = (double)(posterior->steps - posterior->plan.burn_in);
    const double free_energy = pg_tempering_free_energy(&posterior->tempering);
    double *shares = request->slots[OBS_OCCUPANCY], *errors = request->slots[OBS_OCCUPANCY_SE];
    double *energies = request->slots[OBS_PHASE_FREE_ENERGY];
    const size_t row = request->lengths[DIM_DEAD];
    *(double *)request->slots[OBS_FREE_ENERGY] = free_energy;
    for (size_t k = 0; k <= posterior->tms.model.features; k++) {
        double sum = 0.0, squares = 0.0;
        for (size_t block = 0; block < BLOCKS; block++)
            sum += posterior->counts[k][block] / draws;
        for (size_t block = 0; block < BLOCKS; block++) {
            double share = posterior->counts[k][block] * BLOCKS / draws;
            squares += (share - sum) * (share - sum);
        }
        shares[k] = sum;
        errors[k] = sqrt(squares / (BLOCKS * (BLOCKS - 1.0)));
        for (size_t phi = 0; phi <= posterior->tms.model.features; phi++)
            ((double *)request->slots[OBS_SIGNED_OCCUPANCY])[k * row + phi] =
                posterior->dead[k][phi] / draws;
        energies[k] = sum > 0.0 ? free_energy - pg_log(sum) : (double)NAN;
    }
}

static void put_ladder(const struct posterior *posterior, const struct pg_run_request *request)
{
    const struct pg_tempering *tempering = &posterior->tempering;
    const double draws = (double)(posterior->steps - posterior->plan.burn_in);
    for (size_t i = 0; i < posterior->plan.temperatures; i++) {
        const struct pg_chains *chains = &tempering->chains[i / PG_LANES];
        ((double *)request->slots[OBS_INVERSE])[i] = tempering->inverse[i];
        ((double *)request->slots[OBS_ENERGY])[i] = tempering->energy[i] / draws;
        ((double *)request->slots[OBS_ACCEPTANCE])[i] = tempering->accepted[i] / draws;
        ((double *)request->slots[OBS_EXCHANGED])[i] =
            tempering->offered[i] > 0.0 ? tempering->swapped[i] / tempering->offered[i]
                                        : (double)NAN;
        ((double *)request->slots[OBS_STEP_SIZE])[i] = chains->step_size[i % PG_LANES];
    }
}

static int finish(const struct posterior *posterior, const struct pg_run_request *request)
{
    const double *shares = request->slots[OBS_OCCUPANCY];
    const struct tms_set *set = &posterior->data.sets[0];
    size_t best = 0;
    put_occupancy(posterior, request);
    put_ladder(posterior, request);
    if (posterior->tms.samples > 0) {
        memcpy(request->slots[OBS_DATA_FEATURE], set->features, posterior->tms.samples);
        memcpy(request->slots[OBS_DATA_MAGNITUDE], set->magnitudes,
               posterior->tms.samples * sizeof *set->magnitudes);
    }
    for (size_t k = 1; k <= posterior->tms.model.features; k++)
        best = shares[k] > shares[best] ? k : best;
    *(uint8_t *)request->slots[OBS_PHASE] = (uint8_t)best;
    return (int)best;
}

/* PG_ESTOPPED: pause said to leave. */
static int sample(struct posterior *posterior, const struct pg_run_request *request,
                  const struct pg_run_source *source, struct pg_error *error)
{
    enum { PAUSE_EVERY = 4 };
    pg_tempering_begin(&posterior->tempering);
    resume(posterior, request);
    while (posterior->tempering.step < posterior->steps) {
        if (posterior->tempering.step % PAUSE_EVERY == 0 && must_leave(posterior, request, source))
            return pg_error_set(error, PG_ESTOPPED, "stopped with 1 run in training");
        pg_tempering_step(&posterior->tempering);
        count_draw(posterior);
    }
    return 0;
}

static int run_one(const struct pg_run_request *request, const struct pg_run_source *source,
                   struct pg_error *error)
{
    struct posterior posterior;
    const struct pg_kernel *kernel = NULL;
    struct pg_arena arena;
    int status = read_cell(&request->values, &posterior, error);
    if (status == 0)
        status = pg_kernel_choose(&kernel, error);
    if (status != 0)
        return status;
    posterior.plan.random = pg_random_make(request->seed, PG_STREAM_CHAINS, request->mix);
    pg_arena_measure(&arena);
    arrange(&posterior, kernel, &arena);
    status = pg_arena_init(&arena, arena.used, error);
    if (status != 0)
        return status;
    arrange(&posterior, kernel, &arena);
    unsigned before = pg_kernel_enter();
    status = pg_tms_draw(&posterior.data, 0, request->seed, request->mix, error);
    if (status == 0)
        status = sample(&posterior, request, source, error);
    pg_kernel_leave(before);
    if (status == 0) {
        const struct pg_run_result result = {.last_step = posterior.steps,
                                             .phase = finish(&posterior, request)};
        source->finish(source->context, request->ticket, 0, &result, NULL);
    }
    pg_arena_release(&arena);
    return status;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct pg_run_request request;
    while (source->next(source->context, &request)) {
        int status = run_one(&request, source, error);
        if (status == PG_ESTOPPED)
            return status;
        if (status != 0)
            source->finish(source->context, request.ticket, status, NULL, error);
    }
    return 0;
}

/* ---- the experiment ---- */

static int check(const struct pg_values *values, struct pg_error *error)
{
    struct posterior posterior;
    return read_cell(values, &posterior, error);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    struct posterior posterior;
    struct pg_arena arena;
    int status = read_cell(values, &posterior, error);
    if (status != 0)
        return status;
    pg_arena_measure(&arena);
    arrange(&posterior, NULL, &arena);
    memset(ret, 0, sizeof *ret);
    memcpy(ret->lengths, posterior.lengths, sizeof ret->lengths);
    ret->steps = posterior.steps;
    ret->lanes = 1;
    ret->bytes = arena.used;
    /* Of a step: half the leapfrog steps, each a pass with some 40 operations for each pair of
       features, at every temperature. */
    ret->flops_per_step = 20.0 * (double)(posterior.plan.leapfrog_steps + 1) *
                          (double)(posterior.tms.model.features * posterior.tms.model.features *
                                   posterior.plan.temperatures);
    return 0;
}

const struct pg_experiment pg_experiment_tms_posterior = {
    .name = "tms_posterior",
    .summary = "shares of the posterior that the phases of the toy model of superposition hold",
    .reference = "Chen et al., Dynamical versus Bayesian Phase Transitions in a Toy Model of "
                 "Superposition, 2023, arXiv:2310.06301",
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
