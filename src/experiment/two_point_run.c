/* SPDX-License-Identifier: MIT */
/*
 * Runs of the two_point experiment: the points as features, distances at every hidden layer where
 * the record wants a point, and, for the fit, states evenly spaced over the run: when so many are
 * kept that there is no room for more, every second one is dropped and their distance doubles. So
 * the fit does not depend on what is recorded.
 */
#include <math.h>
#include <string.h>

#include "run_state.h"
#include "two_point.h"

enum { KEPT_MAX = 512, THEORY_STEPS = 1000000 };

/* What a run keeps between two steps. */
struct progress {
    double first[TWO_POINT_DEPTH_MAX], last[TWO_POINT_DEPTH_MAX]; /* mean h over pairs */
    double loss;                                                  /* the last one */
    int64_t every;                                                /* steps between kept states */
    uint64_t kept;
};

struct seat {
    struct two_point cell;
    struct pg_run_request request;
    struct pg_samples samples;
    struct progress progress;
    double *h, *y, *w; /* kept states: h (KEPT_MAX, depth), of pair 0 */
    size_t next_point, next_snapshot;
};

struct hall {
    struct two_point cell; /* of the first run: the shape of all */
    struct seat seats[PG_LANES];
    float *hidden;                            /* (points, width) scratch */
    float *outputs;                           /* (points, targets) scratch */
    double *times;                            /* (KEPT_MAX) scratch of a fit */
    struct pg_two_point_state *states, *work; /* (KEPT_MAX), (3 KEPT_MAX) */
    double distances[PAIRS_MAX];
};

/* ---- memory and data ---- */

static int open(void *context, const struct pg_run_request *first, struct pg_trainer_spec *ret_spec,
                struct pg_error *error)
{
    struct hall *hall = context;
    int status = pg_two_point_read(&first->values, &hall->cell, error);
    *ret_spec = hall->cell.trainer;
    return status;
}

static void arrange(void *context, size_t seat_count, struct pg_arena *arena)
{
    struct hall *hall = context;
    const struct two_point *cell = &hall->cell;
    const struct two_point_points *points = &cell->points;
    for (size_t i = 0; i < seat_count; i++) {
        struct seat *seat = &hall->seats[i];
        pg_samples_arrange(&seat->samples, &cell->trainer.model, 0,
                           cell->first_point + points->count, 1, arena);
        seat->h = pg_arena_take(arena, KEPT_MAX * cell->depth * sizeof *seat->h);
        seat->y = pg_arena_take(arena, KEPT_MAX * sizeof *seat->y);
        seat->w = pg_arena_take(arena, KEPT_MAX * sizeof *seat->w);
    }
    hall->hidden = pg_arena_take(arena, points->count * cell->width * sizeof *hall->hidden);
    hall->outputs = pg_arena_take(arena, points->count * points->targets * sizeof *hall->outputs);
    hall->times = pg_arena_take(arena, KEPT_MAX * sizeof *hall->times);
    hall->states = pg_arena_take(arena, KEPT_MAX * sizeof *hall->states);
    hall->work = pg_arena_take(arena, 3 * KEPT_MAX * sizeof *hall->work);
}

static int sit(void *context, size_t index, const struct pg_run_request *request,
               struct pg_training *ret, struct pg_error *error)
{
    struct seat *seat = &((struct hall *)context)->seats[index];
    int status = pg_two_point_read(&request->values, &seat->cell, error);
    if (status != 0)
        return status;
    seat->request = *request;
    seat->progress = (struct progress){.every = 1, .loss = (double)NAN};
    seat->next_point = seat->next_snapshot = 0;
    *ret = (struct pg_training){
        .spec = &seat->cell.trainer,
        .samples = seat->samples,
        .steps = seat->cell.steps,
        .seed = request->seed,
        .mix = request->mix,
    };
    for (int group = 0; group < PG_GROUP_COUNT; group++)
        ret->rates[group] = seat->cell.rates;
    return 0;
}

