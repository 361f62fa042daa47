/* SPDX-License-Identifier: MIT */
/*
 * What a launch brought is the difference between what stood at its start and what stands behind
 * it: what it says itself at its end, what stood at the start of the next, or what stands now. It
 * is not known where the file does not say so, where another launch was forgotten in between, and
 * where less stands behind it than before: then somebody took results away (retry), or these are
 * launches of different files that were merged.
 */
#include "phasegrid/history.h"

#include <math.h>
#include <stdbool.h>

#include "phasegrid/layout.h"

/* The owner file says whole seconds, and is written before the launch. */
static const double owner_tolerance = 1.0;

/* Whose launch follows without a gap; NULL: nobody's. */
static const struct pg_launch_record *follower(const struct pg_launch_record *launches,
                                               size_t count, size_t i)
{
    bool has_next = i + 1 < count && launches[i + 1].number == launches[i].number + 1;
    return has_next ? &launches[i + 1] : NULL;
}

/* Only the last launch can be the owner's; one that began before the owner came was killed. */
static enum pg_history_state judge_state(const struct pg_launch_record *launch, bool is_last,
                                         const struct pg_history_now *now)
{
    if (!isnan(launch->ended))
        return PG_HISTORY_ENDED;
    if (!is_last || now->owner == PG_HISTORY_NO_OWNER ||
        launch->started + owner_tolerance < now->owner_since)
        return PG_HISTORY_KILLED;
    return now->owner == PG_HISTORY_LIVES ? PG_HISTORY_RUNS : PG_HISTORY_KILLED_OR_RUNS;
}

static int64_t judge_finished(const struct pg_launch_record *launches, size_t count, size_t i,
                              const struct pg_history_now *now)
{
    const struct pg_launch_record *launch = &launches[i], *next = follower(launches, count, i);
    int64_t after = launch->finished_after;
    if (after < 0 && next != NULL)
        after = next->finished_before;
    else if (after < 0 && i + 1 == count)
        after = now->finished;
    return launch->finished_before < 0 || after < launch->finished_before
               ? -1
               : after - launch->finished_before;
}

static void judge_steps(const struct pg_launch_record *launches, size_t count, size_t i,
                        const struct pg_history_now *now, struct pg_history_entry *entry)
{
    const struct pg_launch_record *next = follower(launches, count, i);
    int64_t before = launches[i].steps_kept_before, after = -1;
    if (next != NULL)
        after = next->steps_kept_before;
    else if (i + 1 == count)
        after = now->steps_kept;
    entry->knows_steps = before >= 0 && after >= 0;
    entry->steps_kept = entry->knows_steps ? after - before : 0;
}

/* The last of the results that came between the launch's start and the next one's. */
static double last_result(const struct pg_launch_record *launches, size_t count, size_t i,
                          const struct pg_history_now *now)
{
    double from = launches[i].started, last = PG_NAN;
    double until = i + 1 < count ? launches[i + 1].started : HUGE_VAL;
    for (size_t k = 0; k < now->result_count; k++)
        if (now->result[k] >= from && now->result[k] < until)
            last = fmax(last, now->result[k]); /* passes over a NAN */
    return last;
}

static double judge_seconds(const struct pg_launch_record *launches, size_t count, size_t i,
                            const struct pg_history_now *now, enum pg_history_state state)
{
    double end = state == PG_HISTORY_ENDED  ? launches[i].ended
                 : state == PG_HISTORY_RUNS ? now->time
                                            : last_result(launches, count, i, now);
    double seconds = end - launches[i].started;
    return seconds >= 0.0 ? seconds : PG_NAN;
}

void pg_history_judge(const struct pg_launch_record *launches, size_t count,
                      const struct pg_history_now *now, struct pg_history_entry *ret_entries)
{
    for (size_t i = 0; i < count; i++) {
        struct pg_history_entry *entry = &ret_entries[i];
        entry->state = judge_state(&launches[i], i + 1 == count, now);
        entry->finished = judge_finished(launches, count, i, now);
        entry->seconds = judge_seconds(launches, count, i, now, entry->state);
        judge_steps(launches, count, i, now, entry);
    }
}

size_t pg_history_stalled(const struct pg_history_entry *entries, size_t count)
{
    size_t stalled = 0;
    if (count > 0 && entries[count - 1].state == PG_HISTORY_RUNS)
        count--;
    while (count > stalled) {
        const struct pg_history_entry *entry = &entries[count - 1 - stalled];
        bool brought_nothing = entry->finished == 0 && entry->knows_steps && entry->steps_kept <= 0;
        if (!brought_nothing)
            break;
        stalled++;
    }
    return stalled;
}

size_t pg_history_pace(const struct pg_history_entry *entries, size_t count)
{
    for (size_t i = count; i-- > 0;)
        if (entries[i].finished > 0 && entries[i].seconds > 0.0)
            return i;
    return count;
}
