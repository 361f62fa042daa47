/* SPDX-License-Identifier: MIT */
/*
 * A run's trajectory: crossings at every step that counts, series at the recorded steps. A point of
 * the record after the run's end holds the last measured values; a run that diverged leaves the
 * rest unwritten.
 */
#include "trajectory.h"

#include <math.h>
#include <string.h>

#include "run_state.h"

const char *const pg_phase_names[] = {
    "comprehension", "grokking", "memorization", "confusion", "generalization_only",
    "diverged",      NULL};

struct pg_trajectory_rule pg_trajectory_rule_read(const struct pg_values *values,
                                                  const struct pg_trainer_spec *trainer)
{
    return (struct pg_trajectory_rule){
        .accuracy = pg_values_real(values, "phase_accuracy"),
        .lag = pg_values_integer(values, "phase_lag"),
        .steps = pg_values_integer(values, "steps"),
        .train_every = trainer->batch_size == 0 ? 1 : trainer->evaluate_every,
        .test_every = trainer->evaluate_every,
    };
}

struct pg_trajectory pg_trajectory_make(const struct pg_experiment *experiment,
                                        const struct pg_trajectory_slots *slots,
                                        const struct pg_trajectory_rule *rule,
                                        const struct pg_run_request *request)
{
    return (struct pg_trajectory){
        .experiment = experiment,
        .at = slots,
        .rule = *rule,
        .request = *request,
        .train = pg_crossing_make(PG_HOLD_STEPS),
        .test = pg_crossing_make(PG_HOLD_STEPS),
    };
}

void pg_trajectory_pass(struct pg_trajectory *trajectory, int64_t step, struct pg_state *state)
{
    const struct pg_record *record = trajectory->request.record;
    uint8_t is_decided = trajectory->is_decided;
    pg_crossing_pass(&trajectory->train, state);
    pg_crossing_pass(&trajectory->test, state);
    pg_state_pass(state, &is_decided, sizeof is_decided);
    if (state->mode != PG_STATE_LOAD)
        return;
    trajectory->is_decided = is_decided != 0;
    trajectory->next_point = pg_steps_before(record->steps, record->step_count, step);
    trajectory->next_snapshot = pg_steps_before(record->snapshots, record->snapshot_count, step);
}

static bool has_point_at(const struct pg_trajectory *trajectory, int64_t step)
{
    const struct pg_record *record = trajectory->request.record;
    return trajectory->next_point < record->step_count &&
           step == record->steps[trajectory->next_point];
}

static bool has_snapshot_at(const struct pg_trajectory *trajectory, int64_t step)
{
    const struct pg_record *record = trajectory->request.record;
    return trajectory->next_snapshot < record->snapshot_count &&
           step == record->snapshots[trajectory->next_snapshot];
}

bool pg_trajectory_is_due(const struct pg_trajectory *trajectory, int64_t step)
{
    return has_point_at(trajectory, step) || has_snapshot_at(trajectory, step);
}

/* ---- crossings ---- */

/* Counts compare as integers: in floating point 9/10 < 0.9. */
static bool is_reached(const struct pg_evaluation *evaluation, double accuracy)
{
    return (double)evaluation->correct >= ceil(accuracy * (double)evaluation->count - 1e-9);
}

void pg_trajectory_cross(struct pg_trajectory *trajectory, int64_t step,
                         const struct pg_evaluation *train, const struct pg_evaluation *test)
{
    const struct pg_trajectory_rule *rule = &trajectory->rule;
    if (step % rule->train_every == 0)
        pg_crossing_update(&trajectory->train, step, is_reached(train, rule->accuracy));
    if (step % rule->test_every != 0)
        return;
    pg_crossing_update(&trajectory->test, step, is_reached(test, rule->accuracy));
    trajectory->is_decided = trajectory->train.held >= 0 && trajectory->test.held >= 0;
}

/* Liu et al. (2022), Table 1; a lag equal to the threshold is comprehension. */
static enum pg_phase phase_of(const struct pg_trajectory *trajectory, bool diverged)
{
    int64_t train = trajectory->train.first, test = trajectory->test.first;
    if (diverged)
        return PG_PHASE_DIVERGED;
    if (train >= 0 && test >= 0)
        return test - train <= trajectory->rule.lag ? PG_PHASE_COMPREHENSION : PG_PHASE_GROKKING;
    if (train >= 0)
        return PG_PHASE_MEMORIZATION;
    return test >= 0 ? PG_PHASE_GENERALIZATION_ONLY : PG_PHASE_CONFUSION;
}

/* ---- the record ---- */

