/* SPDX-License-Identifier: MIT */
/*
 * The pieces of every variable are found once and used for every row. A longer dimension moves
 * what stands behind it in a row; names along a text dimension may even change places.
 */
#include "placement.h"

#include <stdlib.h>
#include <string.h>

/* Where each index of one dimension stands along the other. */
struct dim_map {
    size_t *to; /* (length of the first) */
    size_t from_length, to_stride;
};

static int out_of_memory(struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "out of memory: placing rows");
}

/* ---- one dimension ---- */

static int64_t integer_at(const struct pg_dimension *dim, size_t index)
{
    return dim->kind == PG_COORDINATE_INDEX ? (int64_t)index : dim->coordinate.integers[index];
}

static bool is_same_place(const struct pg_dimension *a, size_t i, const struct pg_dimension *b,
                          size_t j)
{
    bool is_text = a->kind == PG_COORDINATE_TEXT, is_real = a->kind == PG_COORDINATE_REAL;
    if (is_text != (b->kind == PG_COORDINATE_TEXT) || is_real != (b->kind == PG_COORDINATE_REAL))
        return false;
    if (is_text)
        return strcmp(a->coordinate.texts[i], b->coordinate.texts[j]) == 0;
    if (is_real)
        return memcmp(&a->coordinate.reals[i], &b->coordinate.reals[j], sizeof(double)) == 0;
    return integer_at(a, i) == integer_at(b, j);
}

static int map_dimension(const struct pg_dimension *from, const struct pg_dimension *to,
                         struct dim_map *ret_map, struct pg_error *error)
{
    size_t next = 0;
    ret_map->from_length = from->length;
    ret_map->to = calloc(from->length + 1, sizeof *ret_map->to);
    if (ret_map->to == NULL)
        return out_of_memory(error);
    for (size_t i = 0; i < from->length; i++) {
        size_t tried = 0;
        while (tried < to->length && !is_same_place(from, i, to, (next + tried) % to->length))
            tried++;
        if (tried == to->length)
            return pg_error_set(error, PG_EMISMATCH,
                                "place %zu of dimension '%s' has no place in the new file", i + 1,
                                from->name);
        ret_map->to[i] = (next + tried) % to->length;
        next = ret_map->to[i] + 1;
    }
    return 0;
}

/* ---- one variable ---- */

static size_t place_element(const struct dim_map *maps, size_t dim_count, size_t element)
{
    size_t place = 0;
    for (size_t d = dim_count; d-- > 0;) {
        place += maps[d].to[element % maps[d].from_length] * maps[d].to_stride;
        element /= maps[d].from_length;
    }
    return place;
}

/* ret_pieces: NULL counts them only. */
static size_t cut_pieces(const struct dim_map *maps, size_t dim_count, size_t elements,
                         size_t element_size, struct pg_piece *ret_pieces)
{
    size_t count = 0, end = SIZE_MAX; /* behind the last element's place */
    for (size_t i = 0; i < elements; i++) {
        size_t place = place_element(maps, dim_count, i);
        if (place == end && ret_pieces != NULL)
            ret_pieces[count - 1].size += element_size;
        if (place != end && ret_pieces != NULL)
            ret_pieces[count] =
                (struct pg_piece){i * element_size, place * element_size, element_size};
        count += place != end;
        end = place + 1;
    }
    return count;
}

static int make_pieces(const struct pg_placement *placement, const struct dim_map *maps,
                       struct pg_placed_variable *placed, struct pg_error *error)
{
    const struct pg_variable *from = &placement->from->variables[placed->from];
    size_t elements = pg_layout_row_elements(placement->from, placed->from);
    size_t size = pg_data_type_size(from->type);
    placed->piece_count = cut_pieces(maps, from->dim_count, elements, size, NULL);
    placed->pieces = calloc(placed->piece_count + 1, sizeof *placed->pieces);
    if (placed->pieces == NULL)
        return out_of_memory(error);
    (void)cut_pieces(maps, from->dim_count, elements, size, placed->pieces);
    return 0;
}

