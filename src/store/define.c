/* SPDX-License-Identifier: MIT */
/*
 * How a layout looks as HDF5, in the manners of CF and netCDF-4:
 *
 * - a dimension is a dataset of its coordinate, made an HDF5 dimension scale;
 * - a variable is a contiguous dataset with a scale attached to every dimension, `long_name`,
 *   `units`, and for codes `flag_values` (of the variable's type) with `flag_meanings`;
 * - floating variables carry `_FillValue` = NaN, integer ones none, so that they stay integer in
 *   xarray; what is not yet written is a code of its own among the flags;
 * - text is variable-length UTF-8; links and attributes keep their order.
 *
 * `grid_dims` (root) and `scope` (variables) are what the reader needs beyond that.
 */
#include "define.h"

#include <assert.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_crc.h"
#include "rows.h"

static const char *const scope_names[] = {
    [PG_SCOPE_RUN] = "run", [PG_SCOPE_CELL] = "cell", [PG_SCOPE_AXIS] = "axis"};

hid_t pg_define_ordered(hid_t property_class)
{
    const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
    hid_t list = H5Pcreate(property_class);
    bool has_links = H5Pisa_class(list, H5P_GROUP_CREATE) > 0;
    if (H5Pset_attr_creation_order(list, order) < 0 ||
        (has_links && H5Pset_link_creation_order(list, order) < 0)) {
        pg_h5_release(list);
        return H5I_INVALID_HID;
    }
    return list;
}

hid_t pg_define_dataset(hid_t place, const char *name, enum pg_data_type type, hid_t space,
                        double fill, H5D_fill_time_t fill_time)
{
    hid_t list = pg_define_ordered(H5P_DATASET_CREATE), dataset = H5I_INVALID_HID;
    unsigned char element[sizeof(double)];
    pg_data_type_put(type, fill, element);
    if (H5Pset_layout(list, H5D_CONTIGUOUS) >= 0 &&
        H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0 &&
        H5Pset_fill_time(list, fill_time) >= 0 &&
        H5Pset_fill_value(list, pg_h5_memory_type(type), element) >= 0)
        dataset =
            H5Dcreate2(place, name, pg_h5_file_type(type), space, H5P_DEFAULT, list, H5P_DEFAULT);
    pg_h5_release(list);
    return dataset;
}

static hid_t define_texts(hid_t place, const char *name, hid_t space)
{
    hid_t list = pg_define_ordered(H5P_DATASET_CREATE), type = pg_h5_text_type();
    hid_t dataset = H5Dcreate2(place, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    pg_h5_release(type);
    pg_h5_release(list);
    return dataset;
}

static herr_t write_texts(hid_t dataset, const char *const *texts)
{
    hid_t type = pg_h5_text_type();
    herr_t result = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, (const void *)texts);
    pg_h5_release(type);
    return result;
}

static int put_text_if(hid_t object, const char *name, const char *text, struct pg_error *error)
{
    return text != NULL && text[0] != '\0' ? pg_h5_put_text(object, name, text, error) : 0;
}

static int put_attributes(hid_t object, const struct pg_attribute *attributes, size_t count,
                          struct pg_error *error)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        const struct pg_attribute *attribute = &attributes[i];
        double number = attribute->number;
        bool is_whole = number > -0x1p53 && number < 0x1p53 && number == (double)(int64_t)number;
        if (attribute->text != NULL)
            status = pg_h5_put_text(object, attribute->name, attribute->text, error);
        else
            status = pg_h5_put_numbers(object, attribute->name, is_whole ? PG_I64 : PG_F64, &number,
                                       0, error);
    }
    return status;
}

static int64_t *index_values(size_t length)
{
    int64_t *values = calloc(length + 1, sizeof *values);
    for (size_t i = 0; i < length && values != NULL; i++)
        values[i] = (int64_t)i;
    return values;
}

