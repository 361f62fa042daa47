/* SPDX-License-Identifier: MIT */
/*
 * show: one run of a results file for people: settings, status, every number that the run has one
 * of, and where its trajectories ended. What it prints is read from the file alone, variable by
 * variable, so that a new observable needs nothing here.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "phasegrid/survey.h"
#include "subject.h"
#include "verbs.h"

enum { NAME_WIDTH = 24, VALUE_TEXT = 64 };

struct arguments {
    const char *path, *run;
    bool job, json;
};

static const struct argp_option options[] = {
    {"job", 'J', NULL, 0, "Print the job as a job file", 0},
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'J':
        arguments->job = true;
        return 0;
    case 'j':
        arguments->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->path == NULL)
            arguments->path = argument;
        else
            pg_arguments_take(state, argument, "run", &arguments->run);
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL)
            argp_error(state, "a results file is needed");
        if ((arguments->run == NULL) != arguments->job)
            argp_error(state, "give either a run (a number, or name=value,...,seed=0) or --job");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

/* ---- the run's numbers ---- */

static double number_at(enum pg_data_type type, const void *data, size_t index)
{
    switch (type) {
    case PG_U8:
        return ((const uint8_t *)data)[index];
    case PG_I32:
        return ((const int32_t *)data)[index];
    case PG_I64:
        return (double)((const int64_t *)data)[index];
    case PG_F32:
        return (double)((const float *)data)[index];
    case PG_F64:
    default:
        return ((const double *)data)[index];
    }
}

/* The point of a run's last measurement: the first at or behind `last_step`, which a run that ended
   early repeats from there on; where a run diverged nothing was measured, and it is the one before.
   A run still to do shows its first point. */
static size_t last_point(const struct pg_dimension *steps, double last_step, bool diverged)
{
    size_t point = 0;
    if (steps->kind != PG_COORDINATE_INTEGER)
        return 0;
    while (point + 1 < steps->length && (double)steps->coordinate.integers[point] < last_step)
        point++;
    return diverged && point > 0 ? point - 1 : point;
}

static const char *meaning_of(const struct pg_variable *variable, double code)
{
    const char *const *names = variable->meanings;
    for (int i = 0; names != NULL && names[i] != NULL; i++)
        if (i == (int)code)
            return names[i];
    return NULL;
}

/* A number as JSON: integers whole, what is not finite as null, codes by their names. */
static json_t *as_json(const struct pg_variable *variable, double number)
{
    const char *meaning = meaning_of(variable, number);
    if (meaning != NULL)
        return json_string(meaning);
    if (variable->type != PG_F32 && variable->type != PG_F64)
        return json_integer((json_int_t)number);
    return isfinite(number) ? json_real(number) : json_null();
}

/* One row of a variable; the caller frees it. NULL with the error set. */
static void *read_row(const struct pg_results *results, size_t variable, uint64_t run,
                      struct pg_error *error)
{
    void *data = malloc(pg_layout_row_bytes(results->layout, variable));
    if (data == NULL)
        pg_error_set(error, PG_EMACHINE, "out of memory: a row of %s",
                     results->layout->variables[variable].name);
    else if (pg_reader_rows(results->reader, variable, run, 1, data, error) != 0) {
        free(data);
        data = NULL;
    }
    return data;
}

/* Shown are variables with one number a run, and those over steps alone. */
static bool is_series(const struct pg_layout *layout, const struct pg_variable *variable)
{
    return variable->dim_count == 1 && strcmp(layout->dims[variable->dims[0]].name, "step") == 0;
}

static int collect(const struct pg_results *results, uint64_t run, json_t *numbers, json_t *series,
                   struct pg_error *error)
{
    const struct pg_layout *layout = results->layout;
    double last_step = (double)pg_results_last_step(results, run);
    bool diverged = results->statuses[run] == PG_ROW_DIVERGED;
    for (size_t i = PG_VARIABLE_ROW_CRC + 1; i < layout->variable_count; i++) {
        const struct pg_variable *variable = &layout->variables[i];
        bool over_steps = is_series(layout, variable);
        if (variable->scope != PG_SCOPE_RUN || (variable->dim_count > 0 && !over_steps))
            continue;
        void *data = read_row(results, i, run, error);
        if (data == NULL)
            return error->status;
        size_t point =
            over_steps ? last_point(&layout->dims[variable->dims[0]], last_step, diverged) : 0;
        json_object_set_new(over_steps ? series : numbers, variable->name,
                            as_json(variable, number_at(variable->type, data, point)));
        free(data);
    }
    return 0;
}

/* ---- settings and identity ---- */

static json_t *settings_as_json(const struct pg_job *job, uint64_t run, struct pg_value *scratch)
{
    json_t *settings = json_object();
    pg_job_cell_values(job, run / job->seed_count, scratch);
    for (size_t i = 0; i < job->schema->count; i++) {
        const struct pg_setting *setting = &job->schema->settings[i];
        char text[128];
        json_t *value = NULL;
        pg_value_print(setting, &scratch[i], text, sizeof text);
        if (scratch[i].type == PG_VALUE_REAL)
            value = json_real(scratch[i].real);
        else if (scratch[i].type == PG_VALUE_INTEGER)
            value = json_integer(scratch[i].integer);
        else
            value = json_string(text);
        json_object_set_new(settings, setting->name, value);
    }
    json_object_set_new(settings, "seed", json_integer(job->seeds[run % job->seed_count]));
    return settings;
}

