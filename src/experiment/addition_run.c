/* SPDX-License-Identifier: MIT */
/*
 * One addition run: the data of its seed, the model, training with crossings checked at every
 * step, observables at the recorded ones. A point of the record after the run's end holds the last
 * measured values; a run that diverged leaves the rest unwritten.
 */
#include <math.h>
#include <string.h>

#include "addition.h"
#include "phasegrid/crossing.h"

struct run {
    struct addition addition;
    struct addition_data data;
    struct pg_trainer trainer;
    struct pg_parallelograms *parallelograms;
    const struct pg_run_request *request;
    float *dense;       /* (parameters) scratch */
    double *normalised; /* (symbols, dimension) scratch */
    size_t parameters;
    size_t next_point, next_snapshot; /* of the record */
    size_t needed_train, needed_test; /* correct samples that count as reached */
    struct pg_crossing train, test, rqi;
};

/* Counts compare as integers: in floating point 9/10 < 0.9. */
static size_t needed_correct(double accuracy, size_t count)
{
    return (size_t)ceil(accuracy * (double)count - 1e-9);
}

static const float *embeddings_of(const struct run *run)
{
    return run->trainer.model.layers[0].moments.value;
}

static void put(const struct run *run, int observable, double value)
{
    float *series = run->request->slots[observable];
    series[run->next_point] = (float)value;
}

static void record_embeddings(const struct run *run)
{
    const size_t *lengths = run->request->lengths;
    size_t plane = lengths[DIM_SYMBOL] * lengths[DIM_EMBEDDING];
    float *to = run->request->slots[OBS_EMBEDDINGS];
    to += run->next_point * plane;
    for (size_t k = 0; k < run->addition.symbols; k++)
        memcpy(to + k * lengths[DIM_EMBEDDING], embeddings_of(run) + k * run->addition.dimension,
               run->addition.dimension * sizeof *to);
}

static double share(const struct pg_evaluation *evaluation)
{
    return evaluation->count > 0 ? (double)evaluation->correct / (double)evaluation->count
                                 : (double)NAN;
}

static void record_point(struct run *run, const struct pg_evaluation *train,
                         const struct pg_evaluation *test, double rqi)
{
    size_t dimension = run->addition.dimension;
    const float *embeddings = embeddings_of(run);
    put(run, OBS_TRAIN_LOSS, train->loss);
    put(run, OBS_TEST_LOSS, test->loss);
    put(run, OBS_TRAIN_ACCURACY, share(train));
    put(run, OBS_TEST_ACCURACY, share(test));
    put(run, OBS_RQI, rqi);
    put(run, OBS_EFFECTIVE_LOSS,
        pg_effective_loss(run->parallelograms, embeddings, dimension, run->normalised));
    put(run, OBS_PREDICTED_ACCURACY,
        pg_predicted_accuracy(run->parallelograms, run->data.train_mask, embeddings, dimension,
                              run->normalised));
    put(run, OBS_DECODER_NORM, pg_model_norm(&run->trainer.model, PG_GROUP_DECODER, run->dense));
    put(run, OBS_EMBEDDING_NORM,
        pg_model_norm(&run->trainer.model, PG_GROUP_REPRESENTATION, run->dense));
    record_embeddings(run);
    run->next_point++;
}

/* Points behind the end repeat the last one. */
static void repeat_last_point(struct run *run)
{
    const size_t *lengths = run->request->lengths;
    size_t plane = lengths[DIM_SYMBOL] * lengths[DIM_EMBEDDING], last = run->next_point - 1;
    float *embeddings = run->request->slots[OBS_EMBEDDINGS];
    for (size_t point = run->next_point; point < run->request->record->step_count; point++) {
        for (int observable = OBS_TRAIN_LOSS; observable <= OBS_EMBEDDING_NORM; observable++) {
            float *series = run->request->slots[observable];
            series[point] = series[last];
        }
        memcpy(embeddings + point * plane, embeddings + last * plane, plane * sizeof *embeddings);
    }
}

static void keep_snapshot(struct run *run)
{
    float *to = run->request->slots[OBS_PARAMETERS];
    to += run->next_snapshot * run->request->lengths[DIM_PARAMETER];
    pg_model_store(&run->trainer.model, to);
    run->next_snapshot++;
}

/* Nothing that is recorded as a crossing can change any more. */
static bool is_decided(const struct run *run)
{
    return run->train.held >= 0 && run->test.held >= 0 && run->rqi.held >= 0;
}

static bool observe(void *context, int64_t step, const struct pg_evaluation *train,
                    const struct pg_evaluation *test)
{
    struct run *run = context;
    const struct pg_record *record = run->request->record;
    if (!isfinite(train->loss))
        return false;
    double rqi = pg_representation_quality(run->parallelograms, embeddings_of(run),
                                           run->addition.dimension, run->normalised);
    pg_crossing_update(&run->train, step, train->correct >= run->needed_train);
    pg_crossing_update(&run->test, step, test->correct >= run->needed_test);
    pg_crossing_update(&run->rqi, step, rqi > ADDITION_RQI);
    bool goes_on = !(record->stop_when_decided && is_decided(run));
    bool is_end = !goes_on || step == run->addition.trainer.steps;
    bool is_due = run->next_point < record->step_count && step == record->steps[run->next_point];
    if (is_due || (is_end && run->next_point < record->step_count))
        record_point(run, train, test, rqi);
    if (run->next_snapshot < record->snapshot_count &&
        step == record->snapshots[run->next_snapshot])
        keep_snapshot(run);
    return goes_on;
}

