/* SPDX-License-Identifier: MIT */
/*
 * The checkpoints that stand beside a results file, as an index sorted by key, the furthest of
 * equals first.
 *
 * The files may be torn or anyone's. Only headers are read for the index; where one is not sound,
 * the next is looked for at every 8th byte behind, so that damage takes no neighbours with it. A
 * state is checked when it is read, and the next best one serves in its place.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "beside.h"
#include "checkpoint_file.h"
#include "phasegrid/checkpoint.h"

/* One record. */
struct entry {
    struct pg_run_key key;
    uint32_t file; /* index of its name */
    int64_t progress;
    uint64_t offset; /* of its header */
};

struct pg_checkpoints {
    char *stem;   /* resolved path of the results file, ".checkpoint-" */
    char **names; /* (file_count), what follows the stem */
    size_t file_count;
    struct entry *entries; /* (entry_count) */
    size_t entry_count, entry_room;
};

/* Before the entries and names of a packed index. */
struct packed {
    uint64_t file_count, entry_count;
};

static int out_of_memory(struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "out of memory: the index of the checkpoints");
}

void pg_checkpoints_close(struct pg_checkpoints *checkpoints)
{
    if (checkpoints == NULL)
        return;
    for (size_t i = 0; i < checkpoints->file_count; i++)
        free(checkpoints->names[i]);
    free(checkpoints->names);
    free(checkpoints->entries);
    free(checkpoints->stem);
    free(checkpoints);
}

static int create(const char *results_path, struct pg_checkpoints **ret_checkpoints,
                  struct pg_error *error)
{
    struct pg_checkpoints *checkpoints = calloc(1, sizeof *checkpoints);
    *ret_checkpoints = checkpoints;
    if (checkpoints == NULL)
        return out_of_memory(error);
    return pg_beside(results_path, PG_CHECKPOINT_SUFFIX, &checkpoints->stem, error);
}

static int add_name(struct pg_checkpoints *checkpoints, const char *name, struct pg_error *error)
{
    char **names =
        realloc(checkpoints->names, (checkpoints->file_count + 1) * sizeof *checkpoints->names);
    if (names == NULL)
        return out_of_memory(error);
    checkpoints->names = names;
    names[checkpoints->file_count] = strdup(name);
    return names[checkpoints->file_count++] == NULL ? out_of_memory(error) : 0;
}

static int add_entry(struct pg_checkpoints *checkpoints, const struct entry *entry,
                     struct pg_error *error)
{
    if (checkpoints->entry_count == checkpoints->entry_room) {
        size_t room = checkpoints->entry_room > 0 ? 2 * checkpoints->entry_room : 64;
        struct entry *entries = realloc(checkpoints->entries, room * sizeof *entries);
        if (entries == NULL)
            return out_of_memory(error);
        checkpoints->entries = entries;
        checkpoints->entry_room = room;
    }
    checkpoints->entries[checkpoints->entry_count++] = *entry;
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = pg_run_key_compare(&left->key, &right->key);
    if (order == 0)
        order = (left->progress < right->progress) - (left->progress > right->progress);
    return order != 0 ? order : (left->file > right->file) - (left->file < right->file);
}

static void sort_entries(struct pg_checkpoints *checkpoints)
{
    if (checkpoints->entry_count > 0)
        qsort(checkpoints->entries, checkpoints->entry_count, sizeof *checkpoints->entries,
              compare_entries);
}

/* ---- looking through a file ---- */

bool pg_checkpoint_read_bytes(int fd, void *ret_bytes, size_t size, uint64_t offset)
{
    char *rest = ret_bytes;
    while (size > 0) {
        ssize_t count = pread(fd, rest, size, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        rest += count;
        size -= (size_t)count;
        offset += (uint64_t)count;
    }
    return true;
}

/* Opens a regular file and tells its size; -1: there is none. Nothing here may wait or be led
   elsewhere. */
static int open_regular(const struct pg_checkpoints *checkpoints, size_t file, uint64_t *ret_size)
{
    char path[PATH_MAX];
    struct stat found;
    int length = snprintf(path, sizeof path, "%s%s", checkpoints->stem, checkpoints->names[file]);
    if (length < 0 || (size_t)length >= sizeof path)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode) || found.st_size < 0)) {
        (void)close(fd);
        fd = -1;
    }
    *ret_size = fd >= 0 ? (uint64_t)found.st_size : 0;
    return fd;
}

