/* SPDX-License-Identifier: MIT */
/*
 * What a key may hold. A quoted number is text, not a number; a list is handed on in the spelling
 * that pg_value_parse() reads, so that there is one reader of values. A matrix stands there itself,
 * or the name of its file, beside the job file unless it begins with '/'.
 */
#include "entry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phasegrid/matrix.h"
#include "phasegrid/quote.h"
#include "words.h"

enum { DESCRIPTION_MAX = PG_QUOTE_SIZE + 16, LIST_TEXT_MAX = 1024 };

static const char *describe(const struct pg_entry *entry, char *text)
{
    char quoted[PG_QUOTE_SIZE];
    switch (pg_entry_kind(entry)) {
    case PG_YAML_NOTHING:
        return "nothing";
    case PG_YAML_PLAIN:
        return pg_quote(pg_entry_text(entry), text);
    case PG_YAML_TEXT:
        (void)snprintf(text, DESCRIPTION_MAX, "the text %s",
                       pg_quote_always(pg_entry_text(entry), quoted));
        return text;
    case PG_YAML_LIST:
        return pg_entry_count(entry) == 0 ? "an empty list" : "a list";
    case PG_YAML_MAP:
        return "a map";
    case PG_YAML_DANGLING:
        return "an alias to nothing";
    }
    return "nothing";
}

int pg_entry_refuse(const struct pg_entry *entry, const char *what, const char *expected,
                    struct pg_error *error)
{
    char found[DESCRIPTION_MAX];
    (void)pg_error_set(error, PG_EINPUT, "%s: found %s, expected %s", what, describe(entry, found),
                       expected);
    return pg_place_refuse(&entry->place, error);
}

static int refuse_value(const struct pg_entry *entry, const struct pg_setting *setting,
                        struct pg_error *error)
{
    char found[DESCRIPTION_MAX];
    int status = pg_value_refuse(setting, describe(entry, found), error);
    return status == PG_EINPUT ? pg_place_refuse(&entry->place, error) : status;
}

/* "[5, 4, 6]"; false: an item that no list of numbers has, left in *ret_item. */
static bool spell_list(const struct pg_entry *list, char *text, size_t size,
                       struct pg_entry *ret_item)
{
    size_t used = (size_t)snprintf(text, size, "[");
    void *at = NULL;
    for (bool is_first = true; pg_entry_next(list, &at, ret_item); is_first = false) {
        const char *item = pg_entry_text(ret_item);
        if (pg_entry_kind(ret_item) != PG_YAML_PLAIN || strpbrk(item, "[], ") != NULL ||
            used + strlen(item) + sizeof ", ]" > size)
            return false;
        used += (size_t)snprintf(text + used, size - used, "%s%s", is_first ? "" : ", ", item);
    }
    (void)snprintf(text + used, size - used, "]");
    return true;
}

static int read_list(const struct pg_entry *entry, const struct pg_setting *setting,
                     struct pg_value *ret_value, struct pg_error *error)
{
    char text[LIST_TEXT_MAX];
    struct pg_entry item;
    if (!spell_list(entry, text, sizeof text, &item))
        return refuse_value(pg_entry_kind(&item) == PG_YAML_PLAIN ? entry : &item, setting, error);
    int status = pg_value_parse(setting, text, ret_value, error);
    return status == 0 ? 0 : pg_place_refuse(&entry->place, error);
}

/* ret_path (PATH_MAX): of a file named in a job file, that is in the same folder. */
static int find_file(const struct pg_entry *entry, const char *name, char *ret_path,
                     struct pg_error *error)
{
    const struct pg_source *source = entry->place.source;
    const char *slash = source->is_file && name[0] != '/' ? strrchr(source->name, '/') : NULL;
    int folder = slash == NULL ? 0 : (int)(slash + 1 - source->name);
    int length = snprintf(ret_path, PATH_MAX, "%.*s%s", folder, source->name, name);
    return length < PATH_MAX ? 0 : pg_error_set(error, PG_EINPUT, "the path is too long");
}

