/* SPDX-License-Identifier: MIT */
/*
 * Files beside the results name runs by their keys; here the keys find their rows. That takes the
 * key of every row, and is left out where no such file is.
 */
#include "earlier.h"

#include <stdlib.h>
#include <string.h>

#include "fault_notes.h"
#include "identity.h"
#include "phasegrid/store.h"

/* ---- runs that crashed ---- */

struct judge {
    const struct pg_cube *cube;
    struct pg_identity identity;
    struct pg_fault_notes notes;
    struct pg_beginning *beginning;
    struct pg_error *error;
    size_t found; /* notes of rows that are to do */
};

static uint64_t row_count(const struct pg_cube *cube)
{
    return pg_layout_row_count(&cube->layout);
}

/* A new file has no lists yet: everything is to do. */
static int make_lists(struct judge *judge)
{
    struct pg_beginning *beginning = judge->beginning;
    uint64_t count = row_count(judge->cube);
    if (beginning->todo != NULL)
        return 0;
    beginning->todo = malloc(count);
    beginning->attempts = calloc(count, sizeof *beginning->attempts);
    if (beginning->todo == NULL || beginning->attempts == NULL)
        return pg_error_set(judge->error, PG_EMACHINE, "out of memory: the list of %llu runs",
                            (unsigned long long)count);
    memset(beginning->todo, PG_PLAN_DO, count);
    return 0;
}

static void suspect(struct pg_beginning *beginning, uint64_t row, const struct pg_fault_note *note)
{
    beginning->todo[row] = PG_PLAN_DO_ALONE;
    beginning->attempts[row] = (int32_t)note->alone;
    beginning->crashes[row] = (uint8_t)(1 + note->alone);
}

static int give_up(struct judge *judge, uint64_t row, const struct pg_fault_note *note)
{
    struct pg_beginning *beginning = judge->beginning;
    struct pg_given_up *larger =
        realloc(beginning->given_up, (beginning->given_up_count + 1) * sizeof *beginning->given_up);
    if (larger == NULL)
        return pg_error_set(judge->error, PG_EMACHINE, "out of memory: runs that crashed");
    beginning->given_up = larger;
    larger[beginning->given_up_count++] =
        (struct pg_given_up){row, note->signal, (int32_t)note->alone};
    beginning->todo[row] = PG_PLAN_SKIP;
    beginning->progress.done++;
    beginning->progress.failed++;
    return 0;
}

static int judge_row(struct judge *judge, uint64_t row)
{
    struct pg_run_key key;
    int status = pg_identity_find(&judge->identity, row, &key, judge->error);
    const struct pg_fault_note *note =
        status == 0 ? pg_fault_notes_find(&judge->notes, &key) : NULL;
    if (note == NULL)
        return status;
    judge->found++;
    if (note->alone >= PG_FAULTS_MAX)
        return give_up(judge, row, note);
    suspect(judge->beginning, row, note);
    return 0;
}

static int judge_rows(struct judge *judge)
{
    int status = make_lists(judge);
    uint64_t count = row_count(judge->cube);
    for (uint64_t row = 0; row < count && status == 0 && judge->found < judge->notes.count; row++)
        if (judge->beginning->todo[row] != PG_PLAN_SKIP)
            status = judge_row(judge, row);
    return status;
}

static int judge_crashes(struct judge *judge, const struct pg_sweep_options *options)
{
    if (options->retry)
        pg_fault_notes_remove(options->path);
    int status = pg_fault_notes_read(options->path, &judge->notes, judge->error);
    if (status == 0 && judge->notes.count > 0) {
        status = judge_rows(judge);
        if (status == 0 && judge->found == 0)
            pg_fault_notes_remove(options->path);
    }
    pg_fault_notes_release(&judge->notes);
    return status;
}

/* ---- states of unfinished runs ---- */

/* Keys of finished runs of which a state is kept: sorted, (count). */
struct settled {
    struct pg_run_key *keys;
    size_t count;
};

static int compare_keys(const void *a, const void *b)
{
    return pg_run_key_compare(a, b);
}

static bool is_settled(void *context, const struct pg_run_key *key)
{
    const struct settled *settled = context;
    return settled->count > 0 &&
           bsearch(key, settled->keys, settled->count, sizeof *settled->keys, compare_keys) != NULL;
}

static bool always(void *context, const struct pg_run_key *key)
{
    (void)context;
    (void)key;
    return true;
}