/* A sound header at `offset` whose state is within the file. */
static bool read_header(int fd, uint64_t file_size, uint64_t offset,
                        struct pg_checkpoint_header *ret_header)
{
    if (file_size < sizeof *ret_header || offset > file_size - sizeof *ret_header ||
        !pg_checkpoint_read_bytes(fd, ret_header, sizeof *ret_header, offset))
        return false;
    return ret_header->magic == PG_CHECKPOINT_MAGIC &&
           ret_header->header_crc == pg_checkpoint_header_crc(ret_header) &&
           ret_header->progress >= 0 && ret_header->size <= file_size - offset - sizeof *ret_header;
}

/* The next place from `offset` on where a record may begin; the file's size: none. */
static uint64_t find_magic(int fd, uint64_t file_size, uint64_t offset)
{
    enum { AT_ONCE = 4096 };
    uint64_t words[AT_ONCE];
    while (offset < file_size) {
        uint64_t rest = (file_size - offset) / sizeof *words;
        size_t count = rest < AT_ONCE ? (size_t)rest : AT_ONCE;
        if (count == 0 || !pg_checkpoint_read_bytes(fd, words, count * sizeof *words, offset))
            return file_size;
        for (size_t i = 0; i < count; i++)
            if (words[i] == PG_CHECKPOINT_MAGIC)
                return offset + i * sizeof *words;
        offset += count * sizeof *words;
    }
    return file_size;
}

static struct entry entry_of(const struct pg_checkpoint_header *header, size_t file,
                             uint64_t offset)
{
    struct entry entry = {.key = {.seed = header->seed},
                          .file = (uint32_t)file,
                          .progress = header->progress,
                          .offset = offset};
    memcpy(entry.key.cell, header->cell, sizeof entry.key.cell);
    return entry;
}

static int look_through(struct pg_checkpoints *checkpoints, size_t file, struct pg_error *error)
{
    struct pg_checkpoint_header header;
    uint64_t size, offset = 0;
    int status = 0, fd = open_regular(checkpoints, file, &size);
    if (fd < 0)
        return 0;
    for (; status == 0 && offset < size; offset = find_magic(fd, size, offset)) {
        if (!read_header(fd, size, offset, &header)) {
            offset += PG_CHECKPOINT_ALIGNMENT;
            continue;
        }
        const struct entry entry = entry_of(&header, file, offset);
        status = add_entry(checkpoints, &entry, error);
        offset += sizeof header + header.size + pg_checkpoint_padding(header.size);
    }
    (void)close(fd);
    return status;
}

/* ---- looking through the folder ---- */

