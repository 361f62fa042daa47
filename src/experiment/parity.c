/* SPDX-License-Identifier: MIT */
/*
 * Sparse parities (Barak et al., "Hidden Progress in Deep Learning: SGD Learns Parities Near the
 * Computational Limit", 2022, arXiv:2207.08799): x is uniform in {-1, 1}^n, the label the product
 * of k coordinates (here the first: the network knows no order), the loss the hinge. Every step
 * draws fresh samples, or a batch of a fixed training set.
 */
#include "parity.h"

#include <math.h>
#include <string.h>

#include "llc_tables.h"

enum { DESCENT_DIMENSION_NUMBERS, DIM_COUNT };

enum {
    DESCENT_OBSERVABLE_NUMBERS,
    OBS_STEPS_TO_TRAIN,
    OBS_STEPS_TO_TEST,
    OBS_TEST_LOSS,
    OBS_TRAIN_ACCURACY,
    OBS_TEST_ACCURACY,
    OBS_MOVEMENT_RELEVANT,
    OBS_MOVEMENT_IRRELEVANT,
    OBS_LARGEST_RELEVANT,
    OBS_LARGEST_IRRELEVANT,
    OBS_FOURIER_RATIO,
    OBS_COUNT
};

enum { PARITY_PLATEAU, PARITY_DIVERGED, PARITY_SOLVED, PARITY_MEMORIZATION };
static const char *const phase_names[] = {"plateau", "diverged", "solved", "memorization", NULL};
static const char *const restrict_names[] = {"all", "hidden", "output", NULL};

static const struct pg_setting settings[] = {
    INTEGER("n", 2, PARITY_BITS_MAX, "30", "bits", "length of an input"),
    INTEGER("k", 1, PARITY_BITS_MAX, "3", "bits", "coordinates whose product is the label"),
    INTEGER("width", 1, 4096, "100", "units", "of the hidden layer"),
    INTEGER(
        "sample_count", 0, PARITY_SAMPLES_MAX, "0", "samples",
        "training samples; 0: every step draws fresh ones, and train_loss is of the test samples"),
    INTEGER("test_count", 1, PARITY_SAMPLES_MAX, "1000", "samples", "test samples"),
    INTEGER("batch_size", 0, PARITY_SAMPLES_MAX, "32", "samples",
            "of a step, drawn with replacement; 0: all training samples"),
    REAL("weight_decay", 0, 1e6, "0.01", "1",
         "L2: weight_decay / 2 |w|^2 is part of train_loss and of its gradient"),
    REAL("init_scale", 0, 1e6, "1", "1", "multiplies initial values, U(-1, 1) / sqrt(inputs)"),
    REAL("solved_accuracy", 0.5, 1, "0.98", "1", "accuracy that counts as reached"),
    INTEGER("evaluate_test_every", 1, 1e12, "50", "steps",
            "accuracies are looked at, for steps_to_train and steps_to_test, at multiples of this"),
    DESCENT_SETTINGS("0.1", "10000"),
    SCHEDULE_SETTINGS,
    LLC_SETTINGS(restrict_names),
};

static const struct pg_schema schema = {"parity", settings, sizeof settings / sizeof *settings};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {DESCENT_DIMENSIONS};

#define PER_STEP(text)                                                                             \
    .long_name = (text), .units = "1", .type = PG_F64, .fill = PG_NAN, .dim_count = 1,             \
    .dims = {DIM_STEP}
static const struct pg_observable_attribute crossing_attributes[] = {
    {.name = "threshold", .setting = "solved_accuracy"},
    {.name = "multiples_of", .setting = "evaluate_test_every"},
};

