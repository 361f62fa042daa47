/* SPDX-License-Identifier: MIT */
/*
 * Speed of toy addition (p = 10, 44 pairs, 1 -> 200 -> 200 -> 30 tanh, full batch, AdamW): whole
 * runs of the experiment, with both accuracies and the RQI at every step, beside the bare loop of
 * forward, loss, backward and optimiser on a model of the same shape. Five rounds, interleaved;
 * medians of steps per CPU-second. A benchmark, not a test: `meson test --benchmark`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/clock.h"
#include "phasegrid/experiment.h"
#include "phasegrid/optimizer.h"
#include "phasegrid/random.h"

enum { STEPS = 6000, ROUNDS = 5, SAMPLES = 44, OUTPUTS = 30, SLOTS = 64 };

static int fail(const struct pg_error *error)
{
    (void)fprintf(stderr, "%s\n", error->text);
    return 1;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int read_defaults(const struct pg_schema *schema, struct pg_value *values,
                         struct pg_error *error)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct pg_setting *setting = &schema->settings[i];
        const char *text = strcmp(setting->name, "steps") == 0 ? "6000" : setting->fallback;
        int status = pg_value_parse(setting, text, &values[i], error);
        if (status != 0)
            return status;
    }
    return 0;
}

/* Steps per CPU-second of one whole run; negative on failure. */
static double time_run(const struct pg_experiment *experiment, struct pg_error *error)
{
    struct pg_value values[SLOTS];
    struct pg_shape shape;
    struct pg_run_result result;
    const int64_t steps[] = {0, STEPS};
    const struct pg_record record = {.steps = steps, .step_count = 2};
    void *slots[SLOTS] = {NULL};
    struct pg_run_request request = {.values = {experiment->schema, values},
                                     .record = &record,
                                     .lengths = shape.lengths,
                                     .slots = slots};
    if (read_defaults(experiment->schema, values, error) != 0 ||
        experiment->shape(&request.values, &shape, error) != 0)
        return -1.0;
    shape.lengths[0] = 2;
    for (size_t i = 0; i < experiment->observable_count; i++) {
        size_t count = 1;
        for (size_t d = 0; d < experiment->observables[i].dim_count; d++)
            count *= shape.lengths[experiment->observables[i].dims[d]];
        slots[i] = calloc(count + 1, sizeof(double));
    }
    double before = pg_clock_cpu();
    int status = experiment->run(&request, &result, error);
    double seconds = pg_clock_cpu() - before;
    for (size_t i = 0; i < experiment->observable_count; i++)
        free(slots[i]);
    return status == 0 ? STEPS / seconds : -1.0;
}

struct bare {
    struct pg_model_spec spec;
    struct pg_model model;
    struct pg_pass pass;
    struct pg_arena arena;
    struct pg_samples samples;
    uint32_t inputs[2 * 48], labels[48];
    float targets[OUTPUTS * 48];
};

static void describe(struct bare *bare)
{
    const size_t widths[] = {1, 200, 200, OUTPUTS};
    struct pg_random random = pg_random_make(1, PG_STREAM_TEST, 0);
    bare->spec.layers[0] = (struct pg_layer_spec){
        .kind = &pg_layer_embedding_sum, .inputs = 10, .outputs = 1, .scale = 1.0f};
    for (size_t l = 1; l < 4; l++)
        bare->spec.layers[l] = (struct pg_layer_spec){.kind = &pg_layer_affine,
                                                      .inputs = widths[l - 1],
                                                      .outputs = widths[l],
                                                      .activation = l < 3 ? PG_TANH : PG_IDENTITY,
                                                      .group = PG_GROUP_DECODER,
                                                      .scale = 1.0f};
    bare->spec.layer_count = 4;
    bare->spec.loss = &pg_loss_squared_error;
    for (uint32_t n = 0; n < SAMPLES; n++) {
        bare->inputs[2 * n] = pg_random_below(&random, 10, n, 0, 0);
        bare->inputs[2 * n + 1] = pg_random_below(&random, 10, n, 1, 0);
        for (uint32_t o = 0; o < OUTPUTS; o++)
            bare->targets[o * 48 + n] = pg_random_normal(&random, n, 2, o);
    }
    bare->samples = (struct pg_samples){SAMPLES, 2, bare->inputs, bare->labels, bare->targets};
}

static int set_up(struct bare *bare, struct pg_error *error)
{
    const struct pg_kernel *kernel = NULL;
    struct pg_random random = pg_random_make(1, PG_STREAM_INITIAL, 0);
    describe(bare);
    int status = pg_kernel_choose(&kernel, error);
    pg_arena_measure(&bare->arena);
    for (int pass = 0; pass < 2 && status == 0; pass++) {
        if (pass == 1)
            status = pg_arena_init(&bare->arena, bare->arena.used, error);
        pg_model_arrange(&bare->model, &bare->spec, kernel, &bare->arena);
        pg_pass_arrange(&bare->pass, &bare->spec, SAMPLES, true, &bare->arena);
    }
    if (status == 0) {
        pg_model_initialise(&bare->model, &random);
        pg_pass_prepare(&bare->pass, &bare->model);
    }
    return status;
}

static double time_bare(struct bare *bare)
{
    const struct pg_rates rates = {
        .learning_rate = 1e-4, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    unsigned before_flags = pg_kernel_enter();
    double before = pg_clock_cpu();
    for (int64_t step = 1; step <= STEPS; step++) {
        struct pg_update updates[PG_GROUP_COUNT];
        for (int group = 0; group < PG_GROUP_COUNT; group++)
            pg_optimizers[PG_ADAMW].prepare(&rates, step, &updates[group]);
        (void)pg_model_forward(&bare->model, &bare->samples, &bare->pass);
        (void)pg_model_loss(&bare->model, &bare->samples, &bare->pass, true);
        pg_model_backward(&bare->model, &bare->samples, &bare->pass, updates);
    }
    double seconds = pg_clock_cpu() - before;
    pg_kernel_leave(before_flags);
    return STEPS / seconds;
}

int main(void)
{
    static struct bare bare;
    const struct pg_experiment *experiment = pg_experiment_find("addition");
    const struct pg_kernel *kernel = NULL;
    double whole[ROUNDS], loop[ROUNDS];
    struct pg_error error;
    if (pg_kernel_choose(&kernel, &error) != 0 || set_up(&bare, &error) != 0)
        return fail(&error);
    for (int round = 0; round < ROUNDS; round++) {
        whole[round] = time_run(experiment, &error);
        if (whole[round] < 0.0)
            return fail(&error);
        loop[round] = time_bare(&bare);
    }
    qsort(whole, ROUNDS, sizeof *whole, compare);
    qsort(loop, ROUNDS, sizeof *loop, compare);
    double evaluation = 1.0 - whole[ROUNDS / 2] / loop[ROUNDS / 2];
    printf("kernel %s: %.0f steps per CPU-second with evaluation at every step, %.0f without; "
           "evaluation takes %.1f %% of the time\n",
           kernel->name, whole[ROUNDS / 2], loop[ROUNDS / 2], 100.0 * evaluation);
    pg_arena_release(&bare.arena);
    return 0;
}
