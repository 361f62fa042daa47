/* SPDX-License-Identifier: MIT */
/* status: how far a results file is, once or again and again; the file may be growing meanwhile. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "format.h"
#include "listing.h"
#include "phase_map.h"
#include "phasegrid/checkpoint.h"
#include "phasegrid/clock.h"
#include "progress_line.h"
#include "subject.h"
#include "terminal.h"
#include "verbs.h"

enum { WATCH_SECONDS = 2, LOG_ROUNDS = 30 };

struct arguments {
    const char *path;
    bool json, watch;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {"watch", 'w', NULL, 0, "Look again every 2 seconds until all runs are finished", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case 'j':
        arguments->json = true;
        return 0;
    case 'w':
        arguments->watch = true;
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "results file", &arguments->path);
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL)
            argp_error(state, "a results file is needed");
        if (arguments->json && arguments->watch)
            argp_error(state, "--json and --watch do not go together");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

/* Runs whose states stand beside the file; what cannot be looked at counts as none. */
static size_t count_checkpoints(const char *path)
{
    struct pg_checkpoints *checkpoints = NULL;
    struct pg_error unheard;
    size_t count = 0;
    if (pg_checkpoints_open(path, &checkpoints, &unheard) == 0)
        count = pg_checkpoints_count(checkpoints);
    pg_checkpoints_close(checkpoints);
    return count;
}

static int print_json(const struct pg_results *results, struct pg_error *error)
{
    struct pg_progress progress = pg_results_progress(results);
    json_t *phases = json_object();
    for (size_t i = 0; i < results->phase_count; i++)
        json_object_set_new(phases, results->subject.experiment->phase_names[i],
                            json_integer((json_int_t)progress.phases[i]));
    return pg_json_print(
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "file", results->path,
                  "experiment", results->subject.experiment->name, "runs",
                  (json_int_t)progress.runs, "done",
                  (json_int_t)(progress.done - progress.diverged - progress.failed), "diverged",
                  (json_int_t)progress.diverged, "failed", (json_int_t)progress.failed, "todo",
                  (json_int_t)(progress.runs - progress.done), "checkpoints",
                  (json_int_t)count_checkpoints(results->path), "phases", phases),
        error);
}

static void print_checkpoints(const char *path)
{
    size_t count = count_checkpoints(path);
    if (count > 0)
        (void)printf("%zu unfinished run%s kept in checkpoints: the next launch goes on there.\n",
                     count, count == 1 ? " is" : "s are");
}

static int print_page(const struct pg_results *results, const struct pg_terminal *terminal,
                      struct pg_error *error)
{
    struct pg_progress progress = pg_results_progress(results);
    (void)printf("%s: %s, %" PRIu64 " of %" PRIu64 " runs finished (%.1f %%)\n", results->path,
                 results->subject.experiment->name, progress.done, progress.runs,
                 100.0 * (double)progress.done / (double)progress.runs);
    int status = pg_phase_map_print(results, terminal, stdout, error);
    if (status == 0)
        pg_phase_table_print(results, terminal, stdout);
    print_checkpoints(results->path);
    if (progress.done < progress.runs)
        (void)puts("To read the file while it grows on a shared file system, set "
                   "HDF5_USE_FILE_LOCKING=FALSE.");
    return status;
}

/* What a watch knows beside the file: how it began. */
struct watch {
    double began;
    uint64_t done_then;
    unsigned rounds;
    bool is_terminal;
    struct pg_progress_line line;
};

static void log_line(struct watch *watch, const struct pg_results *results)
{
    struct pg_progress progress = pg_results_progress(results);
    progress.elapsed = pg_clock_wall() - watch->began;
    uint64_t gained = progress.done - watch->done_then;
    if (gained > 0)
        progress.seconds_left =
            progress.elapsed * (double)(progress.runs - progress.done) / (double)gained;
    if (watch->rounds % LOG_ROUNDS == 0 || progress.done == progress.runs)
        pg_progress_line_report(&progress, &watch->line);
}

/* One look; *ret_over: every run is finished. */
static int look(const char *path, const struct pg_terminal *terminal, struct watch *watch,
                bool *ret_over, struct pg_error *error)
{
    struct pg_results results;
    int status = pg_results_open(path, &results, error);
    if (status != 0)
        return status;
    struct pg_progress progress = pg_results_progress(&results);
    *ret_over = progress.done == progress.runs;
    if (watch->rounds == 0) {
        watch->done_then = progress.done;
        pg_progress_line_init(&watch->line, results.subject.experiment, stdout, 0);
    }
    if (watch->is_terminal) {
        (void)fputs("\x1b[H\x1b[J", stdout); /* ECMA-48: to the first line, erase the page */
        status = print_page(&results, terminal, error);
    } else {
        log_line(watch, &results);
    }
    (void)fflush(stdout);
    pg_results_close(&results);
    return status;
}

static int keep_looking(const char *path, struct pg_error *error)
{
    struct watch watch = {.began = pg_clock_wall(), .is_terminal = isatty(STDOUT_FILENO) != 0};
    for (bool is_over = false;; watch.rounds++) {
        struct pg_terminal terminal = pg_terminal_look();
        int status = look(path, &terminal, &watch, &is_over, error);
        if (status != 0 || is_over)
            return status;
        (void)sleep(WATCH_SECONDS);
    }
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    struct pg_results results;
    struct pg_terminal terminal = pg_terminal_look();
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    if (arguments.watch)
        return keep_looking(arguments.path, error);
    int status = pg_results_open(arguments.path, &results, error);
    if (status != 0)
        return status;
    status = arguments.json ? print_json(&results, error) : print_page(&results, &terminal, error);
    pg_results_close(&results);
    return status;
}

const struct pg_verb pg_verb_status = {
    .name = "status",
    .summary = "show how far a results file is, with the phase map so far",
    .arguments = "FILE",
    .example = "  phasegrid status quick.h5 --watch",
    .run = run,
};
