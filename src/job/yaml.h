/* SPDX-License-Identifier: MIT */
/*
 * YAML as the job reader sees it: entries (of a map, with a key; of a list, without), each with a
 * kind and a place. Aliases are followed one entry at a time, never expanded as a whole. libfyaml
 * is not seen above this file.
 */
#ifndef PHASEGRID_JOB_YAML_H
#define PHASEGRID_JOB_YAML_H

#include "phasegrid/error.h"
#include "source.h"

struct fy_node;
struct pg_yaml; /* owns every node and text of a document */

enum pg_yaml_kind {
    PG_YAML_NOTHING, /* empty, ~, null */
    PG_YAML_PLAIN,   /* a number or a name, as written */
    PG_YAML_TEXT,    /* quoted, a block or tagged: never a number */
    PG_YAML_LIST,
    PG_YAML_MAP,
    PG_YAML_DANGLING, /* an alias to no anchor, or to itself */
};

struct pg_entry {
    const char *key;       /* NULL in a list */
    struct fy_node *node;  /* the value; may be NULL: nothing */
    struct pg_place place; /* of the key, where there is one; all zero: no such entry */
};

/* source is borrowed for the life of *ret_yaml; ret_root->key is NULL. */
int pg_yaml_parse(const struct pg_source *source, struct pg_yaml **ret_yaml,
                  struct pg_entry *ret_root, struct pg_error *error) PG_CHECK_RESULT;
void pg_yaml_destroy(struct pg_yaml *yaml);

bool pg_entry_exists(const struct pg_entry *entry);

enum pg_yaml_kind pg_entry_kind(const struct pg_entry *entry);

/* The text of a PLAIN or TEXT entry, "" for others. */
const char *pg_entry_text(const struct pg_entry *entry);

/* Entries of a LIST or MAP. */
size_t pg_entry_count(const struct pg_entry *entry);

/* The next entry of a LIST or MAP; *at begins as NULL. false: there is none. */
bool pg_entry_next(const struct pg_entry *parent, void **at, struct pg_entry *ret_entry);

#endif
