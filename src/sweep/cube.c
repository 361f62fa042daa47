/* SPDX-License-Identifier: MIT */
/*
 * The layout of a job's results file.
 *
 *     dimensions  grid axes, seed, the experiment's own, segment unless it is among them
 *     variables   status, row_crc, failure, last_step; the experiment's observables;
 *                 wall_seconds ... attempts (volatile); segment_* over cells; settings of zip axes
 *
 * A dimension that is empty in every cell (no snapshots asked for) is left out, and with it the
 * observables over it.
 */
#include "cube.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own_variables.h"
#include "phasegrid/sweep.h"
#include "segments.h"
#include "setting_values.h"

enum { OWN_ATTRIBUTES = 10 };

/* While a cube is built. */
struct builder {
    struct pg_cube *cube;
    const struct pg_job *job;
    const struct pg_experiment *experiment;
    size_t dim_of[PG_EXPERIMENT_DIMS_MAX]; /* index into layout.dims; no_dimension: left out */
    const char **segments;                 /* (segment_count) names */
    size_t segment_count, segment_dim;
    enum pg_cube_extent extent;
    struct pg_error *error;
};

static const size_t no_dimension = SIZE_MAX;

/* The dimension of pg_segment_variables; an experiment may have variables over it, too. */
static const struct pg_experiment_dimension segment_dimension = {
    "segment", "matrix of the parameter vector", NULL};

/* `count` zeroed elements that live as long as the cube; NULL with the error set. */
static void *take(struct builder *builder, size_t count, size_t size)
{
    return pg_take(&builder->cube->pool, count, size, builder->error);
}

/* ---- dimensions ---- */

static int add_axis(struct builder *builder, const struct pg_axis *axis)
{
    struct pg_layout *layout = &builder->cube->layout;
    struct pg_dimension *dim = &layout->dims[layout->dim_count++];
    *dim = (struct pg_dimension){.name = axis->name, .length = axis->count};
    if (axis->is_zip) {
        dim->long_name = "index of settings that move together";
        return 0;
    }
    const struct pg_axis_member *member = &axis->members[0];
    const struct pg_setting *setting = &builder->job->schema->settings[member->setting];
    struct pg_setting_values values;
    int status = pg_setting_values_take(setting, member->values, axis->count, &builder->cube->pool,
                                        &values, builder->error);
    dim->long_name = setting->help;
    dim->units = setting->unit;
    dim->kind = values.kind;
    if (values.kind == PG_COORDINATE_REAL)
        dim->coordinate.reals = values.reals;
    else if (values.kind == PG_COORDINATE_INTEGER)
        dim->coordinate.integers = values.integers;
    else
        dim->coordinate.texts = values.texts;
    return status;
}

static int add_grid(struct builder *builder)
{
    const struct pg_job *job = builder->job;
    struct pg_layout *layout = &builder->cube->layout;
    for (size_t i = 0; i < job->axis_count; i++)
        if (add_axis(builder, &job->axes[i]) != 0)
            return PG_EMACHINE;
    int64_t *seeds = take(builder, job->seed_count, sizeof *seeds);
    if (seeds == NULL)
        return PG_EMACHINE;
    for (size_t i = 0; i < job->seed_count; i++)
        seeds[i] = job->seeds[i];
    layout->dims[layout->dim_count++] =
        (struct pg_dimension){.name = "seed",
                              .long_name = "seed of the random streams",
                              .length = job->seed_count,
                              .kind = PG_COORDINATE_INTEGER,
                              .coordinate.integers = seeds};
    layout->grid_count = layout->dim_count;
    return 0;
}

/* What the cube itself knows of a dimension by its name: recorded steps, snapshots and segments
   have lengths and coordinates of their own; all else is counted from 0 to the largest length. */
