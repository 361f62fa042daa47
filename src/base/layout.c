/* SPDX-License-Identifier: MIT */
/*
 * Sizes of a results file's rows, and blocks of them in memory.
 *
 * A block keeps room for `capacity` rows of every payload variable, one variable after the other,
 * each beginning at a multiple of 64 bytes. Rows of one variable stand next to each other without
 * gaps, as in the file. The store's own variables (status, row_crc) and those that are not of a run
 * take no room.
 */
#include "phasegrid/layout.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static const size_t no_room = SIZE_MAX;

size_t pg_data_type_size(enum pg_data_type type)
{
    static const size_t sizes[] = {
        [PG_U8] = 1, [PG_I32] = 4, [PG_I64] = 8, [PG_F32] = 4, [PG_F64] = 8};
    return sizes[type];
}

void pg_data_type_put(enum pg_data_type type, double number, void *ret_element)
{
    uint8_t u8 = type == PG_U8 ? (uint8_t)number : 0;
    int32_t i32 = type == PG_I32 ? (int32_t)number : 0;
    int64_t i64 = type == PG_I64 ? (int64_t)number : 0;
    float f32 = (float)number;
    const void *const elements[] = {
        [PG_U8] = &u8, [PG_I32] = &i32, [PG_I64] = &i64, [PG_F32] = &f32, [PG_F64] = &number};
    memcpy(ret_element, elements[type], pg_data_type_size(type));
}

void pg_data_type_fill(enum pg_data_type type, double number, size_t count, void *ret_elements)
{
    size_t size = pg_data_type_size(type), filled = 1;
    unsigned char *bytes = ret_elements;
    if (count == 0)
        return;
    pg_data_type_put(type, number, bytes);
    while (filled < count) { /* doubles what is filled */
        size_t more = filled < count - filled ? filled : count - filled;
        memcpy(bytes + filled * size, bytes, more * size);
        filled += more;
    }
}

uint64_t pg_layout_row_count(const struct pg_layout *layout)
{
    uint64_t count = 1;
    for (size_t i = 0; i < layout->grid_count; i++)
        count *= layout->dims[i].length;
    return count;
}

int pg_layout_find_variable(const struct pg_layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->variable_count; i++)
        if (strcmp(layout->variables[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool pg_layout_is_payload(const struct pg_layout *layout, size_t variable)
{
    return variable > PG_VARIABLE_ROW_CRC && layout->variables[variable].scope == PG_SCOPE_RUN;
}

size_t pg_layout_row_elements(const struct pg_layout *layout, size_t variable)
{
    const struct pg_variable *of = &layout->variables[variable];
    size_t elements = 1;
    for (size_t i = 0; i < of->dim_count; i++)
        elements *= layout->dims[of->dims[i]].length;
    return elements;
}

size_t pg_layout_row_bytes(const struct pg_layout *layout, size_t variable)
{
    return pg_layout_row_elements(layout, variable) *
           pg_data_type_size(layout->variables[variable].type);
}

/* Sets the offsets; returns the bytes of the whole block, 0 when they overflow. */
static size_t place_variables(struct pg_block *block)
{
    size_t end = ALIGNMENT; /* never 0, so that an empty block is not taken for an overflow */
    for (size_t i = 0; i < block->layout->variable_count; i++) {
        size_t bytes;
        block->offsets[i] = no_room;
        if (!pg_layout_is_payload(block->layout, i))
            continue;
        block->offsets[i] = end - ALIGNMENT;
        if (__builtin_mul_overflow(pg_layout_row_bytes(block->layout, i), block->capacity,
                                   &bytes) ||
            bytes > SIZE_MAX - 2 * ALIGNMENT - end)
            return 0;
        end += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return end;
}

int pg_block_init(struct pg_block *block, const struct pg_layout *layout, size_t capacity,
                  struct pg_error *error)
{
    assert(capacity > 0);
    memset(block, 0, sizeof *block);
    block->layout = layout;
    block->capacity = capacity;
    block->offsets = calloc(layout->variable_count, sizeof *block->offsets);
    if (block->offsets == NULL)
        return pg_error_set(error, PG_EMACHINE, "out of memory: a list of %zu variables",
                            layout->variable_count);
    size_t size = place_variables(block);
    block->bytes = size > 0 ? aligned_alloc(ALIGNMENT, size) : NULL;
    if (block->bytes == NULL) {
        pg_block_release(block);
        return pg_error_set(error, PG_EMACHINE, "out of memory: %zu bytes for %zu rows of results",
                            size, capacity);
    }
    memset(block->bytes, 0, size);
    return 0;
}

void pg_block_release(struct pg_block *block)
{
    free(block->bytes);
    free(block->offsets);
    memset(block, 0, sizeof *block);
}

void *pg_block_at(const struct pg_block *block, size_t variable, size_t index)
{
    assert(variable < block->layout->variable_count && index < block->capacity);
    assert(block->offsets[variable] != no_room);
    return block->bytes + block->offsets[variable] +
           index * pg_layout_row_bytes(block->layout, variable);
}

void pg_block_clear_row(struct pg_block *block, size_t index)
{
    for (size_t i = 0; i < block->layout->variable_count; i++) {
        const struct pg_variable *variable = &block->layout->variables[i];
        if (pg_layout_is_payload(block->layout, i))
            pg_data_type_fill(variable->type, variable->fill,
                              pg_layout_row_elements(block->layout, i),
                              pg_block_at(block, i, index));
    }
}
