/* SPDX-License-Identifier: MIT */
/*
 * All of it comes from the results file and the files beside it, so it can be asked anywhere. What
 * is not known is not guessed: a rate takes a launch that has finished a run, an expected end takes
 * one that is running.
 */
#include "launches.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "phasegrid/checkpoint.h"
#include "phasegrid/clock.h"

enum { SHOWN_MAX = 10, JOB_WIDTH = 9, DATE_SIZE = 40 };

/* ---- reading ---- */

static void count_states(const char *path, struct pg_launches *launches)
{
    struct pg_checkpoints *checkpoints = NULL;
    struct pg_error unheard;
    launches->steps_kept = -1; /* what cannot be looked at is not known */
    if (pg_checkpoints_open(path, &checkpoints, &unheard) == 0) {
        launches->states = pg_checkpoints_count(checkpoints);
        launches->steps_kept = pg_checkpoints_steps(checkpoints);
    }
    if (launches->states > launches->todo)
        launches->states = (size_t)launches->todo; /* files keep states of finished runs, too */
    pg_checkpoints_close(checkpoints);
}

/* When each run ended; NULL: the file does not say. The caller frees. */
static double *read_ends(const struct pg_results *results)
{
    int variable = pg_layout_find_variable(results->layout, "finished_at");
    struct pg_error unheard;
    if (variable < 0 || results->layout->variables[variable].type != PG_F64 ||
        pg_layout_row_bytes(results->layout, (size_t)variable) != sizeof(double))
        return NULL;
    double *ends = calloc(results->run_count, sizeof *ends);
    if (ends != NULL && pg_reader_rows(results->reader, (size_t)variable, 0, results->run_count,
                                       ends, &unheard) != 0) {
        free(ends);
        return NULL;
    }
    for (uint64_t run = 0; ends != NULL && run < results->run_count; run++)
        if (results->statuses[run] == PG_ROW_TODO)
            ends[run] = PG_NAN;
    return ends;
}

static enum pg_history_owner owner_of(const struct pg_launches *launches)
{
    switch (launches->owner.life) {
    case PG_OWNER_LIVES:
        return PG_HISTORY_LIVES;
    case PG_OWNER_MAY_LIVE:
        return PG_HISTORY_MAY_LIVE;
    case PG_OWNER_NONE:
    case PG_OWNER_GONE:
        break;
    }
    return PG_HISTORY_NO_OWNER;
}

static int judge(const struct pg_results *results, struct pg_launches *launches,
                 struct pg_error *error)
{
    struct pg_progress progress = pg_results_progress(results);
    double *ends = read_ends(results);
    const struct pg_history_now now = {
        .time = launches->now,
        .finished = (int64_t)(progress.done - progress.failed),
        .steps_kept = launches->steps_kept,
        .result = ends,
        .result_count = ends != NULL ? results->run_count : 0,
        .owner = owner_of(launches),
        .owner_since = launches->owner.since,
    };
    launches->entries = calloc(launches->count + 1, sizeof *launches->entries);
    if (launches->entries != NULL)
        pg_history_judge(launches->records, launches->count, &now, launches->entries);
    free(ends);
    return launches->entries != NULL
               ? 0
               : pg_error_set(error, PG_EMACHINE, "out of memory: the launches of '%s'",
                              results->path);
}

int pg_launches_read(const struct pg_results *results, struct pg_launches *ret_launches,
                     struct pg_error *error)
{
    struct pg_progress progress = pg_results_progress(results);
    *ret_launches =
        (struct pg_launches){.now = pg_clock_unix(), .todo = progress.runs - progress.done};
    int status = pg_reader_launches(results->reader, &ret_launches->records, &ret_launches->count,
                                    &ret_launches->total, error);
    if (status != 0)
        return status;
    pg_owner_look(results->path, &ret_launches->owner);
    count_states(results->path, ret_launches);
    status = judge(results, ret_launches, error);
    if (status != 0)
        pg_launches_release(ret_launches);
    return status;
}

void pg_launches_release(struct pg_launches *launches)
{
    free(launches->records);
    free(launches->entries);
    *launches = (struct pg_launches){0};
}

/* ---- rate ---- */

static size_t pace(const struct pg_launches *launches)
{
    return pg_history_pace(launches->entries, launches->count);
}

double pg_launches_rate(const struct pg_launches *launches)
{
    size_t at = pace(launches);
    if (at == launches->count)
        return PG_NAN;
    return (double)launches->entries[at].finished / launches->entries[at].seconds;
}

static enum pg_history_state last_state(const struct pg_launches *launches)
{
    return launches->count > 0 ? launches->entries[launches->count - 1].state : PG_HISTORY_ENDED;
}