static int draw(void *context, size_t index, const struct pg_run_request *request,
                const struct pg_interruption *interruption, struct pg_error *error)
{
    const struct seat *seat = &((struct hall *)context)->seats[index];
    const struct two_point_points *points = &seat->cell.points;
    const size_t row = pg_samples_row(&seat->samples, 1), first = seat->cell.first_point;
    float *x = (float *)(uintptr_t)seat->samples.features;
    float *y = (float *)(uintptr_t)seat->samples.targets;
    (void)request;
    (void)interruption;
    (void)error;
    for (size_t n = 0; n < first; n++) {
        double blob[INPUTS_MAX];
        y[n] = (float)pg_two_point_blob(&seat->cell.blobs, seat->cell.blobs.side, n, blob);
        for (size_t k = 0; k < points->inputs; k++)
            x[k * row + n] = (float)blob[k];
    }
    for (size_t n = 0; n < points->count; n++) {
        for (size_t k = 0; k < points->inputs; k++)
            x[k * row + first + n] = (float)points->x[n][k];
        for (size_t k = 0; k < points->targets; k++)
            y[k * row + first + n] = (float)points->y[n][k];
    }
    return 0;
}

static void lengths(const void *context, size_t *ret_lengths)
{
    const struct hall *hall = context;
    pg_two_point_lengths(&hall->cell, ret_lengths);
}

static void pass(void *context, size_t index, int64_t step, struct pg_state *state)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    pg_state_pass(state, &seat->progress, sizeof seat->progress);
    pg_state_pass(state, seat->h, KEPT_MAX * hall->cell.depth * sizeof *seat->h);
    pg_state_pass(state, seat->y, KEPT_MAX * sizeof *seat->y);
    pg_state_pass(state, seat->w, KEPT_MAX * sizeof *seat->w);
    if (state->mode != PG_STATE_LOAD)
        return;
    const struct pg_record *record = seat->request.record;
    seat->next_point = pg_steps_before(record->steps, record->step_count, step);
    seat->next_snapshot = pg_steps_before(record->snapshots, record->snapshot_count, step);
}

/* ---- what is seen of a step ---- */

static bool is_next(const int64_t *steps, size_t count, size_t next, int64_t step)
{
    return next < count && steps[next] == step;
}

static bool is_due(void *context, size_t index, int64_t step)
{
    const struct seat *seat = &((const struct hall *)context)->seats[index];
    const struct pg_record *record = seat->request.record;
    return is_next(record->steps, record->step_count, seat->next_point, step) ||
           is_next(record->snapshots, record->snapshot_count, seat->next_snapshot, step);
}

static double squared_distance(const float *a, const float *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double apart = (double)a[i] - (double)b[i];
        sum += apart * apart;
    }
    return sum;
}

/* Squared distances of all pairs of (points, width) values; returns their mean. */
static double measure_pairs(const struct two_point_points *points, const float *values,
                            size_t width, double *ret_distances)
{
    double sum = 0.0;
    for (size_t i = 0; i < points->count; i++)
        for (size_t j = i + 1; j < points->count; j++) {
            *ret_distances = squared_distance(values + i * width, values + j * width, width);
            sum += *ret_distances++;
        }
    return sum / (double)pg_two_point_pairs(points);
}

/* Mean distance of the pairs with equal targets over that of the others; NaN without both. */
static double label_ratio(const struct two_point_points *points, const double *squared)
{
    double sums[2] = {0.0, 0.0};
    size_t counts[2] = {0, 0};
    for (size_t i = 0; i < points->count; i++)
        for (size_t j = i + 1; j < points->count; j++, squared++) {
            bool is_apart = pg_two_point_target_distance(points, i, j) > 0.0;
            sums[is_apart] += sqrt(*squared);
            counts[is_apart]++;
        }
    if (counts[0] == 0 || counts[1] == 0 || !(sums[1] > 0.0))
        return (double)NAN;
    return sums[0] / (double)counts[0] / (sums[1] / (double)counts[1]);
}

/* Which NaN a computation gives is the CPU's choice; a file has one. */
static float number(double value)
{
    return isnan(value) ? NAN : (float)value;
}

/* |dy|^2 - d.dy of points i and j. */
static double misalignment(const struct two_point_points *points, const float *outputs, size_t i,
                           size_t j)
{
    double sum = 0.0;
    for (size_t k = 0; k < points->targets; k++) {
        double dy =
            (double)outputs[j * points->targets + k] - (double)outputs[i * points->targets + k];
        sum += dy * (dy - (points->y[j][k] - points->y[i][k]));
    }
    return sum;
}