/* Liu et al. (2022), Table 1; a lag equal to the threshold is comprehension. */
static enum addition_phase phase_of(const struct run *run, bool diverged)
{
    int64_t train = run->train.first, test = run->test.first;
    if (diverged)
        return PHASE_DIVERGED;
    if (train >= 0 && test >= 0)
        return test - train <= run->addition.phase_lag ? PHASE_COMPREHENSION : PHASE_GROKKING;
    if (train >= 0)
        return PHASE_MEMORIZATION;
    return test >= 0 ? PHASE_GENERALIZATION_ONLY : PHASE_CONFUSION;
}

static void put_steps(const struct run *run, int observable, int64_t steps)
{
    *(int64_t *)run->request->slots[observable] = steps;
}

static void put_crossings(const struct run *run)
{
    put_steps(run, OBS_STEPS_TO_TRAIN, run->train.first);
    put_steps(run, OBS_STEPS_TO_TEST, run->test.first);
    put_steps(run, OBS_STEPS_TO_RQI, run->rqi.first);
    put_steps(run, OBS_STEPS_TO_TRAIN_HELD, run->train.held);
    put_steps(run, OBS_STEPS_TO_TEST_HELD, run->test.held);
    put_steps(run, OBS_STEPS_TO_RQI_HELD, run->rqi.held);
}

static void put_split(const struct run *run)
{
    const struct addition_data *data = &run->data;
    void *const *slots = run->request->slots;
    size_t outputs = run->addition.outputs;
    float *templates = slots[OBS_TEMPLATES];
    *(int32_t *)slots[OBS_SPLIT_ATTEMPT] = (int32_t)data->attempt;
    *(int32_t *)slots[OBS_NULLITY] = data->theory.nullity;
    *(double *)slots[OBS_IDEAL_ACCURACY] = data->theory.ideal_accuracy;
    *(double *)slots[OBS_IDEAL_TEST_ACCURACY] = data->theory.ideal_test_accuracy;
    *(double *)slots[OBS_LAMBDA3] = data->theory.lambda3;
    *(double *)slots[OBS_PREDICTED_STEPS] = data->theory.predicted_steps;
    memcpy(slots[OBS_TRAIN_MASK], data->train_mask, run->addition.sample_count);
    for (size_t c = 0; c < run->addition.classes && data->templates != NULL; c++)
        memcpy(templates + c * run->request->lengths[DIM_OUTPUT], data->templates + c * outputs,
               outputs * sizeof *templates);
}

/* Takes the run's memory (when the arena measures and when it is filled). */
static void arrange(struct run *run, const struct pg_kernel *kernel, struct pg_arena *arena)
{
    const struct addition *addition = &run->addition;
    struct pg_segment segments[PG_SEGMENTS_MAX];
    (void)pg_model_segments(&addition->trainer.model, segments, &run->parameters);
    pg_addition_arrange_data(addition, &run->data, arena);
    pg_trainer_arrange(&run->trainer, &addition->trainer, kernel, 2, addition->classes, arena);
    run->dense = pg_arena_take(arena, run->parameters * sizeof *run->dense);
    run->normalised =
        pg_arena_take(arena, addition->symbols * addition->dimension * sizeof *run->normalised);
}

size_t pg_addition_bytes(const struct addition *addition)
{
    struct pg_arena arena;
    struct run run = {.addition = *addition};
    pg_arena_measure(&arena);
    arrange(&run, NULL, &arena);
    return arena.used;
}

static void prepare(struct run *run)
{
    const struct addition *addition = &run->addition;
    run->trainer.train = run->data.train;
    run->trainer.test = run->data.test;
    run->trainer.readout = run->data.readout;
    pg_trainer_prepare(&run->trainer, run->request->seed, run->request->mix);
    run->needed_train = needed_correct(addition->phase_accuracy, run->data.train.count);
    run->needed_test = needed_correct(addition->phase_accuracy, run->data.test.count);
    run->train = run->test = run->rqi = pg_crossing_make(ADDITION_HOLD);
}

static int train(struct run *run, struct pg_run_result *ret_result, struct pg_error *error)
{
    struct pg_training_end end;
    const struct pg_observer observer = {
        .observe = observe,
        .observe_context = run,
        .pause = run->request->pause,
        .pause_context = run->request->context,
    };
    int status = pg_trainer_run(&run->trainer, &observer, &end, error);
    if (status != 0)
        return status;
    if (!end.diverged)
        repeat_last_point(run);
    put_crossings(run);
    put_split(run);
    *ret_result = (struct pg_run_result){
        .diverged = end.diverged,
        .last_step = end.step,
        .phase = (int)phase_of(run, end.diverged),
    };
    *(uint8_t *)run->request->slots[OBS_PHASE] = (uint8_t)ret_result->phase;
    return 0;
}

int pg_addition_run(const struct pg_run_request *request, struct pg_run_result *ret_result,
                    struct pg_error *error)
{
    struct run run = {.request = request};
    const struct pg_kernel *kernel = NULL;
    struct pg_arena arena;
    int status = pg_kernel_choose(&kernel, error);
    if (status == 0)
        status = pg_addition_read(&request->values, &run.addition, error);
    if (status == 0)
        status =
            pg_parallelograms_create((uint32_t)run.addition.symbols, &run.parallelograms, error);
    if (status != 0)
        return status;
    pg_arena_measure(&arena);
    arrange(&run, kernel, &arena);
    status = pg_arena_init(&arena, arena.used, error);
    if (status == 0) {
        arrange(&run, kernel, &arena);
        status =
            pg_addition_fill_data(&run.addition, run.parallelograms, request, &run.data, error);
    }
    if (status == 0) {
        prepare(&run);
        status = train(&run, ret_result, error);
    }
    pg_arena_release(&arena);
    pg_parallelograms_destroy(run.parallelograms);
    return status;
}