/* Unix time; NAN: no launch runs, or the rate is not known. */
static double expected_end(const struct pg_launches *launches)
{
    bool may_run = last_state(launches) == PG_HISTORY_RUNS ||
                   last_state(launches) == PG_HISTORY_KILLED_OR_RUNS;
    return may_run ? launches->now + (double)launches->todo / pg_launches_rate(launches) : PG_NAN;
}

/* ---- printing ---- */

/* ISO 8601, UTC: "2026-11-23T08:15:00Z"; "" where there is none. */
static void print_date(double unix_seconds, char ret_text[DATE_SIZE])
{
    const double year_9999 = 253402300799.0;
    struct tm calendar;
    ret_text[0] = '\0';
    if (!(unix_seconds >= 0.0 && unix_seconds <= year_9999))
        return;
    time_t seconds = (time_t)unix_seconds;
    if (gmtime_r(&seconds, &calendar) != NULL)
        (void)strftime(ret_text, DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &calendar);
}

/* As people read it, its first `length` characters: 16 to the minute, 19 to the second. */
static struct pg_text date_of(double unix_seconds, int length)
{
    char date[DATE_SIZE];
    struct pg_text text;
    print_date(unix_seconds, date);
    if (date[0] != '\0')
        date[10] = ' ';
    (void)snprintf(text.at, sizeof text.at, "%.*s", length, date[0] != '\0' ? date : "?");
    return text;
}

/* "12.3 runs/min": in the unit that gives one run or more, if there is one. */
static void print_rate(double per_second, FILE *stream)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"s", 1.0}, {"min", 60.0}, {"h", 3600.0}, {"day", 86400.0}};
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof units[0] && per_second * units[unit].seconds < 1.0)
        unit++;
    double rate = per_second * units[unit].seconds;
    if (rate < 99.5)
        (void)fprintf(stream, "%.3g runs/%s", rate, units[unit].name);
    else
        (void)fprintf(stream, "%s runs/%s", pg_format_count(rate).at, units[unit].name);
}

void pg_launches_print_pace(const struct pg_launches *launches, FILE *stream)
{
    size_t at = pace(launches);
    double end = expected_end(launches), rate = pg_launches_rate(launches);
    if (launches->todo == 0)
        return;
    if (at == launches->count) {
        (void)fputs("Rate: not known yet; no launch is known to have finished a run\n", stream);
        return;
    }
    (void)fputs("Rate: ", stream);
    print_rate(rate, stream);
    (void)fprintf(stream, "; at this rate %s more",
                  pg_format_duration((double)launches->todo / rate).at);
    if (isnan(end))
        (void)fputs(" once it is launched again", stream);
    else
        (void)fprintf(stream, ", until %s UTC%s", date_of(end, 16).at,
                      last_state(launches) == PG_HISTORY_RUNS ? "" : " if it still runs");
    (void)fprintf(stream, " (the rate of launch %" PRId64 ", on %" PRId32 " rank%s)\n",
                  launches->records[at].number, launches->records[at].ranks,
                  launches->records[at].ranks == 1 ? "" : "s");
}

/* Text that others have written, without what would move a terminal's cursor. */
static void print_safely(const char *text, FILE *stream)
{
    for (; *text != '\0'; text++)
        (void)fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, stream);
}

static void print_end(const struct pg_launches *launches, size_t i, FILE *stream)
{
    switch (launches->entries[i].state) {
    case PG_HISTORY_ENDED:
        print_safely(launches->records[i].reason, stream);
        break;
    case PG_HISTORY_KILLED:
        (void)fputs("killed", stream);
        break;
    case PG_HISTORY_RUNS:
        (void)fputs("runs: ", stream);
        print_safely(launches->owner.name, stream);
        break;
    case PG_HISTORY_KILLED_OR_RUNS:
        (void)fputs("killed, or still runs: ", stream);
        print_safely(launches->owner.name, stream);
        break;
    }
    (void)fputc('\n', stream);
}

/* What a launch brought: results, and steps in checkpoints where there are none. */
static struct pg_text brought(const struct pg_history_entry *entry)
{
    struct pg_text text = {"?"};
    if (entry->finished == 0 && entry->knows_steps && entry->steps_kept > 0)
        (void)snprintf(text.at, sizeof text.at, "%.20s steps",
                       pg_format_count((double)entry->steps_kept).at);
    else if (entry->finished >= 0)
        (void)snprintf(text.at, sizeof text.at, "%" PRId64, entry->finished);
    return text;
}

