/* SPDX-License-Identifier: MIT */
/*
 * A results file open for writing on all ranks.
 *
 * A commit: payload and CRC of the rows -> fdatasync -> their status bytes. Every write is an
 * independent raw write of a dataset that exists in full, so that no metadata change and no rank
 * waits for another. fdatasync goes through a descriptor of our own, since HDF5's and MPI's ways
 * to it are collective. Statuses wait in a short list and follow at most once a second, or at once,
 * as the sync mode says; a status byte that is lost means only that the row is done again.
 */
#include "phasegrid/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc.h"
#include "divert.h"
#include "h5.h"
#include "leftovers.h"
#include "match.h"
#include "phasegrid/clock.h"
#include "phasegrid/consensus.h"
#include "provenance.h"
#include "rows.h"

enum { PENDING_MAX = 4096 };

static const double flush_interval = 1.0; /* seconds */

const char *const pg_sync_names[] = {"group", "run", "none", NULL};

struct pg_store {
    const struct pg_layout *layout; /* borrowed */
    MPI_Comm comm;                  /* own copy */
    char *path;
    hid_t file;
    hid_t *datasets; /* (variable_count); negative where the store never writes */
    int fd;
    enum pg_sync sync;
    int64_t launch; /* number of the launch begun here; -1: none */
    /* Rows on their way to disk, in the order of writing, and the statuses they will get. */
    uint64_t pending_rows[PENDING_MAX];
    uint8_t pending_statuses[PENDING_MAX];
    size_t pending_count;
    double flushed; /* pg_clock_wall() of the last flush */
};

/* Rank 0 alone, and serially: is it the job's file? */
static int check_file(const char *path, const struct pg_layout *layout, struct pg_error *error)
{
    struct pg_reader *reader;
    int status = pg_reader_open(path, &reader, error);
    if (status != 0)
        return status;
    status = pg_layout_match(pg_reader_layout(reader), layout, error);
    if (status != 0)
        (void)pg_error_prefix(error, "'%s' is not the file of this job", path);
    pg_reader_close(reader);
    return status;
}

