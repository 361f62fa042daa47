/* SPDX-License-Identifier: MIT */
/*
 * Files beside the results name runs by their keys; here the keys find their rows. That takes the
 * key of every row that is to do, and is left out where no such file is.
 */
#include "earlier.h"

#include <stdlib.h>
#include <string.h>

#include "fault_notes.h"
#include "identity.h"

struct judge {
    const struct pg_cube *cube;
    struct pg_identity identity;
    struct pg_fault_notes notes;
    struct pg_beginning *beginning;
    struct pg_error *error;
    size_t found; /* notes of rows that are to do */
};

static uint64_t row_count(const struct judge *judge)
{
    return pg_layout_row_count(&judge->cube->layout);
}

/* A new file has no lists yet: everything is to do. */
static int make_lists(struct judge *judge)
{
    struct pg_beginning *beginning = judge->beginning;
    uint64_t count = row_count(judge);
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
    uint64_t count = row_count(judge);
    for (uint64_t row = 0; row < count && status == 0 && judge->found < judge->notes.count; row++)
        if (judge->beginning->todo[row] != PG_PLAN_SKIP)
            status = judge_row(judge, row);
    return status;
}

int pg_earlier_judge(const struct pg_sweep_options *options, const struct pg_job *job,
                     const struct pg_cube *cube, struct pg_beginning *beginning,
                     struct pg_error *error)
{
    struct judge judge = {.cube = cube, .beginning = beginning, .error = error};
    if (options->retry)
        pg_fault_notes_remove(options->path);
    int status = pg_fault_notes_read(options->path, &judge.notes, error);
    pg_identity_init(&judge.identity, job, &cube->record);
    if (status == 0 && judge.notes.count > 0) {
        status = judge_rows(&judge);
        if (status == 0 && judge.found == 0)
            pg_fault_notes_remove(options->path);
    }
    pg_fault_notes_release(&judge.notes);
    return status;
}
