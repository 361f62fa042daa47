/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a job file, and messages that point into them. Only a regular file is read: YAML
 * parsers have been seen to hang on invalid UTF-8 and to crash on a pipe. Lines end in LF, CR LF
 * or CR; columns are counted in characters from 1. The line shown is a window of at most
 * WINDOW_MAX bytes; in it control characters become '?', and before the caret tabs stay tabs.
 */
#include "source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_MAX = 160, WINDOW_BEFORE = 100 };

static int read_all(int file, const char *path, char *text, size_t room, size_t *ret_size,
                    struct pg_error *error)
{
    size_t size = 0;
    while (size < room) {
        ssize_t got = read(file, text + size, room - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pg_error_set(error, PG_EMACHINE, "%s: cannot be read: %s", path,
                                strerror(errno));
        if (got == 0)
            break;
        size += (size_t)got;
    }
    text[size] = '\0';
    *ret_size = size;
    return 0;
}

static int load_open(int file, const char *path, char **ret_text, size_t *ret_size,
                     struct pg_error *error)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return pg_error_set(error, PG_EMACHINE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return pg_error_set(error, PG_EINPUT, "%s: found %s, expected a file of text", path,
                            S_ISDIR(about.st_mode) ? "a directory" : "a pipe or a device");
    const size_t room = (size_t)PG_SOURCE_MAX + 1; /* one byte more shows that it is too long */
    char *text = malloc(room + 1);
    if (text == NULL)
        return pg_error_set(error, PG_EMACHINE, "%s: out of memory", path);
    int status = read_all(file, path, text, room, ret_size, error);
    if (status != 0) {
        free(text);
        return status;
    }
    *ret_text = text;
    return 0;
}

int pg_source_load(const char *path, char **ret_text, size_t *ret_size, struct pg_error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (file < 0)
        return pg_error_set(error, PG_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
    int status = load_open(file, path, ret_text, ret_size, error);
    (void)close(file);
    return status;
}

/* Bytes of the UTF-8 sequence that begins with `lead`; 0: none does (RFC 3629). */
static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead < 0xe0)
        return 2;
    if (lead >= 0xe0 && lead < 0xf0)
        return 3;
    return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

/* No overlong forms, no surrogates, nothing above U+10FFFF. */
static bool is_valid_sequence(const unsigned char *at, size_t length)
{
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0u) != 0x80u)
            return false;
    if (length == 3)
        return !(at[0] == 0xe0 && at[1] < 0xa0) && !(at[0] == 0xed && at[1] >= 0xa0);
    if (length == 4)
        return !(at[0] == 0xf0 && at[1] < 0x90) && !(at[0] == 0xf4 && at[1] >= 0x90);
    return true;
}

/* The offset of the first byte that is not part of a character, or `size`. */
static size_t find_invalid(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while (at < size) {
        size_t length = sequence_length(bytes[at]);
        if (length == 0 || length > size - at || bytes[at] == 0 ||
            !is_valid_sequence(bytes + at, length))
            break;
        at += length;
    }
    return at;
}

int pg_source_check(const struct pg_source *source, struct pg_error *error)
{
    const char *name = source->name;
    if (source->size == 0 && source->is_file)
        return pg_error_set(error, PG_EINPUT, "%s: is empty, expected a job in YAML", name);
    if (source->size > PG_SOURCE_MAX)
        return pg_error_set(error, PG_EINPUT, "%s: is longer than %d bytes, too long for a job",
                            name, PG_SOURCE_MAX);
    struct pg_place place = {source, find_invalid(source->text, source->size)};
    if (place.offset == source->size)
        return 0;
    (void)pg_error_set(error, PG_EINPUT, "found the byte 0x%02x, expected text in UTF-8",
                       (unsigned)(unsigned char)source->text[place.offset]);
    return pg_place_refuse(&place, error);
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0u) == 0x80u;
}

static bool is_line_end(const struct pg_source *source, size_t at)
{
    return source->text[at] == '\n' || source->text[at] == '\r';
}

