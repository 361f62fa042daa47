/* SPDX-License-Identifier: MIT */
/*
 * Checkpoint files of any bytes. Nothing in them is an error: a record is sound and comes back as
 * it stands, or is passed over. Byte 0 of an input says whether the checksums of its records are
 * made anew, so that damage also reaches what stands behind them; the rest is the file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "checkpoint_file.h"
#include "fuzz.h"
#include "phasegrid/checkpoint.h"

enum { FILE_MAX = 1 << 16, KEYS = 4 };

static char folder[200], results[220], path[260];

static void end(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void begin(void)
{
    const char *place = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.100s/phasegrid-fuzz-XXXXXX",
                   place != NULL ? place : "/tmp");
    fuzz_expect(mkdtemp(folder) != NULL);
    (void)snprintf(results, sizeof results, "%s/a.h5", folder);
    (void)snprintf(path, sizeof path, "%s/a.h5.checkpoint-a-0", folder);
    fuzz_expect(atexit(end) == 0);
}

/* Records as a reader would walk through them, each with the checksums of what it holds. */
static void renew_checksums(uint8_t *bytes, size_t size)
{
    struct pg_checkpoint_header header;
    while (size >= sizeof header) {
        memcpy(&header, bytes, sizeof header);
        size_t room = size - sizeof header;
        header.magic = PG_CHECKPOINT_MAGIC;
        if (header.size <= room)
            header.state_crc = (uint32_t)crc32_z(0, bytes + sizeof header, (size_t)header.size);
        header.header_crc = pg_checkpoint_header_crc(&header);
        memcpy(bytes, &header, sizeof header);
        if (header.size > room)
            return;
        size_t whole = (size_t)header.size + pg_checkpoint_padding(header.size);
        if (whole > room)
            return;
        bytes += sizeof header + whole;
        size = room - whole;
    }
}

static void write_file(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FILE_MAX];
    size_t rest = size - 1 < FILE_MAX ? size - 1 : FILE_MAX;
    memcpy(bytes, data + 1, rest);
    if (data[0] % 2 != 0)
        renew_checksums(bytes, rest);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_expect(file >= 0 && write(file, bytes, rest) == (ssize_t)rest && close(file) == 0);
}

/* Reads a run's state; every byte of it is looked at. */
static void read_key(const struct pg_checkpoints *checkpoints, uint8_t number, size_t size)
{
    struct pg_run_key key = {.seed = number};
    struct pg_checkpoint_record record;
    struct pg_error error = {0};
    int64_t progress;
    memset(key.cell, number, sizeof key.cell);
    if (!pg_checkpoints_find(checkpoints, &key, &progress))
        return;
    int status = pg_checkpoints_read(checkpoints, &key, &record, &error);
    fuzz_expect(status == 0 || (status == PG_EMISMATCH && error.text[0] != '\0'));
    if (status != 0)
        return;
    fuzz_expect(record.size < size && record.progress <= progress);
    volatile uLong crc = crc32_z(0, record.state, record.size);
    (void)crc;
    pg_checkpoint_record_release(&record);
}

static void pass_on(const struct pg_checkpoints *checkpoints)
{
    void *bytes;
    size_t size;
    struct pg_checkpoints *again;
    struct pg_error error = {0};
    fuzz_expect(pg_checkpoints_pack(checkpoints, &bytes, &size, &error) == 0);
    fuzz_expect(pg_checkpoints_unpack(results, bytes, size, &again, &error) == 0);
    fuzz_expect(pg_checkpoints_count(again) == pg_checkpoints_count(checkpoints));
    pg_checkpoints_close(again);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pg_checkpoints *checkpoints;
    struct pg_error error = {0};
    if (size == 0)
        return 0;
    if (path[0] == '\0')
        begin();
    write_file(data, size);
    fuzz_expect(pg_checkpoints_open(results, &checkpoints, &error) == 0);
    for (uint8_t number = 0; number < KEYS; number++)
        read_key(checkpoints, number, size);
    pass_on(checkpoints);
    pg_checkpoints_close(checkpoints);
    return 0;
}
