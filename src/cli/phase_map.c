/* SPDX-License-Identifier: MIT */
/*
 * Two steps: votes are counted into a small table of cells, then the table is drawn. A map that is
 * wider than the terminal shows every second (third, ...) column and says so; tick labels stand
 * where there is room for them, always at the column that they belong to.
 */
#include "phase_map.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "phase_style.h"

enum { LABEL_MAX = 24, CELL_WIDTH_MAX = 8, TICK_MAX = 7, NO_PHASE = -1 };
enum { WELL_LISTED = 8 }; /* of more phases, those that no run has are left out */

static const char todo_letter = '.', diverged_letter = 'x', failed_letter = '!';

/* What the map shows of one (first axis, second axis). */
struct cell {
    int phase; /* NO_PHASE: the letter alone counts */
    char letter;
};

struct map {
    const struct pg_results *results;
    const struct pg_job *job;
    size_t columns, rows; /* lengths of the first two axes, 1 where there is none */
    uint64_t runs_per_cell;
    struct cell *cells; /* (rows, columns) */
    struct pg_phase_style styles[PG_PHASES_MAX];
    size_t style_count;
    int label_width, cell_width;
    size_t stride; /* every stride-th column is shown */
};

/* Runs of one cell: by phase, and those without one. */
struct votes {
    uint64_t phases[PG_PHASES_MAX], finished, diverged, failed;
};

static struct votes count_votes(const struct map *map, uint64_t first_run)
{
    struct votes votes = {0};
    for (uint64_t run = first_run; run < first_run + map->runs_per_cell; run++) {
        uint8_t status = map->results->statuses[run], phase = map->results->phases[run];
        bool is_finished = status == PG_ROW_DONE || status == PG_ROW_DIVERGED;
        votes.diverged += status == PG_ROW_DIVERGED;
        votes.failed += status == PG_ROW_FAILED;
        if (is_finished && phase < map->style_count) {
            votes.phases[phase]++;
            votes.finished++;
        }
    }
    return votes;
}

static struct cell decide(const struct map *map, const struct votes *votes)
{
    struct cell cell = {NO_PHASE, todo_letter};
    if (votes->failed > 0)
        cell.letter = failed_letter;
    if (votes->diverged > 0)
        cell.letter = diverged_letter;
    if (votes->finished == 0)
        return cell;
    cell.phase = 0;
    for (size_t i = 1; i < map->style_count; i++)
        if (votes->phases[i] > votes->phases[cell.phase])
            cell.phase = (int)i;
    cell.letter = map->styles[cell.phase].letter;
    if (votes->phases[cell.phase] < votes->finished)
        cell.letter = (char)tolower(cell.letter);
    return cell;
}