static int describe(const struct pg_results *results, uint64_t run, json_t **ret_page,
                    struct pg_error *error)
{
    static const char *const states[] = {"todo", "done", "diverged", "failed"};
    const struct pg_job *job = results->subject.job;
    struct pg_value *scratch = calloc(job->schema->count, sizeof *scratch);
    json_t *numbers = json_object(), *series = json_object();
    if (scratch == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the settings of a run");
    char cell[512];
    pg_survey_print_cell(job, run / job->seed_count, cell, sizeof cell);
    uint8_t state = results->statuses[run];
    int status = collect(results, run, numbers, series, error);
    *ret_page = json_pack("{s:I, s:s, s:s, s:o, s:o, s:o}", "run", (json_int_t)run, "cell", cell,
                          "status", state <= PG_ROW_FAILED ? states[state] : "damaged", "settings",
                          settings_as_json(job, run, scratch), "values", numbers, "last", series);
    free(scratch);
    if (status == 0)
        return 0;
    json_decref(*ret_page);
    return status;
}

/* ---- printing ---- */

static const char *unit_of(const struct pg_results *results, const char *name)
{
    int variable = pg_layout_find_variable(results->layout, name);
    int setting = pg_schema_find(results->subject.job->schema, name);
    const char *unit = variable >= 0  ? results->layout->variables[variable].units
                       : setting >= 0 ? results->subject.job->schema->settings[setting].unit
                                      : NULL;
    return unit != NULL && strcmp(unit, "1") != 0 ? unit : "";
}

static void print_section(const struct pg_results *results, const char *title, json_t *section)
{
    (void)printf("%s\n", title);
    const char *name;
    json_t *value;
    json_object_foreach(section, name, value)
    {
        char text[VALUE_TEXT] = "-";
        if (json_is_integer(value))
            (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_real(value))
            (void)snprintf(text, sizeof text, "%.7g", json_real_value(value));
        const char *unit = unit_of(results, name);
        (void)printf("  %-*s %s%s%s\n", NAME_WIDTH, name,
                     json_is_string(value) ? json_string_value(value) : text,
                     unit[0] != '\0' ? " " : "", unit);
    }
}

static void print_page(const struct pg_results *results, const json_t *page)
{
    const char *cell = json_string_value(json_object_get(page, "cell"));
    (void)printf("run %" JSON_INTEGER_FORMAT ": %s%sseed %" JSON_INTEGER_FORMAT ": %s\n",
                 json_integer_value(json_object_get(page, "run")), cell,
                 cell[0] != '\0' ? ", " : "",
                 json_integer_value(json_object_get(json_object_get(page, "settings"), "seed")),
                 json_string_value(json_object_get(page, "status")));
    print_section(results, "settings", json_object_get(page, "settings"));
    if (strcmp(json_string_value(json_object_get(page, "status")), "todo") == 0)
        return;
    print_section(results, "values", json_object_get(page, "values"));
    print_section(results, "trajectories, last point", json_object_get(page, "last"));
}

static int show_run(const struct pg_results *results, const struct arguments *arguments,
                    struct pg_error *error)
{
    uint64_t run;
    json_t *page = NULL;
    int status = pg_results_find_run(results, arguments->run, &run, error);
    if (status == 0)
        status = describe(results, run, &page, error);
    if (status != 0)
        return status;
    if (arguments->json)
        return pg_json_print(page, error);
    print_page(results, page);
    json_decref(page);
    return 0;
}

/* Is the text that the file keeps its job? --set and extend make another one of it. */
static bool says_its_job(const struct pg_job *job)
{
    struct pg_job *read = NULL;
    char difference[200];
    if (pg_job_parse("", job->text, strlen(job->text), &job->schema, 1, NULL, 0, &read, NULL) != 0)
        return false;
    pg_job_difference(job, read, difference, sizeof difference);
    pg_job_destroy(read);
    return difference[0] == '\0';
}

/* The job as the user wrote it, if that is it; or all of it as YAML, or as canonical JSON. */
static int show_job(const struct pg_results *results, bool json, struct pg_error *error)
{
    const struct pg_job *job = results->subject.job;
    char *text = json                ? pg_job_canonical(job)
                 : says_its_job(job) ? strdup(job->text)
                                     : pg_job_yaml(job);
    if (text == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the job of %s", results->path);
    size_t length = strlen(text);
    (void)printf("%s%s", text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
    free(text);
    return 0;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    struct pg_results results;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    int status = pg_results_open(arguments.path, &results, error);
    if (status != 0)
        return status;
    status = arguments.job ? show_job(&results, arguments.json, error)
                           : show_run(&results, &arguments, error);
    pg_results_close(&results);
    return status;
}

const struct pg_verb pg_verb_show = {
    .name = "show",
    .summary = "show one run of a results file, or its job as a job file",
    .arguments = "FILE RUN\nFILE --job",
    .example = "  phasegrid show quick.h5 17\n"
               "  phasegrid show quick.h5 decoder_lr=1e-3,weight_decay=2,seed=0\n"
               "  phasegrid show quick.h5 --job",
    .run = run,
};