static int map_dimensions(const struct pg_placement *placement, const struct pg_variable *from,
                          const struct pg_variable *to, struct dim_map *maps,
                          struct pg_error *error)
{
    size_t stride = 1;
    for (size_t d = from->dim_count; d-- > 0;) {
        const struct pg_dimension *old = &placement->from->dims[from->dims[d]];
        const struct pg_dimension *new = &placement->to->dims[to->dims[d]];
        if (strcmp(old->name, new->name) != 0)
            return pg_error_set(error, PG_EMISMATCH,
                                "variable '%s' is over '%s', in the new file over '%s'", from->name,
                                old->name, new->name);
        maps[d].to_stride = stride;
        stride *= new->length;
        if (map_dimension(old, new, &maps[d], error) != 0)
            return error == NULL ? PG_EMISMATCH : error->status;
    }
    return 0;
}

static int place_variable(const struct pg_placement *placement, size_t variable,
                          struct pg_placed_variable *placed, struct pg_error *error)
{
    const struct pg_variable *from = &placement->from->variables[placed->from];
    const struct pg_variable *to = &placement->to->variables[variable];
    struct dim_map maps[PG_VARIABLE_DIMS_MAX] = {{NULL, 0, 0}};
    if (from->type != to->type || from->dim_count != to->dim_count)
        return pg_error_set(error, PG_EMISMATCH,
                            "variable '%s' has another type or shape than in the new file",
                            from->name);
    int status = map_dimensions(placement, from, to, maps, error);
    if (status == 0)
        status = make_pieces(placement, maps, placed, error);
    for (size_t d = 0; d < PG_VARIABLE_DIMS_MAX; d++)
        free(maps[d].to);
    return status;
}

/* ---- all of them ---- */

static const struct pg_attribute *find_missing(const struct pg_attribute *missing, size_t count,
                                               const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(missing[i].name, name) == 0)
            return &missing[i];
    return NULL;
}

static int check_all_have_places(const struct pg_placement *placement, struct pg_error *error)
{
    for (size_t i = 0; i < placement->from->variable_count; i++) {
        const char *name = placement->from->variables[i].name;
        int there = pg_layout_find_variable(placement->to, name);
        if (pg_layout_is_payload(placement->from, i) &&
            (there < 0 || !pg_layout_is_payload(placement->to, (size_t)there)))
            return pg_error_set(error, PG_EMISMATCH, "variable '%s' has no place in the new file",
                                name);
    }
    return 0;
}

int pg_placement_init(struct pg_placement *placement, const struct pg_layout *from,
                      const struct pg_layout *to, const struct pg_attribute *missing,
                      size_t missing_count, struct pg_error *error)
{
    *placement = (struct pg_placement){.from = from, .to = to};
    placement->variables = calloc(to->variable_count, sizeof *placement->variables);
    if (placement->variables == NULL)
        return out_of_memory(error);
    int status = check_all_have_places(placement, error);
    for (size_t i = 0; i < to->variable_count && status == 0; i++) {
        struct pg_placed_variable *placed = &placement->variables[i];
        int there = pg_layout_find_variable(from, to->variables[i].name);
        placed->is_placed =
            there >= 0 && pg_layout_is_payload(to, i) && pg_layout_is_payload(from, (size_t)there);
        placed->from = there < 0 ? 0 : (size_t)there;
        placed->missing = find_missing(missing, missing_count, to->variables[i].name);
        if (placed->is_placed)
            status = place_variable(placement, i, placed, error);
    }
    return status;
}

void pg_placement_release(struct pg_placement *placement)
{
    for (size_t i = 0; placement->variables != NULL && i < placement->to->variable_count; i++)
        free(placement->variables[i].pieces);
    free(placement->variables);
    *placement = (struct pg_placement){0};
}

void pg_placement_put(const struct pg_placement *placement, const struct pg_block *from,
                      size_t from_index, struct pg_block *to, size_t to_index)
{
    pg_block_clear_row(to, to_index);
    for (size_t i = 0; i < placement->to->variable_count; i++) {
        const struct pg_placed_variable *placed = &placement->variables[i];
        if (!pg_layout_is_payload(placement->to, i))
            continue;
        unsigned char *row = pg_block_at(to, i, to_index);
        if (!placed->is_placed && placed->missing != NULL)
            pg_data_type_fill(placement->to->variables[i].type, placed->missing->number,
                              pg_layout_row_elements(placement->to, i), row);
        if (!placed->is_placed)
            continue;
        const unsigned char *old = pg_block_at(from, placed->from, from_index);
        for (size_t k = 0; k < placed->piece_count; k++)
            memcpy(row + placed->pieces[k].to, old + placed->pieces[k].from,
                   placed->pieces[k].size);
    }
}
