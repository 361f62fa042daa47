/* SPDX-License-Identifier: MIT */
/*
 * Addition runs, as many side by side as their shape suggests. A run has a seat: the data of its
 * seed, its crossings, checked at every step, and how far its record is. A point of the record
 * after the run's end holds the last measured values; a run that diverged leaves the rest
 * unwritten.
 */
#include <math.h>
#include <string.h>

#include "addition.h"
#include "phasegrid/crossing.h"

struct seat {
    struct addition addition;
    struct addition_data data;
    struct pg_run_request request;
    size_t next_point, next_snapshot; /* of the record */
    size_t needed_train, needed_test; /* correct samples that count as reached */
    struct pg_crossing train, test, rqi;
};

struct hall {
    struct pg_trainer trainer;
    struct seat seats[PG_LANES];
    struct pg_parallelograms *parallelograms;
    const struct pg_run_source *source;
    struct pg_run_request first; /* taken from the source to know the shape */
    bool has_first;
    bool is_stopped;    /* pause said to leave while data were drawn */
    float *embeddings;  /* (symbols, dimension) scratch: those of the run at hand */
    double *normalised; /* (symbols, dimension) scratch */
};

/* Counts compare as integers: in floating point 9/10 < 0.9. */
static size_t needed_correct(double accuracy, size_t count)
{
    return (size_t)ceil(accuracy * (double)count - 1e-9);
}

static void put(const struct seat *seat, int observable, double value)
{
    float *series = seat->request.slots[observable];
    series[seat->next_point] = (float)value;
}

static void record_embeddings(const struct hall *hall, const struct seat *seat)
{
    const size_t *lengths = seat->request.lengths, dimension = seat->addition.dimension;
    size_t plane = lengths[DIM_SYMBOL] * lengths[DIM_EMBEDDING];
    float *to = seat->request.slots[OBS_EMBEDDINGS];
    to += seat->next_point * plane;
    for (size_t k = 0; k < seat->addition.symbols; k++)
        memcpy(to + k * lengths[DIM_EMBEDDING], hall->embeddings + k * dimension,
               dimension * sizeof *to);
}

static double share(const struct pg_evaluation *evaluation)
{
    return evaluation->count > 0 ? (double)evaluation->correct / (double)evaluation->count
                                 : (double)NAN;
}

static void record_norms(const struct hall *hall, const struct seat *seat)
{
    size_t index = (size_t)(seat - hall->seats);
    put(seat, OBS_DECODER_NORM, pg_trainer_norm(&hall->trainer, index, PG_GROUP_DECODER));
    put(seat, OBS_EMBEDDING_NORM, pg_trainer_norm(&hall->trainer, index, PG_GROUP_REPRESENTATION));
}

static void record_point(const struct hall *hall, struct seat *seat,
                         const struct pg_evaluation *train, const struct pg_evaluation *test,
                         double rqi)
{
    size_t dimension = seat->addition.dimension;
    put(seat, OBS_TRAIN_LOSS, train->loss);
    put(seat, OBS_TEST_LOSS, test->loss);
    put(seat, OBS_TRAIN_ACCURACY, share(train));
    put(seat, OBS_TEST_ACCURACY, share(test));
    put(seat, OBS_RQI, rqi);
    put(seat, OBS_EFFECTIVE_LOSS,
        pg_effective_loss(hall->parallelograms, hall->embeddings, dimension, hall->normalised));
    put(seat, OBS_PREDICTED_ACCURACY,
        pg_predicted_accuracy(hall->parallelograms, seat->data.train_mask, hall->embeddings,
                              dimension, hall->normalised));
    record_norms(hall, seat);
    record_embeddings(hall, seat);
    seat->next_point++;
}

/* Points behind the end repeat the last one. */
static void repeat_last_point(struct seat *seat)
{
    const size_t *lengths = seat->request.lengths;
    size_t plane = lengths[DIM_SYMBOL] * lengths[DIM_EMBEDDING], last = seat->next_point - 1;
    float *embeddings = seat->request.slots[OBS_EMBEDDINGS];
    for (size_t point = seat->next_point; point < seat->request.record->step_count; point++) {
        for (int observable = OBS_TRAIN_LOSS; observable <= OBS_EMBEDDING_NORM; observable++) {
            float *series = seat->request.slots[observable];
            series[point] = series[last];
        }
        memcpy(embeddings + point * plane, embeddings + last * plane, plane * sizeof *embeddings);
    }
}

static void keep_snapshot(const struct hall *hall, struct seat *seat)
{
    float *to = seat->request.slots[OBS_PARAMETERS];
    to += seat->next_snapshot * seat->request.lengths[DIM_PARAMETER];
    pg_trainer_parameters(&hall->trainer, (size_t)(seat - hall->seats), to);
    seat->next_snapshot++;
}

