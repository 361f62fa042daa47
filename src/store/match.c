/* SPDX-License-Identifier: MIT */
/*
 * The layout that a file has against the one that a job wants: dimensions in order with their
 * coordinates, then variables in order (the rows' CRCs run over them in that order). Attributes
 * and the data of cells are not compared: they follow from the job, which is compared elsewhere.
 */
#include "match.h"

#include <stdio.h>
#include <string.h>

#include "h5.h"
#include "phasegrid/row_difference.h"
#include "rows.h"

static const char *kind_name(const struct pg_dimension *dim)
{
    if (dim->kind == PG_COORDINATE_TEXT)
        return "text";
    return dim->kind == PG_COORDINATE_REAL ? "float64" : "int64";
}

/* Of two coordinates that differ, the first value that does. */
static int name_value(const struct pg_dimension *file, const struct pg_dimension *job,
                      struct pg_error *error)
{
    for (size_t i = 0; i < job->length; i++) {
        char found[300], expected[300];
        pg_coordinate_print(file, i, found, sizeof found);
        pg_coordinate_print(job, i, expected, sizeof expected);
        if (strcmp(found, expected) != 0)
            return pg_error_set(error, PG_EMISMATCH,
                                "value %zu of dimension '%s' is %s in the file, %s in the job",
                                i + 1, job->name, found, expected);
    }
    return pg_error_set(error, PG_EMISMATCH, "a value of dimension '%s' differs from the job's",
                        job->name);
}

static int match_dimension(const struct pg_dimension *file, const struct pg_dimension *job,
                           struct pg_error *error)
{
    if (strcmp(file->name, job->name) != 0)
        return pg_error_set(error, PG_EMISMATCH,
                            "dimension '%s' in the file stands where the job has '%s'", file->name,
                            job->name);
    if (file->length != job->length)
        return pg_error_set(error, PG_EMISMATCH,
                            "dimension '%s' has length %zu in the file, %zu in the job", job->name,
                            file->length, job->length);
    if (strcmp(kind_name(file), kind_name(job)) != 0)
        return pg_error_set(error, PG_EMISMATCH,
                            "the coordinate of dimension '%s' is %s in the file, %s in the job",
                            job->name, kind_name(file), kind_name(job));
    return pg_coordinate_equal(file, job) ? 0 : name_value(file, job, error);
}

static int match_dimensions(const struct pg_layout *file, const struct pg_layout *job,
                            struct pg_error *error)
{
    int status = 0;
    if (file->grid_count != job->grid_count)
        return pg_error_set(error, PG_EMISMATCH,
                            "the grid has %zu axes in the file, %zu in the job (seed included)",
                            file->grid_count, job->grid_count);
    for (size_t i = 0; i < job->dim_count && i < file->dim_count && status == 0; i++)
        status = match_dimension(&file->dims[i], &job->dims[i], error);
    if (status == 0 && file->dim_count != job->dim_count)
        return pg_error_set(error, PG_EMISMATCH, "%zu dimensions in the file, %zu in the job",
                            file->dim_count, job->dim_count);
    return status;
}

/* "float32 (decoder_lr, seed, step)" */
static void print_shape(const struct pg_layout *layout, size_t variable, char *text, size_t size)
{
    const struct pg_variable *of = &layout->variables[variable];
    size_t dims[H5S_MAX_RANK], rank = pg_rows_dims(layout, variable, dims), used;
    used = (size_t)snprintf(text, size, "%s (",
                            of->texts != NULL ? "text" : pg_h5_type_name(of->type));
    for (size_t i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                                 layout->dims[dims[i]].name);
    if (used < size)
        (void)snprintf(text + used, size - used, ")");
}

static int match_variable(const struct pg_layout *file, const struct pg_layout *job, size_t at,
                          struct pg_error *error)
{
    const char *name = job->variables[at].name;
    char found[700], expected[700];
    if (pg_layout_find_variable(file, name) < 0)
        return pg_error_set(error, PG_EMISMATCH, "the file lacks variable '%s' of the job", name);
    if (strcmp(file->variables[at].name, name) != 0)
        return pg_error_set(error, PG_EMISMATCH,
                            "variable '%s' in the file stands where the job has '%s'",
                            file->variables[at].name, name);
    print_shape(file, at, found, sizeof found);
    print_shape(job, at, expected, sizeof expected);
    if (strcmp(found, expected) != 0)
        return pg_error_set(error, PG_EMISMATCH, "variable '%s' is %s in the file, %s in the job",
                            name, found, expected);
    return 0;
}

int pg_layout_match(const struct pg_layout *file, const struct pg_layout *job,
                    struct pg_error *error)
{
    int status = match_dimensions(file, job, error);
    for (size_t i = 0; i < job->variable_count && status == 0; i++) {
        if (i >= file->variable_count)
            return pg_error_set(error, PG_EMISMATCH, "the file lacks variable '%s' of the job",
                                job->variables[i].name);
        status = match_variable(file, job, i, error);
    }
    if (status == 0 && file->variable_count > job->variable_count)
        return pg_error_set(error, PG_EMISMATCH, "variable '%s' in the file is not of the job",
                            file->variables[job->variable_count].name);
    return status;
}
