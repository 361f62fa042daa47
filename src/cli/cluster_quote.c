/* SPDX-License-Identifier: MIT */
#include "cluster_quote.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "phasegrid/experiment.h"
#include "slurm_time.h"

/* Seconds that a launch takes before it trains. */
static const double begins_after = 5.0;
static const double hour = 3600.0, between = 120.0; /* what Slurm waits before a job begins again */

/* The runs to do; all, where nothing is known of the file. */
static void add_up_todo(const struct pg_subject_job *subject, const struct pg_results *results,
                        const struct pg_estimate *estimate, struct pg_quote *quote)
{
    const size_t seeds = subject->job->seed_count;
    quote->runs = pg_job_run_count(subject->job);
    quote->todo = quote->runs;
    quote->core_seconds = estimate->core_seconds;
    if (results == NULL || results->run_count != quote->runs)
        return;
    quote->todo = 0;
    quote->core_seconds = 0.0;
    for (uint64_t run = 0; run < quote->runs; run++) {
        if (results->statuses[run] != PG_ROW_TODO && results->statuses[run] != PG_ROW_FAILED)
            continue;
        quote->todo++;
        quote->core_seconds += estimate->run_seconds[estimate->survey.shape_of[run / seeds]];
    }
}

/* From begin to end a run takes as long as all in its lanes together. */
static void find_longest(const struct pg_estimate *estimate, struct pg_quote *quote)
{
    quote->longest = -1.0;
    for (size_t i = 0; i < estimate->survey.shape_count; i++) {
        double seconds = estimate->run_seconds[i] * (double)estimate->survey.shapes[i].lanes;
        if (seconds <= quote->longest)
            continue;
        quote->longest = seconds;
        quote->longest_cell = estimate->first_cells[i];
    }
}

/* Above so many ranks the first only hands out work. */
static int workers(int ranks)
{
    return ranks > PG_SHARED_RANKS_MAX ? ranks - 1 : ranks;
}

static bool may_stop_early(const struct pg_job *job)
{
    return job->stop == PG_STOP_DECIDED;
}

/* Seconds of training in one allocation. */
static double useful_seconds(const struct pg_quote_wish *wish)
{
    return (double)(wish->seconds - pg_slurm_lead(wish->seconds)) - begins_after;
}

static int refuse_longest(const struct pg_subject_job *subject, const struct pg_quote *quote,
                          const struct pg_quote_wish *wish, struct pg_error *error)
{
    char cell[512];
    pg_survey_print_cell(subject->job, quote->longest_cell, cell, sizeof cell);
    return pg_error_set(error, PG_EINPUT,
                        "%s: the longest run (%s) takes about %s, more than the time limit of %s "
                        "less the %d seconds before it at which the ranks leave, and "
                        "--checkpoint-every 0 keeps no unfinished run: it would never end",
                        subject->path, cell[0] != '\0' ? cell : "the only cell",
                        pg_format_duration(ceil(quote->longest)).at,
                        pg_slurm_time_print(wish->seconds).at, (int)pg_slurm_lead(wish->seconds));
}

int pg_quote_make(const struct pg_subject_job *subject, const struct pg_results *results,
                  const struct pg_quote_wish *wish, struct pg_quote *ret_quote,
                  struct pg_error *error)
{
    struct pg_estimate estimate;
    *ret_quote = (struct pg_quote){.is_bound = may_stop_early(subject->job)};
    int status = pg_estimate_make(subject, &estimate, error);
    if (status == 0) {
        ret_quote->file_bytes = estimate.file_bytes;
        add_up_todo(subject, results, &estimate, ret_quote);
        find_longest(&estimate, ret_quote);
    }
    pg_estimate_release(&estimate);
    if (status != 0)
        return status;
    double shared = ret_quote->core_seconds / (workers(wish->ranks) * wish->parts);
    ret_quote->seconds = ret_quote->todo == 0 ? 0.0 : fmax(shared, ret_quote->longest);
    ret_quote->allocations = fmax(ceil(ret_quote->seconds / useful_seconds(wish)), 1.0);
    if (wish->checkpoint_every <= 0.0 && ret_quote->todo > 0 &&
        ret_quote->longest > useful_seconds(wish))
        return refuse_longest(subject, ret_quote, wish, error);
    return 0;
}

static void print_end(const struct pg_quote *quote, const struct pg_quote_wish *wish, FILE *stream)
{
    char when[64];
    double rounds = quote->allocations;
    double waits = rounds > 1.0 ? (rounds - 1.0) * (between + begins_after) : 0.0;
    time_t end = time(NULL) + (time_t)(quote->seconds + begins_after + waits);
    struct tm local;
    (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M", localtime_r(&end, &local));
    (void)fprintf(stream,
                  "  end           %s%s, in %.0f allocation%s of %s%s, if there is room at once\n",
                  quote->is_bound ? "by " : "about ", when, rounds, rounds == 1.0 ? "" : "s",
                  pg_slurm_time_print(wish->seconds).at, wish->parts > 1 ? " for each part" : "");
}

void pg_quote_print(const struct pg_quote *quote, const struct pg_subject_job *subject,
                    const struct pg_quote_wish *wish, FILE *stream)
{
    (void)fprintf(stream, "  runs          %" PRIu64, quote->runs);
    if (quote->todo < quote->runs)
        (void)fprintf(stream, ", of which %" PRIu64 " are to do", quote->todo);
    (void)fprintf(stream, "\n  disk          %s\n", pg_format_bytes(quote->file_bytes).at);
    if (!isfinite(quote->core_seconds)) {
        (void)fprintf(stream, "  time          unknown: runs with the most work will fail "
                              "(phasegrid check says why)\n");
        return;
    }
    char cell[512];
    pg_survey_print_cell(subject->job, quote->longest_cell, cell, sizeof cell);
    (void)fprintf(stream, "  work          %s%.3g core-hours, as tried on this machine%s\n",
                  quote->is_bound ? "at most " : "about ", quote->core_seconds / hour,
                  quote->is_bound ? "; runs stop once they are decided" : "");
    (void)fprintf(stream, "  longest run   %s%s%s%s\n", pg_format_duration(ceil(quote->longest)).at,
                  cell[0] != '\0' ? " (" : "", cell, cell[0] != '\0' ? ")" : "");
    if (quote->longest > useful_seconds(wish))
        (void)fprintf(stream, "                longer than the time limit: it goes on from its "
                              "checkpoint in the next allocation\n");
    (void)fprintf(stream, "  time          %s%s on %d x %d rank%s\n",
                  quote->is_bound ? "at most " : "about ",
                  pg_format_duration(ceil(quote->seconds)).at, wish->parts, wish->ranks,
                  wish->ranks == 1 ? "" : "s");
    print_end(quote, wish, stream);
}