static struct pg_dimension own_dimension(const struct builder *builder,
                                         const struct pg_experiment_dimension *of, size_t longest)
{
    const struct pg_record *record = &builder->cube->record;
    struct pg_dimension dim = {
        .name = of->name, .long_name = of->long_name, .units = of->units, .length = longest};
    if (strcmp(of->name, "step") == 0) {
        dim.kind = PG_COORDINATE_INTEGER;
        dim.length = record->step_count;
        dim.coordinate.integers = record->steps;
    } else if (strcmp(of->name, "snapshot") == 0) {
        dim.kind = PG_COORDINATE_INTEGER;
        dim.length = record->snapshot_count;
        dim.coordinate.integers = record->snapshots;
    } else if (strcmp(of->name, "llc_step") == 0) {
        dim.kind = PG_COORDINATE_INTEGER;
        dim.length = record->llc_step_count;
        dim.coordinate.integers = record->llc_steps;
    } else if (strcmp(of->name, segment_dimension.name) == 0) {
        dim.kind = PG_COORDINATE_TEXT;
        dim.length = builder->segment_count;
        dim.coordinate.texts = builder->segments;
    }
    return dim;
}

/* Its index in the layout, or no_dimension when it is empty and left out. */
static size_t add_own_dimension(struct builder *builder, const struct pg_dimension *dim)
{
    struct pg_layout *layout = &builder->cube->layout;
    if (dim->length == 0)
        return no_dimension;
    layout->dims[layout->dim_count] = *dim;
    return layout->dim_count++;
}

static void add_own_dimensions(struct builder *builder)
{
    struct pg_cube *cube = builder->cube;
    builder->segment_dim = no_dimension;
    for (size_t i = 0; i < builder->experiment->dimension_count; i++) {
        struct pg_dimension dim =
            own_dimension(builder, &builder->experiment->dimensions[i], cube->survey.lengths[i]);
        cube->lengths[i] = dim.length;
        builder->dim_of[i] = add_own_dimension(builder, &dim);
        if (strcmp(dim.name, segment_dimension.name) == 0)
            builder->segment_dim = builder->dim_of[i];
    }
    if (builder->segment_dim == no_dimension) {
        struct pg_dimension dim = own_dimension(builder, &segment_dimension, 0);
        builder->segment_dim = add_own_dimension(builder, &dim);
    }
}

/* ---- variables ---- */

static size_t add_variable(struct builder *builder, const struct pg_variable *variable)
{
    struct pg_layout *layout = &builder->cube->layout;
    layout->variables[layout->variable_count] = *variable;
    return layout->variable_count++;
}

static bool is_swept(const struct pg_job *job, size_t setting)
{
    for (size_t a = 0; a < job->axis_count; a++)
        for (size_t m = 0; m < job->axes[a].member_count; m++)
            if (job->axes[a].members[m].setting == setting)
                return true;
    return false;
}

/* A threshold that is a setting is a number in the file, unless an axis moves the setting. */
static struct pg_attribute resolve(const struct builder *builder,
                                   const struct pg_observable_attribute *attribute)
{
    const struct pg_job *job = builder->job;
    struct pg_attribute resolved = {attribute->name, attribute->text, attribute->number};
    if (attribute->setting == NULL)
        return resolved;
    int setting = pg_schema_find(job->schema, attribute->setting);
    assert(setting >= 0);
    if (is_swept(job, (size_t)setting)) {
        resolved.text = attribute->setting;
        return resolved;
    }
    const struct pg_value *value = &job->values[setting];
    if (value->type == PG_VALUE_NAME)
        resolved.text = job->schema->settings[setting].names[value->integer];
    resolved.number = value->type == PG_VALUE_REAL ? value->real : (double)value->integer;
    return resolved;
}

static const struct pg_attribute *resolve_all(struct builder *builder,
                                              const struct pg_observable *of)
{
    struct pg_attribute *attributes = take(builder, of->attribute_count, sizeof *attributes);
    for (size_t i = 0; attributes != NULL && i < of->attribute_count; i++)
        attributes[i] = resolve(builder, &of->attributes[i]);
    return attributes;
}

