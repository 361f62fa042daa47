/* SPDX-License-Identifier: MIT */
/* status: how far a results file is, once or again and again; the file may be growing meanwhile. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launches.h"
#include "listing.h"
#include "phase_map.h"
#include "phasegrid/clock.h"
#include "progress_line.h"
#include "subject.h"
#include "terminal.h"
#include "verbs.h"

enum { WATCH_SECONDS = 2, LOG_ROUNDS = 30, OPTION_STALLED = 0x100 };

struct arguments {
    const char *path;
    bool json, watch, stalled;
};

static const struct argp_option options[] = {
    {"json", 'j', NULL, 0, "Print JSON", 0},
    {"watch", 'w', NULL, 0, "Look again every 2 seconds until all runs are finished", 0},
    {"stalled", OPTION_STALLED, NULL, 0,
     "Print one number: how many launches in succession, the last ones, finished no run and kept "
     "no "
     "more steps in checkpoints than before; for batch scripts that requeue themselves",
     0},
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
    case OPTION_STALLED:
        arguments->stalled = true;
        return 0;
    case ARGP_KEY_ARG:
        pg_arguments_take(state, argument, "results file", &arguments->path);
        return 0;
    case ARGP_KEY_END:
        if (arguments->path == NULL)
            argp_error(state, "a results file is needed");
        if (arguments->json + arguments->watch + arguments->stalled > 1)
            argp_error(state, "--json, --watch and --stalled do not go together");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options, .parser = parse};

static int print_json(const struct pg_results *results, const struct pg_launches *launches,
                      struct pg_error *error)
{
    struct pg_progress progress = pg_results_progress(results);
    json_t *phases = json_object();
    for (size_t i = 0; i < results->phase_count; i++)
        json_object_set_new(phases, results->subject.experiment->phase_names[i],
                            json_integer((json_int_t)progress.phases[i]));
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "file", results->path, "experiment",
                  results->subject.experiment->name, "runs", (json_int_t)progress.runs, "done",
                  (json_int_t)(progress.done - progress.diverged - progress.failed), "diverged",
                  (json_int_t)progress.diverged, "failed", (json_int_t)progress.failed, "todo",
                  (json_int_t)(progress.runs - progress.done), "phases", phases);
    if (object != NULL)
        pg_launches_add(launches, object);
    return pg_json_print(object, error);
}

/* What stands in the file, and how it came there. */
static int print_page(const struct pg_results *results, const struct pg_launches *launches,
                      const struct pg_terminal *terminal, FILE *stream, struct pg_error *error)
{
    struct pg_progress progress = pg_results_progress(results);
    (void)fprintf(stream, "%s: %s, %" PRIu64 " of %" PRIu64 " runs finished (%.1f %%)",
                  results->path, results->subject.experiment->name, progress.done, progress.runs,
                  100.0 * (double)progress.done / (double)progress.runs);
    if (progress.done < progress.runs)
        (void)fprintf(stream, ", %" PRIu64 " to do", progress.runs - progress.done);
    (void)fputc('\n', stream);
    pg_launches_print_pace(launches, stream);
    int status = pg_phase_map_print(results, terminal, stream, error);
    if (status == 0)
        pg_phase_table_print(results, terminal, stream);
    pg_launches_print(launches, stream);
    if (progress.done < progress.runs)
        (void)fputs("To read the file while it grows on a shared file system, set "
                    "HDF5_USE_FILE_LOCKING=FALSE.\n",
                    stream);
    return status;
}

static int print_stalled(const struct pg_launches *launches)
{
    (void)printf("%zu\n", pg_history_stalled(launches->entries, launches->count));
    return 0;
}

static int open_both(const char *path, struct pg_results *results, struct pg_launches *launches,
                     struct pg_error *error)
{
    int status = pg_results_open(path, results, error);
    if (status != 0)
        return status;
    status = pg_launches_read(results, launches, error);
    if (status != 0)
        pg_results_close(results);
    return status;
}

/* Bytes at `text` that move the cursor by *ret_columns: a colour by none (ECMA-48: ESC [ ... m), a
   character of UTF-8 by one. */