/* A place of the series, (step, layer, pair), in the cube's lengths. */
static float *series(const struct seat *seat, size_t observable, size_t layer)
{
    const size_t *lengths = seat->request.lengths;
    float *to = seat->request.slots[observable];
    if (observable == OBS_Y || observable == OBS_W)
        return to + seat->next_point * lengths[DIM_PAIR];
    if (observable == OBS_H)
        return to + (seat->next_point * lengths[DIM_LAYER] + layer) * lengths[DIM_PAIR];
    return to + seat->next_point * lengths[DIM_LAYER] + layer;
}

/* Representations at a hidden layer, (points, width). */
static const float *look_at(struct hall *hall, const struct pg_trainer *trainer, size_t index,
                            size_t layer)
{
    const struct two_point *cell = &hall->seats[index].cell;
    for (size_t n = 0; n < cell->points.count; n++)
        pg_trainer_outputs(trainer, index, cell->hidden[layer], cell->first_point + n,
                           hall->hidden + n * cell->width);
    return hall->hidden;
}

static void look_at_outputs(struct hall *hall, const struct pg_trainer *trainer, size_t index)
{
    const struct two_point *cell = &hall->seats[index].cell;
    const size_t last = cell->trainer.model.layer_count - 1;
    for (size_t n = 0; n < cell->points.count; n++)
        pg_trainer_outputs(trainer, index, last, cell->first_point + n,
                           hall->outputs + n * cell->points.targets);
}

/* What is wanted of a step. */
struct wish {
    bool is_point, is_kept;
};

static void measure_outputs(struct hall *hall, struct seat *seat, struct wish wish)
{
    const struct two_point_points *points = &seat->cell.points;
    double *y = hall->distances;
    (void)measure_pairs(points, hall->outputs, points->targets, y);
    if (wish.is_kept) {
        seat->y[seat->progress.kept] = y[0];
        seat->w[seat->progress.kept] = misalignment(points, hall->outputs, 0, 1);
    }
    float *to_y = series(seat, OBS_Y, 0), *to_w = series(seat, OBS_W, 0);
    for (size_t i = 0; i < points->count && wish.is_point; i++)
        for (size_t j = i + 1; j < points->count; j++) {
            *to_y++ = number(*y++);
            *to_w++ = number(misalignment(points, hall->outputs, i, j));
        }
}

static void measure_layer(struct hall *hall, struct seat *seat, size_t layer, const float *values,
                          struct wish wish)
{
    const struct two_point *cell = &seat->cell;
    struct progress *progress = &seat->progress;
    double mean = measure_pairs(&cell->points, values, cell->width, hall->distances);
    progress->last[layer] = mean;
    if (wish.is_kept)
        seat->h[progress->kept * cell->depth + layer] = hall->distances[0];
    if (!wish.is_point)
        return;
    float *to = series(seat, OBS_H, layer);
    for (size_t pair = 0; pair < pg_two_point_pairs(&cell->points); pair++)
        to[pair] = number(hall->distances[pair]);
    *series(seat, OBS_LABEL_RATIO, layer) = number(label_ratio(&cell->points, hall->distances));
}

/* Every second state goes, the first one stays. */
static void thin_out(struct seat *seat)
{
    const size_t depth = seat->cell.depth;
    for (size_t i = 1; i < KEPT_MAX / 2; i++) {
        memcpy(seat->h + i * depth, seat->h + 2 * i * depth, depth * sizeof *seat->h);
        seat->y[i] = seat->y[2 * i];
        seat->w[i] = seat->w[2 * i];
    }
    seat->progress.kept = KEPT_MAX / 2;
    seat->progress.every *= 2;
}

