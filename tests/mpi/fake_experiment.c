/* SPDX-License-Identifier: MIT */
/*
 * The modes say how a run ends: plainly, diverged, refused by the machine, after a thousand times
 * the time of others (which the expected cost does not say), or never, deaf to pauses and signals.
 * Two variables of the environment break what must hold, for the tests that must then fail:
 * FAKE_KEY=rank makes a row depend on the rank, FAKE_FULL=R makes every later write of rank R fail
 * as on a full disk.
 *
 * FAKE_CRASH=S makes a run raise the signal S (SEGV, ABRT or FPE) as it ends: the one of width 4,
 * rate 0.5, mode plain and seed 1.
 * FAKE_CURED=1 makes modes that harm the process plain ones.
 *
 * A run's state holds how much of its time is left and the trace so far, which is not made anew: a
 * run that goes on from another one's state has another row.
 *
 * FAKE_HUGE=1 makes states huge, and lets no file but the results file become so large.
 * FAKE_BYTES=N says that a rank needs N bytes for its runs.
 * FAKE_STEP=S makes a step as long: S seconds from pause to pause, whatever signals come.
 *
 * FAKE_EVEN=1 has all runs of a width take the same time.
 *
 * FAKE_LANES=N has N runs side by side, each at an N-th of the speed, which end in any order and
 * are replaced.
 */
#include "fake_experiment.h"

#include <fcntl.h>
#include <math.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "phasegrid/clock.h"
#include "phasegrid/random.h"
#include "phasegrid/state.h"

enum { DIM_STEP, DIM_SNAPSHOT, DIM_PARAMETER, DIM_COUNT };
enum { LANES_MAX = 16, STATE_MAX = 4096 };
enum { OBS_PHASE, OBS_VALUE, OBS_TRACE, OBS_PARAMETERS, OBS_COUNT };

static const char *const modes[] = {"plain", "diverges", "refused", "slow", "stuck", NULL};
static const char *const phase_names[] = {"low", "high", NULL};

static const struct pg_setting settings[] = {
    {"width", PG_VALUE_INTEGER, 1, 64, false, "2", NULL, "1", "length of the parameter vector"},
    {"rate", PG_VALUE_REAL, 0, 10, false, "1", NULL, "1", "a number that only the hash sees"},
    {"mode", PG_VALUE_NAME, 0, 0, false, "plain", modes, "1", "how a run ends"},
    {"milliseconds", PG_VALUE_REAL, 0, 1e4, false, "1", NULL, "ms",
     "mean time of a run, per width"},
    {"steps", PG_VALUE_INTEGER, 1, 1e6, false, "20", NULL, "steps", "budget"},
};
static const struct pg_schema schema = {"fake", settings, sizeof settings / sizeof settings[0]};

static const struct pg_experiment_dimension dimensions[DIM_COUNT] = {
    [DIM_STEP] = {"step", "steps", "steps"},
    [DIM_SNAPSHOT] = {"snapshot", "steps of a snapshot", "steps"},
    [DIM_PARAMETER] = {"parameter", "place in the parameter vector", NULL},
};

static const struct pg_observable observables[OBS_COUNT] = {
    [OBS_PHASE] = {.name = "phase",
                   .type = PG_U8,
                   .fill = 255,
                   .meanings = phase_names,
                   .unwritten_meaning = "not_run"},
    [OBS_VALUE] = {.name = "value", .type = PG_F64, .fill = PG_NAN},
    [OBS_TRACE] =
        {.name = "trace", .type = PG_F32, .fill = PG_NAN, .dim_count = 1, .dims = {DIM_STEP}},
    [OBS_PARAMETERS] = {.name = "parameters",
                        .type = PG_F32,
                        .fill = PG_NAN,
                        .dim_count = 2,
                        .dims = {DIM_SNAPSHOT, DIM_PARAMETER}},
};

static int check(const struct pg_values *values, struct pg_error *error)
{
    if (pg_values_integer(values, "width") == 13)
        return pg_error_set(error, PG_EINPUT, "width 13 brings bad luck");
    return 0;
}

static size_t lane_count(void)
{
    const char *lanes = getenv("FAKE_LANES");
    return lanes != NULL ? (size_t)strtoul(lanes, NULL, 10) : 1;
}

static int shape(const struct pg_values *values, struct pg_shape *ret, struct pg_error *error)
{
    int64_t width = pg_values_integer(values, "width");
    (void)error;
    ret->lanes = lane_count();
    const char *bytes = getenv("FAKE_BYTES");
    ret->bytes = bytes != NULL ? (size_t)strtod(bytes, NULL) : 0;
    ret->lengths[DIM_PARAMETER] = (size_t)width;
    ret->segments[0] = (struct pg_segment){.name = "weight", .rows = 1, .columns = width};
    ret->segment_count = 1;
    ret->steps = pg_values_integer(values, "steps");
    ret->flops_per_step = 1e5 * (double)width;
    return 0;
}