/* Nothing that is recorded as a crossing can change any more. */
static bool is_decided(const struct seat *seat)
{
    return seat->train.held >= 0 && seat->test.held >= 0 && seat->rqi.held >= 0;
}

static bool observe(void *context, size_t index, int64_t step, const struct pg_evaluation *train,
                    const struct pg_evaluation *test)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    const struct pg_record *record = seat->request.record;
    if (!isfinite(train->loss))
        return false;
    pg_trainer_layer(&hall->trainer, index, 0, hall->embeddings);
    double rqi = pg_representation_quality(hall->parallelograms, hall->embeddings,
                                           seat->addition.dimension, hall->normalised);
    pg_crossing_update(&seat->train, step, train->correct >= seat->needed_train);
    pg_crossing_update(&seat->test, step, test->correct >= seat->needed_test);
    pg_crossing_update(&seat->rqi, step, rqi > ADDITION_RQI);
    bool goes_on = !(record->stop_when_decided && is_decided(seat));
    bool is_end = !goes_on || step == seat->addition.steps;
    bool is_due = seat->next_point < record->step_count && step == record->steps[seat->next_point];
    if (is_due || (is_end && seat->next_point < record->step_count))
        record_point(hall, seat, train, test, rqi);
    if (seat->next_snapshot < record->snapshot_count &&
        step == record->snapshots[seat->next_snapshot])
        keep_snapshot(hall, seat);
    return goes_on;
}

/* Liu et al. (2022), Table 1; a lag equal to the threshold is comprehension. */
static enum addition_phase phase_of(const struct seat *seat, bool diverged)
{
    int64_t train = seat->train.first, test = seat->test.first;
    if (diverged)
        return PHASE_DIVERGED;
    if (train >= 0 && test >= 0)
        return test - train <= seat->addition.phase_lag ? PHASE_COMPREHENSION : PHASE_GROKKING;
    if (train >= 0)
        return PHASE_MEMORIZATION;
    return test >= 0 ? PHASE_GENERALIZATION_ONLY : PHASE_CONFUSION;
}

static void put_steps(const struct seat *seat, int observable, int64_t steps)
{
    *(int64_t *)seat->request.slots[observable] = steps;
}

static void put_crossings(const struct seat *seat)
{
    put_steps(seat, OBS_STEPS_TO_TRAIN, seat->train.first);
    put_steps(seat, OBS_STEPS_TO_TEST, seat->test.first);
    put_steps(seat, OBS_STEPS_TO_RQI, seat->rqi.first);
    put_steps(seat, OBS_STEPS_TO_TRAIN_HELD, seat->train.held);
    put_steps(seat, OBS_STEPS_TO_TEST_HELD, seat->test.held);
    put_steps(seat, OBS_STEPS_TO_RQI_HELD, seat->rqi.held);
}

static void put_split(const struct seat *seat)
{
    const struct addition_data *data = &seat->data;
    void *const *slots = seat->request.slots;
    size_t outputs = seat->addition.outputs;
    float *templates = slots[OBS_TEMPLATES];
    *(int32_t *)slots[OBS_SPLIT_ATTEMPT] = (int32_t)data->attempt;
    *(int32_t *)slots[OBS_NULLITY] = data->theory.nullity;
    *(double *)slots[OBS_IDEAL_ACCURACY] = data->theory.ideal_accuracy;
    *(double *)slots[OBS_IDEAL_TEST_ACCURACY] = data->theory.ideal_test_accuracy;
    *(double *)slots[OBS_LAMBDA3] = data->theory.lambda3;
    *(double *)slots[OBS_PREDICTED_STEPS] = data->theory.predicted_steps;
    memcpy(slots[OBS_TRAIN_MASK], data->train_mask, seat->addition.sample_count);
    for (size_t c = 0; c < seat->addition.classes && data->templates != NULL; c++)
        memcpy(templates + c * seat->request.lengths[DIM_OUTPUT], data->templates + c * outputs,
               outputs * sizeof *templates);
}

/* ---- the trainer's client ---- */

static void prepare(struct seat *seat, struct pg_training *ret)
{
    const struct addition *addition = &seat->addition;
    size_t train_count = addition->train_count;
    *ret = (struct pg_training){
        .model = &addition->trainer.model,
        .samples = seat->data.samples,
        .readout = seat->data.readout,
        .steps = addition->steps,
        .seed = seat->request.seed,
        .mix = seat->request.mix,
    };
    memcpy(ret->rates, addition->rates, sizeof ret->rates);
    seat->next_point = seat->next_snapshot = 0;
    seat->needed_train = needed_correct(addition->phase_accuracy, train_count);
    seat->needed_test =
        needed_correct(addition->phase_accuracy, addition->sample_count - train_count);
    seat->train = seat->test = seat->rqi = pg_crossing_make(ADDITION_HOLD);
}

