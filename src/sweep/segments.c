/* SPDX-License-Identifier: MIT */
/*
 * Segments are matched by name over all shapes, so that the same matrix has the same place on the
 * dimension "segment" in a deep model and in a shallow one.
 */
#include "segments.h"

#include <string.h>

#define SEGMENT_VARIABLE(of, text)                                                                 \
    {                                                                                              \
        .name = (of), .long_name = (text), .type = PG_I64, .scope = PG_SCOPE_CELL, .dim_count = 1, \
        .fill = -1                                                                                 \
    }

const struct pg_variable pg_segment_variables[PG_SEGMENT_PARTS] = {
    [PG_SEGMENT_OFFSET] = SEGMENT_VARIABLE("segment_offset", "first index in the parameter vector"),
    [PG_SEGMENT_ROWS] = SEGMENT_VARIABLE("segment_rows", "rows of the matrix, row-major"),
    [PG_SEGMENT_COLUMNS] = SEGMENT_VARIABLE("segment_columns", "columns of the matrix"),
};

size_t pg_segments_count(const struct pg_survey *survey)
{
    size_t count = 0;
    for (size_t i = 0; i < survey->shape_count; i++)
        count += survey->shapes[i].segment_count;
    return count;
}

static size_t add_names(const struct pg_shape *shape, const char **names, size_t count)
{
    for (size_t i = 0; i < shape->segment_count; i++) {
        size_t at = 0;
        while (at < count && strcmp(names[at], shape->segments[i].name) != 0)
            at++;
        names[at] = shape->segments[i].name;
        count += at == count;
    }
    return count;
}

size_t pg_segments_name(const struct pg_survey *survey, const char **names)
{
    size_t largest = 0, count;
    for (size_t i = 1; i < survey->shape_count; i++)
        if (survey->shapes[i].segment_count > survey->shapes[largest].segment_count)
            largest = i;
    if (survey->shape_count == 0)
        return 0;
    count = add_names(&survey->shapes[largest], names, 0);
    for (size_t i = 0; i < survey->shape_count; i++)
        count = add_names(&survey->shapes[i], names, count);
    return count;
}

static int64_t part_of(const struct pg_segment *segment, enum pg_segment_part part)
{
    if (part == PG_SEGMENT_OFFSET)
        return segment->offset;
    return part == PG_SEGMENT_ROWS ? segment->rows : segment->columns;
}

static void describe_shape(const struct pg_shape *shape, const char *const *names,
                           size_t name_count, enum pg_segment_part part, int64_t *data)
{
    for (size_t i = 0; i < name_count; i++) {
        data[i] = -1;
        for (size_t s = 0; s < shape->segment_count; s++)
            if (strcmp(names[i], shape->segments[s].name) == 0)
                data[i] = part_of(&shape->segments[s], part);
    }
}

void pg_segments_describe(const struct pg_survey *survey, const char *const *names,
                          size_t name_count, enum pg_segment_part part, int64_t *data)
{
    const uint32_t *shape_of = survey->shape_of;
    for (uint64_t cell = 0; cell < survey->cell_count; cell++) {
        int64_t *row = data + cell * name_count;
        if (cell > 0 && shape_of[cell] == shape_of[cell - 1])
            memcpy(row, row - name_count, name_count * sizeof *row);
        else
            describe_shape(&survey->shapes[shape_of[cell]], names, name_count, part, row);
    }
}