static uint32_t hash(const struct pg_values *values)
{
    uint32_t hash = 2166136261u; /* FNV-1a over the spellings */
    for (size_t i = 0; i < values->schema->count; i++) {
        char text[128];
        pg_value_print(&values->schema->settings[i], &values->at[i], text, sizeof text);
        for (const char *at = text; *at != '\0'; at++)
            hash = (hash ^ (uint32_t)(unsigned char)*at) * 16777619u;
    }
    return hash;
}

static int my_rank(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static void write_log(uint32_t cell, uint32_t seed, const char *what)
{
    const char *path = getenv("FAKE_LOG");
    char line[128];
    if (path == NULL)
        return;
    int length = snprintf(line, sizeof line, "%d %d %s %08x %u\n", (int)getpid(), my_rank(), what,
                          cell, seed);
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 || write(file, line, (size_t)length) != length)
        abort();
    (void)close(file);
}

static void fill_disk(void)
{
    const char *rank = getenv("FAKE_FULL");
    const struct rlimit limit = {4096, 4096};
    if (rank == NULL || strtol(rank, NULL, 10) != my_rank())
        return;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        abort();
}

/* A run in training: all that its values say, which are gone with the next call of the source. */
struct lane {
    bool is_taken;
    struct pg_run_request request;
    uint32_t settings; /* hash */
    struct pg_random random;
    int64_t width, budget;
    bool diverges, is_refused, is_bad;
    double seconds, end; /* of all its steps; when it ends */
};

/* The points before `step` that are not there yet. */
static void fill_trace(const struct lane *lane, int64_t step)
{
    const struct pg_record *record = lane->request.record;
    float *trace = lane->request.slots[OBS_TRACE];
    for (uint32_t i = 0; i < record->step_count && record->steps[i] < step; i++)
        if (isnan(trace[i]))
            trace[i] = pg_random_normal(&lane->random, i, 2, 0);
}

static void fill_row(const struct lane *lane)
{
    const struct pg_run_request *request = &lane->request;
    const struct pg_record *record = request->record;
    const struct pg_random *random = &lane->random;
    double *value = request->slots[OBS_VALUE];
    float *parameters = request->slots[OBS_PARAMETERS];
    *value = (double)pg_random_uniform(random, 0, 1, 0);
    fill_trace(lane, lane->budget + 1);
    for (uint32_t i = 0; i < record->snapshot_count; i++)
        for (uint32_t k = 0; k < (uint32_t)lane->width; k++)
            parameters[i * request->lengths[DIM_PARAMETER] + k] = pg_random_normal(random, k, 3, i);
}

/* ---- states ---- */

static int64_t steps_taken(const struct lane *lane)
{
    double share = 1.0 - (lane->end - pg_clock_wall()) / lane->seconds;
    return (int64_t)((double)lane->budget * fmax(0.0, fmin(1.0, share)));
}

/* What a run is between two steps. */
struct between {
    int64_t step;
    double left; /* seconds */
};

static void pass(const struct lane *lane, struct between *between, struct pg_state *state)
{
    const struct pg_record *record = lane->request.record;
    float *trace = lane->request.slots[OBS_TRACE];
    pg_state_pass(state, between, sizeof *between);
    for (size_t i = 0; i < record->step_count && record->steps[i] < between->step; i++)
        pg_state_pass(state, &trace[i], sizeof trace[i]);
}

/* A state that no file can hold. */
static void save_huge(const struct pg_run_source *source, const struct lane *lane)
{
    static unsigned char bytes[1 << 24];
    const struct rlimit limit = {sizeof bytes / 2, sizeof bytes / 2};
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        abort();
    source->save(source->context, lane->request.ticket, 0, bytes, sizeof bytes);
}

static void save(const struct pg_run_source *source, const struct lane *lane)
{
    unsigned char bytes[STATE_MAX];
    struct pg_state state = pg_state_save(bytes, sizeof bytes);
    struct between between = {steps_taken(lane), lane->end - pg_clock_wall()};
    fill_trace(lane, between.step);
    pass(lane, &between, &state);
    if (state.is_short)
        abort();
    source->save(source->context, lane->request.ticket, between.step, bytes, state.used);
}

/* Goes on from the request's state, if there is one and it has the size of its step. */
static bool resume(struct lane *lane)
{
    const struct pg_run_request *request = &lane->request;
    struct pg_state state = pg_state_load(request->state, request->state_size);
    struct pg_state measure = pg_state_measure();
    struct between between = {0, 0.0};
    if (request->state == NULL || request->state_size < sizeof between)
        return false;
    memcpy(&between, request->state, sizeof between);
    pass(lane, &between, &measure);
    if (measure.used != request->state_size)
        return false;
    pass(lane, &between, &state);
    lane->end = pg_clock_wall() + between.left;
    return true;
}

