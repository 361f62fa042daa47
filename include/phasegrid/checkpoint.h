/* SPDX-License-Identifier: MIT */
/*
 * The states of unfinished runs, in files beside the results: `<results>.checkpoint-<name>`, one
 * for each worker's pack, the name being `<launch>-<rank>` (hexadecimal and decimal digits). A file
 * is published by rename, so it is the last whole one at any moment. Its records stand for
 * themselves and are found by the run's key, so that any launch may take up any of them. A damaged
 * record or file is passed over: its runs begin again.
 *
 * Serial, no MPI: rank 0 looks for what there is and hands the index to the others as bytes.
 */
#ifndef PHASEGRID_CHECKPOINT_H
#define PHASEGRID_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/run_key.h"
#include "phasegrid/store.h"

struct pg_checkpoint_record {
    struct pg_run_key key;
    int64_t progress; /* steps */
    double seconds;   /* trained so far */
    const void *state;
    size_t size; /* bytes */
};

/* Puts the records in the place of what the file held. On failure the old file stays and nothing
   else is left. On disk when it returns, but for PG_SYNC_NONE. */
int pg_checkpoint_write(const char *results_path, const char *name,
                        const struct pg_checkpoint_record *records, size_t count, enum pg_sync sync,
                        struct pg_error *error) PG_CHECK_RESULT;

void pg_checkpoint_remove(const char *results_path, const char *name);

/* What stands beside a results file: an index of keys. Of equal keys the furthest counts. */
struct pg_checkpoints;

int pg_checkpoints_open(const char *results_path, struct pg_checkpoints **ret_checkpoints,
                        struct pg_error *error) PG_CHECK_RESULT;
void pg_checkpoints_close(struct pg_checkpoints *checkpoints); /* NULL is accepted */

/* Different keys. */
size_t pg_checkpoints_count(const struct pg_checkpoints *checkpoints);

/* Steps of all of them together. */
int64_t pg_checkpoints_steps(const struct pg_checkpoints *checkpoints);

/* ret_progress may be NULL. */
bool pg_checkpoints_find(const struct pg_checkpoints *checkpoints, const struct pg_run_key *key,
                         int64_t *ret_progress);

/* The furthest state of the run that is sound, for the caller to release. PG_EMISMATCH: none is
   sound any more, the run begins again. */
int pg_checkpoints_read(const struct pg_checkpoints *checkpoints, const struct pg_run_key *key,
                        struct pg_checkpoint_record *ret_record,
                        struct pg_error *error) PG_CHECK_RESULT;

/* Frees the state of a record that was read. */
void pg_checkpoint_record_release(struct pg_checkpoint_record *record);

/* Removes the files all of whose records are settled, and forgets these records; a damaged one asks
   for nothing. */
void pg_checkpoints_remove_settled(struct pg_checkpoints *checkpoints,
                                   bool (*is_settled)(void *context, const struct pg_run_key *key),
                                   void *context);

/* The index as flat bytes for another rank of the same program (malloc'ed), and back. */
int pg_checkpoints_pack(const struct pg_checkpoints *checkpoints, void **ret_bytes,
                        size_t *ret_size, struct pg_error *error) PG_CHECK_RESULT;
int pg_checkpoints_unpack(const char *results_path, const void *bytes, size_t size,
                          struct pg_checkpoints **ret_checkpoints,
                          struct pg_error *error) PG_CHECK_RESULT;

#endif
