/* SPDX-License-Identifier: MIT */
/* A source that gives the same run again and again, and one piece of memory for its row. */
#include "trial.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/clock.h"

enum { LINE = 64, POINTS = 2, ESTIMATES = 1 };

static size_t whole_lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static size_t observable_elements(const struct pg_trial *trial, size_t index)
{
    const struct pg_observable *observable = &trial->experiment->observables[index];
    size_t elements = 1;
    for (size_t i = 0; i < observable->dim_count; i++)
        elements *= trial->lengths[observable->dims[i]];
    return elements;
}

static void take_lengths(struct pg_trial *trial, const size_t *lengths)
{
    for (size_t i = 0; i < trial->experiment->dimension_count; i++) {
        const char *name = trial->experiment->dimensions[i].name;
        trial->lengths[i] = strcmp(name, "step") == 0       ? POINTS
                            : strcmp(name, "snapshot") == 0 ? 0
                            : strcmp(name, "llc_step") == 0 ? ESTIMATES
                                                            : lengths[i];
    }
}

/* All observables in one piece, each at a multiple of 64 bytes; empty ones have no slot. */
static void fill_slots(struct pg_trial *trial)
{
    unsigned char *room = trial->memory;
    for (size_t i = 0; i < trial->experiment->observable_count; i++) {
        const struct pg_observable *observable = &trial->experiment->observables[i];
        size_t elements = observable_elements(trial, i);
        pg_data_type_fill(observable->type, observable->fill, elements, room);
        trial->slots[i] = elements > 0 ? room : NULL;
        room += whole_lines(elements * sizeof(double));
    }
}

int pg_trial_init(struct pg_trial *trial, const struct pg_experiment *experiment,
                  const size_t *lengths, struct pg_error *error)
{
    size_t size = LINE;
    *trial = (struct pg_trial){.experiment = experiment};
    take_lengths(trial, lengths);
    for (size_t i = 0; i < experiment->observable_count; i++)
        size += whole_lines(observable_elements(trial, i) * sizeof(double));
    trial->memory = aligned_alloc(LINE, size);
    trial->slots = calloc(experiment->observable_count + 1, sizeof *trial->slots);
    trial->values = calloc(experiment->schema->count, sizeof *trial->values);
    if (trial->memory == NULL || trial->slots == NULL || trial->values == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu bytes for a trial run", size);
    fill_slots(trial);
    return 0;
}

void pg_trial_release(struct pg_trial *trial)
{
    free(trial->memory);
    free(trial->slots);
    free(trial->values);
    *trial = (struct pg_trial){0};
}

struct repeated {
    const struct pg_run_request *request;
    size_t left;
    int64_t steps;
    int status;
    struct pg_error *error;
};

static bool next(void *context, struct pg_run_request *ret_request)
{
    struct repeated *runs = context;
    if (runs->left == 0)
        return false;
    runs->left--;
    *ret_request = *runs->request;
    return true;
}

static void finish(void *context, uint64_t ticket, int status, const struct pg_run_result *result,
                   const struct pg_error *error)
{
    struct repeated *runs = context;
    (void)ticket;
    runs->status = status;
    if (status == 0)
        runs->steps += result->last_step;
    else if (runs->error != NULL)
        *runs->error = *error;
}

int pg_trial_run(const struct pg_trial *trial, uint32_t seed, size_t runs, int64_t budget,
                 struct pg_trial_cost *ret, struct pg_error *error)
{
    const struct pg_schema *schema = trial->experiment->schema;
    const int64_t points[POINTS] = {0, budget};
    const struct pg_record record = {.steps = points,
                                     .step_count = budget > 0 ? POINTS : 1,
                                     .llc_steps = points,
                                     .llc_step_count = trial->has_llc ? ESTIMATES : 0};
    int index = pg_schema_find(schema, "steps");
    assert(index >= 0);
    trial->values[index].integer = budget;
    const struct pg_run_request request = {
        .values = {schema, trial->values},
        .seed = seed,
        .record = &record,
        .lengths = trial->lengths,
        .slots = trial->slots,
    };
    struct repeated repeated = {.request = &request, .left = runs, .error = error};
    const struct pg_run_source source = {.next = next, .finish = finish, .context = &repeated};
    double wall = pg_clock_wall(), cpu = pg_clock_cpu();
    int status = trial->experiment->run(&source, error);
    *ret = (struct pg_trial_cost){.wall_seconds = pg_clock_wall() - wall,
                                  .cpu_seconds = pg_clock_cpu() - cpu,
                                  .steps = repeated.steps};
    return status == 0 ? repeated.status : status;
}