static const struct pg_observable observables[OBS_COUNT] = {
    DESCENT_OBSERVABLES(phase_names),
    [OBS_STEPS_TO_TRAIN] = {"steps_to_train",
                            STEPS_TO("first evaluated step at which the accuracy on the training "
                                     "samples is reached; -1 never, or there are none",
                                     crossing_attributes)},
    [OBS_STEPS_TO_TEST] = {"steps_to_test",
                           STEPS_TO("t_c: first evaluated step at which the test accuracy is "
                                    "reached; -1 never",
                                    crossing_attributes)},
    [OBS_TEST_LOSS] = {"test_loss", PER_STEP("hinge loss on the test samples")},
    [OBS_TRAIN_ACCURACY] = {"train_accuracy",
                            PER_STEP("accuracy on the training samples; NaN: there are none")},
    [OBS_TEST_ACCURACY] = {"test_accuracy", PER_STEP("accuracy on the test samples")},
    [OBS_MOVEMENT_RELEVANT] = {"movement_relevant",
                               PER_STEP("rms change of hidden weights since the start, relevant "
                                        "coordinates")},
    [OBS_MOVEMENT_IRRELEVANT] = {"movement_irrelevant",
                                 PER_STEP("the same, irrelevant coordinates; NaN: there are none")},
    [OBS_LARGEST_RELEVANT] = {"largest_movement_relevant",
                              PER_STEP("largest change of a hidden weight since the start, "
                                       "relevant coordinates")},
    [OBS_LARGEST_IRRELEVANT] = {"largest_movement_irrelevant",
                                PER_STEP("the same, irrelevant coordinates; NaN: there are none")},
    [OBS_FOURIER_RATIO] = {"fourier_ratio",
                           .long_name = "(k - 1) / (n - k), majority's Fourier coefficients of "
                                        "orders k + 1 and k - 1",
                           .units = "1", .type = PG_F64, .fill = PG_NAN},
};

/* ---- data ---- */

struct hall {
    struct parity_cell cell; /* of the first run: the shape of all */
    const struct pg_kernel *kernel;
    struct parity_net net; /* with what the lanes look at */
    struct parity_room room;
    uint64_t *train, *test; /* (samples, PG_LANES) of the seats */
    uint64_t *ordered;      /* the larger of them, as the lanes look at it */
    uint64_t *drawn;        /* (batch, PG_LANES) */
    uint32_t *words;        /* (2 batch up to whole blocks, PG_LANES) */
    uint64_t masks[PG_LANES];
    size_t looked_at[PG_LANES];
    double *initial; /* (PG_LANES, parameters) of the seats */
    struct parity_score trained, tested;
    struct seat {
        struct parity_cell cell;
        int64_t steps_to_train, steps_to_test;
    } seats[PG_LANES];
};

enum { TRAIN_SET, TEST_SET };

static void draw_set(uint64_t *to, size_t count, size_t seat, const struct pg_random *random,
                     uint32_t set)
{
    for (size_t s = 0; s < count; s++) {
        uint64_t low = pg_random_word(random, (uint32_t)(2 * s), set, 0);
        to[s * PG_LANES + seat] =
            low | (uint64_t)pg_random_word(random, (uint32_t)(2 * s + 1), set, 0) << 32;
    }
}

static uint64_t mask_of(const struct parity_cell *cell)
{
    return cell->order == PARITY_BITS_MAX ? UINT64_MAX : (UINT64_C(1) << cell->order) - 1;
}

/* Into drawn, from fresh words or from the training sets of what the lanes look at. */
static void draw_batch(struct hall *hall, const struct pg_lane_random *random, size_t size)
{
    const size_t samples = hall->cell.samples, each = samples > 0 ? 1 : 2;
    hall->kernel->in_lanes->words(random, 0, (each * size + 3) / 4, hall->words);
    for (size_t at = 0; at < size * PG_LANES; at++) {
        const size_t s = at / PG_LANES, lane = at % PG_LANES;
        const uint32_t *words = &hall->words[each * s * PG_LANES + lane];
        if (samples == 0)
            hall->drawn[at] = words[0] | (uint64_t)words[PG_LANES] << 32;
        else
            hall->drawn[at] = hall->train[(uint64_t)words[0] * samples / 4294967296u * PG_LANES +
                                          hall->looked_at[lane]];
    }
}

/* ---- the landscape ---- */

static void look_at(void *context, size_t lane, size_t set)
{
    struct hall *hall = context;
    hall->looked_at[lane] = set;
    hall->masks[lane] = mask_of(&hall->seats[set].cell);
    hall->net.weight_decay[lane] = hall->seats[set].cell.weight_decay;
}

