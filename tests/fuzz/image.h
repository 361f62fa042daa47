/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a sound results file, and its damage. HDF5 keeps a checksum behind most blocks of
 * its structure, so that a random change is mostly found at once; here the checksum of a changed
 * block is made anew, and the damage reaches the code behind it.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <stddef.h>
#include <stdint.h>

enum { IMAGE_BLOCKS_MAX = 512, IMAGE_EDIT_BYTES = 8 };

/* A piece of the structure; `checked`: the four bytes behind it are its checksum. */
struct image_block {
    size_t offset, size;
    int checked;
};

struct image {
    uint8_t *bytes; /* (size) */
    size_t size;
    struct image_block blocks[IMAGE_BLOCKS_MAX];
    size_t block_count;
};

/* Takes over `bytes` and finds the blocks. */
void image_init(struct image *image, uint8_t *bytes, size_t size);

/* Applies edits, IMAGE_EDIT_BYTES each, to `bytes` (image->size), a copy of the image's; returns
   the size that the damaged file has. */
size_t image_damage(const struct image *image, uint8_t *bytes, const uint8_t *edits, size_t size);

#endif