/* The offset behind the line end at `at`. */
static size_t skip_line_end(const struct pg_source *source, size_t at)
{
    bool is_pair =
        source->text[at] == '\r' && at + 1 < source->size && source->text[at + 1] == '\n';
    return at + (is_pair ? 2 : 1);
}

struct pg_place pg_source_place(const struct pg_source *source, int line, int column)
{
    size_t at = 0;
    for (int i = 1; i < line && at < source->size; i++) {
        while (at < source->size && !is_line_end(source, at))
            at++;
        if (at < source->size)
            at = skip_line_end(source, at);
    }
    for (int i = 1; i < column && at < source->size && !is_line_end(source, at); i++)
        do
            at++;
        while (at < source->size && is_continuation(source->text[at]));
    return (struct pg_place){source, at};
}

struct line {
    size_t number, column; /* from 1 */
    size_t begin, end;     /* offsets, without the line end */
};

/* Behind a byte order mark. */
static size_t begin_of_text(const struct pg_source *source)
{
    return source->size >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static struct line find_line(const struct pg_place *place)
{
    const struct pg_source *source = place->source;
    struct line line = {.number = 1, .column = 1, .begin = begin_of_text(source)};
    for (size_t at = line.begin; at < place->offset;) {
        bool ends = is_line_end(source, at);
        at = ends ? skip_line_end(source, at) : at + 1;
        if (ends && at <= place->offset) {
            line.number++;
            line.begin = at;
        }
    }
    for (size_t at = line.begin; at < place->offset; at++)
        line.column += is_continuation(source->text[at]) ? 0 : 1;
    line.end = line.begin;
    while (line.end < source->size && !is_line_end(source, line.end))
        line.end++;
    return line;
}

/* Cuts what is too far from the place, between characters. */
static void narrow(struct line *line, const struct pg_place *place)
{
    const char *text = place->source->text;
    if (place->offset - line->begin > WINDOW_BEFORE) {
        line->begin = place->offset - WINDOW_BEFORE;
        while (line->begin < place->offset && is_continuation(text[line->begin]))
            line->begin++;
    }
    if (line->end - line->begin > WINDOW_MAX) {
        line->end = line->begin + WINDOW_MAX;
        while (line->end > place->offset && is_continuation(text[line->end]))
            line->end--;
    }
}

/* Length of the character at `at` if it can be shown, else 0. */
static size_t printable_length(const struct pg_source *source, size_t at, size_t end)
{
    const unsigned char *bytes = (const unsigned char *)source->text + at;
    size_t length = sequence_length(bytes[0]);
    if (length > end - at || !is_valid_sequence(bytes, length))
        return 0;
    return iscntrl(bytes[0]) && bytes[0] != '\t' ? 0 : length;
}

static void print_line_and_caret(const struct line *line, const struct pg_place *place, char *text)
{
    const struct pg_source *source = place->source;
    for (size_t at = line->begin, length; at<line->end; at += length> 0 ? length : 1) {
        length = printable_length(source, at, line->end);
        memcpy(text, length > 0 ? source->text + at : "?", length > 0 ? length : 1);
        text += length > 0 ? length : 1;
    }
    *text++ = '\n';
    for (size_t at = line->begin; at < place->offset; at++)
        if (!is_continuation(source->text[at]))
            *text++ = source->text[at] == '\t' ? '\t' : ' ';
    *text++ = '^';
    *text = '\0';
}

int pg_place_refuse(const struct pg_place *place, struct pg_error *error)
{
    if (error == NULL)
        return PG_EINPUT;
    if (error->status != PG_EINPUT)
        return error->status;
    if (!place->source->is_file)
        return pg_error_prefix(error, "%s", place->source->name);
    struct pg_place at = *place;
    if (at.offset < begin_of_text(at.source))
        at.offset = begin_of_text(at.source);
    struct line line = find_line(&at);
    (void)pg_error_prefix(error, "%s:%zu:%zu", at.source->name, line.number, line.column);
    narrow(&line, &at);
    size_t used = strlen(error->text), room = 2 * WINDOW_MAX + 8;
    if (line.begin == line.end || used + room >= sizeof error->text)
        return error->status;
    error->text[used] = '\n';
    print_line_and_caret(&line, &at, error->text + used + 1);
    return error->status;
}
