/* SPDX-License-Identifier: MIT */
/*
 * Blocks are found by their signatures (HDF5 File Format Specification 3.0). How long a block is,
 * is not computed from its contents: it ends where the checksum of all before stands.
 *
 * An edit: byte 0 what to do, byte 1 and 2 which block, 3 and 4 where in it, 5 to 7 the value.
 */
#include "image.h"

#include <string.h>

enum { CHECKED_SIZE_MAX = 4096, HEAP_SIZE = 4096 };

/* Bob Jenkins' lookup3, hashlittle(), public domain: HDF5's checksum of metadata, initval 0. */
static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static void mix(uint32_t s[3])
{
    static const unsigned by[6] = {4, 6, 8, 16, 19, 4};
    for (size_t i = 0; i < 6; i++) {
        uint32_t *a = &s[i % 3], *b = &s[(i + 1) % 3], *c = &s[(i + 2) % 3];
        *a -= *c;
        *a ^= rotate(*c, by[i]);
        *c += *b;
    }
}

static void finish(uint32_t s[3])
{
    static const unsigned by[7] = {14, 11, 25, 16, 4, 14, 24};
    for (size_t i = 0; i < 7; i++) {
        uint32_t *to = &s[(i + 2) % 3];
        uint32_t from = s[(i + 1) % 3];
        *to ^= from;
        *to -= rotate(from, by[i]);
    }
}

static uint32_t little(const uint8_t *at, size_t size)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && i < size; i++)
        value |= (uint32_t)at[i] << (8 * i);
    return value;
}

static uint32_t checksum(const uint8_t *at, size_t size)
{
    uint32_t start = 0xdeadbeef + (uint32_t)size, s[3] = {start, start, start};
    for (; size > 12; at += 12, size -= 12) {
        for (size_t i = 0; i < 3; i++)
            s[i] += little(at + 4 * i, 4);
        mix(s);
    }
    if (size == 0)
        return s[2];
    for (size_t i = 0; 4 * i < size; i++)
        s[i] += little(at + 4 * i, size - 4 * i);
    finish(s);
    return s[2];
}

/* The size before the checksum that ends the block; 0: none is found. */
static size_t checked_size(const uint8_t *at, size_t room)
{
    for (size_t size = 8; size + 4 <= room && size <= CHECKED_SIZE_MAX; size++)
        if (little(at + size, 4) == checksum(at, size))
            return size;
    return 0;
}

static void add_block(struct image *image, size_t offset, size_t size, int checked)
{
    if (size > 0 && image->block_count < IMAGE_BLOCKS_MAX)
        image->blocks[image->block_count++] = (struct image_block){offset, size, checked};
}

void image_init(struct image *image, uint8_t *bytes, size_t size)
{
    static const char signatures[][5] = {"OHDR", "OCHK", "FRHP", "FHIB", "BTHD", "BTLF", "BTIN"};
    *image = (struct image){.bytes = bytes, .size = size};
    add_block(image, 0, checked_size(bytes, size), 1); /* the superblock */
    for (size_t at = 0; at + HEAP_SIZE <= size; at++) {
        for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
            if (memcmp(bytes + at, signatures[i], 4) == 0)
                add_block(image, at, checked_size(bytes + at, size - at), 1);
        if (memcmp(bytes + at, "GCOL", 4) == 0 || memcmp(bytes + at, "FHDB", 4) == 0)
            add_block(image, at, HEAP_SIZE, 0);
    }
}

static uint64_t interesting(const struct image *image, const uint8_t *edit)
{
    const uint64_t values[] = {0,
                               1,
                               UINT64_MAX,
                               INT64_MAX,
                               UINT32_MAX,
                               INT32_MAX,
                               image->size,
                               image->size - 1,
                               image->blocks[edit[6] % image->block_count].offset};
    return values[edit[5] % (sizeof values / sizeof values[0])] + edit[7];
}

static void put(uint8_t *bytes, size_t room, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size && i < room; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static void apply(const struct image *image, uint8_t *bytes, const uint8_t *edit)
{
    const struct image_block *block = &image->blocks[little(edit + 1, 2) % image->block_count];
    size_t place = little(edit + 3, 2) % block->size, room = block->size - place;
    uint8_t *at = bytes + block->offset + place;
    switch (edit[0] % 6) {
    case 0:
        *at = edit[5];
        break;
    case 1:
        *at ^= (uint8_t)(1u << (edit[5] % 8));
        break;
    case 2:
        put(at, room, little(edit + 5, 3), 1 + edit[7] % 4);
        break;
    case 3:
        put(at, room, interesting(image, edit), 8);
        break;
    case 4:
        put(at, room, interesting(image, edit), 4);
        break;
    default:
        memmove(at, bytes + little(edit + 5, 3) % image->size,
                room < edit[0] && little(edit + 5, 3) % image->size + room <= image->size ? room
                                                                                          : 1);
        break;
    }
    if (block->checked && edit[0] < 250)
        put(bytes + block->offset + block->size, 4, checksum(bytes + block->offset, block->size),
            4);
}

size_t image_damage(const struct image *image, uint8_t *bytes, const uint8_t *edits, size_t size)
{
    size_t left = image->size;
    for (; size >= IMAGE_EDIT_BYTES; edits += IMAGE_EDIT_BYTES, size -= IMAGE_EDIT_BYTES) {
        if (edits[0] == 255)
            left = little(edits + 1, 4) % (image->size + 1);
        else
            apply(image, bytes, edits);
    }
    return left;
}
