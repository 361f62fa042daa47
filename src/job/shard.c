/* SPDX-License-Identifier: MIT */
/*
 * One of n parts of a grid. The grid is cut in two again and again, as a k-d tree is (Bentley,
 * 1975): each cut gives some places of one axis, or some of the seeds, to the first n1 shards and
 * the rest to the others, in proportion to n1; the wanted shard is followed down to where it is
 * alone. So a shard is a grid of its own.
 *
 * Of all cuts the one is taken that leaves the fewest runs to the worse off of both sides, per
 * shard; of equal ones the one that halves the shards best, then a cut of the seeds, whose runs
 * cost alike. The places are dealt out evenly over the list, so that wide models at the end of an
 * axis do not all fall to one shard.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"

/* What is left of the grid; axis_count + 1 lists, the seeds' last. */
struct grid {
    const struct pg_job *job;
    size_t list_count;
    size_t *places[PG_AXES_MAX + 1]; /* indices into the job's values */
    size_t counts[PG_AXES_MAX + 1];
    bool can_split[PG_AXES_MAX + 1];
};

struct cut {
    size_t list, places; /* the first side's share of the list */
    uint64_t shards;     /* and of the shards */
    uint64_t cost;       /* most runs of a shard, on the worse side */
    uint64_t unevenness;
};

static void grid_release(struct grid *grid)
{
    for (size_t i = 0; i < grid->list_count; i++)
        free(grid->places[i]);
}

static int grid_init(struct grid *grid, const struct pg_job *job, struct pg_error *error)
{
    int steps = pg_schema_find(job->schema, "steps");
    int fixed = steps < 0 ? -1 : pg_job_find_axis(job, (size_t)steps);
    *grid = (struct grid){.job = job};
    for (size_t i = 0; i <= job->axis_count; i++) {
        size_t count = i < job->axis_count ? job->axes[i].count : job->seed_count;
        grid->counts[i] = count;
        grid->can_split[i] = (int)i != fixed;
        grid->places[i] = calloc(count, sizeof *grid->places[i]);
        grid->list_count++;
        if (grid->places[i] == NULL)
            return pg_job_refuse_memory(error);
        for (size_t k = 0; k < count; k++)
            grid->places[i][k] = k;
    }
    return 0;
}

static uint64_t run_count(const struct grid *grid)
{
    uint64_t runs = 1;
    for (size_t i = 0; i < grid->list_count; i++)
        runs *= grid->counts[i];
    return runs;
}

/* How many shards there can be. */
static uint64_t shards_max(const struct grid *grid)
{
    uint64_t shards = 1;
    for (size_t i = 0; i < grid->list_count; i++)
        shards *= grid->can_split[i] ? grid->counts[i] : 1;
    return shards;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* The cut of `places` places of a list, with `shards` shards as near to that share as there can
   be on both sides. */
static struct cut weigh(const struct grid *grid, size_t list, size_t places, uint64_t shards,
                        uint64_t of_shards)
{
    uint64_t runs = run_count(grid) / grid->counts[list];
    uint64_t room = shards_max(grid) / grid->counts[list]; /* shards of one place */
    uint64_t first = places, second = grid->counts[list] - places;
    if (shards > first * room)
        shards = first * room;
    if (of_shards - shards > second * room)
        shards = of_shards - second * room;
    if (shards == 0 || shards == of_shards)
        shards = shards == 0 ? 1 : of_shards - 1;
    uint64_t other = of_shards - shards;
    uint64_t cost = divide_up(first * runs, shards), other_cost = divide_up(second * runs, other);
    return (struct cut){.list = list,
                        .places = places,
                        .shards = shards,
                        .cost = cost > other_cost ? cost : other_cost,
                        .unevenness = shards > other ? shards - other : other - shards};
}

static bool is_better(const struct cut *a, const struct cut *b)
{
    if (b->shards == 0 || a->cost != b->cost)
        return b->shards == 0 || a->cost < b->cost;
    return a->unevenness < b->unevenness;
}

/* For at least two shards. */
static struct cut choose(const struct grid *grid, uint64_t shards)
{
    struct cut best = {0};
    for (size_t list = grid->list_count; list-- > 0;) {
        for (size_t places = 1; grid->can_split[list] && places < grid->counts[list]; places++) {
            uint64_t share = shards * places / grid->counts[list];
            for (uint64_t more = 0; more < 2; more++) {
                struct cut cut = weigh(grid, list, places, share + more, shards);
                if (is_better(&cut, &best))
                    best = cut;
            }
        }
    }
    return best;
}

/* Keeps the first side of the cut, or the second. */
static void keep(struct grid *grid, const struct cut *cut, bool is_first)
{
    size_t *places = grid->places[cut->list], count = grid->counts[cut->list], kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool in_first = (i + 1) * cut->places / count > i * cut->places / count;
        if (in_first == is_first)
            places[kept++] = places[i];
    }
    grid->counts[cut->list] = kept;
}

static int check_count(const struct grid *grid, size_t index, size_t count, struct pg_error *error)
{
    uint64_t most = shards_max(grid);
    if (count > most)
        return pg_error_set(error, PG_EINPUT,
                            "found %zu shards, expected at most %llu: the job has %llu runs%s",
                            count, (unsigned long long)most, (unsigned long long)run_count(grid),
                            most < run_count(grid) ? ", and the axis of steps is not split" : "");
    if (index < 1 || index > count)
        return pg_error_set(error, PG_EINPUT, "found shard %zu, expected 1 to %zu", index, count);
    return 0;
}

static int build(const struct grid *grid, struct pg_job **ret_job, struct pg_error *error)
{
    const struct pg_job *job = grid->job;
    struct pg_job *shard = NULL;
    int status = pg_job_create_like(job, grid->counts, &shard, error);
    if (status != 0)
        return status;
    for (size_t i = 0; i < job->axis_count; i++)
        for (size_t k = 0; k < grid->counts[i]; k++)
            pg_axis_copy_place(&job->axes[i], grid->places[i][k], &shard->axes[i], k);
    for (size_t k = 0; k < shard->seed_count; k++)
        shard->seeds[k] = job->seeds[grid->places[job->axis_count][k]];
    shard->whole = pg_job_canonical(job);
    if (shard->whole == NULL) {
        pg_job_destroy(shard);
        return pg_job_refuse_memory(error);
    }
    *ret_job = shard;
    return 0;
}

int pg_job_shard(const struct pg_job *job, size_t index, size_t count, struct pg_job **ret_job,
                 struct pg_error *error)
{
    struct grid grid;
    int status = grid_init(&grid, job, error);
    if (status == 0)
        status = check_count(&grid, index, count, error);
    uint64_t shards = count, at = index - 1;
    while (status == 0 && shards > 1) {
        struct cut cut = choose(&grid, shards);
        bool is_first = at < cut.shards;
        keep(&grid, &cut, is_first);
        at -= is_first ? 0 : cut.shards;
        shards = is_first ? cut.shards : shards - cut.shards;
    }
    if (status == 0)
        status = build(&grid, ret_job, error);
    grid_release(&grid);
    return status;
}
