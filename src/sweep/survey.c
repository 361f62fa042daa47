/* SPDX-License-Identifier: MIT */
/*
 * The distinct shapes of a job's cells. A shape is compared by its bytes (it is cleared before the
 * experiment fills it, and its names are constants), first with the one of the cell before, then in
 * a balanced tree; so a job whose every cell has its own shape costs no more than a logarithm.
 */
#include "phasegrid/survey.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A node of the tree: the shape and where it stands in the list. */
struct known_shape {
    struct pg_shape shape;
    uint32_t index;
};

struct tree {
    void *root;
};

/* Equal numbers with different bytes (0 and -0) would only make one shape more. */
static int compare_bytes(const struct pg_shape *a, const struct pg_shape *b)
{
    return memcmp(a, b, sizeof *a); /* NOLINT(bugprone-suspicious-memory-comparison) */
}

static int compare_shapes(const void *a, const void *b)
{
    const struct known_shape *left = a, *right = b;
    return compare_bytes(&left->shape, &right->shape);
}

static int out_of_memory(const struct pg_survey *survey, struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE,
                        "out of memory: the shapes of %llu cells (%zu different ones so far)",
                        (unsigned long long)survey->cell_count, survey->shape_count);
}

/* Puts the shape at the end of the list, which doubles at powers of two. */
static int append_shape(struct pg_survey *survey, const struct pg_shape *shape,
                        struct pg_error *error)
{
    size_t count = survey->shape_count;
    if ((count & (count - 1)) == 0) {
        size_t room = count > 0 ? 2 * count : 1;
        struct pg_shape *larger = realloc(survey->shapes, room * sizeof *larger);
        if (larger == NULL)
            return out_of_memory(survey, error);
        survey->shapes = larger;
    }
    survey->shapes[survey->shape_count++] = *shape;
    return 0;
}

/* The shape's index in the list, where it is put when it is new. */
static int index_shape(struct pg_survey *survey, struct tree *tree, const struct pg_shape *shape,
                       uint32_t *ret_index, struct pg_error *error)
{
    struct known_shape *fresh = malloc(sizeof *fresh);
    if (fresh == NULL)
        return out_of_memory(survey, error);
    fresh->shape = *shape;
    fresh->index = (uint32_t)survey->shape_count;
    struct known_shape **node = tsearch(fresh, &tree->root, compare_shapes);
    if (node == NULL) {
        free(fresh);
        return out_of_memory(survey, error);
    }
    bool is_new = *node == fresh;
    *ret_index = (*node)->index;
    if (!is_new)
        free(fresh);
    return is_new ? append_shape(survey, shape, error) : 0;
}

static int name_cell(const struct pg_job *job, uint64_t cell, struct pg_error *error)
{
    char text[512];
    pg_survey_print_cell(job, cell, text, sizeof text);
    if (error == NULL || text[0] == '\0')
        return error != NULL ? error->status : PG_EINPUT;
    return pg_error_prefix(error, "%s", text);
}

static int shape_cell(const struct pg_job *job, const struct pg_experiment *experiment,
                      uint64_t cell, struct pg_value *scratch, struct pg_shape *ret_shape,
                      struct pg_error *error)
{
    const struct pg_values values = {job->schema, scratch};
    pg_job_cell_values(job, cell, scratch);
    memset(ret_shape, 0, sizeof *ret_shape);
    if (experiment->check != NULL && experiment->check(&values, error) != 0)
        return name_cell(job, cell, error);
    if (pg_job_has_llc(job) && experiment->check_llc != NULL &&
        experiment->check_llc(&values, error) != 0)
        return name_cell(job, cell, error);
    if (experiment->shape(&values, ret_shape, error) != 0)
        return name_cell(job, cell, error);
    if (pg_job_has_llc(job))
        ret_shape->bytes += ret_shape->llc_bytes;
    return 0;
}