static void score(struct hall *hall, const uint64_t *words, size_t count, const double *w,
                  struct parity_score *ret_score, double *ret_gradient)
{
    const struct parity_samples samples = {words, count, hall->masks};
    pg_parity_score(&hall->net, hall->kernel->in_lanes, &samples, w, &hall->room, ret_score,
                    ret_gradient);
}

static void put_loss(const struct hall *hall, const struct parity_score *found, const double *w,
                     double *ret_loss)
{
    if (ret_loss == NULL)
        return;
    pg_parity_penalty(&hall->net, w, ret_loss);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        ret_loss[lane] += found->hinge[lane];
}

/* Lanes look at their own seats except in estimates, whose sets are put in order here. */
static const uint64_t *sets_of(struct hall *hall, const uint64_t *sets, size_t count)
{
    bool is_own = true;
    for (size_t lane = 0; lane < PG_LANES; lane++)
        is_own = is_own && hall->looked_at[lane] == lane;
    if (is_own)
        return sets;
    for (size_t at = 0; at < count * PG_LANES; at++)
        hall->ordered[at] = sets[at / PG_LANES * PG_LANES + hall->looked_at[at % PG_LANES]];
    return hall->ordered;
}

static void full(void *context, const double *w, double *ret_loss, double *ret_gradient)
{
    struct hall *hall = context;
    const bool is_online = hall->cell.samples == 0;
    const size_t count = is_online ? hall->cell.test_count : hall->cell.samples;
    struct parity_score found;
    score(hall, sets_of(hall, is_online ? hall->test : hall->train, count), count, w, &found,
          ret_gradient);
    put_loss(hall, &found, w, ret_loss);
}

static void batch(void *context, const struct pg_lane_random *random, size_t size, const double *w,
                  double *ret_loss, double *ret_gradient)
{
    struct hall *hall = context;
    struct parity_score found;
    draw_batch(hall, random, size);
    score(hall, hall->drawn, size, w, &found, ret_gradient);
    put_loss(hall, &found, w, ret_loss);
}

/* ---- runs ---- */

static int open_hall(void *context, const struct pg_run_request *first,
                     struct pg_descent_shape *ret, struct pg_error *error)
{
    struct hall *hall = context;
    int status = pg_parity_read(&first->values, &hall->cell, error);
    hall->net = hall->cell.net;
    hall->cell.shape.segments = hall->cell.segments;
    *ret = hall->cell.shape;
    return status;
}

static void arrange(void *context, const struct pg_kernel *kernel, struct pg_arena *arena,
                    struct pg_landscape *ret)
{
    struct hall *hall = context;
    const struct parity_cell *cell = &hall->cell;
    const size_t chains = cell->shape.llc.plan.sampler.batch_size;
    const size_t most = cell->shape.batch_size > chains ? cell->shape.batch_size : chains;
    const size_t larger = cell->samples > cell->test_count ? cell->samples : cell->test_count;
    hall->kernel = kernel;
    pg_parity_arrange(&cell->net, &hall->room, arena);
    hall->train = pg_arena_take(arena, cell->samples * PG_LANES * sizeof *hall->train);
    hall->test = pg_arena_take(arena, cell->test_count * PG_LANES * sizeof *hall->test);
    hall->ordered = pg_arena_take(arena, larger * PG_LANES * sizeof *hall->ordered);
    hall->drawn = pg_arena_take(arena, most * PG_LANES * sizeof *hall->drawn);
    hall->words = pg_arena_take(arena, (2 * most + 3) / 4 * 4 * PG_LANES * sizeof *hall->words);
    hall->initial = pg_arena_take(arena, cell->shape.parameters * PG_LANES * sizeof *hall->initial);
    *ret = (struct pg_landscape){.parameters = cell->shape.parameters,
                                 .context = hall,
                                 .look_at = look_at,
                                 .full = full,
                                 .batch = batch};
}