bool pg_trajectory_goes_on(const struct pg_trajectory *trajectory, bool others_are_decided)
{
    bool is_decided = trajectory->is_decided && others_are_decided;
    return !(trajectory->request.record->stop_when_decided && is_decided);
}

bool pg_trajectory_wants_point(const struct pg_trajectory *trajectory, int64_t step, bool goes_on)
{
    bool is_end = !goes_on || step == trajectory->rule.steps;
    return has_point_at(trajectory, step) ||
           (is_end && trajectory->next_point < trajectory->request.record->step_count);
}

/* Which NaN a computation gives is the CPU's choice; a file has one. */
void pg_trajectory_put(const struct pg_trajectory *trajectory, size_t observable, double value)
{
    float *series = trajectory->request.slots[observable];
    series[trajectory->next_point] = isnan(value) ? NAN : (float)value;
}

void pg_trajectory_put_matrix(const struct pg_trajectory *trajectory, size_t observable,
                              const float *values, size_t rows, size_t columns)
{
    const struct pg_observable *of = &trajectory->experiment->observables[observable];
    const size_t *lengths = trajectory->request.lengths;
    const size_t row = lengths[of->dims[2]], plane = lengths[of->dims[1]] * row;
    float *to = trajectory->request.slots[observable];
    to += trajectory->next_point * plane;
    for (size_t r = 0; r < rows; r++)
        memcpy(to + r * row, values + r * columns, columns * sizeof *to);
}

static double share(const struct pg_evaluation *evaluation)
{
    return evaluation->count > 0 ? (double)evaluation->correct / (double)evaluation->count
                                 : (double)NAN;
}

void pg_trajectory_record(struct pg_trajectory *trajectory, const struct pg_trainer *trainer,
                          size_t seat, const struct pg_evaluation *train,
                          const struct pg_evaluation *test)
{
    const struct pg_trajectory_slots *at = trajectory->at;
    pg_trajectory_put(trajectory, at->train_loss, train->loss);
    pg_trajectory_put(trajectory, at->test_loss, test->loss);
    pg_trajectory_put(trajectory, at->train_accuracy, share(train));
    pg_trajectory_put(trajectory, at->test_accuracy, share(test));
    pg_trajectory_put(trajectory, at->decoder_norm,
                      pg_trainer_norm(trainer, seat, PG_GROUP_DECODER));
    pg_trajectory_put(trajectory, at->embedding_norm,
                      pg_trainer_norm(trainer, seat, PG_GROUP_REPRESENTATION));
    trajectory->next_point++;
}

/* A length of the dimension "parameter": the last of the observable's dimensions. */
static size_t parameter_length(const struct pg_trajectory *trajectory)
{
    const struct pg_observable *observable =
        &trajectory->experiment->observables[trajectory->at->parameters];
    return trajectory->request.lengths[observable->dims[observable->dim_count - 1]];
}

void pg_trajectory_keep_snapshot(struct pg_trajectory *trajectory, const struct pg_trainer *trainer,
                                 size_t seat, int64_t step)
{
    float *to = trajectory->request.slots[trajectory->at->parameters];
    if (!has_snapshot_at(trajectory, step))
        return;
    pg_trainer_parameters(trainer, seat,
                          to + trajectory->next_snapshot * parameter_length(trajectory));
    trajectory->next_snapshot++;
}

/* ---- the end ---- */

static void put_steps(const struct pg_trajectory *trajectory, size_t first, size_t held,
                      const struct pg_crossing *crossing)
{
    *(int64_t *)trajectory->request.slots[first] = crossing->first;
    *(int64_t *)trajectory->request.slots[held] = crossing->held;
}

void pg_trajectory_put_mask(const struct pg_trajectory *trajectory, size_t observable,
                            const uint32_t *order, size_t sample_count, size_t train_count)
{
    uint8_t *mask = trajectory->request.slots[observable];
    for (size_t n = 0; n < sample_count; n++)
        mask[order[n]] = n < train_count;
}

void pg_trajectory_end(const struct pg_trajectory *trajectory, const struct pg_training_end *end,
                       struct pg_run_result *ret_result)
{
    const struct pg_trajectory_slots *at = trajectory->at;
    enum pg_phase phase = phase_of(trajectory, end->diverged);
    if (!end->diverged)
        pg_run_repeat_last_point(trajectory->experiment, &trajectory->request,
                                 trajectory->next_point);
    put_steps(trajectory, at->steps_to_train, at->steps_to_train_held, &trajectory->train);
    put_steps(trajectory, at->steps_to_test, at->steps_to_test_held, &trajectory->test);
    *(uint8_t *)trajectory->request.slots[at->phase] = (uint8_t)phase;
    *ret_result = (struct pg_run_result){
        .diverged = end->diverged, .last_step = end->step, .phase = (int)phase};
}
