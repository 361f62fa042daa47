/* SPDX-License-Identifier: MIT */
/*
 * A worker's runner with room for one row, and no store behind it: the run goes through the same
 * hands as in a sweep, and its row is compared instead of written. Volatile variables are passed
 * over.
 */
#include "phasegrid/recompute.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cube.h"
#include "phasegrid/frame.h"
#include "phasegrid/kernel.h"
#include "phasegrid/sweep.h"
#include "runner.h"

struct pg_recomputer {
    struct pg_reader *reader;
    const struct pg_experiment *experiment;
    struct pg_cube *cube;
    struct pg_block block;
    struct pg_runner runner;
    void *row; /* one of any variable, as the file has it */
};

static size_t longest_row(const struct pg_layout *layout)
{
    size_t longest = 1;
    for (size_t i = 0; i < layout->variable_count; i++)
        if (pg_layout_row_bytes(layout, i) > longest)
            longest = pg_layout_row_bytes(layout, i);
    return longest;
}

static int prepare(struct pg_recomputer *recomputer, const struct pg_job *job,
                   struct pg_error *error)
{
    const struct pg_experiment *experiment = recomputer->experiment;
    int status = pg_cube_build(job, experiment, PG_CUBE_LAYOUT, &recomputer->cube, error);
    if (status != 0)
        return status;
    struct pg_layout *layout = &recomputer->cube->layout;
    layout->attribute_count = 0; /* texts do not matter here */
    status = pg_reader_check_frame(recomputer->reader, layout, error);
    if (status == 0)
        status = pg_block_init(&recomputer->block, layout, 1, error);
    if (status == 0)
        status = pg_runner_init(&recomputer->runner, job, experiment, recomputer->cube,
                                &recomputer->block, error);
    if (status != 0)
        return status;
    recomputer->row = malloc(longest_row(layout));
    return recomputer->row != NULL
               ? 0
               : pg_error_set(error, PG_EMACHINE, "out of memory: a row of results");
}

int pg_recomputer_create(struct pg_reader *reader, const struct pg_job *job,
                         const struct pg_experiment *experiment, struct pg_recomputer **ret,
                         struct pg_error *error)
{
    struct pg_recomputer *recomputer = calloc(1, sizeof *recomputer);
    *ret = recomputer;
    if (recomputer == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: computing runs again");
    recomputer->reader = reader;
    recomputer->experiment = experiment;
    int status = prepare(recomputer, job, error);
    if (status != 0) {
        pg_recomputer_destroy(recomputer);
        *ret = NULL;
    }
    return status;
}

void pg_recomputer_destroy(struct pg_recomputer *recomputer)
{
    if (recomputer == NULL)
        return;
    free(recomputer->row);
    pg_runner_release(&recomputer->runner);
    pg_block_release(&recomputer->block);
    pg_cube_release(recomputer->cube);
    free(recomputer);
}

/* ---- what the file says ---- */

static int read_own(const struct pg_recomputer *recomputer, enum pg_own_variable which,
                    uint64_t row, void *ret_value, struct pg_error *error)
{
    size_t variable = (size_t)recomputer->cube->own[which];
    return pg_reader_rows(recomputer->reader, variable, row, 1, ret_value, error);
}

/* Bytes that only another program or another machine can give: *ret_is_foreign, named. */
static int find_foreign(const struct pg_recomputer *recomputer, uint64_t row, bool *ret_is_foreign,
                        struct pg_difference *difference, struct pg_error *error)
{
    int32_t numerics = PG_NUMERICS;
    uint8_t core = 0; /* none */
    bool has_core = recomputer->cube->own[PG_OWN_BLAS_CORE] >= 0;
    int status = read_own(recomputer, PG_OWN_NUMERICS, row, &numerics, error);
    if (status == 0 && has_core)
        status = read_own(recomputer, PG_OWN_BLAS_CORE, row, &core, error);
    if (status != 0)
        return status;
    size_t core_count = 0;
    while (pg_blas_core_names[core_count] != NULL)
        core_count++;
    *ret_is_foreign = numerics != PG_NUMERICS || (core != 0 && core != pg_blas_core());
    if (numerics != PG_NUMERICS) {
        (void)snprintf(difference->a, sizeof difference->a, "numerics %" PRId32, numerics);
        (void)snprintf(difference->b, sizeof difference->b, "numerics %d", PG_NUMERICS);
    } else if (*ret_is_foreign) {
        (void)snprintf(difference->a, sizeof difference->a, "OpenBLAS's core %s",
                       core < core_count ? pg_blas_core_names[core] : "unknown");
        (void)snprintf(difference->b, sizeof difference->b, "OpenBLAS's core %s",
                       pg_blas_core_names[pg_blas_core()]);
    }
    return 0;
}

/* ---- training and comparing ---- */

static int train(struct pg_recomputer *recomputer, uint64_t row, uint8_t *ret_status,
                 struct pg_error *error)
{
    const struct pg_assignment assignment = {.row = row};
    struct pg_run_request request;
    struct pg_run_result result;
    struct pg_outcome outcome;
    pg_block_clear_row(&recomputer->block, 0);
    int status = pg_runner_begin(&recomputer->runner, &assignment, 0, &request, error);
    if (status != 0)
        return status;
    status = pg_experiment_run_one(recomputer->experiment, &request, &result, error);
    pg_runner_end(&recomputer->runner, 0, status, &result, &outcome);
    *ret_status = outcome.status;
    return status;
}

static bool is_compared(const struct pg_layout *layout, size_t variable)
{
    return pg_layout_is_payload(layout, variable) && !layout->variables[variable].is_volatile;
}

static int compare(const struct pg_recomputer *recomputer, uint64_t row, uint8_t status_now,
                   bool *ret_differs, struct pg_difference *difference, struct pg_error *error)
{
    const struct pg_layout *layout = &recomputer->cube->layout;
    uint8_t before = 0;
    int status = pg_reader_rows(recomputer->reader, PG_VARIABLE_STATUS, row, 1, &before, error);
    *ret_differs = status == 0 &&
                   pg_difference_find(layout, PG_VARIABLE_STATUS, &before, &status_now, difference);
    for (size_t i = 0; i < layout->variable_count && status == 0 && !*ret_differs; i++) {
        if (!is_compared(layout, i))
            continue;
        status = pg_reader_rows(recomputer->reader, i, row, 1, recomputer->row, error);
        *ret_differs =
            status == 0 && pg_difference_find(layout, i, recomputer->row,
                                              pg_block_at(&recomputer->block, i, 0), difference);
    }
    return status;
}

int pg_recompute(struct pg_recomputer *recomputer, uint64_t row, enum pg_recomputed *ret_result,
                 struct pg_difference *ret_difference, struct pg_error *error)
{
    bool is_foreign = false, differs = false;
    uint8_t status_now;
    *ret_difference = (struct pg_difference){{0}, {0}, {0}};
    *ret_result = PG_RECOMPUTED_IMPOSSIBLE;
    int status = find_foreign(recomputer, row, &is_foreign, ret_difference, error);
    if (status != 0 || is_foreign)
        return status;
    status = train(recomputer, row, &status_now, error);
    if (status == 0)
        status = compare(recomputer, row, status_now, &differs, ret_difference, error);
    *ret_result = differs ? PG_RECOMPUTED_DIFFERS : PG_RECOMPUTED_EQUAL;
    return status;
}
