/* SPDX-License-Identifier: MIT */
/* list: what there is to choose from, each topic one row of a table. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "listing.h"
#include "phase_style.h"
#include "phasegrid/kernel.h"
#include "phasegrid/nearest.h"
#include "subject.h"
#include "verbs.h"

enum { TOPICS_MAX = 16, TEXT_MAX = 256 };

struct topic {
    const char *name;
    const char *columns[8]; /* NULL-terminated */
    bool by_experiment;
    /* experiment: NULL unless by_experiment */
    json_t *(*list)(const struct pg_experiment *experiment);
};

static json_t *list_experiments(const struct pg_experiment *none)
{
    json_t *rows = json_array();
    (void)none;
    for (size_t i = 0; pg_experiments[i] != NULL; i++)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s?}", "name", pg_experiments[i]->name,
                                              "summary", pg_experiments[i]->summary, "reference",
                                              pg_experiments[i]->reference));
    return rows;
}

static void join_names(const char *const *names, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (; *names != NULL && used < size; names++) {
        int length = snprintf(text + used, size - used, "%s%s", used > 0 ? " | " : "", *names);
        used += length > 0 ? (size_t)length : 0;
    }
}

/* "adamw | sgd", "1 .. 4096", "> 0", "any" */
static void print_range(const struct pg_setting *setting, char *text, size_t size)
{
    bool has_min = setting->min > -1e300, has_max = setting->max < 1e300;
    if (setting->type == PG_VALUE_NAME)
        join_names(setting->names, text, size);
    else if (setting->type == PG_VALUE_MATRIX)
        (void)snprintf(text, size, "none | a file of 0 and 1");
    else if (has_min && has_max)
        (void)snprintf(text, size, "%s%.12g .. %.12g", setting->above_min ? "above " : "",
                       setting->min, setting->max);
    else if (has_min)
        (void)snprintf(text, size, "%s %.12g", setting->above_min ? ">" : ">=", setting->min);
    else if (has_max)
        (void)snprintf(text, size, "<= %.12g", setting->max);
    else
        (void)snprintf(text, size, "any");
}

static json_t *list_settings(const struct pg_experiment *experiment)
{
    static const char *const types[] = {"real", "integer", "name", "list", "matrix"};
    json_t *rows = json_array();
    for (size_t i = 0; i < experiment->schema->count; i++) {
        const struct pg_setting *setting = &experiment->schema->settings[i];
        char range[TEXT_MAX];
        print_range(setting, range, sizeof range);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s}", "experiment",
                                              experiment->name, "name", setting->name, "type",
                                              types[setting->type], "range", range, "default",
                                              setting->fallback, "unit", setting->unit, "help",
                                              setting->help));
    }
    return rows;
}

static void print_dimensions(const struct pg_experiment *experiment,
                             const struct pg_observable *observable, char *text, size_t size)
{
    size_t used = 0;
    (void)snprintf(text, size, "-");
    for (size_t i = 0; i < observable->dim_count && used < size; i++) {
        int length = snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                              experiment->dimensions[observable->dims[i]].name);
        used += length > 0 ? (size_t)length : 0;
    }
}

static json_t *list_observables(const struct pg_experiment *experiment)
{
    static const char *const types[] = {"uint8", "int32", "int64", "float32", "float64"};
    json_t *rows = json_array();
    for (size_t i = 0; i < experiment->observable_count; i++) {
        const struct pg_observable *observable = &experiment->observables[i];
        char dimensions[TEXT_MAX];
        print_dimensions(experiment, observable, dimensions, sizeof dimensions);
        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?}", "experiment",
                                        experiment->name, "name", observable->name, "type",
                                        types[observable->type], "dimensions", dimensions, "unit",
                                        observable->units, "description", observable->long_name));
    }
    return rows;
}

static json_t *list_phases(const struct pg_experiment *experiment)
{
    struct pg_phase_style styles[PG_PHASES_MAX];
    size_t count = pg_phase_styles(experiment->phase_names, styles);
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows,
                              json_pack("{s:s, s:i, s:s%, s:s}", "experiment", experiment->name,
                                        "code", (int)i, "letter", &styles[i].letter, (size_t)1,
                                        "name", experiment->phase_names[i]));
    return rows;
}