static int add_observable(struct builder *builder, size_t index)
{
    const struct pg_observable *of = &builder->experiment->observables[index];
    struct pg_variable variable = {.name = of->name,
                                   .long_name = of->long_name,
                                   .units = of->units,
                                   .type = of->type,
                                   .dim_count = of->dim_count,
                                   .fill = of->fill,
                                   .meanings = of->meanings,
                                   .unwritten_meaning = of->unwritten_meaning,
                                   .is_volatile = of->is_volatile,
                                   .attributes = resolve_all(builder, of),
                                   .attribute_count = of->attribute_count};
    builder->cube->observables[index] = -1;
    if (variable.attributes == NULL)
        return PG_EMACHINE;
    for (size_t d = 0; d < of->dim_count; d++) {
        variable.dims[d] = builder->dim_of[of->dims[d]];
        if (variable.dims[d] == no_dimension)
            return 0;
    }
    builder->cube->observables[index] = (int)add_variable(builder, &variable);
    return 0;
}

/* blas_core says something only where OpenBLAS multiplies. */
static bool is_own_wanted(const struct builder *builder, size_t which)
{
    return which != PG_OWN_BLAS_CORE || pg_survey_uses_blas(&builder->cube->survey);
}

static void add_own_variables(struct builder *builder, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        builder->cube->own[i] =
            is_own_wanted(builder, i) ? (int)add_variable(builder, &pg_own_variables[i]) : -1;
}

static int add_run_variables(struct builder *builder)
{
    (void)add_variable(builder, &pg_status_variable);
    (void)add_variable(builder, &pg_crc_variable);
    add_own_variables(builder, 0, PG_OWN_BEFORE);
    for (size_t i = 0; i < builder->experiment->observable_count; i++)
        if (add_observable(builder, i) != 0)
            return PG_EMACHINE;
    add_own_variables(builder, PG_OWN_BEFORE, PG_OWN_COUNT);
    return 0;
}

static int add_zip_member(struct builder *builder, size_t axis, size_t index)
{
    const struct pg_axis *of = &builder->job->axes[axis];
    const struct pg_axis_member *member = &of->members[index];
    const struct pg_setting *setting = &builder->job->schema->settings[member->setting];
    struct pg_setting_values values;
    int status = pg_setting_values_take(setting, member->values, of->count, &builder->cube->pool,
                                        &values, builder->error);
    bool is_integer = values.kind == PG_COORDINATE_INTEGER;
    const struct pg_variable variable = {
        .name = setting->name,
        .long_name = setting->help,
        .units = setting->unit,
        .type = is_integer ? PG_I64 : PG_F64,
        .scope = PG_SCOPE_AXIS,
        .dim_count = 1,
        .dims = {axis},
        .fill = is_integer ? 0.0 : PG_NAN,
        .data = is_integer ? (const void *)values.integers : (const void *)values.reals,
        .texts = values.texts,
    };
    (void)add_variable(builder, &variable);
    return status;
}

static int add_zip_members(struct builder *builder)
{
    const struct pg_job *job = builder->job;
    for (size_t i = 0; i < job->axis_count; i++)
        for (size_t m = 0; job->axes[i].is_zip && m < job->axes[i].member_count; m++)
            if (add_zip_member(builder, i, m) != 0)
                return PG_EMACHINE;
    return 0;
}

/* ---- segments: where each matrix of a cell's model stands ---- */

static int name_segments(struct builder *builder)
{
    const struct pg_survey *survey = &builder->cube->survey;
    builder->segments = take(builder, pg_segments_count(survey), sizeof *builder->segments);
    if (builder->segments == NULL)
        return PG_EMACHINE;
    builder->segment_count = pg_segments_name(survey, builder->segments);
    return 0;
}

