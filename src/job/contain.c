/* SPDX-License-Identifier: MIT */
/*
 * Is every run of one job a run of another, and which? Cells are compared by what their settings
 * are, so the two grids may have other axes, in another order: a setting that one job sweeps may
 * be fixed in the other. A run is the same run only if its row is: streams, stop rule, snapshots
 * and recorded steps must agree, and the last come from the longest budget of the whole grid.
 *
 * Places are looked for from where the last one was found on, since grids mostly ascend alike.
 */
#include <stdlib.h>

#include "build.h"

struct search {
    const struct pg_job *whole, *part;
    size_t last[PG_AXES_MAX]; /* place found last along each axis of `whole` */
    size_t last_seed;
};

static bool has_same_record(const struct pg_job *a, const struct pg_job *b)
{
    return a->schema == b->schema && a->record_points == b->record_points &&
           a->record_spacing == b->record_spacing && a->stop == b->stop &&
           a->independent_streams == b->independent_streams && pg_job_has_same_snapshots(a, b) &&
           pg_job_has_same_llc(a, b) && pg_job_longest_budget(a) == pg_job_longest_budget(b);
}

/* The setting has this one value in all cells of the job. */
static bool is_always(const struct pg_job *job, size_t setting, const struct pg_value *value)
{
    int index = pg_job_find_axis(job, setting);
    if (index < 0)
        return pg_value_equal(&job->values[setting], value);
    const struct pg_axis *axis = &job->axes[index];
    for (size_t k = 0; k < axis->member_count; k++)
        for (size_t i = 0; axis->members[k].setting == setting && i < axis->count; i++)
            if (!pg_value_equal(&axis->members[k].values[i], value))
                return false;
    return true;
}

static bool has_same_fixed_settings(const struct pg_job *whole, const struct pg_job *part)
{
    for (size_t i = 0; i < whole->schema->count; i++)
        if (pg_job_find_axis(whole, i) < 0 && !is_always(part, i, &whole->values[i]))
            return false;
    return true;
}

static bool is_at(const struct search *search, const struct pg_axis *axis, size_t place,
                  uint64_t cell)
{
    for (size_t k = 0; k < axis->member_count; k++)
        if (!pg_value_equal(&axis->members[k].values[place],
                            pg_job_cell_value(search->part, cell, axis->members[k].setting)))
            return false;
    return true;
}

/* Where the cell of `part` stands along an axis of `whole`. */
static bool find_place(struct search *search, size_t index, uint64_t cell)
{
    const struct pg_axis *axis = &search->whole->axes[index];
    for (size_t i = 0; i < axis->count; i++) {
        size_t place = (search->last[index] + i) % axis->count;
        if (is_at(search, axis, place, cell)) {
            search->last[index] = place;
            return true;
        }
    }
    return false;
}

static bool find_cell(struct search *search, uint64_t cell, uint64_t *ret_cell)
{
    *ret_cell = 0;
    for (size_t i = 0; i < search->whole->axis_count; i++) {
        if (!find_place(search, i, cell))
            return false;
        *ret_cell = *ret_cell * search->whole->axes[i].count + search->last[i];
    }
    return true;
}

static bool find_seed(struct search *search, uint32_t seed)
{
    const struct pg_job *whole = search->whole;
    for (size_t i = 0; i < whole->seed_count; i++) {
        size_t place = (search->last_seed + i) % whole->seed_count;
        if (whole->seeds[place] == seed) {
            search->last_seed = place;
            return true;
        }
    }
    return false;
}

bool pg_job_contains(const struct pg_job *whole, const struct pg_job *part)
{
    struct search search = {.whole = whole, .part = part};
    bool is_contained = has_same_record(whole, part) && has_same_fixed_settings(whole, part);
    for (size_t i = 0; i < part->seed_count && is_contained; i++)
        is_contained = find_seed(&search, part->seeds[i]);
    uint64_t cells = pg_job_cell_count(part), ignored;
    for (uint64_t cell = 0; cell < cells && is_contained; cell++)
        is_contained = find_cell(&search, cell, &ignored);
    return is_contained;
}

static int refuse(struct pg_error *error)
{
    return pg_error_set(error, PG_EMISMATCH, "the one job does not hold all runs of the other");
}

/* Rows of one cell; places (part->seed_count) of the seeds. */
static bool map_cell(struct search *search, uint64_t cell, const size_t *places, uint64_t *ret_rows)
{
    uint64_t found;
    if (!find_cell(search, cell, &found))
        return false;
    for (size_t i = 0; i < search->part->seed_count; i++)
        ret_rows[i] = found * search->whole->seed_count + places[i];
    return true;
}

int pg_job_map_rows(const struct pg_job *part, const struct pg_job *whole, uint64_t *ret_rows,
                    struct pg_error *error)
{
    struct search search = {.whole = whole, .part = part};
    if (!has_same_record(whole, part) || !has_same_fixed_settings(whole, part))
        return refuse(error);
    size_t *places = calloc(part->seed_count, sizeof *places);
    if (places == NULL)
        return pg_job_refuse_memory(error);
    bool is_found = true;
    for (size_t i = 0; i < part->seed_count && is_found; i++) {
        is_found = find_seed(&search, part->seeds[i]);
        places[i] = search.last_seed;
    }
    uint64_t cells = pg_job_cell_count(part);
    for (uint64_t cell = 0; cell < cells && is_found; cell++)
        is_found = map_cell(&search, cell, places, ret_rows + cell * part->seed_count);
    free(places);
    return is_found ? 0 : refuse(error);
}