static int fill_cells(struct map *map, struct pg_error *error)
{
    size_t count = map->columns * map->rows;
    map->cells = calloc(count, sizeof *map->cells);
    if (map->cells == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: a map of %zu cells", count);
    for (size_t column = 0; column < map->columns; column++)
        for (size_t row = 0; row < map->rows; row++) {
            uint64_t first_run = (column * map->rows + row) * map->runs_per_cell;
            struct votes votes = count_votes(map, first_run);
            map->cells[row * map->columns + column] = decide(map, &votes);
        }
    return 0;
}

static const char *axis_name(const struct map *map, size_t axis)
{
    return axis < map->job->axis_count ? map->job->axes[axis].name : "";
}

/* The value as it is, or its first three digits when it is long. */
static void print_tick(const struct map *map, size_t axis_index, size_t at, char *text)
{
    text[0] = '\0';
    if (axis_index >= map->job->axis_count)
        return;
    const struct pg_axis *axis = &map->job->axes[axis_index];
    const struct pg_setting *setting = &map->job->schema->settings[axis->members[0].setting];
    struct pg_value value = axis->members[0].values[at];
    char whole[128];
    pg_value_print(setting, &value, whole, sizeof whole);
    if (value.type == PG_VALUE_REAL && strlen(whole) > TICK_MAX) {
        (void)snprintf(whole, sizeof whole, "%.3g", value.real);
        value.real = strtod(whole, NULL);
        pg_value_print(setting, &value, whole, sizeof whole);
    }
    (void)snprintf(text, LABEL_MAX, "%.*s", LABEL_MAX - 1, whole);
}

/* Widths for the labels and the cells, and the stride, from the terminal's width. */
static void fit(struct map *map, int width)
{
    char text[LABEL_MAX];
    for (size_t row = 0; row < map->rows; row++) {
        print_tick(map, 1, row, text);
        int length = (int)strlen(text);
        map->label_width = length > map->label_width ? length : map->label_width;
    }
    size_t room = width > map->label_width + 4 ? (size_t)(width - map->label_width - 3) : 1;
    size_t each = room / map->columns;
    map->cell_width = each < 1 ? 1 : each < CELL_WIDTH_MAX ? (int)each : CELL_WIDTH_MAX;
    map->stride = (map->columns + room - 1) / room;
    if (each >= 1)
        map->stride = 1;
}

static void print_cell(const struct map *map, const struct cell *cell, bool colour, FILE *stream)
{
    int before = (map->cell_width - 1) / 2, after = map->cell_width - 1 - before;
    const struct pg_phase_style *style = cell->phase != NO_PHASE ? &map->styles[cell->phase] : NULL;
    if (colour && style != NULL)
        (void)fprintf(stream, "\x1b[48;5;%dm\x1b[38;5;%dm", style->background, style->ink);
    (void)fprintf(stream, "%*s%c%*s", before, "", cell->letter, after, "");
    if (colour && style != NULL)
        (void)fputs("\x1b[0m", stream);
}

static void print_rows(const struct map *map, bool colour, FILE *stream)
{
    for (size_t row = map->rows; row-- > 0;) {
        char text[LABEL_MAX];
        print_tick(map, 1, row, text);
        (void)fprintf(stream, " %*s ", map->label_width, text);
        for (size_t column = 0; column < map->columns; column += map->stride)
            print_cell(map, &map->cells[row * map->columns + column], colour, stream);
        (void)fputc('\n', stream);
    }
}

/* Tick labels begin at their column; one that would touch its neighbour or the edge is left out. */
static void print_ticks(const struct map *map, int width, FILE *stream)
{
    int margin = map->label_width + 2, end = 0;
    (void)fprintf(stream, "%*s", margin, "");
    for (size_t column = 0; column < map->columns; column += map->stride) {
        char text[LABEL_MAX];
        int at = (int)(column / map->stride) * map->cell_width + (map->cell_width - 1) / 2;
        print_tick(map, 0, column, text);
        int length = (int)strlen(text);
        if ((end > 0 && at < end + 1) || margin + at + length > width - 1)
            continue;
        (void)fprintf(stream, "%*s%s", at - end, "", text);
        end = at + length;
    }
    (void)fputc('\n', stream);
}

static void print_key(const struct map *map, FILE *stream)
{
    if (map->runs_per_cell > 1)
        (void)fprintf(stream,
                      "each cell: majority of %" PRIu64 " runs; lower case: not all agree\n",
                      map->runs_per_cell);
    if (map->stride > 1)
        (void)fprintf(stream, "one column in %zu of %zu is shown\n", map->stride, map->columns);
}

static void draw(struct map *map, const struct pg_terminal *terminal, FILE *stream)
{
    fit(map, terminal->page_width);
    if (map->job->axis_count > 1)
        (void)fprintf(stream, "%s (upwards)\n", axis_name(map, 1));
    print_rows(map, terminal->colour, stream);
    if (map->job->axis_count > 0) {
        print_ticks(map, terminal->page_width, stream);
        (void)fprintf(stream, "%*s%s\n", map->label_width + 2, "", axis_name(map, 0));
    }
    print_key(map, stream);
}

int pg_phase_map_print(const struct pg_results *results, const struct pg_terminal *terminal,
                       FILE *stream, struct pg_error *error)
{
    const struct pg_job *job = results->subject.job;
    struct map map = {
        .results = results,
        .job = job,
        .columns = job->axis_count > 0 ? job->axes[0].count : 1,
        .rows = job->axis_count > 1 ? job->axes[1].count : 1,
    };
    map.runs_per_cell = results->run_count / map.columns / map.rows;
    map.style_count = pg_phase_styles(results->subject.experiment->phase_names, map.styles);
    int status = fill_cells(&map, error);
    if (status == 0)
        draw(&map, terminal, stream);
    free(map.cells);
    return status;
}

static void print_share(const char *letter, const char *name, uint64_t count, uint64_t runs,
                        FILE *stream)
{
    (void)fprintf(stream, "  %s %-20s %8" PRIu64 "  %5.1f %%\n", letter, name, count,
                  100.0 * (double)count / (double)runs);
}

static bool is_phase(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

void pg_phase_table_print(const struct pg_results *results, const struct pg_terminal *terminal,
                          FILE *stream)
{
    struct pg_progress progress = pg_results_progress(results);
    struct pg_phase_style styles[PG_PHASES_MAX];
    const char *const *names = results->subject.experiment->phase_names;
    size_t count = pg_phase_styles(names, styles);
    for (size_t i = 0; i < count; i++) {
        char letter[48];
        if (count > WELL_LISTED && progress.phases[i] == 0)
            continue;
        if (terminal->colour)
            (void)snprintf(letter, sizeof letter, "\x1b[48;5;%dm\x1b[38;5;%dm %c \x1b[0m",
                           styles[i].background, styles[i].ink, styles[i].letter);
        else
            (void)snprintf(letter, sizeof letter, " %c ", styles[i].letter);
        print_share(letter, names[i], progress.phases[i], progress.runs, stream);
    }
    if (progress.diverged > 0 && !is_phase("diverged", names))
        print_share(" x ", "diverged", progress.diverged, progress.runs, stream);
    if (progress.failed > 0)
        print_share(" ! ", "failed", progress.failed, progress.runs, stream);
    if (progress.done < progress.runs)
        print_share(" . ", "not finished", progress.runs - progress.done, progress.runs, stream);
}
