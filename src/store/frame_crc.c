/* SPDX-License-Identifier: MIT */
/*
 * Texts go in with their terminating NUL, numbers as float64 or int64, in the order of the layout;
 * one that the file would not keep (an empty unit, the kind of an index) goes in as what it reads
 * back as.
 */
#include "frame_crc.h"

#include <string.h>
#include <zlib.h>

#include "rows.h"

uint32_t pg_frame_crc_add(uint32_t crc, const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(crc, bytes, size);
}

static void add_text(uint32_t *crc, const char *text)
{
    const char *written = text != NULL ? text : "";
    *crc = pg_frame_crc_add(*crc, written, strlen(written) + 1);
}

static void add_integer(uint32_t *crc, int64_t number)
{
    *crc = pg_frame_crc_add(*crc, &number, sizeof number);
}

static void add_attributes(uint32_t *crc, const struct pg_attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double number = attributes[i].number + 0.0; /* -0 is written as a whole number */
        add_text(crc, attributes[i].name);
        if (attributes[i].text != NULL)
            add_text(crc, attributes[i].text);
        else
            *crc = pg_frame_crc_add(*crc, &number, sizeof number);
    }
}

static void add_coordinate(uint32_t *crc, const struct pg_dimension *dim)
{
    for (size_t i = 0; i < dim->length; i++)
        switch (dim->kind) {
        case PG_COORDINATE_INDEX:
            add_integer(crc, (int64_t)i);
            break;
        case PG_COORDINATE_INTEGER:
            add_integer(crc, dim->coordinate.integers[i]);
            break;
        case PG_COORDINATE_REAL:
            *crc = pg_frame_crc_add(*crc, &dim->coordinate.reals[i], sizeof(double));
            break;
        case PG_COORDINATE_TEXT:
            add_text(crc, dim->coordinate.texts[i]);
            break;
        }
}

static void add_dimension(uint32_t *crc, const struct pg_dimension *dim)
{
    add_text(crc, dim->name);
    add_text(crc, dim->long_name);
    add_text(crc, dim->units);
    add_integer(crc, (int64_t)dim->length);
    add_coordinate(crc, dim);
}

static void add_variable(uint32_t *crc, const struct pg_layout *layout, size_t at)
{
    const struct pg_variable *variable = &layout->variables[at];
    size_t dims[H5S_MAX_RANK], rank = pg_rows_dims(layout, at, dims);
    add_text(crc, variable->name);
    add_text(crc, variable->long_name);
    add_text(crc, variable->units);
    add_integer(crc, variable->texts != NULL ? -1 : (int64_t)variable->type);
    add_integer(crc, (int64_t)variable->scope);
    add_integer(crc, variable->is_volatile);
    for (size_t i = 0; i < rank; i++)
        add_integer(crc, (int64_t)dims[i]);
    for (size_t i = 0; variable->meanings != NULL && variable->meanings[i] != NULL; i++)
        add_text(crc, variable->meanings[i]);
    add_text(crc, variable->unwritten_meaning);
    add_attributes(crc, variable->attributes, variable->attribute_count);
    for (size_t i = 0; variable->texts != NULL && i < pg_layout_row_elements(layout, at); i++)
        add_text(crc, variable->texts[i]);
}

uint32_t pg_frame_crc_layout(const struct pg_layout *layout)
{
    uint32_t crc = 0;
    add_integer(&crc, (int64_t)layout->grid_count);
    add_attributes(&crc, layout->attributes, layout->attribute_count);
    for (size_t i = 0; i < layout->dim_count; i++)
        add_dimension(&crc, &layout->dims[i]);
    for (size_t i = 0; i < layout->variable_count; i++)
        add_variable(&crc, layout, i);
    return crc;
}

/* Without data the file holds fill values. */
static void add_fill(uint32_t *crc, const struct pg_variable *variable, uint64_t count)
{
    unsigned char element[sizeof(double)];
    pg_data_type_put(variable->type, variable->fill, element);
    for (uint64_t i = 0; i < count; i++)
        *crc = pg_frame_crc_add(*crc, element, pg_data_type_size(variable->type));
}

uint32_t pg_frame_crc(const struct pg_layout *layout)
{
    uint32_t crc = pg_frame_crc_layout(layout);
    for (size_t i = 0; i < layout->variable_count; i++) {
        const struct pg_variable *variable = &layout->variables[i];
        uint64_t elements = pg_rows_count(layout, i) * pg_layout_row_elements(layout, i);
        if (variable->scope == PG_SCOPE_RUN || variable->texts != NULL)
            continue;
        if (variable->data != NULL)
            crc =
                pg_frame_crc_add(crc, variable->data, elements * pg_data_type_size(variable->type));
        else
            add_fill(&crc, variable, elements);
    }
    return crc;
}