static void measure(struct hall *hall, const struct pg_trainer *trainer, size_t index, int64_t step,
                    struct wish wish)
{
    struct seat *seat = &hall->seats[index];
    look_at_outputs(hall, trainer, index);
    measure_outputs(hall, seat, wish);
    for (size_t layer = 0; layer < seat->cell.depth; layer++)
        measure_layer(hall, seat, layer, look_at(hall, trainer, index, layer), wish);
    if (step == 0)
        memcpy(seat->progress.first, seat->progress.last, sizeof seat->progress.first);
    if (wish.is_kept && ++seat->progress.kept == KEPT_MAX)
        thin_out(seat);
}

static void keep_snapshot(struct seat *seat, const struct pg_trainer *trainer, size_t index)
{
    float *to = seat->request.slots[OBS_PARAMETERS];
    pg_trainer_parameters(trainer, index,
                          to + seat->next_snapshot * seat->request.lengths[DIM_PARAMETER]);
    seat->next_snapshot++;
}

static bool observe(void *context, const struct pg_trainer *trainer, size_t index, int64_t step,
                    const struct pg_evaluation *train, const struct pg_evaluation *test)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    const struct pg_record *record = seat->request.record;
    (void)test;
    if (!isfinite(train->loss))
        return false;
    seat->progress.loss = train->loss;
    bool is_stopped = seat->cell.stop_loss > 0.0 && train->loss <= seat->cell.stop_loss;
    bool is_end = is_stopped || step == seat->cell.steps;
    const struct wish wish = {
        .is_point = seat->next_point < record->step_count &&
                    (is_end || record->steps[seat->next_point] == step),
        .is_kept = step % seat->progress.every == 0 && (step == 0 || seat->cell.task != TASK_BLOBS),
    };
    if (wish.is_point || wish.is_kept || is_end)
        measure(hall, trainer, index, step, wish);
    if (wish.is_point)
        ((float *)seat->request.slots[OBS_TRAIN_LOSS])[seat->next_point++] = (float)train->loss;
    if (is_next(record->snapshots, record->snapshot_count, seat->next_snapshot, step))
        keep_snapshot(seat, trainer, index);
    return !is_stopped;
}

/* ---- theory ---- */

static double *at_layer(const struct seat *seat, size_t observable, size_t layer)
{
    return (double *)seat->request.slots[observable] + layer;
}

static void put_fit(const struct seat *seat, size_t layer, const struct pg_two_point_fit *fit,
                    const struct pg_two_point *theory, const struct pg_two_point_state *start)
{
    *at_layer(seat, OBS_ENCODER_RATE, layer) = fit->encoder_rate;
    *at_layer(seat, OBS_DECODER_RATE, layer) = fit->decoder_rate;
    *at_layer(seat, OBS_ENCODER_RATE_ERROR, layer) = fit->encoder_error;
    *at_layer(seat, OBS_DECODER_RATE_ERROR, layer) = fit->decoder_error;
    *at_layer(seat, OBS_FIT_SQUARES, layer) = fit->squares;
    *at_layer(seat, OBS_NRMSE_H, layer) = fit->nrmse.h;
    *at_layer(seat, OBS_NRMSE_Y, layer) = fit->nrmse.y;
    *at_layer(seat, OBS_NRMSE_W, layer) = fit->nrmse.w;
    *at_layer(seat, OBS_H_FINAL_THEORY, layer) = pg_two_point_final_h(theory, start);
}

/* The theory's curves at the points of the record, up to the run's end. */
static void put_curves(struct hall *hall, struct seat *seat, size_t layer, int64_t end,
                       const struct pg_two_point *theory, const struct pg_two_point_state *start)
{
    const size_t points = seat->next_point, row = seat->request.lengths[DIM_LAYER];
    float *h = seat->request.slots[OBS_THEORY_H], *y = seat->request.slots[OBS_THEORY_Y];
    float *w = seat->request.slots[OBS_THEORY_W];
    for (size_t first = 0; first < points; first += KEPT_MAX) {
        size_t count = points - first < KEPT_MAX ? points - first : KEPT_MAX;
        for (size_t i = 0; i < count; i++)
            hall->times[i] = fmin((double)seat->request.record->steps[first + i], (double)end);
        if (!pg_two_point_solve(theory, start, hall->times, count, THEORY_STEPS, hall->work))
            return;
        for (size_t i = 0; i < count; i++) {
            size_t at = (first + i) * row + layer;
            h[at] = number(hall->work[i].h);
            y[at] = number(hall->work[i].y);
            w[at] = number(hall->work[i].w);
        }
    }
}

