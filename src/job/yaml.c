/* SPDX-License-Identifier: MIT */
/*
 * libfyaml behind a small face. The text was checked before (source.c). Diagnostics are collected;
 * what libfyaml prints beside them goes to a memory stream, never to stderr. Its depth limit stays
 * on, and keys are compared here, against the few that are known, so that no document can make
 * reading it slow or deep. Exactly one document is a job.
 */
#include "yaml.h"

#include <libfyaml.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS_MAX = 64, ANCHORS_MAX = 1000 };

struct pg_yaml {
    const struct pg_source *source;
    struct fy_diag *diag;
    struct fy_parser *parser;
    struct fy_document *document;
    FILE *noise;
    char *noise_text;
    size_t noise_size;
};

static int refuse_memory(struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "out of memory while reading the job");
}

static struct fy_diag *create_diag(FILE *noise)
{
    struct fy_diag_cfg config;
    fy_diag_cfg_default(&config);
    config.fp = noise;
    config.colorize = false;
    struct fy_diag *diag = fy_diag_create(&config);
    if (diag != NULL)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

static int open_parser(struct pg_yaml *yaml, struct pg_error *error)
{
    yaml->noise = open_memstream(&yaml->noise_text, &yaml->noise_size);
    if (yaml->noise == NULL)
        return refuse_memory(error);
    yaml->diag = create_diag(yaml->noise);
    if (yaml->diag == NULL)
        return refuse_memory(error);
    const struct fy_parse_cfg config = {
        .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE | FYPCF_ALLOW_DUPLICATE_KEYS,
        .diag = yaml->diag,
    };
    yaml->parser = fy_parser_create(&config);
    const struct pg_source *source = yaml->source;
    if (yaml->parser == NULL || fy_parser_set_string(yaml->parser, source->text, source->size) != 0)
        return refuse_memory(error);
    return 0;
}

/* The first error that libfyaml collected, or `otherwise`, at its place. */
static int refuse_collected(const struct pg_yaml *yaml, const char *otherwise,
                            struct pg_error *error)
{
    void *at = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(yaml->diag, &at);
    struct pg_place place = {yaml->source, 0};
    if (first != NULL)
        place = pg_source_place(yaml->source, first->line, first->column);
    (void)pg_error_set(error, PG_EINPUT, "not valid YAML: %s",
                       first != NULL ? first->msg : otherwise);
    return pg_place_refuse(&place, error);
}

/* Then libfyaml's mark stands behind the quote. */
static bool is_quoted(struct fy_node *node)
{
    enum fy_node_style style = fy_node_get_style(node);
    return style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED;
}

/* Where the node is written: an alias itself, not what it stands for; a list or map begins where
   its first text does. `otherwise` for what has no text. */
static struct pg_place place_of(struct fy_node *node, struct pg_place otherwise)
{
    for (int i = 0; i < LINKS_MAX && node != NULL; i++) {
        if (fy_node_is_scalar(node)) {
            struct fy_token *token = fy_node_get_scalar_token(node);
            const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
            if (mark != NULL && mark->input_pos <= otherwise.source->size)
                otherwise.offset = mark->input_pos - (is_quoted(node) && mark->input_pos > 0);
            break;
        }
        node = fy_node_is_mapping(node) ? fy_node_pair_key(fy_node_mapping_get_by_index(node, 0))
                                        : fy_node_sequence_get_by_index(node, 0);
    }
    return otherwise;
}

static int refuse_second_document(struct pg_yaml *yaml, struct pg_error *error)
{
    struct fy_document *second = fy_parse_load_document(yaml->parser);
    if (second == NULL)
        return fy_parser_get_stream_error(yaml->parser)
                   ? refuse_collected(yaml, "something behind the document", error)
                   : 0;
    struct pg_place place = place_of(fy_document_root(second), (struct pg_place){yaml->source, 0});
    fy_parse_document_destroy(yaml->parser, second);
    (void)pg_error_set(error, PG_EINPUT, "found a second document, expected one job in a file");
    return pg_place_refuse(&place, error);
}

/* libfyaml looks for an anchor among all others: tens of thousands of them take minutes. */
static int check_anchors(const struct pg_source *source, struct pg_error *error)
{
    size_t marks = 0;
    for (size_t at = 0; at < source->size; at++) {
        if (source->text[at] != '&' || ++marks <= ANCHORS_MAX)
            continue;
        struct pg_place place = {source, at};
        (void)pg_error_set(error, PG_EINPUT, "found more than %d anchors (&), too many for a job",
                           ANCHORS_MAX);
        return pg_place_refuse(&place, error);
    }
    return 0;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Or what looks like one: text may hold a '?', too. */
static bool has_explicit_key(const struct pg_source *source)
{
    for (size_t at = 0; at < source->size; at++)
        if (source->text[at] == '?' && (at + 1 == source->size || is_blank(source->text[at + 1])))
            return true;
    return false;
}

/* libfyaml 0.7.12 crashes on a value behind a tab whose key is explicit ("? a:\t:"). */
static int check_tabs(const struct pg_source *source, struct pg_error *error)
{
    if (!has_explicit_key(source))
        return 0;
    for (size_t at = 0, colon = SIZE_MAX; at < source->size; at++) {
        if (source->text[at] == ':')
            colon = at;
        if (source->text[at] == '\t' && colon != SIZE_MAX) {
            struct pg_place place = {source, at};
            (void)pg_error_set(error, PG_EINPUT,
                               "found a tab behind a colon and an explicit key (?), expected "
                               "spaces");
            return pg_place_refuse(&place, error);
        }
        if (source->text[at] != ' ' && source->text[at] != ':')
            colon = SIZE_MAX;
    }
    return 0;
}

static int load_document(struct pg_yaml *yaml, struct pg_error *error)
{
    yaml->document = fy_parse_load_document(yaml->parser);
    if (yaml->document == NULL || fy_document_root(yaml->document) == NULL)
        return refuse_collected(yaml, "nothing in it", error);
    return refuse_second_document(yaml, error);
}

int pg_yaml_parse(const struct pg_source *source, struct pg_yaml **ret_yaml,
                  struct pg_entry *ret_root, struct pg_error *error)
{
    int status = pg_source_check(source, error);
    if (status == 0)
        status = check_anchors(source, error);
    if (status == 0)
        status = check_tabs(source, error);
    if (status != 0)
        return status;
    struct pg_yaml *yaml = calloc(1, sizeof *yaml);
    if (yaml == NULL)
        return refuse_memory(error);
    yaml->source = source;
    status = open_parser(yaml, error);
    if (status == 0)
        status = load_document(yaml, error);
    if (status != 0) {
        pg_yaml_destroy(yaml);
        return status;
    }
    struct fy_node *root = fy_document_root(yaml->document);
    *ret_root = (struct pg_entry){NULL, root, place_of(root, (struct pg_place){source, 0})};
    *ret_yaml = yaml;
    return 0;
}

void pg_yaml_destroy(struct pg_yaml *yaml)
{
    if (yaml == NULL)
        return;
    if (yaml->document != NULL)
        fy_parse_document_destroy(yaml->parser, yaml->document);
    if (yaml->parser != NULL)
        fy_parser_destroy(yaml->parser);
    if (yaml->diag != NULL)
        fy_diag_destroy(yaml->diag);
    if (yaml->noise != NULL)
        (void)fclose(yaml->noise);
    free(yaml->noise_text);
    free(yaml);
}

bool pg_entry_exists(const struct pg_entry *entry)
{
    return entry->place.source != NULL;
}

/* What the entry's value is once aliases are followed; NULL: they lead nowhere. */
static struct fy_node *resolved(const struct pg_entry *entry)
{
    return fy_node_is_alias(entry->node) ? fy_node_resolve_alias(entry->node) : entry->node;
}

static bool is_null(const char *text)
{
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
           strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static enum pg_yaml_kind scalar_kind(struct fy_node *node)
{
    const char *text = fy_node_get_scalar0(node);
    if (fy_node_get_style(node) != FYNS_PLAIN || fy_node_get_tag_token(node) != NULL)
        return PG_YAML_TEXT;
    return text == NULL || is_null(text) ? PG_YAML_NOTHING : PG_YAML_PLAIN;
}

enum pg_yaml_kind pg_entry_kind(const struct pg_entry *entry)
{
    if (entry->node == NULL)
        return PG_YAML_NOTHING;
    struct fy_node *node = resolved(entry);
    if (node == NULL)
        return PG_YAML_DANGLING;
    if (fy_node_is_sequence(node))
        return PG_YAML_LIST;
    return fy_node_is_mapping(node) ? PG_YAML_MAP : scalar_kind(node);
}

const char *pg_entry_text(const struct pg_entry *entry)
{
    struct fy_node *node = resolved(entry);
    const char *text = node != NULL && fy_node_is_scalar(node) ? fy_node_get_scalar0(node) : NULL;
    return text != NULL ? text : "";
}

size_t pg_entry_count(const struct pg_entry *entry)
{
    struct fy_node *node = resolved(entry);
    int count = fy_node_is_mapping(node) ? fy_node_mapping_item_count(node)
                                         : fy_node_sequence_item_count(node);
    return count > 0 ? (size_t)count : 0;
}

static const char *key_text(struct fy_node *key)
{
    const char *text = key != NULL && fy_node_is_scalar(key) && !fy_node_is_alias(key)
                           ? fy_node_get_scalar0(key)
                           : NULL;
    return text != NULL ? text : "";
}

bool pg_entry_next(const struct pg_entry *parent, void **at, struct pg_entry *ret_entry)
{
    struct fy_node *node = resolved(parent);
    if (fy_node_is_mapping(node)) {
        struct fy_node_pair *pair = fy_node_mapping_iterate(node, at);
        if (pair == NULL)
            return false;
        struct fy_node *key = fy_node_pair_key(pair);
        *ret_entry = (struct pg_entry){key_text(key), fy_node_pair_value(pair),
                                       place_of(key, parent->place)};
        return true;
    }
    struct fy_node *item = fy_node_sequence_iterate(node, at);
    *ret_entry = (struct pg_entry){NULL, item, place_of(item, parent->place)};
    return item != NULL;
}