/* The scale's dataset with its coordinate in it; negative when HDF5 or memory failed. */
static hid_t define_scale(hid_t file, const struct pg_dimension *dim, hid_t space)
{
    bool is_text = dim->kind == PG_COORDINATE_TEXT, is_real = dim->kind == PG_COORDINATE_REAL;
    enum pg_data_type type = is_real ? PG_F64 : PG_I64;
    int64_t *index = dim->kind == PG_COORDINATE_INDEX ? index_values(dim->length) : NULL;
    const void *values = is_real         ? (const void *)dim->coordinate.reals
                         : index != NULL ? (const void *)index
                                         : (const void *)dim->coordinate.integers;
    hid_t scale = is_text
                      ? define_texts(file, dim->name, space)
                      : pg_define_dataset(file, dim->name, type, space, 0.0, H5D_FILL_TIME_ALLOC);
    herr_t result = -1;
    if (scale >= 0)
        result = is_text ? write_texts(scale, dim->coordinate.texts)
                         : H5Dwrite(scale, pg_h5_memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                    values);
    if (result >= 0)
        result = H5DSset_scale(scale, dim->name);
    free(index);
    if (result >= 0)
        return scale;
    pg_h5_release(scale);
    return H5I_INVALID_HID;
}

static int define_dimension(hid_t file, const struct pg_dimension *dim, struct pg_error *error)
{
    const hsize_t length = dim->length;
    hid_t space = H5Screate_simple(1, &length, NULL);
    hid_t scale = define_scale(file, dim, space);
    int status = 0;
    if (scale < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot create dimension '%s'", dim->name);
    if (status == 0)
        status = put_text_if(scale, "long_name", dim->long_name, error);
    if (status == 0)
        status = put_text_if(scale, "units", dim->units, error);
    pg_h5_release(scale);
    pg_h5_release(space);
    return status;
}

static bool is_over(const struct pg_layout *layout, size_t axis_variable, const size_t *dims,
                    size_t rank)
{
    const struct pg_variable *axis = &layout->variables[axis_variable];
    size_t found = 0;
    for (size_t i = 0; i < axis->dim_count; i++)
        for (size_t k = 0; k < rank; k++)
            found += axis->dims[i] == dims[k];
    return axis->scope == PG_SCOPE_AXIS && axis->dim_count > 0 && found == axis->dim_count;
}

void pg_define_coordinates(const struct pg_layout *layout, size_t variable, char *text, size_t size)
{
    size_t dims[H5S_MAX_RANK], rank = pg_rows_dims(layout, variable, dims), used = 0;
    text[0] = '\0';
    if (layout->variables[variable].scope == PG_SCOPE_AXIS)
        return;
    for (size_t i = 0; i < layout->variable_count; i++) {
        const char *name = layout->variables[i].name;
        if (!is_over(layout, i, dims, rank) || used + strlen(name) + 2 > size)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", name);
    }
}

/* Codes with meanings: 0, 1, ... and, last, the one of what is not yet written. */
static int put_flags(hid_t dataset, const struct pg_variable *variable, struct pg_error *error)
{
    double values[256];
    char meanings[2000] = "";
    size_t count = 0, used = 0;
    const char *const *known = variable->meanings;
    while (known != NULL && known[count] != NULL && count < 255) {
        used += (size_t)snprintf(meanings + used, sizeof meanings - used, "%s%s",
                                 count > 0 ? " " : "", known[count]);
        values[count] = (double)count;
        count++;
        assert(used < sizeof meanings);
    }
    if (variable->unwritten_meaning != NULL) {
        used += (size_t)snprintf(meanings + used, sizeof meanings - used, "%s%s",
                                 count > 0 ? " " : "", variable->unwritten_meaning);
        values[count++] = variable->fill;
        assert(used < sizeof meanings);
    }
    if (count == 0)
        return 0;
    int status = pg_h5_put_numbers(dataset, "flag_values", variable->type, values, count, error);
    return status == 0 ? pg_h5_put_text(dataset, "flag_meanings", meanings, error) : status;
}

static int put_variable_attributes(hid_t dataset, const struct pg_layout *layout, size_t at,
                                   struct pg_error *error)
{
    const struct pg_variable *variable = &layout->variables[at];
    const double nan = PG_NAN, yes = 1.0;
    bool is_float = variable->type == PG_F32 || variable->type == PG_F64;
    char coordinates[1000];
    pg_define_coordinates(layout, at, coordinates, sizeof coordinates);
    int status = put_text_if(dataset, "long_name", variable->long_name, error);
    if (status == 0)
        status = put_text_if(dataset, "units", variable->units, error);
    if (status == 0)
        status = put_flags(dataset, variable, error);
    if (status == 0 && is_float && variable->texts == NULL)
        status = pg_h5_put_numbers(dataset, "_FillValue", variable->type, &nan, 0, error);
    if (status == 0 && variable->is_volatile)
        status = pg_h5_put_numbers(dataset, "volatile", PG_I32, &yes, 0, error);
    if (status == 0)
        status = put_text_if(dataset, "coordinates", coordinates, error);
    if (status == 0)
        status = pg_h5_put_text(dataset, "scope", scope_names[variable->scope], error);
    if (status == 0)
        status = put_attributes(dataset, variable->attributes, variable->attribute_count, error);
    return status;
}

/* The dataset with its creation-time data in it and its scales attached; negative: failed. */
static hid_t define_dataset(hid_t file, const struct pg_layout *layout, size_t at)
{
    const struct pg_variable *variable = &layout->variables[at];
    size_t dims[H5S_MAX_RANK], rank = pg_rows_dims(layout, at, dims);
    hsize_t lengths[H5S_MAX_RANK];
    for (size_t i = 0; i < rank; i++)
        lengths[i] = layout->dims[dims[i]].length;
    hid_t space = rank > 0 ? H5Screate_simple((int)rank, lengths, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset =
        variable->texts != NULL
            ? define_texts(file, variable->name, space)
            : pg_define_dataset(file, variable->name, variable->type, space, variable->fill,
                                variable->scope == PG_SCOPE_RUN ? H5D_FILL_TIME_NEVER
                                                                : H5D_FILL_TIME_ALLOC);
    herr_t result = dataset < 0 ? -1 : 0;
    if (result >= 0 && variable->texts != NULL)
        result = write_texts(dataset, variable->texts);
    else if (result >= 0 && variable->data != NULL)
        result = H5Dwrite(dataset, pg_h5_memory_type(variable->type), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                          variable->data);
    for (size_t i = 0; i < rank && result >= 0; i++) {
        hid_t scale = H5Dopen2(file, layout->dims[dims[i]].name, H5P_DEFAULT);
        result = scale < 0 ? -1 : H5DSattach_scale(dataset, scale, (unsigned)i);
        pg_h5_release(scale);
    }
    pg_h5_release(space);
    if (result >= 0)
        return dataset;
    pg_h5_release(dataset);
    return H5I_INVALID_HID;
}

static int define_variable(hid_t file, const struct pg_layout *layout, size_t at,
                           struct pg_error *error)
{
    hid_t dataset = define_dataset(file, layout, at);
    if (dataset < 0)
        return pg_h5_fail(error, PG_EMACHINE, "cannot create variable '%s'",
                          layout->variables[at].name);
    int status = put_variable_attributes(dataset, layout, at, error);
    if (status != 0)
        (void)pg_error_prefix(error, "variable '%s'", layout->variables[at].name);
    pg_h5_release(dataset);
    return status;
}

static int put_root_attributes(hid_t file, const struct pg_layout *layout, struct pg_error *error)
{
    char names[2000] = "";
    size_t used = 0;
    for (size_t i = 0; i < layout->grid_count; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? " " : "",
                                 layout->dims[i].name);
        assert(used < sizeof names);
    }
    int status = pg_h5_put_text(file, "format", PG_STORE_FORMAT, error);
    if (status == 0)
        status = pg_h5_put_text(file, "grid_dims", names, error);
    if (status == 0)
        status = put_attributes(file, layout->attributes, layout->attribute_count, error);
    return status;
}

static int put_frame_crc(hid_t file, const struct pg_layout *layout, struct pg_error *error)
{
    double crc = pg_frame_crc(layout);
    return pg_h5_put_numbers(file, PG_FRAME_CRC_ATTRIBUTE, PG_I64, &crc, 0, error);
}

int pg_define_layout(hid_t file, const struct pg_layout *layout, struct pg_error *error)
{
    int status = put_root_attributes(file, layout, error);
    for (size_t i = 0; i < layout->dim_count && status == 0; i++)
        status = define_dimension(file, &layout->dims[i], error);
    for (size_t i = 0; i < layout->variable_count && status == 0; i++)
        status = define_variable(file, layout, i, error);
    if (status == 0)
        status = put_frame_crc(file, layout, error);
    return status;
}