static int survey_cells(struct pg_survey *survey, struct tree *tree, const struct pg_job *job,
                        const struct pg_experiment *experiment, struct pg_value *scratch,
                        struct pg_error *error)
{
    uint32_t last = 0;
    for (uint64_t cell = 0; cell < survey->cell_count; cell++) {
        struct pg_shape shape;
        int status = shape_cell(job, experiment, cell, scratch, &shape, error);
        if (status != 0)
            return status;
        if (survey->shape_count == 0 || compare_bytes(&shape, &survey->shapes[last]) != 0) {
            status = index_shape(survey, tree, &shape, &last, error);
            if (status != 0)
                return status;
        }
        survey->shape_of[cell] = last;
    }
    return 0;
}

static void take_largest(struct pg_survey *survey)
{
    for (size_t i = 0; i < survey->shape_count; i++) {
        const struct pg_shape *shape = &survey->shapes[i];
        for (size_t d = 0; d < PG_EXPERIMENT_DIMS_MAX; d++)
            if (shape->lengths[d] > survey->lengths[d])
                survey->lengths[d] = shape->lengths[d];
        if (shape->steps > survey->steps)
            survey->steps = shape->steps;
    }
}

static int init(struct pg_survey *survey, uint64_t cell_count, const struct pg_job *job,
                const struct pg_experiment *experiment, struct pg_error *error)
{
    struct tree tree = {NULL};
    memset(survey, 0, sizeof *survey);
    survey->cell_count = cell_count;
    survey->shape_of = calloc(survey->cell_count, sizeof *survey->shape_of);
    struct pg_value *scratch = calloc(job->schema->count, sizeof *scratch);
    int status = survey->shape_of == NULL || scratch == NULL
                     ? out_of_memory(survey, error)
                     : survey_cells(survey, &tree, job, experiment, scratch, error);
    tdestroy(tree.root, free);
    free(scratch);
    if (status != 0) {
        pg_survey_release(survey);
        return status;
    }
    take_largest(survey);
    return 0;
}

int pg_survey_init(struct pg_survey *survey, const struct pg_job *job,
                   const struct pg_experiment *experiment, struct pg_error *error)
{
    return init(survey, pg_job_cell_count(job), job, experiment, error);
}

int pg_survey_init_first(struct pg_survey *survey, const struct pg_job *job,
                         const struct pg_experiment *experiment, struct pg_error *error)
{
    return init(survey, 1, job, experiment, error);
}

void pg_survey_release(struct pg_survey *survey)
{
    free(survey->shape_of);
    free(survey->shapes);
    memset(survey, 0, sizeof *survey);
}

size_t pg_survey_lanes(const struct pg_survey *survey)
{
    size_t most = 1;
    for (size_t i = 0; i < survey->shape_count; i++)
        if (survey->shapes[i].lanes > most)
            most = survey->shapes[i].lanes;
    return most;
}

bool pg_survey_uses_blas(const struct pg_survey *survey)
{
    for (size_t i = 0; i < survey->shape_count; i++)
        if (survey->shapes[i].uses_blas)
            return true;
    return false;
}

void pg_survey_print_cell(const struct pg_job *job, uint64_t cell, char *text, size_t size)
{
    uint64_t stride = pg_job_cell_count(job);
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < job->axis_count; i++) {
        const struct pg_axis *axis = &job->axes[i];
        stride /= axis->count;
        size_t at = (size_t)(cell / stride % axis->count);
        for (size_t m = 0; m < axis->member_count && used < size; m++) {
            const struct pg_axis_member *member = &axis->members[m];
            const struct pg_setting *setting = &job->schema->settings[member->setting];
            char value[128];
            pg_value_print(setting, &member->values[at], value, sizeof value);
            int length = snprintf(text + used, size - used, "%s%s %s", used > 0 ? ", " : "",
                                  setting->name, value);
            used += length > 0 ? (size_t)length : 0;
        }
    }
}
