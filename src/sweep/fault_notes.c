/* SPDX-License-Identifier: MIT */
/* From the lines of the file (see faults.c) to one note per run: all mentions are collected, sorted
   by key, and those of one run are made one. */
#include "fault_notes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

static int compare(const void *a, const void *b)
{
    const struct pg_fault_note *left = a, *right = b;
    return pg_run_key_compare(&left->key, &right->key);
}

/* ---- lines ---- */

static int digit_value(char digit)
{
    static const char hexadecimal[] = "0123456789abcdef";
    const char *at = digit != '\0' ? strchr(hexadecimal, digit) : NULL;
    return at != NULL ? (int)(at - hexadecimal) : -1;
}

/* "CELL.SEED" */
static bool read_key(const char *word, struct pg_run_key *ret_key)
{
    for (size_t i = 0; i < sizeof ret_key->cell; i++, word += 2) {
        int high = digit_value(word[0]), low = high >= 0 ? digit_value(word[1]) : -1;
        if (low < 0)
            return false;
        ret_key->cell[i] = (uint8_t)(high << 4 | low);
    }
    char *end = NULL;
    unsigned long seed = *word == '.' ? strtoul(word + 1, &end, 10) : 0;
    ret_key->seed = (uint32_t)seed;
    return end != NULL && end != word + 1 && *end == '\0' && seed <= UINT32_MAX;
}

static int add_note(struct pg_fault_notes *notes, const struct pg_fault_note *note,
                    struct pg_error *error)
{
    struct pg_fault_note *larger = realloc(notes->notes, (notes->count + 1) * sizeof *notes->notes);
    if (larger == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the notes of earlier crashes");
    notes->notes = larger;
    notes->notes[notes->count++] = *note;
    return 0;
}

/* Adds the runs of one line: all, or, when it is not whole, none. */
static int read_line(char *line, struct pg_fault_notes *notes, struct pg_error *error)
{
    size_t before = notes->count;
    char *rest = NULL, *word = strtok_r(line, " \n", &rest);
    struct pg_fault_note note = {.alone = 0};
    int status = 0;
    if (word == NULL || strcmp(word, "fault") != 0 || (word = strtok_r(NULL, " \n", &rest)) == NULL)
        return 0;
    note.signal = (int)strtol(word, NULL, 10);
    word = strtok_r(NULL, " \n", &rest);
    while (status == 0 && word != NULL && read_key(word, &note.key)) {
        status = add_note(notes, &note, error);
        word = strtok_r(NULL, " \n", &rest);
    }
    if (status == 0 && (word == NULL || strcmp(word, "end") != 0))
        notes->count = before;
    if (notes->count == before + 1)
        notes->notes[before].alone = 1;
    return status;
}

/* ---- notes ---- */

/* One note of each run, sorted. */
static void unite(struct pg_fault_notes *notes)
{
    size_t kept = 0;
    if (notes->count > 0)
        qsort(notes->notes, notes->count, sizeof *notes->notes, compare);
    for (size_t i = 0; i < notes->count; i++) {
        const struct pg_fault_note *note = &notes->notes[i];
        if (kept > 0 && compare(&notes->notes[kept - 1], note) == 0) {
            struct pg_fault_note *same = &notes->notes[kept - 1];
            same->signal = note->alone >= 1 || same->alone == 0 ? note->signal : same->signal;
            same->alone += note->alone;
        } else {
            notes->notes[kept++] = *note;
        }
    }
    notes->count = kept;
}

static int read_lines(FILE *file, struct pg_fault_notes *notes, struct pg_error *error)
{
    char *line = NULL;
    size_t size = 0;
    int status = 0;
    while (status == 0 && getline(&line, &size, file) >= 0)
        status = read_line(line, notes, error);
    free(line);
    return status;
}

int pg_fault_notes_read(const char *results_path, struct pg_fault_notes *ret_notes,
                        struct pg_error *error)
{
    memset(ret_notes, 0, sizeof *ret_notes);
    char *path = pg_faults_path(results_path);
    if (path == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: the notes of earlier crashes");
    FILE *file = fopen(path, "re");
    int status = 0;
    if (file == NULL && errno != ENOENT)
        status = pg_error_set(error, PG_EMACHINE, "cannot read '%s': %s", path, strerror(errno));
    if (file != NULL) {
        status = read_lines(file, ret_notes, error);
        (void)fclose(file);
    }
    free(path);
    if (status != 0)
        pg_fault_notes_release(ret_notes);
    unite(ret_notes);
    return status;
}

void pg_fault_notes_release(struct pg_fault_notes *notes)
{
    free(notes->notes);
    memset(notes, 0, sizeof *notes);
}

const struct pg_fault_note *pg_fault_notes_find(const struct pg_fault_notes *notes,
                                                const struct pg_run_key *key)
{
    const struct pg_fault_note wanted = {.key = *key};
    if (notes->count == 0)
        return NULL;
    return bsearch(&wanted, notes->notes, notes->count, sizeof *notes->notes, compare);
}

void pg_fault_notes_remove(const char *results_path)
{
    char *path = pg_faults_path(results_path);
    if (path != NULL)
        (void)unlink(path);
    free(path);
}