static int add_segment_variable(struct builder *builder, enum pg_segment_part part)
{
    const struct pg_survey *survey = &builder->cube->survey;
    struct pg_variable variable = pg_segment_variables[part];
    variable.dims[0] = builder->segment_dim;
    if (builder->extent == PG_CUBE_WITH_DATA) {
        int64_t *data = take(builder, survey->cell_count * builder->segment_count, sizeof *data);
        if (data == NULL)
            return PG_EMACHINE;
        pg_segments_describe(survey, builder->segments, builder->segment_count, part, data);
        variable.data = data;
    }
    (void)add_variable(builder, &variable);
    return 0;
}

static int add_segment_variables(struct builder *builder)
{
    for (int part = 0; part < PG_SEGMENT_PARTS && builder->segment_count > 0; part++)
        if (add_segment_variable(builder, (enum pg_segment_part)part) != 0)
            return PG_EMACHINE;
    return 0;
}

/* ---- attributes of the file ---- */

static const char *take_canonical(struct builder *builder)
{
    char *json = pg_job_canonical(builder->job);
    char *copy = json != NULL ? take(builder, strlen(json) + 1, 1) : NULL;
    if (json == NULL)
        pg_error_set(builder->error, PG_EMACHINE, "out of memory: the job's canonical text");
    if (copy != NULL)
        memcpy(copy, json, strlen(json) + 1);
    free(json);
    return copy;
}

static void add_text(struct pg_layout *layout, const char *name, const char *text)
{
    if (text != NULL)
        layout->attributes[layout->attribute_count++] = (struct pg_attribute){name, text, 0.0};
}

/* Our own kernels give the same bytes on every machine, OpenBLAS's only on cores of a kind. */
static const char *what_bytes_depend_on(const struct pg_survey *survey)
{
    return pg_survey_uses_blas(survey)
               ? "settings, seed, and the core of OpenBLAS where blas_core names one"
               : "settings and seed";
}

static int add_attributes(struct builder *builder)
{
    struct pg_layout *layout = &builder->cube->layout;
    const struct pg_experiment *experiment = builder->experiment;
    const char *canonical = take_canonical(builder);
    layout->attributes = take(builder, OWN_ATTRIBUTES, sizeof *layout->attributes);
    if (canonical == NULL || layout->attributes == NULL)
        return PG_EMACHINE;
    add_text(layout, "title",
             builder->job->title[0] != '\0' ? builder->job->title : experiment->summary);
    add_text(layout, "Conventions", "CF-1.8");
    layout->attributes[layout->attribute_count++] =
        (struct pg_attribute){"numerics", NULL, PG_NUMERICS};
    add_text(layout, "experiment", experiment->name);
    add_text(layout, "reference", experiment->reference);
    add_text(layout, "job", canonical);
    add_text(layout, "job_text", builder->job->text);
    add_text(layout, "shard_of", builder->job->whole);
    add_text(layout, "source", "phasegrid " PG_VERSION);
    add_text(layout, "bytes_depend_on", what_bytes_depend_on(&builder->cube->survey));
    return 0;
}

/* ---- the whole ---- */

static int take_tables(struct builder *builder)
{
    const struct pg_experiment *experiment = builder->experiment;
    struct pg_layout *layout = &builder->cube->layout;
    size_t dims = builder->job->axis_count + 1 + experiment->dimension_count + 1;
    size_t variables = 2 + PG_OWN_COUNT + experiment->observable_count + PG_SEGMENT_PARTS;
    for (size_t i = 0; i < builder->job->axis_count; i++)
        variables += builder->job->axes[i].member_count;
    layout->dims = take(builder, dims, sizeof *layout->dims);
    layout->variables = take(builder, variables, sizeof *layout->variables);
    builder->cube->observables =
        take(builder, experiment->observable_count + 1, sizeof *builder->cube->observables);
    return layout->dims == NULL || layout->variables == NULL || builder->cube->observables == NULL
               ? PG_EMACHINE
               : 0;
}