static int store_allocate(const char *path, const struct pg_layout *layout,
                          struct pg_store **ret_store, struct pg_error *error)
{
    struct pg_store *store = calloc(1, sizeof *store);
    *ret_store = store;
    if (store == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: opening '%s'", path);
    store->layout = layout;
    store->comm = MPI_COMM_NULL;
    store->file = H5I_INVALID_HID;
    store->fd = -1;
    store->launch = -1;
    store->flushed = pg_clock_wall();
    store->path = strdup(path);
    store->datasets = calloc(layout->variable_count, sizeof *store->datasets);
    if (store->path == NULL || store->datasets == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: opening '%s'", path);
    for (size_t i = 0; i < layout->variable_count; i++)
        store->datasets[i] = H5I_INVALID_HID;
    return 0;
}

/* Collective. */
static int open_file(struct pg_store *store, struct pg_error *error)
{
    hid_t access_list = pg_h5_access(store->comm);
    int status = 0;
    store->file = H5Fopen(store->path, H5F_ACC_RDWR, access_list);
    if (store->file < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot open '%s' for writing", store->path);
    pg_h5_release(access_list);
    return pg_consensus(store->comm, status, error);
}

static int open_datasets(struct pg_store *store, struct pg_error *error)
{
    const struct pg_layout *layout = store->layout;
    for (size_t i = 0; i < layout->variable_count; i++) {
        if (layout->variables[i].scope != PG_SCOPE_RUN)
            continue;
        store->datasets[i] = H5Dopen2(store->file, layout->variables[i].name, H5P_DEFAULT);
        if (store->datasets[i] < 0)
            return pg_h5_fail(error, PG_EMISMATCH, "'%s': cannot open variable '%s'", store->path,
                              layout->variables[i].name);
    }
    store->fd = open(store->path, O_RDWR | O_CLOEXEC);
    if (store->fd < 0)
        return pg_error_set(error, PG_EMACHINE, "cannot open '%s': %s", store->path,
                            strerror(errno));
    return 0;
}

/* Collective: HDF5 closes a file on all ranks together. It has nothing to say to it any more. */
static int close_all(struct pg_store *store, struct pg_error *error)
{
    int status = 0;
    if (store->fd >= 0)
        pg_divert_file(store->fd);
    for (size_t i = 0; store->datasets != NULL && i < store->layout->variable_count; i++)
        pg_h5_release(store->datasets[i]);
    if (store->file >= 0 && H5Fclose(store->file) < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot close '%s'", store->path);
    if (store->fd >= 0)
        (void)close(store->fd);
    if (store->comm != MPI_COMM_NULL)
        (void)MPI_Comm_free(&store->comm);
    free(store->datasets);
    free(store->path);
    free(store);
    return status;
}

int pg_store_open(const char *path, const struct pg_layout *layout, MPI_Comm comm,
                  struct pg_store **ret_store, struct pg_error *error)
{
    struct pg_store *store = NULL;
    int rank, status = 0;
    pg_h5_begin();
    *ret_store = NULL;
    (void)MPI_Comm_rank(comm, &rank);
    if (rank == 0)
        status = check_file(path, layout, error);
    if (rank == 0 && status == 0)
        pg_leftovers_remove(path);
    status = pg_consensus(comm, status, error);
    if (status != 0)
        return status;
    status = pg_consensus(comm, store_allocate(path, layout, &store, error), error);
    if (status == 0) {
        (void)MPI_Comm_dup(comm, &store->comm);
        status = open_file(store, error);
    }
    if (status == 0)
        status = pg_consensus(comm, open_datasets(store, error), error);
    if (status == 0)
        *ret_store = store;
    else if (store != NULL)
        (void)close_all(store, NULL);
    return status;
}

static struct pg_rows rows_of(const struct pg_store *store, size_t variable, uint64_t first,
                              uint64_t count)
{
    return (struct pg_rows){store->datasets[variable], store->layout, variable, first, count};
}

static int write_crcs(struct pg_store *store, const struct pg_block *block, size_t begin,
                      size_t end, struct pg_error *error)
{
    enum { AT_ONCE = 256 };
    int64_t crcs[AT_ONCE];
    int status = 0;
    for (size_t done = begin; done < end && status == 0; done += AT_ONCE) {
        size_t count = end - done < AT_ONCE ? end - done : AT_ONCE;
        for (size_t i = 0; i < count; i++)
            crcs[i] = pg_row_crc(block, done + i);
        struct pg_rows rows = rows_of(store, PG_VARIABLE_ROW_CRC, block->first_row + done, count);
        status = pg_rows_write(&rows, crcs, error);
    }
    return status;
}

static int write_payload(struct pg_store *store, const struct pg_block *block, size_t begin,
                         size_t end, struct pg_error *error)
{
    int status = 0;
    for (size_t i = 0; i < store->layout->variable_count && status == 0; i++) {
        struct pg_rows rows = rows_of(store, i, block->first_row + begin, end - begin);
        if (pg_layout_is_payload(store->layout, i))
            status = pg_rows_write(&rows, pg_block_at(block, i, begin), error);
    }
    return status;
}

int pg_store_write(struct pg_store *store, const struct pg_block *block, size_t begin, size_t end,
                   const uint8_t *statuses, struct pg_error *error)
{
    if (begin == end)
        return 0;
    int status = write_payload(store, block, begin, end, error);
    if (status == 0)
        status = write_crcs(store, block, begin, end, error);
    for (size_t i = begin; i < end && status == 0; i++) {
        if (store->pending_count == PENDING_MAX)
            status = pg_store_flush(store, error);
        if (status != 0)
            break;
        store->pending_rows[store->pending_count] = block->first_row + i;
        store->pending_statuses[store->pending_count++] = statuses[i];
    }
    if (status != 0)
        return status;
    return store->sync == PG_SYNC_RUN ? pg_store_flush(store, error)
                                      : pg_store_flush_due(store, error);
}

int pg_store_flush_due(struct pg_store *store, struct pg_error *error)
{
    bool is_due = store->pending_count > 0 && pg_clock_wall() - store->flushed >= flush_interval;
    return is_due ? pg_store_flush(store, error) : 0;
}

/* How many pending rows from `at` on follow each other in the file. */
static size_t pending_stretch(const struct pg_store *store, size_t at)
{
    size_t count = 1;
    while (at + count < store->pending_count &&
           store->pending_rows[at + count] == store->pending_rows[at] + count)
        count++;
    return count;
}

static int sync_data(const struct pg_store *store, struct pg_error *error)
{
    if (store->sync != PG_SYNC_NONE && fdatasync(store->fd) != 0)
        return pg_error_set(error, PG_EMACHINE, "cannot write '%s' to disk: %s", store->path,
                            strerror(errno));
    return 0;
}

int pg_store_flush(struct pg_store *store, struct pg_error *error)
{
    if (store->pending_count == 0)
        return 0;
    int status = sync_data(store, error);
    if (status != 0) {
        /* The system reports a lost write once: a later fdatasync would prove nothing. */
        store->pending_count = 0;
        return status;
    }
    for (size_t at = 0, count; at < store->pending_count && status == 0; at += count) {
        count = pending_stretch(store, at);
        struct pg_rows rows = rows_of(store, PG_VARIABLE_STATUS, store->pending_rows[at], count);
        status = pg_rows_write(&rows, store->pending_statuses + at, error);
    }
    if (status == 0)
        store->pending_count = 0;
    store->flushed = pg_clock_wall();
    return status;
}

int pg_store_sync(struct pg_store *store, struct pg_error *error)
{
    int status = pg_store_flush(store, error);
    return status == 0 ? sync_data(store, error) : status;
}

int pg_store_forget(struct pg_store *store, const uint64_t *rows, size_t count,
                    struct pg_error *error)
{
    const uint8_t todo = PG_ROW_TODO;
    int status = pg_store_flush(store, error); /* a status that waits would come back */
    for (size_t i = 0; i < count && status == 0; i++) {
        struct pg_rows of = rows_of(store, PG_VARIABLE_STATUS, rows[i], 1);
        status = pg_rows_write(&of, &todo, error);
    }
    return status == 0 && count > 0 ? sync_data(store, error) : status;
}

void pg_store_set_sync(struct pg_store *store, enum pg_sync sync)
{
    store->sync = sync;
}

enum pg_sync pg_store_get_sync(const struct pg_store *store)
{
    return store->sync;
}

int pg_store_close(struct pg_store *store, struct pg_error *error)
{
    MPI_Comm comm;
    if (store == NULL)
        return 0;
    (void)MPI_Comm_dup(store->comm, &comm);
    struct pg_error closing = {0};
    int status = pg_store_sync(store, error);
    int closed = close_all(store, &closing);
    if (status == 0 && closed != 0)
        status = pg_error_set(error, closed, "%s", closing.text);
    status = pg_consensus(comm, status, error);
    (void)MPI_Comm_free(&comm);
    return status;
}

int pg_store_launch_begin(struct pg_store *store, const struct pg_launch *launch,
                          struct pg_error *error)
{
    return pg_provenance_begin(store->file, launch, &store->launch, error);
}

int pg_store_launch_end(struct pg_store *store, const struct pg_launch_end *end,
                        struct pg_error *error)
{
    if (store->launch < 0)
        return pg_error_set(error, PG_EINPUT, "no launch was begun in '%s'", store->path);
    return pg_provenance_end(store->file, store->launch, end, error);
}
