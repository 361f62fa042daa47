/* SPDX-License-Identifier: MIT */
/*
 * A checkpoint file is a row of records, nothing else: a header, `size` bytes of state, zeros up to
 * a multiple of 8 bytes. Numbers are the machine's own, as those in the state are; a machine of the
 * other byte order does not know the magic number.
 */
#ifndef PHASEGRID_STORE_CHECKPOINT_FILE_H
#define PHASEGRID_STORE_CHECKPOINT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PG_CHECKPOINT_MAGIC                                                                        \
    UINT64_C(0x3154504b43474750) /* "PGGCKPT1" on little-endian machines                           \
                                  */
#define PG_CHECKPOINT_SUFFIX ".checkpoint-"
#define PG_CHECKPOINT_UNFINISHED ".writing" /* behind the name until the file is whole */

enum { PG_CHECKPOINT_ALIGNMENT = 8 };

struct pg_checkpoint_header {
    uint64_t magic;
    uint8_t cell[32];
    uint32_t seed;
    uint32_t state_crc; /* crc32 of the state */
    int64_t progress;
    double seconds;
    uint64_t size;
    uint32_t header_crc; /* crc32 of all before */
    uint32_t zero;
};

_Static_assert(sizeof(struct pg_checkpoint_header) == 80, "no padding in the file's header");

uint32_t pg_checkpoint_header_crc(const struct pg_checkpoint_header *header);

/* Zeros behind a state of this size. */
size_t pg_checkpoint_padding(uint64_t size);

/* "0123abcd-17": what names of files say that are to be taken for checkpoints. */
bool pg_checkpoint_is_name(const char *name, size_t length);

/* Reads `size` bytes at `offset`; false: the file does not have them, or cannot be read. */
bool pg_checkpoint_read_bytes(int fd, void *ret_bytes, size_t size, uint64_t offset);

#endif