/* ---- runs ---- */

static void begin_run(struct lane *lane)
{
    const struct pg_values *values = &lane->request.values;
    const char *mode = pg_values_name(values, "mode"), *key = getenv("FAKE_KEY");
    lane->is_taken = true;
    lane->settings = hash(values);
    uint32_t mix = lane->settings;
    if (key != NULL && strcmp(key, "rank") == 0)
        mix ^= (uint32_t)my_rank();
    lane->random = pg_random_make(lane->request.seed, PG_STREAM_TEST, mix);
    lane->width = pg_values_integer(values, "width");
    lane->budget = pg_values_integer(values, "steps");
    lane->diverges = strcmp(mode, "diverges") == 0;
    lane->is_refused = strcmp(mode, "refused") == 0;
    lane->is_bad = lane->width == 4 && strcmp(mode, "plain") == 0 && lane->request.seed == 1 &&
                   fabs(pg_values_real(values, "rate") - 0.5) < 1e-9;
    double seconds =
        1e-3 * pg_values_real(values, "milliseconds") * (double)lane->width * (double)lane_count() *
        (getenv("FAKE_EVEN") != NULL ? 1.0
                                     : 0.5 + (double)pg_random_uniform(&lane->random, 0, 0, 0));
    lane->seconds = strcmp(mode, "slow") == 0 ? 1000.0 * seconds : seconds;
    lane->end = pg_clock_wall() + lane->seconds;
    fill_disk();
    write_log(lane->settings, lane->request.seed, resume(lane) ? "resume" : "begin");
    while (strcmp(mode, "stuck") == 0 && getenv("FAKE_CURED") == NULL)
        (void)pause();
}

/* An address that the compiler does not see through. */
static int *volatile nowhere;

static void crash_if_asked(const struct lane *lane)
{
    const char *how = getenv("FAKE_CRASH");
    if (how == NULL || !lane->is_bad)
        return;
    if (strcmp(how, "SEGV") == 0)
        *nowhere = 1;
    if (strcmp(how, "ABRT") == 0)
        abort();
    (void)raise(SIGFPE);
}

static void end_run(const struct pg_run_source *source, struct lane *lane)
{
    struct pg_run_result result = {.diverged = lane->diverges, .last_step = lane->budget};
    struct pg_error error;
    int status = 0;
    crash_if_asked(lane);
    write_log(lane->settings, lane->request.seed, "end");
    lane->is_taken = false;
    if (lane->is_refused) {
        status = pg_error_set(&error, PG_EMACHINE, "out of memory, as asked");
    } else {
        uint8_t *phase = lane->request.slots[OBS_PHASE];
        fill_row(lane);
        *phase = pg_random_below(&lane->random, 2, 0, 4, 0) != 0;
        result.phase = *phase;
    }
    source->finish(source->context, lane->request.ticket, status, &result, &error);
}

/* Ends what is due and fills free lanes; returns how many are taken. */
static size_t turn(const struct pg_run_source *source, struct lane *lanes)
{
    size_t taken = 0;
    for (size_t i = 0; i < lane_count(); i++) {
        if (lanes[i].is_taken && pg_clock_wall() >= lanes[i].end)
            end_run(source, &lanes[i]);
        if (!lanes[i].is_taken && source->next(source->context, &lanes[i].request))
            begin_run(&lanes[i]);
        taken += lanes[i].is_taken;
    }
    return taken;
}

static void make_step(void)
{
    const char *seconds = getenv("FAKE_STEP");
    double end = pg_clock_wall() + (seconds != NULL ? strtod(seconds, NULL) : 5e-4);
    do {
        const struct timespec slice = {0, 500000};
        (void)nanosleep(&slice, NULL);
    } while (pg_clock_wall() < end);
}

static int run(const struct pg_run_source *source, struct pg_error *error)
{
    struct lane lanes[LANES_MAX] = {{0}};
    while (turn(source, lanes) > 0) {
        enum pg_pause pause = source->pause(source->context);
        for (size_t i = 0; i < lane_count() && pg_pause_saves(pause); i++)
            if (lanes[i].is_taken && source->save != NULL)
                (getenv("FAKE_HUGE") != NULL ? save_huge : save)(source, &lanes[i]);
        if (pg_pause_leaves(pause))
            return pg_error_set(error, PG_ESTOPPED, "told to leave");
        make_step();
    }
    return 0;
}

const struct pg_experiment fake_experiment = {
    .name = "fake",
    .summary = "an experiment of the tests",
    .reference = "none",
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