/* Reads the request into the seat and draws its data. */
static int sit_down(struct hall *hall, struct seat *seat, struct pg_error *error)
{
    int status = pg_addition_read(&seat->request.values, &seat->addition, error);
    if (status != 0)
        return status;
    return pg_addition_fill_data(&seat->addition, hall->parallelograms, &seat->request,
                                 hall->source, &seat->data, error);
}

static bool take_request(struct hall *hall, struct pg_run_request *ret)
{
    if (!hall->has_first)
        return hall->source->next(hall->source->context, ret);
    *ret = hall->first;
    hall->has_first = false;
    return true;
}

static bool next(void *context, size_t index, struct pg_training *ret_training)
{
    struct hall *hall = context;
    const struct pg_run_source *source = hall->source;
    struct seat *seat = &hall->seats[index];
    struct pg_error error;
    while (!hall->is_stopped && take_request(hall, &seat->request)) {
        int status = sit_down(hall, seat, &error);
        if (status == 0) {
            prepare(seat, ret_training);
            return true;
        }
        hall->is_stopped = status == PG_ESTOPPED;
        if (!hall->is_stopped)
            source->finish(source->context, seat->request.ticket, status, NULL, &error);
    }
    return false;
}

static void end(void *context, size_t index, const struct pg_training_end *end)
{
    struct hall *hall = context;
    struct seat *seat = &hall->seats[index];
    const struct pg_run_result result = {
        .diverged = end->diverged,
        .last_step = end->step,
        .phase = (int)phase_of(seat, end->diverged),
    };
    if (!end->diverged)
        repeat_last_point(seat);
    put_crossings(seat);
    put_split(seat);
    *(uint8_t *)seat->request.slots[OBS_PHASE] = (uint8_t)result.phase;
    hall->source->finish(hall->source->context, seat->request.ticket, 0, &result, NULL);
}

static bool pause_runs(void *context)
{
    const struct hall *hall = context;
    return hall->source->pause != NULL && hall->source->pause(hall->source->context);
}

/* ---- memory and the whole ---- */

/* Takes the hall's memory for runs of this shape (when the arena measures and when it is filled).
 */
static void arrange(struct hall *hall, const struct addition *addition,
                    const struct pg_kernel *kernel, struct pg_arena *arena)
{
    size_t embedding = addition->symbols * addition->dimension;
    pg_trainer_arrange(&hall->trainer, &addition->trainer, kernel, arena);
    for (size_t i = 0; i < hall->trainer.seat_count; i++)
        pg_addition_arrange_data(addition, &hall->seats[i].data, arena);
    hall->embeddings = pg_arena_take(arena, embedding * sizeof *hall->embeddings);
    hall->normalised = pg_arena_take(arena, embedding * sizeof *hall->normalised);
}

size_t pg_addition_bytes(const struct addition *addition)
{
    struct pg_arena arena;
    struct hall hall;
    pg_arena_measure(&arena);
    arrange(&hall, addition, NULL, &arena);
    return arena.used;
}

static int train_all(struct hall *hall, const struct addition *addition, struct pg_error *error)
{
    const struct pg_trainer_client client = {
        .next = next, .observe = observe, .end = end, .pause = pause_runs, .context = hall};
    const struct pg_kernel *kernel = NULL;
    struct pg_arena arena;
    int status = pg_kernel_choose(&kernel, error);
    if (status != 0)
        return status;
    pg_arena_measure(&arena);
    arrange(hall, addition, kernel, &arena);
    status = pg_arena_init(&arena, arena.used, error);
    if (status == 0) {
        arrange(hall, addition, kernel, &arena);
        status = pg_trainer_run(&hall->trainer, &client, error);
    }
    pg_arena_release(&arena);
    if (status == 0 && hall->is_stopped)
        return pg_error_set(error, PG_ESTOPPED, "stopped while a split was drawn");
    return status;
}

int pg_addition_run(const struct pg_run_source *source, struct pg_error *error)
{
    struct hall hall = {.source = source};
    struct addition addition;
    hall.has_first = source->next(source->context, &hall.first);
    if (!hall.has_first)
        return 0;
    int status = pg_addition_read(&hall.first.values, &addition, error);
    if (status == 0)
        status = pg_parallelograms_create((uint32_t)addition.symbols, &hall.parallelograms, error);
    if (status == 0)
        status = train_all(&hall, &addition, error);
    pg_parallelograms_destroy(hall.parallelograms);
    return status;
}