static void print_launch(const struct pg_launches *launches, size_t i, FILE *stream)
{
    const struct pg_launch_record *record = &launches->records[i];
    const struct pg_history_entry *entry = &launches->entries[i];
    (void)fprintf(stream, "%6" PRId64 "  %-19s  %9s  %5" PRId32 "  %10s  ", record->number,
                  date_of(record->started, 19).at, pg_format_duration(entry->seconds).at,
                  record->ranks, brought(entry).at);
    const char *job = record->slurm_job[0] != '\0' ? record->slurm_job : "-";
    print_safely(job, stream);
    (void)fprintf(stream, "%*s", JOB_WIDTH + 2 - (int)strnlen(job, JOB_WIDTH), "");
    print_end(launches, i, stream);
}

static void print_table(const struct pg_launches *launches, FILE *stream)
{
    size_t first = launches->count > SHOWN_MAX ? launches->count - SHOWN_MAX : 0;
    (void)fprintf(stream, "Launches: %" PRIu64, launches->total);
    if (first > 0)
        (void)fprintf(stream, " (the last %d; --json lists all that the file knows)", SHOWN_MAX);
    (void)fprintf(stream, "\n%6s  %-19s  %9s  %5s  %10s  %-*s  %s\n", "launch", "started (UTC)",
                  "took", "ranks", "finished", JOB_WIDTH, "Slurm job", "how it ended");
    for (size_t i = first; i < launches->count; i++)
        print_launch(launches, i, stream);
}

static void print_states(const struct pg_launches *launches, FILE *stream)
{
    if (launches->states > 0)
        (void)fprintf(stream,
                      "%zu unfinished run%s kept in checkpoints: the next launch goes on there.\n",
                      launches->states, launches->states == 1 ? " is" : "s are");
}

void pg_launches_print(const struct pg_launches *launches, FILE *stream)
{
    if (launches->count > 0)
        print_table(launches, stream);
    print_states(launches, stream);
}

/* ---- JSON ---- */

static json_t *json_known(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *json_count(bool is_known, int64_t count)
{
    return is_known ? json_integer((json_int_t)count) : json_null();
}

/* ISO 8601. */
static json_t *json_date(double unix_seconds)
{
    char text[DATE_SIZE];
    print_date(unix_seconds, text);
    return text[0] == '\0' ? json_null() : json_string(text);
}

/* Text of the file; null: it is not UTF-8. */
static json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    return value != NULL ? value : json_null();
}

static json_t *json_launch(const struct pg_launches *launches, size_t i)
{
    static const char *const states[] = {[PG_HISTORY_ENDED] = "ended",
                                         [PG_HISTORY_KILLED] = "killed",
                                         [PG_HISTORY_RUNS] = "running",
                                         [PG_HISTORY_KILLED_OR_RUNS] = "killed or running"};
    const struct pg_launch_record *record = &launches->records[i];
    const struct pg_history_entry *entry = &launches->entries[i];
    return json_pack("{s:I, s:o, s:o, s:o, s:s, s:o, s:i, s:o, s:o, s:o, s:o}", "launch",
                     (json_int_t)record->number, "started", json_date(record->started), "ended",
                     json_date(record->ended), "seconds", json_known(entry->seconds), "state",
                     states[entry->state], "reason", json_text(record->reason), "ranks",
                     (int)record->ranks, "host", json_text(record->host), "slurm_job",
                     json_text(record->slurm_job), "finished",
                     json_count(entry->finished >= 0, entry->finished), "steps_kept",
                     json_count(entry->knows_steps, entry->steps_kept));
}

void pg_launches_add(const struct pg_launches *launches, json_t *object)
{
    json_t *list = json_array();
    double rate = pg_launches_rate(launches);
    for (size_t i = 0; i < launches->count; i++)
        json_array_append_new(list, json_launch(launches, i));
    json_object_set_new(object, "checkpoints", json_integer((json_int_t)launches->states));
    json_object_set_new(object, "steps_kept",
                        json_count(launches->steps_kept >= 0, launches->steps_kept));
    json_object_set_new(object, "runs_per_second", json_known(rate));
    json_object_set_new(object, "seconds_left", json_known((double)launches->todo / rate));
    json_object_set_new(object, "expected_end", json_date(expected_end(launches)));
    json_object_set_new(object, "owner",
                        launches->owner.life == PG_OWNER_NONE ? json_null()
                                                              : json_text(launches->owner.name));
    json_object_set_new(
        object, "stalled",
        json_integer((json_int_t)pg_history_stalled(launches->entries, launches->count)));
    json_object_set_new(object, "launch_count", json_integer((json_int_t)launches->total));
    json_object_set_new(object, "launches", list);
}
