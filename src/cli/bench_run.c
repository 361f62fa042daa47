/* SPDX-License-Identifier: MIT */
/*
 * Whole runs of the addition experiment: both accuracies, the representation quality and the
 * crossings at every step, two points recorded. Runs of two lengths are timed, and the difference
 * counts, so that drawing the data does not. All runs write into the same slots: nobody reads them.
 */
#include "bench_run.h"

#include <stdlib.h>
#include <string.h>

#include "phasegrid/clock.h"
#include "phasegrid/experiment.h"

enum { SHORT_STEPS = 4, SETTINGS_MAX = 64, POINTS = 2 };

struct field {
    const struct pg_experiment *experiment;
    struct pg_value values[SETTINGS_MAX];
    struct pg_shape shape;
    void *slots[SETTINGS_MAX];
    int64_t points[POINTS];
    struct pg_record record;
    size_t left; /* runs that the source still gives */
    int status;  /* of a run that was refused */
    struct pg_error error;
};

static int read_defaults(struct field *field, struct pg_error *error)
{
    const struct pg_schema *schema = field->experiment->schema;
    for (size_t i = 0; i < schema->count; i++) {
        const struct pg_setting *setting = &schema->settings[i];
        int status = pg_value_parse(setting, setting->fallback, &field->values[i], error);
        if (status != 0)
            return status;
    }
    return 0;
}

static void release_slots(struct field *field)
{
    for (size_t i = 0; i < field->experiment->observable_count; i++)
        free(field->slots[i]);
}

static int take_slots(struct field *field, struct pg_error *error)
{
    const struct pg_experiment *experiment = field->experiment;
    for (size_t i = 0; i < experiment->dimension_count; i++)
        if (strcmp(experiment->dimensions[i].name, "step") == 0)
            field->shape.lengths[i] = POINTS;
    for (size_t i = 0; i < experiment->observable_count; i++) {
        const struct pg_observable *observable = &experiment->observables[i];
        size_t count = 1;
        for (size_t d = 0; d < observable->dim_count; d++)
            count *= field->shape.lengths[observable->dims[d]];
        field->slots[i] = calloc(count + 1, sizeof(double));
        if (field->slots[i] == NULL)
            return pg_error_set(error, PG_EMACHINE, "out of memory: %zu values of %s", count,
                                observable->name);
    }
    return 0;
}

static bool next(void *context, struct pg_run_request *ret)
{
    struct field *field = context;
    if (field->left == 0)
        return false;
    field->left--;
    *ret = (struct pg_run_request){
        .values = {field->experiment->schema, field->values},
        .seed = (uint32_t)field->left,
        .record = &field->record,
        .lengths = field->shape.lengths,
        .slots = field->slots,
    };
    return true;
}

static void finish(void *context, uint64_t ticket, int status, const struct pg_run_result *result,
                   const struct pg_error *error)
{
    struct field *field = context;
    (void)ticket;
    (void)result;
    if (status == 0)
        return;
    field->status = status;
    field->error = *error;
}

/* CPU-seconds of so many runs, each of so many steps. */
static int time_runs(struct field *field, size_t runs, int64_t steps, double *ret_seconds,
                     struct pg_error *error)
{
    const struct pg_run_source source = {.next = next, .finish = finish, .context = field};
    field->points[POINTS - 1] = steps;
    field->values[pg_schema_find(field->experiment->schema, "steps")].integer = steps;
    field->left = runs;
    double began = pg_clock_cpu();
    int status = field->experiment->run(&source, error);
    *ret_seconds = pg_clock_cpu() - began;
    if (status == 0 && field->status != 0)
        return pg_error_set(error, field->status, "%s", field->error.text);
    return status;
}

static int measure(struct field *field, size_t runs, double seconds, double *ret_rate,
                   struct pg_error *error)
{
    double before, elapsed = 0.0;
    int64_t steps = SHORT_STEPS;
    int status = time_runs(field, runs, steps, &before, error);
    while (status == 0 && elapsed < before + seconds) {
        steps *= 2;
        status = time_runs(field, runs, steps, &elapsed, error);
    }
    *ret_rate = (double)(steps - SHORT_STEPS) * (double)runs / (elapsed - before);
    return status;
}

/* The environment of this process, until it ends: the verb does nothing else. */
static int force(const struct pg_kernel *kernel, size_t lanes, struct pg_error *error)
{
    if (setenv("PHASEGRID_KERNEL", kernel->name, 1) != 0 ||
        setenv("PHASEGRID_LAYOUT", lanes == 1 ? "samples" : "runs", 1) != 0)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the environment");
    return 0;
}

int pg_bench_run(const struct pg_kernel *kernel, size_t lanes, double seconds, double *ret_rate,
                 struct pg_error *error)
{
    struct field field = {.experiment = pg_experiment_find("addition")};
    const struct pg_values values = {field.experiment->schema, field.values};
    field.record = (struct pg_record){.steps = field.points, .step_count = POINTS};
    int status = force(kernel, lanes, error);
    if (status == 0)
        status = read_defaults(&field, error);
    if (status == 0)
        status = field.experiment->shape(&values, &field.shape, error);
    if (status == 0)
        status = take_slots(&field, error);
    if (status == 0)
        status = measure(&field, lanes, seconds, ret_rate, error);
    release_slots(&field);
    return status;
}