static int make_record(struct builder *builder)
{
    struct pg_cube *cube = builder->cube;
    struct pg_record *record = &cube->record;
    record->snapshots = builder->job->snapshots;
    record->snapshot_count = builder->job->snapshot_count;
    record->stop_when_decided = builder->job->stop == PG_STOP_DECIDED;
    int status = pg_job_record_steps(builder->job, cube->survey.steps, &cube->record_steps,
                                     &record->step_count, builder->error);
    record->steps = cube->record_steps;
    if (status == 0)
        status = pg_job_llc_steps(builder->job, cube->survey.steps, &cube->llc_steps,
                                  &record->llc_step_count, builder->error);
    record->llc_steps = cube->llc_steps;
    return status;
}

/* Dimensions and variables are objects of one folder in the file. */
static const char *object_name(const struct pg_layout *layout, size_t index)
{
    return index < layout->dim_count ? layout->dims[index].name
                                     : layout->variables[index - layout->dim_count].name;
}

static int check_names(const struct builder *builder)
{
    const struct pg_layout *layout = &builder->cube->layout;
    for (size_t i = 0; i < layout->dim_count + layout->variable_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(object_name(layout, i), object_name(layout, j)) == 0)
                return pg_error_set(builder->error, PG_EINPUT,
                                    "grid: the name \"%s\" is taken by another dimension or "
                                    "variable of the results file",
                                    object_name(layout, i));
    return 0;
}

static int build(struct builder *builder)
{
    struct pg_cube *cube = builder->cube;
    int status =
        builder->extent == PG_CUBE_BOUND
            ? pg_survey_init_first(&cube->survey, builder->job, builder->experiment, builder->error)
            : pg_survey_init(&cube->survey, builder->job, builder->experiment, builder->error);
    if (status == 0)
        status = make_record(builder);
    if (status != 0)
        return status;
    if (take_tables(builder) != 0 || name_segments(builder) != 0 || add_grid(builder) != 0)
        return PG_EMACHINE;
    add_own_dimensions(builder);
    if (add_run_variables(builder) != 0 || add_segment_variables(builder) != 0 ||
        add_zip_members(builder) != 0 || add_attributes(builder) != 0)
        return PG_EMACHINE;
    return check_names(builder);
}

int pg_cube_build(const struct pg_job *job, const struct pg_experiment *experiment,
                  enum pg_cube_extent extent, struct pg_cube **ret_cube, struct pg_error *error)
{
    struct pg_cube *cube = calloc(1, sizeof *cube);
    if (cube == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the layout of the results file");
    struct builder builder = {
        .cube = cube, .job = job, .experiment = experiment, .extent = extent, .error = error};
    int status = build(&builder);
    if (status != 0) {
        pg_cube_release(cube);
        return status;
    }
    *ret_cube = cube;
    return 0;
}

int pg_cube_numerics(const struct pg_layout *layout)
{
    for (size_t i = 0; i < layout->attribute_count; i++)
        if (strcmp(layout->attributes[i].name, "numerics") == 0 &&
            layout->attributes[i].text == NULL)
            return (int)layout->attributes[i].number;
    return -1;
}

void pg_cube_release(struct pg_cube *cube)
{
    if (cube == NULL)
        return;
    pg_survey_release(&cube->survey);
    free(cube->record_steps);
    free(cube->llc_steps);
    pg_pool_release(&cube->pool);
    free(cube);
}

int pg_cube_create(const struct pg_job *job, const struct pg_experiment *experiment,
                   struct pg_layout **ret_layout, struct pg_error *error)
{
    struct pg_cube *cube = NULL;
    int status = pg_cube_build(job, experiment, PG_CUBE_WITH_DATA, &cube, error);
    if (status == 0)
        *ret_layout = &cube->layout;
    return status;
}

void pg_cube_destroy(struct pg_layout *layout)
{
    pg_cube_release((struct pg_cube *)layout);
}