/* "in use" is what a run would take here now (PHASEGRID_KERNEL counts). */
static json_t *list_kernels(const struct pg_experiment *none)
{
    const struct pg_kernel *chosen = NULL;
    json_t *rows = json_array();
    (void)none;
    if (pg_kernel_choose(&chosen, NULL) != 0)
        chosen = NULL;
    for (size_t i = 0; pg_kernels[i] != NULL; i++) {
        const char *state = pg_kernels[i] == chosen                 ? "in use"
                            : pg_kernel_is_supported(pg_kernels[i]) ? "supported"
                                                                    : "not on this CPU";
        json_array_append_new(rows, json_pack("{s:s, s:i, s:s}", "name", pg_kernels[i]->name,
                                              "lanes", (int)pg_kernels[i]->lanes, "state", state));
    }
    return rows;
}

static json_t *list_verbs(const struct pg_experiment *none)
{
    json_t *rows = json_array();
    (void)none;
    for (size_t i = 0; pg_verbs[i] != NULL; i++)
        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:s}", "name", pg_verbs[i]->name, "arguments",
                                        pg_verbs[i]->arguments, "summary", pg_verbs[i]->summary));
    return rows;
}

static const struct topic topics[] = {
    {"experiments", {"name", "summary", "reference"}, false, list_experiments},
    {"settings", {"name", "type", "range", "default", "unit", "help"}, true, list_settings},
    {"observables", {"name", "type", "dimensions", "unit", "description"}, true, list_observables},
    {"phases", {"code", "letter", "name"}, true, list_phases},
    {"kernels", {"name", "lanes", "state"}, false, list_kernels},
    {"verbs", {"name", "arguments", "summary"}, false, list_verbs},
};
enum { TOPIC_COUNT = sizeof topics / sizeof topics[0] };

struct arguments {
    const char *topic, *experiment;
    bool json;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'j':
        arguments->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->topic == NULL)
            arguments->topic = argument;
        else
            pg_arguments_take(state, argument, "experiment", &arguments->experiment);
        return 0;
    case ARGP_KEY_END:
        if (arguments->topic == NULL)
            argp_error(state, "a topic is needed: experiments, settings, observables, phases, "
                              "kernels or verbs");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

static int find_topic(const char *name, const struct topic **ret_topic, struct pg_error *error)
{
    const char *names[TOPICS_MAX];
    char known[TEXT_MAX] = "";
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        if (strcmp(topics[i].name, name) == 0) {
            *ret_topic = &topics[i];
            return 0;
        }
        names[i] = topics[i].name;
        size_t used = strlen(known);
        (void)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    const char *near = pg_nearest(name, names, TOPIC_COUNT);
    return pg_error_set(error, PG_EINPUT, "list: '%s' is not a topic%s%s%s; there are: %s", name,
                        near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                        near != NULL ? "'?" : "", known);
}

/* The topic's rows, of every experiment or of one. */
static json_t *collect(const struct topic *topic, const struct pg_experiment *only)
{
    if (!topic->by_experiment)
        return topic->list(NULL);
    json_t *rows = json_array();
    for (size_t i = 0; pg_experiments[i] != NULL; i++) {
        if (only != NULL && only != pg_experiments[i])
            continue;
        json_t *more = topic->list(pg_experiments[i]);
        json_array_extend(rows, more);
        json_decref(more);
    }
    return rows;
}

static void print_tables(const struct topic *topic, const struct pg_experiment *only)
{
    for (size_t i = 0; pg_experiments[i] != NULL; i++) {
        if (only != NULL && only != pg_experiments[i])
            continue;
        json_t *rows = topic->list(topic->by_experiment ? pg_experiments[i] : NULL);
        if (topic->by_experiment && only == NULL)
            (void)printf("%s%s\n", i > 0 ? "\n" : "", pg_experiments[i]->name);
        pg_listing_print_table(rows, topic->columns);
        json_decref(rows);
        if (!topic->by_experiment)
            return;
    }
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    const struct topic *topic = NULL;
    const struct pg_experiment *only = NULL;
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    if (find_topic(arguments.topic, &topic, error) != 0)
        return error->status;
    if (arguments.experiment != NULL && !topic->by_experiment)
        return pg_error_set(error, PG_EINPUT, "list %s: '%s' is too much", topic->name,
                            arguments.experiment);
    if (arguments.experiment != NULL &&
        pg_experiment_demand(arguments.experiment, &only, error) != 0)
        return error->status;
    if (arguments.json)
        return pg_json_print(collect(topic, only), error);
    print_tables(topic, only);
    return 0;
}

const struct pg_verb pg_verb_list = {
    .name = "list",
    .summary = "list experiments, settings, observables, phases, kernels or verbs",
    .arguments = "TOPIC [EXPERIMENT]",
    .example = "  phasegrid list experiments\n"
               "  phasegrid list settings addition\n"
               "  phasegrid list observables addition --json\n"
               "  PHASEGRID_KERNEL=avx2 phasegrid list kernels",
    .run = run,
};