static size_t next_character(const char *text, int *ret_columns)
{
    size_t size = 1;
    *ret_columns = text[0] == '\x1b' ? 0 : 1;
    if (text[0] == '\x1b')
        size = strcspn(text, "m\n") + (text[strcspn(text, "m\n")] == 'm');
    while (text[0] != '\x1b' && ((unsigned char)text[size] & 0xc0) == 0x80)
        size++;
    return size;
}

/* As much of the line as the window has columns, less one (what ends in the last one is erased by
   some terminals), and all its colours. */
static void print_cut(const char *line, size_t length, int width)
{
    int columns, used = 0;
    for (size_t at = 0, size; at < length; at += size) {
        size = next_character(line + at, &columns);
        used += columns;
        if (columns == 0 || used < width)
            (void)fwrite(line + at, 1, size, stdout);
    }
}

/* The page in the place of the one before, each line over the old one, so that nothing flickers;
   what is too long or too wide for the window is cut off. */
static void replace_page(const char *page, const struct pg_terminal *terminal)
{
    int height = terminal->page_height;
    (void)fputs("\x1b[H",
                stdout); /* ECMA-48: to the first line; K, J: erase the line's, page's rest */
    for (int line = 1; *page != '\0' && (height == 0 || line < height); line++) {
        size_t length = strcspn(page, "\n");
        print_cut(page, length, terminal->page_width);
        (void)fputs("\x1b[K\n", stdout);
        page += length + (page[length] == '\n');
    }
    (void)fputs("\x1b[J", stdout);
}

static int refresh_page(const struct pg_results *results, const struct pg_launches *launches,
                        const struct pg_terminal *terminal, struct pg_error *error)
{
    char *page = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&page, &size);
    if (stream == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the page");
    int status = print_page(results, launches, terminal, stream, error);
    if (fclose(stream) != 0 && status == 0)
        status = pg_error_set(error, PG_EMACHINE, "out of memory: the page");
    if (status == 0)
        replace_page(page, terminal);
    free(page);
    return status;
}

/* What a watch knows beside the file: how it began. */
struct watch {
    double began;
    unsigned rounds;
    bool is_terminal;
    struct pg_progress_line line;
};

static void log_line(struct watch *watch, const struct pg_results *results,
                     const struct pg_launches *launches)
{
    struct pg_progress progress = pg_results_progress(results);
    progress.elapsed = pg_clock_wall() - watch->began;
    progress.seconds_left = (double)launches->todo / pg_launches_rate(launches);
    if (watch->rounds % LOG_ROUNDS == 0 || progress.done == progress.runs)
        pg_progress_line_report(&progress, &watch->line);
}

/* One look; *ret_over: every run is finished. */
static int look(const char *path, const struct pg_terminal *terminal, struct watch *watch,
                bool *ret_over, struct pg_error *error)
{
    struct pg_results results;
    struct pg_launches launches;
    int status = open_both(path, &results, &launches, error);
    if (status != 0)
        return status;
    *ret_over = launches.todo == 0;
    if (watch->rounds == 0)
        pg_progress_line_init(&watch->line, results.subject.experiment, stdout, 0);
    if (watch->is_terminal)
        status = refresh_page(&results, &launches, terminal, error);
    else
        log_line(watch, &results, &launches);
    (void)fflush(stdout);
    pg_launches_release(&launches);
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

static int look_once(const struct arguments *arguments, struct pg_error *error)
{
    struct pg_results results;
    struct pg_launches launches;
    struct pg_terminal terminal = pg_terminal_look();
    int status = open_both(arguments->path, &results, &launches, error);
    if (status != 0)
        return status;
    status = arguments->stalled ? print_stalled(&launches)
             : arguments->json  ? print_json(&results, &launches, error)
                                : print_page(&results, &launches, &terminal, stdout, error);
    pg_launches_release(&launches);
    pg_results_close(&results);
    return status;
}

static int run(const struct pg_verb *verb, int argc, char **argv, struct pg_error *error)
{
    struct arguments arguments = {0};
    pg_arguments_parse(verb, &argp, argc, argv, &arguments);
    return arguments.watch ? keep_looking(arguments.path, error) : look_once(&arguments, error);
}

const struct pg_verb pg_verb_status = {
    .name = "status",
    .summary = "show how far a results file is, with the phase map so far",
    .arguments = "FILE",
    .example = "  phasegrid status quick.h5 --watch",
    .run = run,
};
