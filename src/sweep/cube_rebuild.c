/* SPDX-License-Identifier: MIT */
/*
 * What the store needs to rebuild a file: the layout of the new job, for every run of a source its
 * row there, and what a run is in a variable that its file did not have.
 */
#include "phasegrid/cube_rebuild.h"

#include <stdlib.h>

#include "cube.h"
#include "launch.h"
#include "phasegrid/sweep.h"

/* A file without blas_core has no run that OpenBLAS multiplied: code 0 is "none". Without numerics
   of their own, runs have the file's. */
static const struct pg_attribute missing[] = {{"blas_core", NULL, 0.0},
                                              {"numerics", NULL, PG_NUMERICS}};

static int check_source(const struct pg_cube_source *source, struct pg_error *error)
{
    const struct pg_layout *layout = pg_reader_layout(source->reader);
    int numerics = pg_cube_numerics(layout);
    if (numerics != PG_NUMERICS)
        return pg_error_set(error, PG_EMISMATCH,
                            "%s was computed with numerics %d, and this program has numerics %d: "
                            "runs of both would not make one cube",
                            source->path, numerics, PG_NUMERICS);
    if (pg_layout_row_count(layout) != pg_job_run_count(source->job))
        return pg_error_set(error, PG_EMISMATCH, "%s has %llu rows, and its job has %llu runs",
                            source->path, (unsigned long long)pg_layout_row_count(layout),
                            (unsigned long long)pg_job_run_count(source->job));
    return 0;
}

/* *ret_rows is the caller's, also on failure. */
static int map_source(const struct pg_cube_rebuilding *what, const struct pg_cube_source *source,
                      uint64_t **ret_rows, struct pg_error *error)
{
    int status = check_source(source, error);
    *ret_rows = NULL;
    if (status != 0)
        return status;
    *ret_rows = calloc(pg_job_run_count(source->job), sizeof **ret_rows);
    if (*ret_rows == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the rows of %s", source->path);
    return pg_job_map_rows(source->job, what->job, *ret_rows, error);
}

static int rebuild(const struct pg_cube_rebuilding *what, const struct pg_row_origin *origins,
                   struct pg_error *error)
{
    struct pg_launch_text text;
    const struct pg_launch launch = pg_launch_describe(&text, what->commit, "", 1);
    struct pg_layout *layout = NULL;
    int status = pg_cube_create(what->job, what->experiment, &layout, error);
    if (status != 0)
        return status;
    const struct pg_rebuilding rebuilding = {.path = what->path,
                                             .layout = layout,
                                             .origins = origins,
                                             .origin_count = what->source_count,
                                             .replaces = what->replaces,
                                             .launch = &launch,
                                             .reason = what->reason};
    status = pg_store_rebuild(&rebuilding, error);
    pg_cube_destroy(layout);
    return status;
}

int pg_cube_rebuild(const struct pg_cube_rebuilding *what, struct pg_error *error)
{
    struct pg_row_origin *origins = calloc(what->source_count + 1, sizeof *origins);
    uint64_t **rows = calloc(what->source_count + 1, sizeof *rows);
    int status = origins == NULL || rows == NULL
                     ? pg_error_set(error, PG_EMACHINE, "out of memory: rebuilding %s", what->path)
                     : 0;
    for (size_t i = 0; i < what->source_count && status == 0; i++) {
        status = map_source(what, &what->sources[i], &rows[i], error);
        origins[i] = (struct pg_row_origin){what->sources[i].reader, rows[i], missing,
                                            sizeof missing / sizeof missing[0]};
    }
    if (status == 0)
        status = rebuild(what, origins, error);
    for (size_t i = 0; rows != NULL && i < what->source_count; i++)
        free(rows[i]);
    free(rows);
    free(origins);
    return status;
}
