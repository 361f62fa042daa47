/* SPDX-License-Identifier: MIT */
/*
 * The strongest proof of a result: the run trained once more, here and now, and compared byte by
 * byte. Runs are trained one after the other in this process. What this program or this machine
 * cannot give (another numerics, another core of OpenBLAS) is no fault of the file, and said.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/random.h"
#include "phasegrid/recompute.h"
#include "verify.h"

struct chosen {
    const struct pg_examined *examined;
    uint64_t *rows; /* (count) */
    size_t count;
    size_t differing, impossible;
    json_t *list;
};

static bool has_result(const struct pg_row_check *rows, uint64_t row)
{
    return rows->statuses[row] == PG_ROW_DONE || rows->statuses[row] == PG_ROW_DIVERGED;
}

/* ---- choosing ---- */

static int add_named(struct chosen *chosen, const char *text, struct pg_error *error)
{
    const struct pg_examined *examined = chosen->examined;
    const struct pg_results results = {.path = examined->path,
                                       .subject = examined->subject,
                                       .run_count = examined->audit.rows.row_count};
    uint64_t row;
    int status = pg_results_find_run(&results, text, &row, error);
    if (status != 0)
        return status;
    if (!has_result(&examined->audit.rows, row))
        return pg_error_set(error, PG_EINPUT, "run %s has no result to compare with", text);
    chosen->rows[chosen->count++] = row;
    return 0;
}

/* The first `wanted` of a shuffle of all runs with a result; rows (row_count) is the list, and its
   beginning the answer. */
static size_t choose_random(const struct pg_row_check *check, uint64_t wanted, uint32_t seed,
                            uint64_t *rows)
{
    const struct pg_random random = pg_random_make(seed, PG_STREAM_CHOICE, 0);
    uint64_t count = 0, taken = 0;
    for (uint64_t row = 0; row < check->row_count; row++)
        if (has_result(check, row))
            rows[count++] = row;
    for (; taken < wanted && taken < count; taken++) {
        uint64_t left = count - taken;
        uint32_t bound = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
        uint64_t at = taken + pg_random_below(&random, bound, (uint32_t)taken, 0, 0);
        uint64_t row = rows[at];
        rows[at] = rows[taken];
        rows[taken] = row;
    }
    return (size_t)taken;
}

static int choose(struct chosen *chosen, const struct pg_verify_choice *choice,
                  struct pg_error *error)
{
    const struct pg_row_check *check = &chosen->examined->audit.rows;
    int status = 0;
    chosen->rows = calloc(check->row_count + choice->run_count + 1, sizeof *chosen->rows);
    if (chosen->rows == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: a choice of runs");
    for (size_t i = 0; i < choice->run_count && status == 0; i++)
        status = add_named(chosen, choice->runs[i], error);
    if (status != 0)
        return status;
    chosen->count +=
        choose_random(check, choice->random, choice->seed, chosen->rows + chosen->count);
    if (chosen->count == 0)
        return pg_error_set(error, PG_EINPUT, "%s has no run with a result to compute again",
                            chosen->examined->path);
    if (choice->random > 0)
        (void)fprintf(stderr, "computing %zu runs again (--seed %" PRIu32 " repeats the choice)\n",
                      chosen->count, choice->seed);
    return 0;
}

/* ---- computing ---- */

static void tell(struct chosen *chosen, uint64_t row, enum pg_recomputed result,
                 const struct pg_difference *difference)
{
    static const char *const names[] = {[PG_RECOMPUTED_EQUAL] = "equal",
                                        [PG_RECOMPUTED_DIFFERS] = "differs",
                                        [PG_RECOMPUTED_IMPOSSIBLE] = "impossible"};
    char run[640];
    pg_audit_print_run(chosen->examined->subject.job, row, run, sizeof run);
    if (result == PG_RECOMPUTED_EQUAL)
        (void)fprintf(stderr, "%s: the same bytes\n", run);
    else if (result == PG_RECOMPUTED_DIFFERS)
        (void)fprintf(stderr, "%s: %s is %s in the file, %s computed again\n", run,
                      difference->place, difference->a, difference->b);
    else
        (void)fprintf(stderr,
                      "%s: not to be compared: it was computed by %s, and this program has %s\n",
                      run, difference->a, difference->b);
    (void)json_array_append_new(chosen->list,
                                json_pack("{s:I, s:s, s:s, s:s, s:s}", "run", (json_int_t)row,
                                          "result", names[result], "place", difference->place,
                                          "file", difference->a, "again", difference->b));
}

static int compute(struct chosen *chosen, struct pg_recomputer *recomputer, struct pg_error *error)
{
    int status = 0;
    for (size_t i = 0; i < chosen->count && status == 0; i++) {
        enum pg_recomputed result;
        struct pg_difference difference;
        status = pg_recompute(recomputer, chosen->rows[i], &result, &difference, error);
        if (status != 0)
            return pg_error_prefix(error, "run %" PRIu64 " again", chosen->rows[i]);
        chosen->differing += result == PG_RECOMPUTED_DIFFERS;
        chosen->impossible += result == PG_RECOMPUTED_IMPOSSIBLE;
        tell(chosen, chosen->rows[i], result, &difference);
    }
    return status;
}

static int conclude(const struct chosen *chosen, struct pg_error *error)
{
    size_t compared = chosen->count - chosen->impossible;
    if (compared == 0)
        return pg_error_set(error, PG_EINPUT,
                            "%s: none of %zu runs could be computed again here; nothing is proven",
                            chosen->examined->path, chosen->count);
    if (chosen->differing > 0)
        return pg_error_set(error, PG_EMISMATCH,
                            "%s: %zu of %zu runs computed again are not as the file has them",
                            chosen->examined->path, chosen->differing, compared);
    return 0;
}

int pg_verify_recompute(const struct pg_examined *examined, const struct pg_verify_choice *choice,
                        json_t *page, struct pg_error *error)
{
    struct chosen chosen = {.examined = examined, .list = json_array()};
    struct pg_recomputer *recomputer = NULL;
    int status = choose(&chosen, choice, error);
    if (status == 0)
        status = pg_recomputer_create(examined->reader, examined->subject.job,
                                      examined->subject.experiment, &recomputer, error);
    if (status == 0)
        status = compute(&chosen, recomputer, error);
    if (status == 0)
        status = conclude(&chosen, error);
    (void)json_object_set_new(page, "recomputed", chosen.list);
    pg_recomputer_destroy(recomputer);
    free(chosen.rows);
    return status;
}