/* torch.nn.Linear's, U(-1, 1) / sqrt(inputs), biases too; keyed by (segment, row, column). */
static void draw_start(const struct parity_cell *cell, const struct pg_run_request *request,
                       double *ret)
{
    const struct pg_random random = pg_random_make(request->seed, PG_STREAM_INITIAL, request->mix);
    const size_t inputs[4] = {cell->net.bits, cell->net.bits, cell->net.width, cell->net.width};
    for (uint32_t i = 0; i < 4; i++) {
        const struct pg_segment *segment = &cell->segments[i];
        const double bound = cell->init_scale / sqrt((double)inputs[i]);
        for (uint32_t row = 0; row < segment->rows; row++)
            for (uint32_t column = 0; column < segment->columns; column++)
                *ret++ = bound * (2.0 * (double)pg_random_uniform(&random, column, row, i) - 1.0);
    }
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_descent_run *ret, double *ret_initial, struct pg_error *error)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    const struct pg_random random = pg_random_make(request->seed, PG_STREAM_SPLIT, request->mix);
    int status = pg_parity_read(&request->values, &seat->cell, error);
    if (status != 0)
        return status;
    seat->steps_to_train = seat->steps_to_test = -1;
    draw_set(hall->train, seat->cell.samples, index, &random, TRAIN_SET);
    draw_set(hall->test, seat->cell.test_count, index, &random, TEST_SET);
    draw_start(&seat->cell, request, ret_initial);
    memcpy(hall->initial + index * seat->cell.shape.parameters, ret_initial,
           seat->cell.shape.parameters * sizeof *ret_initial);
    *ret = pg_descent_run_read(&request->values, &seat->cell.shape.llc);
    return 0;
}

static void pass(void *context, size_t index, struct pg_state *state)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    pg_state_pass(state, &seat->steps_to_train, sizeof seat->steps_to_train);
    pg_state_pass(state, &seat->steps_to_test, sizeof seat->steps_to_test);
}

/* ---- observations ---- */

static void note_crossing(int64_t *crossing, double accuracy, double solved, int64_t step)
{
    if (*crossing < 0 && accuracy >= solved)
        *crossing = step;
}

static void watch(void *context, const bool *is_due, const int64_t *steps, const double *w)
{
    struct hall *hall = context;
    const struct parity_cell *cell = &hall->cell;
    score(hall, sets_of(hall, hall->test, cell->test_count), cell->test_count, w, &hall->tested,
          NULL);
    for (size_t lane = 0; lane < PG_LANES; lane++)
        hall->trained.accuracy[lane] = PG_NAN;
    if (cell->samples > 0)
        score(hall, sets_of(hall, hall->train, cell->samples), cell->samples, w, &hall->trained,
              NULL);
    for (size_t i = 0; i < PG_LANES; i++) {
        struct seat *seat = &hall->seats[i];
        if (!is_due[i] || steps[i] % cell->shape.watch_every != 0)
            continue;
        note_crossing(&seat->steps_to_train, hall->trained.accuracy[i], seat->cell.solved,
                      steps[i]);
        note_crossing(&seat->steps_to_test, hall->tested.accuracy[i], seat->cell.solved, steps[i]);
    }
}

/* Root of the mean square, and the largest, of the changes of columns begin .. end. */
static void measure_movement(const struct parity_cell *cell, const double *start, const double *w,
                             size_t begin, size_t end, double *ret_rms, double *ret_largest)
{
    const size_t count = cell->net.width * (end - begin);
    double squares = 0.0, largest = 0.0;
    for (size_t j = 0; j < cell->net.width; j++)
        for (size_t i = begin; i < end; i++) {
            double change = fabs(w[j * cell->net.bits + i] - start[j * cell->net.bits + i]);
            squares += change * change;
            largest = change > largest ? change : largest;
        }
    *ret_rms = count > 0 ? sqrt(squares / (double)count) : PG_NAN;
    *ret_largest = count > 0 ? largest : PG_NAN;
}