static int read_matrix_file(const struct pg_entry *entry, const char *name,
                            struct pg_value *ret_value, struct pg_error *error)
{
    char path[PATH_MAX], *text = NULL;
    size_t size = 0;
    int status = find_file(entry, name, path, error);
    if (status == 0)
        status = pg_source_load(path, &text, &size, error);
    if (status != 0)
        return status;
    status = pg_matrix_read(text, size, &ret_value->matrix, error);
    free(text);
    return status == 0 ? 0 : pg_error_prefix(error, "%s", path);
}

static int read_matrix(const struct pg_entry *entry, const struct pg_setting *setting,
                       struct pg_value *ret_value, struct pg_error *error)
{
    const char *text = pg_entry_text(entry);
    bool is_matrix = text[strspn(text, "01/, \t\r\n")] == '\0';
    struct pg_value value = {.type = PG_VALUE_MATRIX, .matrix = ""};
    int status = 0;
    if (is_matrix)
        status = pg_matrix_read(text, strlen(text), &value.matrix, error);
    else if (strcmp(text, "none") != 0)
        status = read_matrix_file(entry, text, &value, error);
    *ret_value = value;
    if (status == 0)
        return 0;
    (void)pg_error_prefix(error, "%s", setting->name);
    return pg_place_refuse(&entry->place, error);
}

int pg_entry_value(const struct pg_entry *entry, const struct pg_setting *setting,
                   struct pg_value *ret_value, struct pg_error *error)
{
    enum pg_yaml_kind kind = pg_entry_kind(entry);
    if (kind == PG_YAML_LIST && setting->type == PG_VALUE_LIST)
        return read_list(entry, setting, ret_value, error);
    if ((kind == PG_YAML_PLAIN || kind == PG_YAML_TEXT) && setting->type == PG_VALUE_MATRIX)
        return read_matrix(entry, setting, ret_value, error);
    if (kind != PG_YAML_PLAIN && !(kind == PG_YAML_TEXT && setting->type == PG_VALUE_NAME))
        return refuse_value(entry, setting, error);
    if (setting->type == PG_VALUE_LIST)
        return refuse_value(entry, setting, error);
    int status = pg_value_parse(setting, pg_entry_text(entry), ret_value, error);
    return status == 0 ? 0 : pg_place_refuse(&entry->place, error);
}

int pg_entry_integer(const struct pg_entry *entry, const struct pg_setting *setting,
                     int64_t *ret_integer, struct pg_error *error)
{
    struct pg_value value = {0};
    int status = pg_entry_value(entry, setting, &value, error);
    *ret_integer = value.integer;
    return status;
}

static size_t find_name(const char *const *names, size_t count, const char *name)
{
    size_t index = 0;
    while (index < count && strcmp(names[index], name) != 0)
        index++;
    return index;
}

static int refuse_key(const struct pg_entry *entry, const char *what, const char *const *names,
                      size_t count, struct pg_error *error)
{
    char found[DESCRIPTION_MAX], quoted[PG_QUOTE_SIZE];
    (void)snprintf(found, sizeof found, "the key %s", pg_quote_always(entry->key, quoted));
    (void)pg_word_refuse(what, found, entry->key, names, count, error);
    return pg_place_refuse(&entry->place, error);
}

int pg_entry_fields(const struct pg_entry *map, const char *what, const char *const *names,
                    size_t count, struct pg_entry *ret_entries, struct pg_error *error)
{
    char expected[256] = "a map with";
    for (size_t i = 0, used = strlen(expected); i < count && used < sizeof expected; i++)
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s %s", i > 0 ? "," : "",
                                 names[i]);
    memset(ret_entries, 0, count * sizeof *ret_entries);
    if (pg_entry_kind(map) != PG_YAML_MAP)
        return pg_entry_refuse(map, what, expected, error);
    struct pg_entry entry;
    for (void *at = NULL; pg_entry_next(map, &at, &entry);) {
        size_t index = find_name(names, count, entry.key);
        if (index == count)
            return refuse_key(&entry, what, names, count, error);
        if (pg_entry_exists(&ret_entries[index])) {
            (void)pg_error_set(error, PG_EINPUT, "%s: the key \"%s\" stands here a second time",
                               what, entry.key);
            return pg_place_refuse(&entry.place, error);
        }
        ret_entries[index] = entry;
    }
    return 0;
}