/* `is_done` (row_count). */
static int find_settled(struct pg_identity *identity, const struct pg_checkpoints *checkpoints,
                        const bool *is_done, uint64_t rows, struct settled *ret_settled,
                        struct pg_error *error)
{
    size_t room = pg_checkpoints_count(checkpoints);
    struct pg_run_key key;
    *ret_settled = (struct settled){.keys = calloc(room + 1, sizeof *ret_settled->keys)};
    if (ret_settled->keys == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the keys of %zu checkpoints", room);
    for (uint64_t row = 0; row < rows && ret_settled->count < room; row++) {
        if (!is_done[row])
            continue;
        if (pg_identity_find(identity, row, &key, error) != 0)
            return PG_EMACHINE;
        if (pg_checkpoints_find(checkpoints, &key, NULL))
            ret_settled->keys[ret_settled->count++] = key;
    }
    qsort(ret_settled->keys, ret_settled->count, sizeof key, compare_keys);
    return 0;
}

/* Removes the files that hold states of finished runs alone. */
static int remove_settled(struct pg_identity *identity, struct pg_checkpoints *checkpoints,
                          const bool *is_done, uint64_t rows, struct pg_error *error)
{
    struct settled settled;
    int status = find_settled(identity, checkpoints, is_done, rows, &settled, error);
    if (status == 0)
        pg_checkpoints_remove_settled(checkpoints, is_settled, &settled);
    free(settled.keys);
    return status;
}

static int judge_states(struct judge *judge, const struct pg_sweep_options *options)
{
    struct pg_beginning *beginning = judge->beginning;
    uint64_t rows = row_count(judge->cube);
    int status = pg_checkpoints_open(options->path, &beginning->checkpoints, judge->error);
    if (status != 0 || pg_checkpoints_count(beginning->checkpoints) == 0 || beginning->todo == NULL)
        return status;
    bool *is_done = calloc(rows, sizeof *is_done);
    if (is_done == NULL)
        return pg_error_set(judge->error, PG_EMACHINE, "out of memory: the list of %llu runs",
                            (unsigned long long)rows);
    for (uint64_t row = 0; row < rows; row++)
        is_done[row] = beginning->todo[row] == PG_PLAN_SKIP;
    status = remove_settled(&judge->identity, beginning->checkpoints, is_done, rows, judge->error);
    free(is_done);
    return status;
}

int pg_earlier_judge(const struct pg_sweep_options *options, const struct pg_job *job,
                     const struct pg_cube *cube, struct pg_beginning *beginning,
                     struct pg_error *error)
{
    struct judge judge = {.cube = cube, .beginning = beginning, .error = error};
    pg_identity_init(&judge.identity, job, &cube->record);
    int status = judge_crashes(&judge, options);
    return status == 0 ? judge_states(&judge, options) : status;
}

/* ---- after a launch ---- */

/* is_done (row_count). */
static int read_done(const char *path, uint64_t rows, bool *is_done)
{
    struct pg_reader *reader;
    uint8_t *statuses = calloc(rows, sizeof *statuses);
    if (statuses == NULL)
        return PG_EMACHINE;
    int status = pg_reader_open(path, &reader, NULL);
    if (status == 0) {
        status = pg_reader_statuses(reader, statuses, NULL);
        pg_reader_close(reader);
    }
    for (uint64_t row = 0; row < rows; row++)
        is_done[row] = statuses[row] == PG_ROW_DONE || statuses[row] == PG_ROW_DIVERGED;
    free(statuses);
    return status;
}

static void tidy_some(const char *path, const struct pg_job *job, const struct pg_cube *cube,
                      struct pg_checkpoints *checkpoints)
{
    struct pg_identity identity;
    uint64_t rows = row_count(cube);
    bool *is_done = calloc(rows, sizeof *is_done);
    pg_identity_init(&identity, job, &cube->record);
    if (is_done != NULL && read_done(path, rows, is_done) == 0)
        (void)!remove_settled(&identity, checkpoints, is_done, rows, NULL);
    free(is_done);
}

void pg_earlier_tidy(const char *path, const struct pg_job *job, const struct pg_cube *cube,
                     bool is_whole)
{
    struct pg_checkpoints *checkpoints;
    if (is_whole)
        pg_fault_notes_remove(path);
    if (pg_checkpoints_open(path, &checkpoints, NULL) != 0)
        return;
    if (is_whole)
        pg_checkpoints_remove_settled(checkpoints, always, NULL);
    else if (pg_checkpoints_count(checkpoints) > 0)
        tidy_some(path, job, cube, checkpoints);
    pg_checkpoints_close(checkpoints);
}
