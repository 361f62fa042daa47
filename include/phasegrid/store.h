/* SPDX-License-Identifier: MIT */
/*
 * The results file: created serially under a temporary name and published by rename; then opened by
 * all ranks with MPI-IO, which write raw rows independently. A row is done when its status byte
 * says so, and that byte is written last.
 */
#ifndef PHASEGRID_STORE_H
#define PHASEGRID_STORE_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phasegrid/error.h"
#include "phasegrid/layout.h"

enum pg_row_status {
    PG_ROW_TODO = 0,
    PG_ROW_DONE = 1,
    PG_ROW_DIVERGED = 2,
    PG_ROW_FAILED = 3,
};

/* Creates the file: every object, coordinates, cell data, fill values (which takes the disk space);
   fsync, rename, fsync of the folder. Serial: one rank calls it. Refuses beforehand when the cube
   will not fit the disk, with both figures. On failure nothing is left behind. */
int pg_store_create(const char *path, const struct pg_layout *layout,
                    struct pg_error *error) PG_CHECK_RESULT;

/* Bytes that the file of this layout will take. */
uint64_t pg_store_size(const struct pg_layout *layout);

/* Refuses (PG_EINPUT) a new file of this layout when the disk has no room for it, with both
   figures, as pg_store_create() does. */
int pg_store_check_room(const char *path, const struct pg_layout *layout,
                        struct pg_error *error) PG_CHECK_RESULT;

struct pg_store;

/* Collective over `comm`. Opens for writing; checks that the file has the layout's variables,
   types and lengths (PG_EMISMATCH). All ranks return the same status. */
int pg_store_open(const char *path, const struct pg_layout *layout, MPI_Comm comm,
                  struct pg_store **ret_store, struct pg_error *error) PG_CHECK_RESULT;

/* Collective. Accepts NULL on all ranks. Flushes what is pending. */
int pg_store_close(struct pg_store *store, struct pg_error *error) PG_CHECK_RESULT;

/* When written rows are made safe. GROUP: together, once a second. RUN: before pg_store_write()
   returns. NONE: the system's own time; rows marked as done then survive a killed process, not a
   loss of power. */
enum pg_sync { PG_SYNC_GROUP, PG_SYNC_RUN, PG_SYNC_NONE };
extern const char *const pg_sync_names[]; /* NULL-terminated */

/* For what is written from now on; a new store has PG_SYNC_GROUP. */
void pg_store_set_sync(struct pg_store *store, enum pg_sync sync);
enum pg_sync pg_store_get_sync(const struct pg_store *store);

/* Writes the payload of block rows begin .. end - 1 and their CRCs (crc32 over the row's payload
   variables in layout order), then, after the data is on disk, their statuses; statuses are indexed
   as the block's rows. Any rank, no communication. Rows become visible as done in groups, once a
   second: at a later write, at pg_store_flush_due(), pg_store_flush() or close. */
int pg_store_write(struct pg_store *store, const struct pg_block *block, size_t begin, size_t end,
                   const uint8_t *statuses, struct pg_error *error) PG_CHECK_RESULT;

/* fdatasync, then the status bytes of what is pending. Any rank, no communication. */
int pg_store_flush(struct pg_store *store, struct pg_error *error) PG_CHECK_RESULT;

/* pg_store_flush(), and the statuses are on disk as well when it returns: before anything goes that
   could bring these rows back. Any rank, no communication. */
int pg_store_sync(struct pg_store *store, struct pg_error *error) PG_CHECK_RESULT;

/* The same as pg_store_flush() when statuses have been waiting and the last flush is a second ago;
   else it costs a look at the clock. For whoever is busy with something long between writes. */
int pg_store_flush_due(struct pg_store *store, struct pg_error *error) PG_CHECK_RESULT;

/* Takes rows (count) back to "to do", on disk when it returns: before the payload of a row that has
   a status is written anew. Any rank, no communication. */
int pg_store_forget(struct pg_store *store, const uint64_t *rows, size_t count,
                    struct pg_error *error) PG_CHECK_RESULT;

/* The same for a file that no sweep has open; touches nothing but these bytes of `status`. */
int pg_store_mark_todo(const char *path, const uint64_t *rows, size_t count,
                       struct pg_error *error) PG_CHECK_RESULT;

/* One launch of the program, as a row of /provenance. Texts are cut to the file's widths. Runs with
   a result are those that are done or diverged; below 0: not known. */
struct pg_launch {
    const char *version, *commit, *host, *cpu, *kernel, *slurm_job;
    int32_t ranks;
    double started;     /* unix seconds */
    int64_t finished;   /* runs with a result at the start */
    int64_t steps_kept; /* model-steps in checkpoints at the start */
};

