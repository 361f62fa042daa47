/* SPDX-License-Identifier: MIT */
/*
 * The line is made of parts in the order of their importance; what does not fit the terminal is
 * left out from the end, so that a line never wraps.
 */
#include "progress_line.h"

#include <inttypes.h>
#include <string.h>

#include "format.h"

enum { LINE_MAX_LENGTH = 200, PART_MAX = 160 };

static const double terminal_interval = 0.2, log_interval = 60.0; /* seconds */

/* The line so far, and the columns it may have. */
struct buffer {
    char text[LINE_MAX_LENGTH + 1];
    size_t length, room;
    bool is_full;
};

static void add_part(struct buffer *buffer, const char *part)
{
    size_t gap = buffer->length > 0 ? 2 : 0, length = strlen(part);
    if (buffer->length == 0 && length > buffer->room)
        length = buffer->room;
    if (buffer->is_full || buffer->length + gap + length > buffer->room) {
        buffer->is_full = true;
        return;
    }
    memset(buffer->text + buffer->length, ' ', gap);
    memcpy(buffer->text + buffer->length + gap, part, length);
    buffer->length += gap + length;
    buffer->text[buffer->length] = '\0';
}

/* "C 12 G 3 M 40": the phases that there are. */
static void add_phases(const struct pg_progress_line *line, const struct pg_progress *progress,
                       struct buffer *buffer)
{
    char part[PART_MAX] = "";
    size_t length = 0;
    for (size_t i = 0; i < line->phase_count; i++) {
        if (progress->phases[i] == 0)
            continue;
        int added = snprintf(part + length, sizeof part - length, "%s%c %" PRIu64,
                             length > 0 ? " " : "", line->styles[i].letter, progress->phases[i]);
        if (added < 0 || (size_t)added >= sizeof part - length)
            break;
        length += (size_t)added;
    }
    if (length > 0)
        add_part(buffer, part);
}

static void add_count(struct buffer *buffer, uint64_t count, const char *what)
{
    char part[PART_MAX];
    (void)snprintf(part, sizeof part, "%" PRIu64 " %s", count, what);
    if (count > 0)
        add_part(buffer, part);
}

static void compose(const struct pg_progress_line *line, const struct pg_progress *progress,
                    struct buffer *buffer)
{
    char part[PART_MAX];
    bool is_over = progress->done >= progress->runs;
    (void)snprintf(part, sizeof part, "%" PRIu64 "/%" PRIu64 " runs", progress->done,
                   progress->runs);
    add_part(buffer, part);
    add_count(buffer, progress->failed, "failed");
    (void)snprintf(part, sizeof part, "%s %s",
                   pg_format_duration(is_over ? progress->elapsed : progress->seconds_left).at,
                   is_over ? "taken" : "left");
    add_part(buffer, part);
    (void)snprintf(part, sizeof part, "%s steps/s", pg_format_count(progress->steps_per_second).at);
    if (progress->steps_per_second > 0.0)
        add_part(buffer, part);
    add_phases(line, progress, buffer);
}

void pg_progress_line_init(struct pg_progress_line *line, const struct pg_experiment *experiment,
                           FILE *stream, int width)
{
    *line = (struct pg_progress_line){.stream = stream, .width = width};
    line->phase_count = pg_phase_styles(experiment->phase_names, line->styles);
}

double pg_progress_line_interval(const struct pg_progress_line *line)
{
    return line->width > 0 ? terminal_interval : log_interval;
}

void pg_progress_line_report(const struct pg_progress *progress, void *context)
{
    struct pg_progress_line *line = context;
    struct buffer buffer = {.room = LINE_MAX_LENGTH};
    if (line->width > 0 && line->width <= LINE_MAX_LENGTH)
        buffer.room = (size_t)line->width - 1; /* some terminals wrap at the last column */
    compose(line, progress, &buffer);
    if (line->width > 0)
        (void)fprintf(line->stream, "\r%s\x1b[K",
                      buffer.text); /* ECMA-48: erase to the line's end */
    else
        (void)fprintf(line->stream, "%s\n", buffer.text);
    line->is_open = line->width > 0;
    (void)fflush(line->stream);
}

void pg_progress_line_finish(struct pg_progress_line *line)
{
    if (line->is_open)
        (void)fputc('\n', line->stream);
    line->is_open = false;
    (void)fflush(line->stream);
}