static void fit_layer(struct hall *hall, struct seat *seat, size_t layer, int64_t end)
{
    const struct two_point_points *points = &seat->cell.points;
    const struct progress *progress = &seat->progress;
    struct pg_two_point theory = {.input = pg_two_point_input_distance(points, 0, 1),
                                  .target = pg_two_point_target_distance(points, 0, 1)};
    struct pg_two_point_fit fit;
    for (size_t i = 0; i < progress->kept; i++) {
        hall->times[i] = (double)progress->every * (double)i;
        hall->states[i] = (struct pg_two_point_state){seat->h[i * seat->cell.depth + layer],
                                                      seat->y[i], seat->w[i]};
    }
    if (progress->kept < 2 || !(hall->states[0].h > 0.0) ||
        !pg_two_point_fit(theory.input, theory.target, hall->times, hall->states, progress->kept,
                          hall->work, &fit))
        return;
    theory.encoder_rate = fit.encoder_rate;
    theory.decoder_rate = fit.decoder_rate;
    const struct pg_two_point_state start = hall->states[0];
    put_fit(seat, layer, &fit, &theory, &start);
    put_curves(hall, seat, layer, end, &theory, &start);
}

/* ---- the end ---- */

static enum two_point_phase phase_of(const struct seat *seat, bool diverged)
{
    const struct two_point *cell = &seat->cell;
    const size_t middle = cell->depth / 2;
    double growth = seat->progress.last[middle] / seat->progress.first[middle];
    if (diverged)
        return TWO_POINT_DIVERGED;
    if (!(seat->progress.loss <= cell->learned_loss))
        return TWO_POINT_UNLEARNED;
    if (growth <= cell->lazy_growth)
        return TWO_POINT_LAZY;
    return growth >= cell->rich_growth ? TWO_POINT_RICH : TWO_POINT_INTERMEDIATE;
}

static void put_pairs(const struct seat *seat)
{
    const struct two_point_points *points = &seat->cell.points;
    double *input = seat->request.slots[OBS_PAIR_INPUT];
    double *target = seat->request.slots[OBS_PAIR_TARGET];
    for (size_t i = 0; i < points->count; i++)
        for (size_t j = i + 1; j < points->count; j++) {
            *input++ = pg_two_point_input_distance(points, i, j);
            *target++ = pg_two_point_target_distance(points, i, j);
        }
}

static void end(void *context, size_t index, const struct pg_training_end *end,
                struct pg_run_result *ret_result)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    const struct progress *progress = &seat->progress;
    enum two_point_phase phase = phase_of(seat, end->diverged);
    put_pairs(seat);
    for (size_t layer = 0; layer < seat->cell.depth && !end->diverged; layer++) {
        double growth = progress->last[layer] / progress->first[layer];
        *at_layer(seat, OBS_GROWTH, layer) = isnan(growth) ? (double)NAN : growth;
        if (seat->cell.fits)
            fit_layer(hall, seat, layer, end->step);
    }
    if (!end->diverged)
        pg_run_repeat_last_point(&pg_experiment_two_point, &seat->request, seat->next_point);
    *(uint8_t *)seat->request.slots[OBS_PHASE] = (uint8_t)phase;
    *ret_result = (struct pg_run_result){
        .diverged = end->diverged, .last_step = end->step, .phase = (int)phase};
}

static const struct pg_runs_kind kind = {
    .experiment = &pg_experiment_two_point,
    .open = open,
    .arrange = arrange,
    .sit = sit,
    .draw = draw,
    .lengths = lengths,
    .pass = pass,
    .is_due = is_due,
    .observe = observe,
    .end = end,
    LLC_PLACES,
};

void pg_two_point_put_memory(const struct two_point *cell, const struct pg_values *values,
                             struct pg_shape *ret)
{
    struct hall hall = {.cell = *cell};
    pg_runs_put_shape(&kind, &hall, &cell->trainer, values, ret);
}

int pg_two_point_run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {.cell = {.depth = 0}};
    return pg_runs_train(&kind, &hall, source, error);
}