static int take_names(struct pg_checkpoints *checkpoints, DIR *folder, const char *stem,
                      struct pg_error *error)
{
    const struct dirent *entry;
    size_t length = strlen(stem);
    int status = 0;
    while (status == 0 && (entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name + length;
        if (strncmp(entry->d_name, stem, length) == 0 && pg_checkpoint_is_name(name, strlen(name)))
            status = add_name(checkpoints, name, error);
    }
    return status;
}

/* A folder that may not be listed has none. */
static int find_files(struct pg_checkpoints *checkpoints, struct pg_error *error)
{
    char *slash = strrchr(checkpoints->stem, '/');
    const char *stem = slash + 1;
    *slash = '\0';
    DIR *folder = opendir(slash == checkpoints->stem ? "/" : checkpoints->stem);
    *slash = '/';
    if (folder == NULL)
        return 0;
    int status = take_names(checkpoints, folder, stem, error);
    (void)closedir(folder);
    return status;
}

int pg_checkpoints_open(const char *results_path, struct pg_checkpoints **ret_checkpoints,
                        struct pg_error *error)
{
    int status = create(results_path, ret_checkpoints, error);
    struct pg_checkpoints *checkpoints = *ret_checkpoints;
    if (status == 0)
        status = find_files(checkpoints, error);
    for (size_t i = 0; status == 0 && i < checkpoints->file_count; i++)
        status = look_through(checkpoints, i, error);
    if (status != 0) {
        pg_checkpoints_close(checkpoints);
        *ret_checkpoints = NULL;
        return status;
    }
    sort_entries(checkpoints);
    return 0;
}

/* ---- asking the index ---- */

size_t pg_checkpoints_count(const struct pg_checkpoints *checkpoints)
{
    const struct entry *entries = checkpoints->entries;
    size_t count = 0;
    for (size_t i = 0; i < checkpoints->entry_count; i++)
        count += i == 0 || pg_run_key_compare(&entries[i].key, &entries[i - 1].key) != 0;
    return count;
}

/* The first entry that does not stand before the key. */
static size_t lower_bound(const struct pg_checkpoints *checkpoints, const struct pg_run_key *key)
{
    size_t begin = 0, end = checkpoints->entry_count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (pg_run_key_compare(&checkpoints->entries[middle].key, key) < 0)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static bool has_key(const struct pg_checkpoints *checkpoints, size_t at,
                    const struct pg_run_key *key)
{
    return at < checkpoints->entry_count &&
           pg_run_key_compare(&checkpoints->entries[at].key, key) == 0;
}

bool pg_checkpoints_find(const struct pg_checkpoints *checkpoints, const struct pg_run_key *key,
                         int64_t *ret_progress)
{
    size_t at = lower_bound(checkpoints, key);
    if (!has_key(checkpoints, at, key))
        return false;
    if (ret_progress != NULL)
        *ret_progress = checkpoints->entries[at].progress;
    return true;
}

/* The state of a record, checked; NULL: not sound, or no memory for it. */
static void *read_state(const struct pg_checkpoints *checkpoints, const struct entry *entry,
                        struct pg_checkpoint_header *ret_header)
{
    uint64_t size;
    void *state = NULL;
    int fd = open_regular(checkpoints, entry->file, &size);
    if (fd >= 0 && read_header(fd, size, entry->offset, ret_header) &&
        ret_header->seed == entry->key.seed &&
        memcmp(ret_header->cell, entry->key.cell, sizeof entry->key.cell) == 0)
        state = malloc((size_t)ret_header->size + 1);
    if (state != NULL &&
        (!pg_checkpoint_read_bytes(fd, state, (size_t)ret_header->size,
                                   entry->offset + sizeof *ret_header) ||
         crc32_z(crc32(0, NULL, 0), state, (size_t)ret_header->size) != ret_header->state_crc)) {
        free(state);
        state = NULL;
    }
    if (fd >= 0)
        (void)close(fd);
    return state;
}

int pg_checkpoints_read(const struct pg_checkpoints *checkpoints, const struct pg_run_key *key,
                        struct pg_checkpoint_record *ret_record, struct pg_error *error)
{
    struct pg_checkpoint_header header;
    size_t at = lower_bound(checkpoints, key);
    for (; has_key(checkpoints, at, key); at++) {
        void *state = read_state(checkpoints, &checkpoints->entries[at], &header);
        if (state == NULL)
            continue;
        *ret_record = (struct pg_checkpoint_record){.key = *key,
                                                    .progress = header.progress,
                                                    .seconds = header.seconds,
                                                    .state = state,
                                                    .size = (size_t)header.size};
        return 0;
    }
    memset(ret_record, 0, sizeof *ret_record);
    return pg_error_set(error, PG_EMISMATCH, "'%s...' hold no sound state of this run",
                        checkpoints->stem);
}

void pg_checkpoint_record_release(struct pg_checkpoint_record *record)
{
    union {
        const void *as_given;
        void *as_made;
    } state = {record->state};
    free(state.as_made);
    memset(record, 0, sizeof *record);
}

int64_t pg_checkpoints_steps(const struct pg_checkpoints *checkpoints)
{
    int64_t sum = 0;
    for (size_t i = 0; i < checkpoints->entry_count; i++) {
        const struct entry *entry = &checkpoints->entries[i];
        bool is_first = i == 0 || pg_run_key_compare(&entry[-1].key, &entry->key) != 0;
        if (is_first && entry->progress > 0 && entry->progress <= INT64_MAX - sum)
            sum += entry->progress;
    }
    return sum;
}

/* Entries of the files that are wanted stay. */
static void drop_entries(struct pg_checkpoints *checkpoints, const bool *is_wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < checkpoints->entry_count; i++)
        if (is_wanted[checkpoints->entries[i].file])
            checkpoints->entries[count++] = checkpoints->entries[i];
    checkpoints->entry_count = count;
}

void pg_checkpoints_remove_settled(struct pg_checkpoints *checkpoints,
                                   bool (*is_settled)(void *context, const struct pg_run_key *key),
                                   void *context)
{
    bool *is_wanted = calloc(checkpoints->file_count + 1, sizeof *is_wanted);
    char path[PATH_MAX];
    if (is_wanted == NULL)
        return;
    for (size_t i = 0; i < checkpoints->entry_count; i++)
        if (!is_settled(context, &checkpoints->entries[i].key))
            is_wanted[checkpoints->entries[i].file] = true;
    for (size_t i = 0; i < checkpoints->file_count; i++) {
        int length = snprintf(path, sizeof path, "%s%s", checkpoints->stem, checkpoints->names[i]);
        if (!is_wanted[i] && length > 0 && (size_t)length < sizeof path)
            (void)unlink(path);
    }
    drop_entries(checkpoints, is_wanted);
    free(is_wanted);
}

/* ---- from rank to rank ---- */

int pg_checkpoints_pack(const struct pg_checkpoints *checkpoints, void **ret_bytes,
                        size_t *ret_size, struct pg_error *error)
{
    const struct packed counts = {checkpoints->file_count, checkpoints->entry_count};
    size_t entries = checkpoints->entry_count * sizeof *checkpoints->entries;
    size_t size = sizeof counts + entries;
    for (size_t i = 0; i < checkpoints->file_count; i++)
        size += strlen(checkpoints->names[i]) + 1;
    char *at = malloc(size);
    *ret_bytes = at;
    *ret_size = size;
    if (at == NULL)
        return out_of_memory(error);
    memcpy(at, &counts, sizeof counts);
    at += sizeof counts;
    if (entries > 0)
        memcpy(at, checkpoints->entries, entries);
    at += entries;
    for (size_t i = 0; i < checkpoints->file_count; i++)
        at = stpcpy(at, checkpoints->names[i]) + 1;
    return 0;
}

static int unpack_names(struct pg_checkpoints *checkpoints, const char *at, size_t size,
                        uint64_t count, struct pg_error *error)
{
    int status = 0;
    for (uint64_t i = 0; i < count && status == 0; i++) {
        size_t length = strnlen(at, size);
        if (length == size)
            return pg_error_set(error, PG_EINPUT, "the packed index of checkpoints ends early");
        status = add_name(checkpoints, at, error);
        at += length + 1;
        size -= length + 1;
    }
    return status;
}

static int unpack(struct pg_checkpoints *checkpoints, const char *at, size_t size,
                  struct pg_error *error)
{
    struct packed counts = {0, 0};
    if (size >= sizeof counts)
        memcpy(&counts, at, sizeof counts);
    if (size < sizeof counts ||
        counts.entry_count > (size - sizeof counts) / sizeof *checkpoints->entries)
        return pg_error_set(error, PG_EINPUT, "the packed index of checkpoints ends early");
    size_t entries = (size_t)counts.entry_count * sizeof *checkpoints->entries;
    checkpoints->entries = malloc(entries + 1);
    if (checkpoints->entries == NULL)
        return out_of_memory(error);
    memcpy(checkpoints->entries, at + sizeof counts, entries);
    checkpoints->entry_count = checkpoints->entry_room = (size_t)counts.entry_count;
    for (size_t i = 0; i < checkpoints->entry_count; i++)
        if (checkpoints->entries[i].file >= counts.file_count)
            return pg_error_set(error, PG_EINPUT, "the packed index of checkpoints is not sound");
    return unpack_names(checkpoints, at + sizeof counts + entries, size - sizeof counts - entries,
                        counts.file_count, error);
}

int pg_checkpoints_unpack(const char *results_path, const void *bytes, size_t size,
                          struct pg_checkpoints **ret_checkpoints, struct pg_error *error)
{
    int status = create(results_path, ret_checkpoints, error);
    if (status == 0)
        status = unpack(*ret_checkpoints, bytes, size, error);
    if (status != 0) {
        pg_checkpoints_close(*ret_checkpoints);
        *ret_checkpoints = NULL;
    }
    return status;
}