struct pg_launch_end {
    double ended; /* unix seconds */
    const char *reason;
    int64_t finished; /* runs with a result then */
};

/* Rank 0 only, no communication: adds a row, or completes the one this store began. */
int pg_store_launch_begin(struct pg_store *store, const struct pg_launch *launch,
                          struct pg_error *error) PG_CHECK_RESULT;
int pg_store_launch_end(struct pg_store *store, const struct pg_launch_end *end,
                        struct pg_error *error) PG_CHECK_RESULT;

/* A row of /provenance as a reader finds it. */
enum { PG_LAUNCH_TEXT = 65 };
struct pg_launch_record {
    int64_t number;
    double started, ended; /* unix seconds; ended NAN: it was killed, or still runs */
    int32_t ranks;
    int64_t finished_before, steps_kept_before, finished_after; /* below 0: not known */
    char host[PG_LAUNCH_TEXT], slurm_job[PG_LAUNCH_TEXT], reason[PG_LAUNCH_TEXT];
};

/* Whether the structure of the file can be read, tried in a child process with limits on time and
   memory: PG_EMISMATCH ("is damaged") when the child died, used up its limits or found it unsound;
   else the clear text of what it met: no such file, a folder, no permission, no HDF5 file. */
int pg_store_probe(const char *path, struct pg_error *error) PG_CHECK_RESULT;

/* Reading without MPI, at any moment, for one process. Opening begins with pg_store_probe(). */
struct pg_reader;

int pg_reader_open(const char *path, struct pg_reader **ret_reader,
                   struct pg_error *error) PG_CHECK_RESULT;
void pg_reader_close(struct pg_reader *reader);

/* A text attribute of the root; the caller frees it. Missing: PG_EMISMATCH. */
int pg_reader_text(struct pg_reader *reader, const char *name, char **ret_text,
                   struct pg_error *error) PG_CHECK_RESULT;

/* The layout as the file has it; owned by the reader. Index coordinates come back as INTEGER,
   `data` is NULL (pg_reader_rows() reads it), and attributes hold what is text or one number. */
const struct pg_layout *pg_reader_layout(struct pg_reader *reader);

/* statuses (row_count). */
int pg_reader_statuses(struct pg_reader *reader, uint8_t *ret_statuses,
                       struct pg_error *error) PG_CHECK_RESULT;

/* The launches that the file still knows, in their order: (count), the caller frees. ret_total: how
   many there were. */
int pg_reader_launches(struct pg_reader *reader, struct pg_launch_record **ret_launches,
                       size_t *ret_count, uint64_t *ret_total,
                       struct pg_error *error) PG_CHECK_RESULT;

/* data: pg_layout_row_bytes(variable) x count bytes of rows first .. first + count - 1. The rows of
   a CELL variable are its cells, an AXIS variable is one row. Not for text. */
int pg_reader_rows(struct pg_reader *reader, size_t variable, uint64_t first, uint64_t count,
                   void *ret_data, struct pg_error *error) PG_CHECK_RESULT;

/* Finished rows of a file, on their way into another one. */
struct pg_row_origin {
    struct pg_reader *reader;
    const uint64_t *rows; /* (its rows): the row in the new file; no two the same */
    /* Name and number of variables that the file may lack: what its rows have there. */
    const struct pg_attribute *missing;
    size_t missing_count;
};

struct pg_rebuilding {
    const char *path;
    const struct pg_layout *layout;
    const struct pg_row_origin *origins; /* (origin_count) */
    size_t origin_count;
    bool replaces;                  /* over the file at `path`, else there must be none */
    const struct pg_launch *launch; /* noted in the provenance, ended as it began, with */
    const char *reason;             /* this reason */
};

/* A new file, created and published as by pg_store_create(), with the rows of the origins that are
   done, diverged or failed. Their CRCs are checked (PG_EMISMATCH); every element stands where its
   coordinates are in the new layout, around it is fill, and the CRC is that of the new row. A row
   that several origins have is the one that did not fail, then the first; their results must agree
   in all that is not volatile (PG_EMISMATCH, naming both files and the run). The launches of all
   origins are kept. Serial. */
int pg_store_rebuild(const struct pg_rebuilding *rebuilding,
                     struct pg_error *error) PG_CHECK_RESULT;

/* SHA-256 over names, types, shapes and rows in cube order of every variable that is not volatile;
   rows that are not done count by their status alone. hex (65). */
int pg_reader_digest(struct pg_reader *reader, char *ret_hex,
                     struct pg_error *error) PG_CHECK_RESULT;

#endif