static void observe(void *context, size_t index, const struct pg_run_request *request, size_t point,
                    int64_t step, double loss, const double *w)
{
    const struct hall *hall = context;
    const struct parity_cell *cell = &hall->seats[index].cell;
    const double *start = hall->initial + index * cell->shape.parameters;
    double *const *to = (double *const *)request->slots;
    (void)step;
    (void)loss;
    to[OBS_TEST_LOSS][point] = hall->tested.hinge[index];
    to[OBS_TEST_ACCURACY][point] = hall->tested.accuracy[index];
    to[OBS_TRAIN_ACCURACY][point] = hall->trained.accuracy[index];
    measure_movement(cell, start, w, 0, cell->order, &to[OBS_MOVEMENT_RELEVANT][point],
                     &to[OBS_LARGEST_RELEVANT][point]);
    measure_movement(cell, start, w, cell->order, cell->net.bits,
                     &to[OBS_MOVEMENT_IRRELEVANT][point], &to[OBS_LARGEST_IRRELEVANT][point]);
}

static int end(void *context, size_t index, const struct pg_run_request *request, int64_t step,
               bool diverged, double loss, const double *w)
{
    const struct seat *seat = &((struct hall *)context)->seats[index];
    (void)step;
    (void)loss;
    (void)w;
    *(int64_t *)request->slots[OBS_STEPS_TO_TRAIN] = seat->steps_to_train;
    *(int64_t *)request->slots[OBS_STEPS_TO_TEST] = seat->steps_to_test;
    *(double *)request->slots[OBS_FOURIER_RATIO] =
        pg_parity_fourier_ratio(seat->cell.net.bits, seat->cell.order);
    if (diverged)
        return PARITY_DIVERGED;
    if (seat->steps_to_test >= 0)
        return PARITY_SOLVED;
    return seat->steps_to_train >= 0 ? PARITY_MEMORIZATION : PARITY_PLATEAU;
}

static const struct pg_descent_kind kind = {
    .experiment = &pg_experiment_parity,
    .open = open_hall,
    .arrange = arrange,
    .sit = sit,
    .watch = watch,
    .observe = observe,
    .pass = pass,
    .end = end,
    DESCENT_PLACES,
};

/* ---- the experiment ---- */

static int check(const struct pg_values *values, struct pg_error *error)
{
    struct parity_cell cell;
    return pg_parity_read(values, &cell, error);
}

static int check_llc(const struct pg_values *values, struct pg_error *error)
{
    struct parity_cell cell;
    int status = pg_parity_read(values, &cell, error);
    return status != 0 ? status
                       : pg_llc_cell_check(values, cell.shape.llc.samples, true, cell.segments,
                                           cell.shape.segment_count, error);
}

static double flops_of(const struct parity_cell *cell)
{
    const size_t batch = cell->shape.batch_size > 0 ? cell->shape.batch_size : cell->samples;
    return 4.0 * (double)batch * (double)cell->net.width * (double)(cell->net.bits + 1);
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    static struct hall hall;
    memset(&hall, 0, sizeof hall);
    int status = pg_parity_read(values, &hall.cell, error);
    if (status != 0)
        return status;
    memset(ret, 0, sizeof *ret);
    hall.cell.shape.segments = hall.cell.segments;
    pg_descent_put_shape(&kind, &hall, &hall.cell.shape, flops_of(&hall.cell), ret);
    ret->variant[PG_LLC_VARIANT + 1] = (int64_t)hall.cell.samples;
    ret->variant[PG_LLC_VARIANT + 2] = (int64_t)hall.cell.test_count;
    ret->variant[PG_LLC_VARIANT + 3] = hall.cell.shape.watch_every;
    return 0;
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    static struct hall hall;
    memset(&hall, 0, sizeof hall);
    return pg_descent_train(&kind, &hall, source, error);
}

const struct pg_experiment pg_experiment_parity = {
    .name = "parity",
    .summary = "sparse parities: a ReLU layer, the hinge loss, fresh samples or a fixed few",
    .reference = "Barak et al., Hidden Progress in Deep Learning: SGD Learns Parities Near the "
                 "Computational Limit, 2022, arXiv:2207.08799",
    .schema = &schema,
    .dimensions = dimensions,
    .dimension_count = DIM_COUNT,
    .observables = observables,
    .observable_count = OBS_COUNT,
    .phase_names = phase_names,
    .check = check,
    .check_llc = check_llc,
    .shape = shape,
    .run = run,
};
